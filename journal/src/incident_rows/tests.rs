use super::*;
use crate::snapshot::SLICE_BYTES_MAX;

fn incident(n: u8) -> IncidentId {
    IncidentId::from_bytes([n; 16])
}

fn numbered(n: u64) -> IncidentId {
    let mut bytes = [1; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    IncidentId::from_bytes(bytes)
}

fn entry(offset: u64, text: &'static str) -> (Offset, Bytes) {
    (Offset(offset), Bytes::from_static(text.as_bytes()))
}

/// The table of a snapshot.
#[derive(Default)]
struct Table {
    rows: BTreeMap<Bytes, Row>,
    resume_at: Option<Offset>,
}

impl Table {
    fn write(&mut self, slices: &[SnapshotSlice]) {
        for slice in slices {
            assert!(slice.bytes() <= SLICE_BYTES_MAX);
            for row in &slice.rows {
                self.rows.insert(row.key.clone(), row.clone());
            }
            for key in &slice.deletions {
                self.rows.remove(key);
            }
            self.resume_at = slice.resume_at.or(self.resume_at);
        }
    }

    fn kept(&self) -> Kept {
        read_rows(self.rows.values().cloned().map(Ok::<_, ()>)).unwrap()
    }
}

#[test]
fn entries_come_back_in_their_rows_and_a_forgotten_incident_takes_its_rows_along() {
    let (mut gathered, mut table) = (Gathered::default(), Table::default());
    gathered.add(Some(incident(1)), Offset(0), Bytes::from_static(b"a"));
    gathered.add(None, Offset(1), Bytes::from_static(b"map"));
    gathered.add(Some(incident(1)), Offset(2), Bytes::from_static(b"bc"));
    let slices = gathered.slices(Offset(3));
    assert_eq!(slices.len(), 1);
    table.write(&slices);
    gathered.written();
    assert_eq!(table.resume_at, Some(Offset(3)));
    assert_eq!(
        table.kept().alerts,
        [entry(0, "a"), entry(1, "map"), entry(2, "bc")]
    );

    gathered.add(Some(incident(1)), Offset(3), Bytes::from_static(b"d"));
    let next = gathered.slices(Offset(4));
    assert_eq!(next[0].after, Offset(3), "what was written before");
    assert_eq!(gathered.slices(Offset(4)), next, "until it is written");
    table.write(&next);
    gathered.written();
    gathered.replace(incident(1), Vec::new());
    table.write(&gathered.slices(Offset(4)));
    gathered.written();
    assert_eq!(table.kept().alerts, [entry(1, "map")]);
    assert!(gathered.is_empty() && gathered.rows.is_empty());
}

#[test]
fn what_is_left_of_an_incident_takes_the_place_of_its_rows() {
    let (mut gathered, mut table) = (Gathered::default(), Table::default());
    for n in 0..4 {
        gathered.add(Some(incident(1)), Offset(n), Bytes::from_static(b"x"));
        gathered.put_newest_track(incident(1), Offset(n), Bytes::from_static(b"t"));
        table.write(&gathered.slices(Offset(n + 1)));
        gathered.written();
    }
    assert_eq!(table.rows.len(), 5);
    gathered.replace(incident(1), vec![entry(0, "x"), entry(3, "x")]);
    table.write(&gathered.slices(Offset(4)));
    gathered.written();
    assert_eq!(table.rows.len(), 1, "one row, and no position");
    assert_eq!(table.kept().alerts, [entry(0, "x"), entry(3, "x")]);
    gathered.replace(incident(1), Vec::new());
    table.write(&gathered.slices(Offset(4)));
    assert!(table.rows.is_empty());
}

#[test]
fn one_row_has_the_newest_position() {
    let (mut gathered, mut table) = (Gathered::default(), Table::default());
    assert!(!gathered.has_newest_track(incident(1)));
    gathered.add(Some(incident(1)), Offset(0), Bytes::from_static(b"a"));
    for n in 5..8 {
        gathered.put_newest_track(incident(1), Offset(n), Bytes::from_static(b"t"));
        table.write(&gathered.slices(Offset(1)));
        gathered.written();
        assert!(gathered.has_newest_track(incident(1)));
    }
    let kept = table.kept();
    assert_eq!(kept.alerts, [entry(0, "a")]);
    assert_eq!(kept.newest_tracks, [entry(7, "t")]);
}

#[test]
fn much_is_cut_into_slices_that_the_journal_takes() {
    let mut gathered = Gathered::default();
    for n in 0..4_000 {
        gathered.add(Some(incident(1)), Offset(n), Bytes::from(vec![7; 1_000]));
    }
    let slices = gathered.slices(Offset(4_000));
    assert!(slices.len() > 1);
    let ends: Vec<_> = slices.iter().map(|slice| slice.resume_at).collect();
    assert!(ends[..ends.len() - 1].iter().all(Option::is_none));
    assert!(slices.iter().map(|slice| slice.part).eq(0..slices.len()));
    let mut table = Table::default();
    table.write(&slices);
    assert_eq!(table.kept().alerts.len(), 4_000);
}

#[test]
fn many_deletions_are_cut_into_slices_too() {
    const INCIDENTS: u64 = 60_000;
    let (mut gathered, mut table) = (Gathered::default(), Table::default());
    for n in 0..INCIDENTS {
        gathered.add(Some(numbered(n)), Offset(n), Bytes::from_static(b"x"));
    }
    table.write(&gathered.slices(Offset(INCIDENTS)));
    gathered.written();
    for n in 0..INCIDENTS {
        gathered.replace(numbered(n), Vec::new());
    }
    gathered.add(None, Offset(INCIDENTS), Bytes::from_static(b"open"));
    let slices = gathered.slices(Offset(INCIDENTS + 1));
    assert!(slices.len() > 2, "more than a mebibyte of keys");
    table.write(&slices);
    assert_eq!(table.kept().alerts, [entry(INCIDENTS, "open")]);
}

#[test]
fn whatever_slice_fails_everything_is_written_next_time() {
    let fill = |gathered: &mut Gathered| {
        for n in 0..30_000 {
            gathered.add(Some(numbered(n)), Offset(n), Bytes::from(vec![7; 30]));
        }
        gathered.put_newest_track(numbered(0), Offset(1), Bytes::from_static(b"t"));
        gathered.replace(incident(9), vec![entry(40_000, "left")]);
    };
    let count = {
        let mut gathered = Gathered::default();
        fill(&mut gathered);
        gathered.slices(Offset(50_000)).len()
    };
    assert!(count > 2);
    for failing in 0..count {
        let (mut gathered, mut table) = (Gathered::default(), Table::default());
        for n in 39_990..40_000 {
            gathered.add(Some(incident(9)), Offset(n), Bytes::from_static(b"old"));
        }
        table.write(&gathered.slices(Offset(40_000)));
        gathered.written();
        fill(&mut gathered);
        table.write(&gathered.slices(Offset(50_000))[..failing]);
        assert_eq!(table.resume_at, Some(Offset(40_000)));
        // What comes while the slices are under way is not lost either, and neither is what goes.
        gathered.add(
            Some(numbered(1)),
            Offset(50_000),
            Bytes::from_static(b"new"),
        );
        gathered.replace(numbered(2), Vec::new());
        gathered.failed();
        table.write(&gathered.slices(Offset(50_001)));
        gathered.written();
        let kept = table.kept();
        assert_eq!(table.resume_at, Some(Offset(50_001)));
        assert_eq!(kept.alerts.len(), 30_000 - 1 + 2, "failing at {failing}");
        assert!(kept.alerts.contains(&entry(40_000, "left")));
        assert!(kept.alerts.contains(&entry(50_000, "new")));
        assert!(!kept.alerts.iter().any(|(offset, _)| *offset == Offset(2)));
        assert_eq!(kept.newest_tracks, [entry(1, "t")]);
        let keys: usize = gathered.rows.values().map(BTreeSet::len).sum();
        assert_eq!(keys, table.rows.len(), "no row is lost from sight");
    }
}

#[test]
fn a_row_cut_short_keeps_what_is_whole() {
    let mut gathered = Gathered::default();
    gathered.add(None, Offset(1), Bytes::from_static(b"abc"));
    gathered.add(None, Offset(2), Bytes::from_static(b"def"));
    let row = gathered.slices(Offset(3)).remove(0).rows.remove(0);
    for end in 0..row.value.len() {
        assert!(read_row(row.value.slice(..end)).len() < 2);
    }
}

use super::*;
use crate::batcher::{BatchId, Run};
use crate::io::sim_backend::SimDisk;
use crate::offset::LogName::{Alerts, Tracks};
use crate::snapshot::{Row, SLICE_BYTES_MAX, SnapshotSlice};
use crate::trim::RETENTION_MS;
use bytes::Bytes;

mod crash;

const CACHE: usize = 1 << 20;

fn open(disk: &SimDisk) -> Result<Store, OpenError> {
    Store::open(disk.backend(), CACHE, false)
}

fn entry(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn append(store: &Store, log: LogName, entries: &[&str], now_ms: u64) {
    let ends = store.ends();
    let mut runs = PerLog {
        alerts: Run {
            first: ends.alerts,
            entries: vec![],
        },
        tracks: Run {
            first: ends.tracks,
            entries: vec![],
        },
    };
    runs.get_mut(log).entries = entries.iter().map(|text| entry(text)).collect();
    store
        .commit(
            &Batch {
                id: BatchId(0),
                runs,
            },
            now_ms,
        )
        .unwrap();
}

fn row(key: &str, value: &str, folded_to: u64) -> Row {
    Row {
        key: entry(key),
        value: entry(value),
        folded_to: Offset(folded_to),
    }
}

fn last_slice(rows: Vec<Row>, resume_at: u64) -> SnapshotSlice {
    SnapshotSlice {
        rows,
        deletions: vec![],
        resume_at: Some(Offset(resume_at)),
        ..SnapshotSlice::default()
    }
}

#[test]
fn reading_starts_inside_a_batch_and_ends_at_its_bound() {
    let store = open(&SimDisk::new()).unwrap();
    append(&store, Alerts, &["a", "b", "c"], 1);
    append(&store, Alerts, &["d"], 2);
    let from = |offset, bytes| store.read_at(Alerts, Offset(offset), bytes).unwrap();
    assert_eq!(
        from(1, 1 << 20),
        ReadAt::Entries(vec![entry("b"), entry("c"), entry("d")])
    );
    assert_eq!(from(1, 1), ReadAt::Entries(vec![entry("b"), entry("c")]));
    assert_eq!(from(3, 1), ReadAt::Entries(vec![entry("d")]));
    assert_eq!(from(4, 1), ReadAt::End);
    assert_eq!(from(5, 1), ReadAt::Beyond { end: Offset(4) });
    assert_eq!(store.read_at(Tracks, Offset(0), 1).unwrap(), ReadAt::End);
}

#[test]
fn what_is_committed_and_not_yet_counted_is_not_read() {
    let store = open(&SimDisk::new()).unwrap();
    append(&store, Alerts, &["a"], 0);
    // The commit thread between its commit and its count: a cursor behind this would look rewound.
    let value = batch::encode(0, &[entry("b")]);
    let commit = |txn: &WriteTransaction| {
        txn.open_table(table(Alerts))?.insert(1, value.as_slice())?;
        Ok(())
    };
    store.write("test", commit).unwrap();
    assert_eq!(
        store.read_at(Alerts, Offset(0), 1 << 20),
        Ok(ReadAt::Entries(vec![entry("a")]))
    );
    assert_eq!(store.read_at(Alerts, Offset(1), 1 << 20), Ok(ReadAt::End));
}

#[test]
fn a_log_that_was_trimmed_to_nothing_goes_on_where_it_was() {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    append(&store, Tracks, &["a", "b"], 0);
    assert_eq!(store.trim(Tracks, RETENTION_MS - 1).unwrap().batches, 0);
    assert_eq!(store.trim(Tracks, RETENTION_MS).unwrap().batches, 1);
    assert_eq!(store.first(Tracks), Ok(Offset(2)));
    store.close().unwrap();
    let store = open(&disk).unwrap();
    assert_eq!(store.ends().tracks, Offset(2));
    let gap = ReadAt::Gap {
        first_available: Offset(2),
    };
    assert_eq!(store.read_at(Tracks, Offset(0), 1), Ok(gap));
}

#[test]
fn alerts_are_trimmed_by_the_confirmed_snapshot_minus_an_hour_and_nothing_else() {
    let store = open(&SimDisk::new()).unwrap();
    append(&store, Alerts, &["old"], 1_000);
    append(&store, Alerts, &["covered, young"], 5_000);
    append(&store, Alerts, &["old, not covered"], 1_000);
    assert_eq!(
        store.trim(Alerts, u64::MAX).unwrap().batches,
        0,
        "no snapshot"
    );
    let unfinished = SnapshotSlice {
        rows: vec![row("i", "s", 2)],
        ..Default::default()
    };
    store.snapshot_write(&unfinished, u64::MAX).unwrap();
    assert_eq!(
        store.trim(Alerts, u64::MAX).unwrap().batches,
        0,
        "no finished snapshot"
    );
    store
        .snapshot_write(&last_slice(vec![], 2), 1_000 + RETENTION_MS)
        .unwrap();
    assert_eq!(store.trim(Alerts, u64::MAX).unwrap().batches, 1);
    assert_eq!(store.first(Alerts), Ok(Offset(1)));
}

#[test]
fn trimming_deletes_at_most_256_batches_at_once() {
    let store = open(&SimDisk::new()).unwrap();
    for _ in 0..300 {
        append(&store, Tracks, &["t"], 0);
    }
    let first = store.trim(Tracks, RETENTION_MS).unwrap();
    assert_eq!((first.batches, first.is_full()), (256, true));
    assert_eq!(store.trim(Tracks, RETENTION_MS).unwrap().batches, 44);
}

#[test]
fn live_bytes_are_what_a_new_opening_counts() {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    append(&store, Alerts, &["a", "bc"], 0);
    append(&store, Tracks, &["t"], 0);
    append(&store, Tracks, &["t"], RETENTION_MS);
    store
        .snapshot_write(
            &last_slice(vec![row("i", "one", 1), row("j", "x", 1)], 1),
            0,
        )
        .unwrap();
    store
        .snapshot_write(&last_slice(vec![row("i", "longer", 1)], 1), 0)
        .unwrap();
    let gone = SnapshotSlice {
        deletions: vec![entry("j"), entry("?")],
        ..Default::default()
    };
    store.snapshot_write(&gone, 0).unwrap();
    assert_eq!(store.trim(Tracks, RETENTION_MS).unwrap().batches, 1);
    let counted = store.size();
    assert!(0 < counted.track_bytes && counted.track_bytes < counted.live_bytes);
    store.close().unwrap();
    assert_eq!(open(&disk).unwrap().size(), counted);
}

#[test]
fn a_slice_too_large_or_ahead_of_the_log_changes_nothing() {
    let store = open(&SimDisk::new()).unwrap();
    let half = "x".repeat(SLICE_BYTES_MAX / 2);
    let large = last_slice(vec![row("a", &half, 0), row("b", &half, 0)], 0);
    let error = store.snapshot_write(&large, 0).unwrap_err();
    assert!(matches!(error, StoreError::SliceTooLarge { .. }), "{error}");
    let error = store
        .snapshot_write(&last_slice(vec![row("a", "", 0)], 1), 0)
        .unwrap_err();
    assert_eq!(
        error,
        StoreError::SnapshotAhead {
            resume_at: 1,
            end: 0
        }
    );
    let snapshot = store.snapshot_read().unwrap();
    assert_eq!((snapshot.resume_at, snapshot.rows.count()), (None, 0));
    append(&store, Alerts, &["the store is well"], 0);
}

#[test]
fn a_batch_that_nobody_can_read_is_a_gap_and_stops_nobody() {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    append(&store, Alerts, &["a"], 0);
    append(&store, Alerts, &["b", "c"], 0);
    append(&store, Alerts, &["d"], 0);
    let damage = |first: u64, value: &[u8]| {
        store.write("test", |txn| {
            txn.open_table(table(Alerts))?.insert(first, value)?;
            Ok(())
        })
    };
    // Two entries are declared, one is there.
    damage(1, b"\x01\0\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0b").unwrap();
    let from = |offset| store.read_at(Alerts, Offset(offset), 1 << 20).unwrap();
    assert_eq!(from(0), ReadAt::Entries(vec![entry("a")]));
    assert_eq!(
        from(1),
        ReadAt::Gap {
            first_available: Offset(3)
        }
    );
    assert_eq!(from(3), ReadAt::Entries(vec![entry("d")]));
    // Nobody can say how many it has, but not those that stand behind it.
    damage(1, b"noise").unwrap();
    assert_eq!(
        from(1),
        ReadAt::Gap {
            first_available: Offset(3)
        }
    );
    damage(3, b"noise").unwrap();
    store.close().unwrap();
    let store = open(&disk).unwrap();
    let end = store.ends().alerts;
    assert_eq!(
        end,
        Offset(3 + DAMAGED_BATCH_ENTRIES),
        "no offset is given twice"
    );
    append(&store, Alerts, &["e"], 0);
    let gap = ReadAt::Gap {
        first_available: end,
    };
    assert_eq!(store.read_at(Alerts, Offset(3), 1 << 20), Ok(gap));
    assert_eq!(
        store.read_at(Alerts, end, 1),
        Ok(ReadAt::Entries(vec![entry("e")]))
    );
}

#[test]
fn a_file_of_a_newer_release_is_refused_and_left_alone() {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    let newer = |txn: &WriteTransaction| {
        txn.open_table(META)?
            .insert(META_FORMAT, FORMAT_VERSION + 1)?;
        Ok(())
    };
    store.write("test", newer).unwrap();
    store.close().unwrap();
    let error = open(&disk).unwrap_err().at(std::path::Path::new("j.redb"));
    let message =
        "the journal j.redb has format 2, this release reads up to 1; start the newer one";
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_closed_store_says_so() {
    let store = open(&SimDisk::new()).unwrap();
    store.close().unwrap();
    store.close().unwrap();
    assert_eq!(store.read_at(Alerts, Offset(0), 1), Err(StoreError::Closed));
    assert_eq!(store.trim(Tracks, u64::MAX), Err(StoreError::Closed));
}

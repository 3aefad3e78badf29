//! A snapshot is the entries that made the board, by incident: nothing but the log's own format,
//! sealed as it is there, and a row grows by what is new. Whoever folds the log can begin with it.
//!
//! Key: 16 bytes of the incident (zeros for what belongs to none), then the offset of the row's
//! first entry, big-endian. Value: for each entry its offset (8 bytes, big-endian), its length (4)
//! and its bytes.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use protocol::IncidentId;

use crate::offset::Offset;
use crate::snapshot::{Row, SnapshotSlice};

/// Bytes of entries that go into one row before the next is begun, so that a row fits in a slice.
const ROW_BYTES: usize = 256 * 1024;

/// Bytes of rows that go into one slice; the journal takes up to 1 MiB at once.
const SLICE_BYTES: usize = 512 * 1024;

const KEY_BYTES: usize = 24;

/// Entries since the last snapshot, and where earlier rows begin.
#[derive(Debug, Default)]
pub struct Gathered {
    fresh: BTreeMap<Option<IncidentId>, Vec<(Offset, Bytes)>>,
    rows: BTreeMap<IncidentId, Vec<Offset>>,
    gone: Vec<IncidentId>,
}

impl Gathered {
    /// Takes an entry that the board has folded; `None` for what belongs to no incident.
    pub fn add(&mut self, incident: Option<IncidentId>, offset: Offset, entry: Bytes) {
        self.fresh
            .entry(incident)
            .or_default()
            .push((offset, entry));
    }

    /// Takes note of a row that an earlier snapshot holds.
    pub fn know_row(&mut self, key: &[u8]) {
        if let Some((Some(incident), first)) = read_key(key) {
            self.rows.entry(incident).or_default().push(first);
        }
    }

    /// Takes note that the board no longer has an incident.
    pub fn forget(&mut self, incident: IncidentId) {
        self.fresh.remove(&Some(incident));
        self.gone.push(incident);
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fresh.values().map(Vec::len).sum()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.gone.is_empty()
    }

    /// What to write, in order; the last slice says where a reader goes on.
    #[must_use]
    pub fn take_slices(&mut self, resume_at: Offset) -> Vec<SnapshotSlice> {
        let mut slices = vec![SnapshotSlice::default()];
        for (incident, entries) in std::mem::take(&mut self.fresh) {
            for row in rows_of(incident, &entries, resume_at) {
                if let Some((Some(incident), first)) = read_key(&row.key) {
                    self.rows.entry(incident).or_default().push(first);
                }
                let full = slices
                    .last()
                    .is_some_and(|slice| slice.bytes() >= SLICE_BYTES);
                if full {
                    slices.push(SnapshotSlice::default());
                }
                if let Some(slice) = slices.last_mut() {
                    slice.rows.push(row);
                }
            }
        }
        let gone = std::mem::take(&mut self.gone);
        let deletions = gone.into_iter().flat_map(|incident| {
            let firsts = self.rows.remove(&incident).unwrap_or_default();
            firsts
                .into_iter()
                .map(move |first| write_key(Some(incident), first))
        });
        if let Some(last) = slices.last_mut() {
            last.deletions = deletions.collect();
            last.resume_at = Some(resume_at);
        }
        slices
    }
}

fn rows_of(
    incident: Option<IncidentId>,
    entries: &[(Offset, Bytes)],
    folded_to: Offset,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut value = BytesMut::new();
    let mut first = None;
    for (offset, entry) in entries {
        let Ok(length) = u32::try_from(entry.len()) else {
            continue;
        };
        first.get_or_insert(*offset);
        value.put_u64(offset.0);
        value.put_u32(length);
        value.put_slice(entry);
        if value.len() >= ROW_BYTES {
            let key = write_key(incident, first.take().unwrap_or(*offset));
            rows.push(Row {
                key,
                value: value.split().freeze(),
                folded_to,
            });
        }
    }
    if let Some(first) = first {
        rows.push(Row {
            key: write_key(incident, first),
            value: value.freeze(),
            folded_to,
        });
    }
    rows
}

/// The entries of a row, in the order of the log. What is cut short ends the row.
#[must_use]
pub fn read_row(mut value: Bytes) -> Vec<(Offset, Bytes)> {
    let mut entries = Vec::new();
    while value.len() >= 12 {
        let offset = Offset(value.get_u64());
        let length = value.get_u32() as usize;
        if length > value.len() {
            break;
        }
        entries.push((offset, value.split_to(length)));
    }
    entries
}

/// The entries of all rows in the order of the log.
///
/// # Errors
/// The first error of the rows.
pub fn entries<E>(
    rows: impl IntoIterator<Item = Result<Row, E>>,
) -> Result<Vec<(Offset, Bytes)>, E> {
    let mut entries = Vec::new();
    for row in rows {
        entries.extend(read_row(row?.value));
    }
    entries.sort_by_key(|(offset, _)| *offset);
    Ok(entries)
}

fn write_key(incident: Option<IncidentId>, first: Offset) -> Bytes {
    let mut key = BytesMut::with_capacity(KEY_BYTES);
    key.put_slice(
        incident
            .as_ref()
            .map_or(&[0; 16], |incident| incident.as_bytes()),
    );
    key.put_u64(first.0);
    key.freeze()
}

fn read_key(key: &[u8]) -> Option<(Option<IncidentId>, Offset)> {
    let incident: [u8; 16] = key.get(..16)?.try_into().ok()?;
    let first = u64::from_be_bytes(key.get(16..)?.try_into().ok()?);
    let incident = (incident != [0; 16]).then(|| IncidentId::from_bytes(incident));
    Some((incident, Offset(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident(n: u8) -> IncidentId {
        IncidentId::from_bytes([n; 16])
    }

    #[test]
    fn entries_come_back_in_their_rows_and_a_buried_incident_takes_its_rows_along() {
        let mut gathered = Gathered::default();
        gathered.add(Some(incident(1)), Offset(0), Bytes::from_static(b"a"));
        gathered.add(None, Offset(1), Bytes::from_static(b"map"));
        gathered.add(Some(incident(1)), Offset(2), Bytes::from_static(b"bc"));
        let slices = gathered.take_slices(Offset(3));
        assert_eq!(slices.len(), 1);
        assert_eq!(slices[0].resume_at, Some(Offset(3)));
        let mut entries: Vec<_> = slices[0]
            .rows
            .iter()
            .flat_map(|row| read_row(row.value.clone()))
            .collect();
        entries.sort();
        let expected = [(Offset(0), "a"), (Offset(1), "map"), (Offset(2), "bc")]
            .map(|(offset, entry)| (offset, Bytes::from_static(entry.as_bytes())));
        assert_eq!(entries, expected);

        gathered.add(Some(incident(1)), Offset(3), Bytes::from_static(b"d"));
        let _ = gathered.take_slices(Offset(4));
        gathered.forget(incident(1));
        let slices = gathered.take_slices(Offset(4));
        let deleted: Vec<_> = slices[0]
            .deletions
            .iter()
            .map(|key| read_key(key))
            .collect();
        assert_eq!(
            deleted,
            [
                Some((Some(incident(1)), Offset(0))),
                Some((Some(incident(1)), Offset(3)))
            ]
        );
    }

    #[test]
    fn much_is_cut_into_slices_that_the_journal_takes() {
        let mut gathered = Gathered::default();
        for n in 0..4_000 {
            gathered.add(Some(incident(1)), Offset(n), Bytes::from(vec![7; 1_000]));
        }
        let slices = gathered.take_slices(Offset(4_000));
        assert!(slices.len() > 1);
        assert!(
            slices
                .iter()
                .all(|slice| slice.bytes() <= crate::snapshot::SLICE_BYTES_MAX)
        );
        let ends: Vec<_> = slices.iter().map(|slice| slice.resume_at).collect();
        assert!(ends[..ends.len() - 1].iter().all(Option::is_none));
        let entries: usize = slices
            .iter()
            .flat_map(|slice| &slice.rows)
            .map(|row| read_row(row.value.clone()).len())
            .sum();
        assert_eq!(entries, 4_000);
    }

    #[test]
    fn a_row_cut_short_keeps_what_is_whole() {
        let mut gathered = Gathered::default();
        gathered.add(None, Offset(1), Bytes::from_static(b"abc"));
        gathered.add(None, Offset(2), Bytes::from_static(b"def"));
        let row = gathered.take_slices(Offset(3)).remove(0).rows.remove(0);
        for end in 0..row.value.len() {
            assert!(read_row(row.value.slice(..end)).len() < 2);
        }
    }
}

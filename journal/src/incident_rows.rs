//! A snapshot is the entries that made the board, by incident: nothing but the log's own format,
//! sealed as it is there, and a row grows by what is new. Whoever folds the log can begin with it.
//!
//! Key: 16 bytes of the incident (zeros for what belongs to none), then the offset of the row's
//! first entry, big-endian. Value: for each entry its offset (8 bytes, big-endian), its length (4)
//! and its bytes. One row of an incident, with all bits of the offset set in its key, holds the
//! entry of the track log that tells its newest position.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use protocol::IncidentId;

use crate::offset::Offset;
use crate::snapshot::{Row, SnapshotSlice};

/// Bytes of entries that go into one row before the next is begun, so that a row fits in a slice.
const ROW_BYTES: usize = 256 * 1024;

/// Bytes that go into one slice; the journal takes up to 1 MiB at once. A batch of alerts waits while a slice is
/// written, and the rows of a slice are anywhere in the tree: with half a million incidents these are some hundred
/// pages, and eight times as many kept receipts waiting for more than half a second.
const SLICE_BYTES: usize = 64 * 1024;

const KEY_BYTES: usize = 24;

/// In the place of a first offset: the row with the entry of the track log that tells the newest
/// position. No log reaches this offset.
const NEWEST_TRACK: Offset = Offset(u64::MAX);

/// Entries since the last snapshot, and where earlier rows begin.
///
/// Nothing is forgotten before it is written: what [`Self::slices`] hands out is kept until
/// [`Self::written`], and [`Self::failed`] puts it back.
#[derive(Debug, Default)]
pub struct Gathered {
    waiting: Changes,
    /// And where a reader goes on when they are written.
    under_way: Option<(Changes, Offset)>,
    /// Up to here everything is in the snapshot.
    reached: Offset,
    /// Rows that may be on the disk, whether or not the slice that has them was taken.
    rows: BTreeMap<IncidentId, BTreeSet<Offset>>,
}

#[derive(Clone, Debug, Default)]
struct Changes {
    fresh: BTreeMap<Option<IncidentId>, Vec<(Offset, Bytes)>>,
    newest_tracks: BTreeMap<IncidentId, (Offset, Bytes)>,
    /// Incidents whose earlier rows give way to what is fresh of them.
    replaced: BTreeSet<IncidentId>,
}

impl Changes {
    /// These changes, and then the later ones.
    fn then(mut self, later: Self) -> Self {
        for incident in later.replaced {
            self.drop_waiting(incident);
            self.replaced.insert(incident);
        }
        for (incident, entries) in later.fresh {
            self.fresh.entry(incident).or_default().extend(entries);
        }
        self.newest_tracks.extend(later.newest_tracks);
        self
    }

    fn drop_waiting(&mut self, incident: IncidentId) {
        self.fresh.remove(&Some(incident));
        self.newest_tracks.remove(&incident);
    }

    fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.newest_tracks.is_empty() && self.replaced.is_empty()
    }
}

impl Gathered {
    /// Takes an entry that the board has folded; `None` for what belongs to no incident.
    pub fn add(&mut self, incident: Option<IncidentId>, offset: Offset, entry: Bytes) {
        let fresh = self.waiting.fresh.entry(incident).or_default();
        fresh.push((offset, entry));
    }

    /// Takes the entry of the track log that tells the newest position of an incident; an earlier
    /// one gives way.
    pub fn put_newest_track(&mut self, incident: IncidentId, offset: Offset, entry: Bytes) {
        let tracks = &mut self.waiting.newest_tracks;
        tracks.insert(incident, (offset, entry));
    }

    /// Goes on behind an earlier snapshot that reaches up to here.
    pub fn go_on_at(&mut self, resume_at: Offset) {
        self.reached = resume_at;
    }

    /// Takes note of a row that an earlier snapshot holds.
    pub fn know_row(&mut self, key: &[u8]) {
        if let Some((Some(incident), first)) = read_key(key) {
            self.rows.entry(incident).or_default().insert(first);
        }
    }

    /// Whether a snapshot holds, or is about to hold, a newest position of this incident.
    #[must_use]
    pub fn has_newest_track(&self, incident: IncidentId) -> bool {
        let known = self.rows.get(&incident);
        known.is_some_and(|rows| rows.contains(&NEWEST_TRACK))
            || self.waiting.newest_tracks.contains_key(&incident)
    }

    /// Takes note that of an incident nothing is kept but these entries of the alert log; none for
    /// one that is to be forgotten.
    pub fn replace(&mut self, incident: IncidentId, entries: Vec<(Offset, Bytes)>) {
        self.waiting.drop_waiting(incident);
        self.waiting.replaced.insert(incident);
        if !entries.is_empty() {
            self.waiting.fresh.insert(Some(incident), entries);
        }
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.fresh.values().map(Vec::len).sum()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What to write, in order: rows, then deletions, with the last slice where a reader goes on.
    /// Say what became of them with [`Self::written`] or [`Self::failed`] before asking again.
    #[must_use]
    pub fn slices(&mut self, resume_at: Offset) -> Vec<SnapshotSlice> {
        self.failed();
        let changes = std::mem::take(&mut self.waiting);
        let mut slices = Slices::default();
        let mut written: BTreeSet<Bytes> = BTreeSet::new();
        for (incident, entries) in &changes.fresh {
            for row in rows_of(*incident, entries, resume_at) {
                written.insert(row.key.clone());
                slices.push_row(row);
            }
        }
        for (incident, (offset, entry)) in &changes.newest_tracks {
            let mut value = BytesMut::new();
            if put_entry(&mut value, *offset, entry) {
                let key = write_key(Some(*incident), NEWEST_TRACK);
                written.insert(key.clone());
                slices.push_row(Row {
                    key,
                    value: value.freeze(),
                    folded_to: resume_at,
                });
            }
        }
        for incident in &changes.replaced {
            for first in self.rows.get(incident).into_iter().flatten() {
                let key = write_key(Some(*incident), *first);
                if !written.contains(&key) {
                    slices.push_deletion(key);
                }
            }
        }
        // From now on they may be on the disk, whatever becomes of the last slice.
        for key in &written {
            self.know_row(key);
        }
        self.under_way = Some((changes, resume_at));
        slices.end(resume_at, self.reached)
    }

    /// The last of the slices is on the disk.
    pub fn written(&mut self) {
        let Some((changes, resume_at)) = self.under_way.take() else {
            return;
        };
        self.reached = resume_at;
        for incident in &changes.replaced {
            let kept: BTreeSet<Offset> = changes
                .fresh
                .get(&Some(*incident))
                .map(|entries| rows_of(Some(*incident), entries, Offset::ZERO))
                .unwrap_or_default()
                .iter()
                .filter_map(|row| Some(read_key(&row.key)?.1))
                .chain(changes.newest_tracks.get(incident).map(|_| NEWEST_TRACK))
                .collect();
            if kept.is_empty() {
                self.rows.remove(incident);
            } else {
                self.rows.insert(*incident, kept);
            }
        }
    }

    /// Not all of the slices are on the disk: everything waits again.
    pub fn failed(&mut self) {
        if let Some((earlier, _)) = self.under_way.take() {
            let later = std::mem::take(&mut self.waiting);
            self.waiting = earlier.then(later);
        }
    }
}

/// Slices of bounded size.
#[derive(Default)]
struct Slices {
    full: Vec<SnapshotSlice>,
    last: SnapshotSlice,
    bytes: usize,
}

impl Slices {
    fn make_room(&mut self, bytes: usize) {
        if self.bytes > 0 && self.bytes + bytes > SLICE_BYTES {
            self.full.push(std::mem::take(&mut self.last));
            self.bytes = 0;
        }
        self.bytes += bytes;
    }

    fn push_row(&mut self, row: Row) {
        self.make_room(row.key.len() + row.value.len());
        self.last.rows.push(row);
    }

    fn push_deletion(&mut self, key: Bytes) {
        self.make_room(key.len());
        self.last.deletions.push(key);
    }

    fn end(mut self, resume_at: Offset, after: Offset) -> Vec<SnapshotSlice> {
        self.last.resume_at = Some(resume_at);
        self.full.push(self.last);
        for (part, slice) in self.full.iter_mut().enumerate() {
            (slice.after, slice.part) = (after, part);
        }
        self.full
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
        if !put_entry(&mut value, *offset, entry) {
            continue;
        }
        first.get_or_insert(*offset);
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

/// False for an entry whose length cannot be said; the log has none of 4 GiB.
fn put_entry(value: &mut BytesMut, offset: Offset, entry: &Bytes) -> bool {
    let Ok(length) = u32::try_from(entry.len()) else {
        return false;
    };
    value.put_u64(offset.0);
    value.put_u32(length);
    value.put_slice(entry);
    true
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

/// What the rows of a snapshot hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Entries of the alert log in its order, each once.
    pub alerts: Vec<(Offset, Bytes)>,
    /// The entries of the track log that tell the newest positions, one for each incident.
    pub newest_tracks: Vec<(Offset, Bytes)>,
}

/// Reads all rows.
///
/// # Errors
/// The first error of the rows.
pub fn read_rows<E>(rows: impl IntoIterator<Item = Result<Row, E>>) -> Result<Kept, E> {
    let mut kept = Kept::default();
    for row in rows {
        let row = row?;
        let is_track = read_key(&row.key).is_some_and(|(_, first)| first == NEWEST_TRACK);
        let entries = if is_track {
            &mut kept.newest_tracks
        } else {
            &mut kept.alerts
        };
        entries.extend(read_row(row.value));
    }
    kept.alerts.sort_by_key(|(offset, _)| *offset);
    // After a snapshot that was cut short, an old row and a new one may hold the same entry.
    kept.alerts.dedup_by_key(|(offset, _)| *offset);
    kept.newest_tracks.sort_by_key(|(offset, _)| *offset);
    Ok(kept)
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
mod tests;

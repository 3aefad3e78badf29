//! When a snapshot is written, how it is read, and what is left in it of an incident that has left
//! the board.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use journal::incident_rows::{self, Gathered, Kept};
use journal::{Journal, Offset, Proof, SnapshotSlice, StoreError};
use protocol::{
    AlertId, DecisionKind, Effect, Header, IncidentId, Millis, Site, Subject, UnixMillis,
};

use crate::board::Applied;

/// Entries after which a snapshot is written before its minute: what a restart folds again.
const DUE_AFTER_ENTRIES: usize = 50_000;

/// Entries that may be left of an incident: its 1,000 alerts, and as many changes of its state.
const MAX_BONES: usize = 2_000;

/// How long what is left of an incident stays in the snapshot after it was closed: its 25 hours on
/// the board and the seven days of its tombstone.
const KEEP_STONES: Millis = Millis::from_secs((25 + 7 * 24) * 3600);

#[derive(Default)]
pub(super) struct Snapshots {
    gathered: Gathered,
    skeletons: BTreeMap<IncidentId, Skeleton>,
    /// Incidents that have left the board and whose rows must make its tombstone again after a
    /// restart, with the time at which they were closed.
    stones: BTreeMap<IncidentId, UnixMillis>,
}

/// What must be folded so that a closed incident is closed again and knows its alerts: the first
/// report of each alert, and every entry that changed the state, because a decision takes effect on
/// the revision that it names alone.
#[derive(Default)]
struct Skeleton {
    bones: Vec<(Offset, Bytes)>,
    alerts: BTreeSet<AlertId>,
    closed_at: UnixMillis,
    /// Entries of the incident, with those that are no bones.
    entries: usize,
    /// More bones than are kept: the rows stay as they are.
    is_too_long: bool,
}

impl Skeleton {
    fn note(&mut self, effect: Effect, header: &Header, offset: Offset, entry: &Bytes) {
        self.entries += 1;
        let first_of_alert = match &header.subject {
            Subject::Report(report) if self.alerts.len() < MAX_BONES => {
                self.alerts.insert(report.alert)
            }
            _ => false,
        };
        if effect != Effect::Changed && !first_of_alert {
            return;
        }
        if let Subject::Decision(decision) = &header.subject
            && decision.kind == DecisionKind::Closed
        {
            self.closed_at = header.time;
        }
        if self.bones.len() == MAX_BONES {
            self.is_too_long = true;
            return;
        }
        // A copy: the entry shares the memory of its whole batch.
        self.bones.push((offset, Bytes::copy_from_slice(entry)));
    }
}

impl Snapshots {
    /// What the newest snapshot holds, where the log goes on, and behind which entry. Whoever folds it says so with
    /// [`Self::note_alert`].
    pub(super) async fn load(
        &mut self,
        journal: &Journal,
    ) -> Result<(Kept, Offset, Option<Proof>), StoreError> {
        *self = Self::default();
        let snapshot = journal.snapshot_read().await?;
        let resume_at = snapshot.resume_at.unwrap_or(Offset::ZERO);
        self.gathered.go_on_at(resume_at);
        let rows = snapshot.rows.inspect(|row| {
            if let Ok(row) = row {
                self.gathered.know_row(&row.key);
            }
        });
        Ok((incident_rows::read_rows(rows)?, resume_at, snapshot.behind))
    }

    /// Takes note of a folded entry of the alert log; `is_new` when it is in no row yet.
    pub(super) fn note_alert(
        &mut self,
        applied: &Applied,
        header: &Header,
        (offset, entry): (Offset, Bytes),
        is_new: bool,
    ) {
        let incident = match (applied, &header.subject) {
            (Applied::Incident(_, Effect::Duplicate), _) => return,
            (Applied::Incident(id, effect), _) => {
                if self.stones.remove(id).is_some() {
                    // A press after all that time: the incident is another one.
                    self.gathered.replace(*id, Vec::new());
                }
                let skeleton = self.skeletons.entry(*id).or_default();
                skeleton.note(*effect, header, offset, &entry);
                Some(*id)
            }
            (Applied::Nowhere, Subject::Site(Site::MapInForce(_) | Site::FormatInForce(_))) => None,
            (Applied::Nowhere | Applied::Early, _) => return,
        };
        if is_new {
            self.gathered.add(incident, offset, entry);
        }
    }

    /// Takes the entry of the track log that tells the newest position of an incident.
    pub(super) fn note_newest_track(
        &mut self,
        incident: IncidentId,
        offset: Offset,
        entry: &Bytes,
    ) {
        let entry = Bytes::copy_from_slice(entry);
        self.gathered.put_newest_track(incident, offset, entry);
    }

    /// An incident has left the board: what is left of it takes the place of its rows.
    pub(super) fn bury(&mut self, incident: IncidentId) {
        let Some(skeleton) = self.skeletons.remove(&incident) else {
            return;
        };
        self.stones.insert(incident, skeleton.closed_at);
        let is_bare =
            skeleton.entries == skeleton.bones.len() && !self.gathered.has_newest_track(incident);
        if !skeleton.is_too_long && !is_bare {
            self.gathered.replace(incident, skeleton.bones);
        }
    }

    /// Forgets what was closed too long ago for a tombstone.
    pub(super) fn expire(&mut self, log_time: UnixMillis) {
        let gathered = &mut self.gathered;
        self.stones.retain(|incident, closed_at| {
            let keep = log_time.since(*closed_at) <= KEEP_STONES;
            if !keep {
                gathered.replace(*incident, Vec::new());
            }
            keep
        });
    }

    pub(super) fn is_due(&self) -> bool {
        self.gathered.len() >= DUE_AFTER_ENTRIES
    }

    /// What to write; nothing when nothing is new. To be followed by [`Self::written`].
    pub(super) fn slices(&mut self, resume_at: Offset) -> Vec<SnapshotSlice> {
        if self.gathered.is_empty() {
            return Vec::new();
        }
        self.gathered.slices(resume_at)
    }

    /// What became of the slices.
    pub(super) fn written(&mut self, all: bool) {
        if all {
            self.gathered.written();
        } else {
            self.gathered.failed();
        }
    }
}

#[cfg(test)]
mod tests {
    use journal::incident_rows::read_row;
    use protocol::{Day, DeviceId, ReportHeader, ReportKind, ReportNumber, Verification};

    use super::*;

    const ID: IncidentId = IncidentId::from_bytes([1; 16]);

    fn note(snapshots: &mut Snapshots, offset: u64, alert: u64, effect: Effect) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&alert.to_be_bytes());
        let header = Header {
            time: UnixMillis::new(0),
            day: Day(0),
            subject: Subject::Report(ReportHeader {
                device: DeviceId::Enrolled([1; 16]),
                alert: AlertId::from_bytes(id),
                number: ReportNumber(offset),
                kind: ReportKind::Raise,
                verification: Verification::Verified,
                drill: false,
            }),
        };
        let entry = (Offset(offset), Bytes::from_static(b"entry"));
        snapshots.note_alert(&Applied::Incident(ID, effect), &header, entry, true);
    }

    /// Offsets of what is written next, and how many rows are deleted.
    fn written(snapshots: &mut Snapshots) -> (Vec<u64>, usize) {
        let slices = snapshots.slices(Offset(1_000_000));
        snapshots.written(true);
        let rows = slices.iter().flat_map(|slice| &slice.rows);
        let entries = rows.flat_map(|row| read_row(row.value.clone()));
        let deleted = slices.iter().map(|slice| slice.deletions.len()).sum();
        (entries.map(|(offset, _)| offset.0).collect(), deleted)
    }

    #[test]
    fn of_a_buried_incident_the_bones_are_left_and_duplicates_never_come_in() {
        let mut snapshots = Snapshots::default();
        note(&mut snapshots, 0, 1, Effect::Changed);
        note(&mut snapshots, 1, 1, Effect::Added);
        note(&mut snapshots, 2, 1, Effect::Duplicate);
        assert_eq!(written(&mut snapshots), (vec![0, 1], 0));
        note(&mut snapshots, 3, 2, Effect::Added);
        note(&mut snapshots, 4, 2, Effect::Superseded);
        assert_eq!(written(&mut snapshots), (vec![3, 4], 0));
        snapshots.bury(ID);
        assert_eq!(written(&mut snapshots), (vec![0, 3], 1));
        snapshots.bury(ID);
        assert!(snapshots.slices(Offset(1_000_000)).is_empty(), "only once");
    }

    #[test]
    fn an_incident_of_bare_bones_is_not_written_again() {
        let mut snapshots = Snapshots::default();
        note(&mut snapshots, 0, 1, Effect::Changed);
        assert_eq!(written(&mut snapshots), (vec![0], 0));
        snapshots.bury(ID);
        assert!(snapshots.slices(Offset(1_000_000)).is_empty());
        snapshots.expire(UnixMillis::new(0).plus(KEEP_STONES));
        assert!(snapshots.slices(Offset(1_000_000)).is_empty());
        snapshots.expire(UnixMillis::new(1).plus(KEEP_STONES));
        assert_eq!(written(&mut snapshots), (vec![], 1));
    }

    #[test]
    fn an_incident_with_too_many_bones_keeps_its_rows() {
        let mut snapshots = Snapshots::default();
        for n in 0..=MAX_BONES as u64 {
            note(&mut snapshots, n, 1, Effect::Changed);
        }
        let (entries, _) = written(&mut snapshots);
        assert_eq!(entries.len(), MAX_BONES + 1);
        snapshots.bury(ID);
        assert!(snapshots.slices(Offset(1_000_000)).is_empty());
    }

    #[test]
    fn a_press_after_its_tombstone_is_an_incident_of_its_own() {
        let mut snapshots = Snapshots::default();
        note(&mut snapshots, 0, 1, Effect::Changed);
        let _ = written(&mut snapshots);
        snapshots.bury(ID);
        note(&mut snapshots, 9, 1, Effect::Changed);
        assert_eq!(written(&mut snapshots), (vec![9], 1), "the close is gone");
        snapshots.expire(UnixMillis::new(i64::MAX));
        assert!(snapshots.slices(Offset(1_000_000)).is_empty(), "it is open");
    }
}

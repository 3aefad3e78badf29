//! When a snapshot is written, and how it is read.

use bytes::Bytes;
use journal::incident_rows::{self, Gathered};
use journal::{Journal, Offset, StoreError};
use protocol::IncidentId;

/// Entries after which a snapshot is written before its minute: what a restart folds again.
const DUE_AFTER_ENTRIES: usize = 50_000;

#[derive(Default)]
pub(super) struct Snapshots {
    gathered: Gathered,
}

impl Snapshots {
    /// The entries of the newest snapshot in the order of the log, and where the log goes on.
    pub(super) fn load(
        &mut self,
        journal: &Journal,
    ) -> Result<(Vec<(Offset, Bytes)>, Offset), StoreError> {
        self.gathered = Gathered::default();
        let snapshot = journal.snapshot_read()?;
        let resume_at = snapshot.resume_at.unwrap_or(Offset::ZERO);
        let rows = snapshot.rows.inspect(|row| {
            if let Ok(row) = row {
                self.gathered.know_row(&row.key);
            }
        });
        Ok((incident_rows::read_rows(rows)?.alerts, resume_at))
    }

    pub(super) fn add(
        &mut self,
        incident: Option<Option<IncidentId>>,
        offset: Offset,
        entry: Bytes,
    ) {
        if let Some(incident) = incident {
            self.gathered.add(incident, offset, entry);
        }
    }

    pub(super) fn forget(&mut self, incident: IncidentId) {
        self.gathered.replace(incident, Vec::new());
    }

    pub(super) fn is_due(&self) -> bool {
        self.gathered.len() >= DUE_AFTER_ENTRIES
    }

    /// Writes what is new; false when nothing is.
    pub(super) async fn write(
        &mut self,
        journal: &Journal,
        resume_at: Offset,
    ) -> Result<bool, StoreError> {
        if self.gathered.is_empty() {
            return Ok(false);
        }
        for slice in self.gathered.slices(resume_at) {
            if let Err(error) = journal.snapshot_write(slice).await {
                self.gathered.failed();
                return Err(error);
            }
        }
        self.gathered.written();
        Ok(true)
    }
}

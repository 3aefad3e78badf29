//! Writes down how far the partitions are: all of them with one commit, at most once a second.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::error::StoreError;
use crate::io::pending;
use crate::io::store::Store;
use crate::io::writer::Writer;
use crate::ladder::Memory;
use crate::offset::Partition;
use crate::partitions::PartitionCount;
use crate::shipping::REMEMBER_EVERY_MS;
use crate::snapshot::{Row, SnapshotSlice};

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Notebook {
    partitions: PartitionCount,
    waiting: Mutex<BTreeMap<Partition, Row>>,
    noted: Notify,
}

/// The row of the own snapshot table, which is otherwise unused, that says how far a partition of so many is. Of a log
/// that is cut in another way it says nothing: what belongs to a partition is other entries there.
fn key(partition: Partition, partitions: PartitionCount) -> Bytes {
    Bytes::from(format!("holdover/{} of {partitions}", partition.0))
}

/// What was written of a partition; `None` for nothing, or for what another release has written.
pub(super) fn read(
    store: &Store,
    partition: Partition,
    partitions: PartitionCount,
) -> Result<Option<Memory>, StoreError> {
    let row = store.snapshot_row(&key(partition, partitions))?;
    Ok(row.and_then(|row| Memory::decode(row.value)))
}

impl Notebook {
    /// An empty one, for a log of so many partitions.
    pub(super) fn new(partitions: PartitionCount) -> Self {
        Self {
            partitions,
            waiting: Mutex::default(),
            noted: Notify::new(),
        }
    }

    /// Takes note; a later note of the same partition takes its place.
    pub(super) fn note(&self, partition: Partition, memory: &Memory) {
        let row = Row {
            key: key(partition, self.partitions),
            value: memory.encode(),
            folded_to: memory.confirmed,
        };
        self.waiting().insert(partition, row);
        self.noted.notify_one();
    }

    /// Writes for as long as it is let. A disk that has failed is the own journal's matter; what is on
    /// it is shipped all the same, and again by the next start.
    pub(super) async fn run(&self, own: &Writer) {
        loop {
            self.noted.notified().await;
            self.write(own).await;
            sleep(Duration::from_millis(REMEMBER_EVERY_MS)).await;
        }
    }

    /// Writes what waits.
    pub(super) async fn write(&self, own: &Writer) {
        let notes = std::mem::take(&mut *self.waiting());
        if notes.is_empty() {
            return;
        }
        let slice = SnapshotSlice {
            rows: notes.values().cloned().collect(),
            ..SnapshotSlice::default()
        };
        let written = pending::snapshot_write(slice, |chore| own.chore(chore)).await;
        if written.is_err() {
            let mut waiting = self.waiting();
            for (partition, row) in notes {
                waiting.entry(partition).or_insert(row);
            }
            self.noted.notify_one();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Partition, Row>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

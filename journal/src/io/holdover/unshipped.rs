//! What was receipted and has not reached the log that others read: for whoever would bring it to them another way.

use bytes::Bytes;

use super::Held;
use crate::error::StoreError;
use crate::io::store::ReadAt;
use crate::offset::{LogName, Offset};
use crate::shipping::{Unshipped, Waiting};

impl Held {
    /// How far the shared log is with the own alerts.
    pub(crate) fn unshipped(&self) -> Unshipped {
        let (shipped, whole) = self.owner.crew.shipped_alerts();
        let first = whole.shipped.alerts;
        Unshipped {
            first,
            end: self.own_end(LogName::Alerts).max(first),
            shipped,
        }
    }

    /// The own alerts from `from` on that the shared log lacks, of some `bytes_max` bytes that are read; and up to where they
    /// were read. What cannot be read is passed over. Blocks on the disk.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub(crate) fn read_unshipped(
        &self,
        unshipped: &Unshipped,
        from: Offset,
        bytes_max: usize,
    ) -> Result<(Vec<Waiting>, Offset), StoreError> {
        let store = &self.owner.own.writer().store;
        let mut from = from.max(unshipped.first);
        let entries = loop {
            match store.read_at(LogName::Alerts, from, bytes_max)? {
                ReadAt::Entries(entries) => break entries,
                ReadAt::Gap { first_available } if first_available > from => from = first_available,
                ReadAt::Gap { .. } | ReadAt::End | ReadAt::Beyond { .. } => {
                    return Ok((Vec::new(), from));
                }
            }
        };
        let end = from.plus(entries.len() as u64);
        let waiting = |(at, entry): (Offset, Bytes)| {
            let partition = self.owner.partitions.of_entry(&entry);
            unshipped.lacks(partition, at).then(|| Waiting {
                at,
                partition,
                // The entries of a batch share its memory, and most of them may have been shipped.
                entry: Bytes::copy_from_slice(&entry),
            })
        };
        let numbered = (from.0..).map(Offset).zip(entries);
        Ok((numbered.filter_map(waiting).collect(), end))
    }

    /// How long ago an own alert was receipted, in milliseconds. Reads a page of the own journal.
    pub(crate) fn receipted_ms_ago(&self, at: Offset) -> Result<Option<u64>, StoreError> {
        let own = self.owner.own.writer();
        let at_ms = own.store.committed_at_ms(LogName::Alerts, at)?;
        Ok(at_ms.map(|at_ms| own.clock().unix_ms().saturating_sub(at_ms)))
    }
}

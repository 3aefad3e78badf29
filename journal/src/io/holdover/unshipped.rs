//! What was receipted and has not reached the log that others read: for whoever would bring it to them another way.

use bytes::Bytes;

use super::Held;
use crate::error::StoreError;
use crate::io::store::ReadAt;
use crate::offset::{LogName, Offset};
use crate::shipping::Unshipped;

impl Held {
    /// Which alerts wait for the shared log. Reads a page of the own journal when any does.
    pub(crate) fn unshipped(&self) -> Unshipped {
        let own = self.owner.own.writer();
        let first = self.progress().borrow().shipped.alerts;
        let end = own.store.ends().alerts.max(first);
        let oldest = (first < end)
            .then(|| own.store.committed_at_ms(LogName::Alerts, first))
            .and_then(|read| read.ok().flatten());
        Unshipped {
            first,
            end,
            oldest_age_ms: oldest.map(|at_ms| own.clock().unix_ms().saturating_sub(at_ms)),
        }
    }

    /// Entries of the own alert log from `from` on, some `bytes_max` bytes of them, and the own offset of the first;
    /// it is later than `from` where what lies between cannot be read. Blocks on the disk.
    ///
    /// # Errors
    /// When the storage answers an error or has been closed.
    pub(crate) fn read_own_alerts(
        &self,
        from: Offset,
        bytes_max: usize,
    ) -> Result<(Offset, Vec<Bytes>), StoreError> {
        let store = &self.owner.own.writer().store;
        let mut from = from;
        loop {
            match store.read_at(LogName::Alerts, from, bytes_max)? {
                ReadAt::Entries(entries) => return Ok((from, entries)),
                ReadAt::Gap { first_available } if first_available > from => from = first_available,
                ReadAt::Gap { .. } | ReadAt::End | ReadAt::Beyond { .. } => {
                    return Ok((from, Vec::new()));
                }
            }
        }
    }
}

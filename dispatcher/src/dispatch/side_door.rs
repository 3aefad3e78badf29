//! What the log does not have yet: taken, shown, and not decided about.

use protocol::side_door::Answer;
use protocol::{DeviceId, IncidentId, UnixMillis};

use super::Dispatch;
use crate::board::Incident;
use crate::opened::Opened;
use crate::unlogged::{Around, EntryDigest, Shown, Unlogged};

impl Dispatch {
    /// An entry with this digest is known: takes note that it was offered again.
    pub fn handle_known_offer(
        &mut self,
        device: &DeviceId,
        entry: &EntryDigest,
        now: UnixMillis,
    ) -> bool {
        self.unlogged.handle_known(device, entry, now)
    }

    /// Takes what a relay offers; see [`Unlogged::handle_offer`].
    pub fn handle_offer(
        &mut self,
        offered: impl IntoIterator<Item = (EntryDigest, Opened)>,
        now: UnixMillis,
    ) -> Answer {
        let around = Around {
            board: &self.board,
            index: &self.index,
            policy: self.policy,
            now,
        };
        self.unlogged.handle_offer(offered, around)
    }

    pub(super) fn refold_unlogged(&mut self, now: UnixMillis) {
        let around = Around {
            board: &self.board,
            index: &self.index,
            policy: self.policy,
            now,
        };
        self.unlogged.handle_log(around);
    }

    /// What the log does not have yet.
    #[must_use]
    pub fn unlogged(&self) -> &Unlogged {
        &self.unlogged
    }

    /// An incident as it is to be shown: with what the log does not have yet.
    #[must_use]
    pub fn shown(&self, id: &IncidentId) -> Option<&Incident> {
        let unlogged = self.unlogged.get(id).map(Shown::incident);
        unlogged.or_else(|| self.board.get(id))
    }

    /// Whether what is shown of an incident is ahead of the log, so that nothing can be decided about it.
    pub(super) fn is_held_back(&self, id: &IncidentId) -> bool {
        self.unlogged.get(id).is_some_and(Shown::is_ahead)
    }
}

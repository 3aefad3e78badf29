//! Tells the own journal in front of a shared log what need not be kept any more.

use std::sync::Arc;

use journal::{LogName, Offset};
use protocol::Millis;
use tokio::time::interval;

use super::hub::Hub;
use crate::kept::Reached;
use crate::limits::{KEPT_SLOTS_AT_ONCE, LOOK_AT_CLOSED_EVERY};

impl Hub {
    /// Everything is kept from now on. Before anybody appends.
    pub(crate) fn begin_keeping(&self) {
        if self.journal.progress().is_some() {
            let own_end = self.journal.own_end(LogName::Alerts);
            self.ledger().keep(own_end, self.tick());
            self.journal.keep_from(Offset::ZERO);
        }
    }

    /// Until the relay is shut down.
    pub(crate) async fn keep_what_is_open(self: Arc<Self>) {
        let mut ticks = interval(LOOK_AT_CLOSED_EVERY.to_duration());
        loop {
            ticks.tick().await;
            while self.look_at_closed(self.tick()) {
                // Receipts wait for the ledger too.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Whether there is more to look at.
    pub(crate) fn look_at_closed(&self, now: Millis) -> bool {
        let Some(progress) = self.journal.progress() else {
            return false;
        };
        let reached = Reached {
            now,
            own_end: self.journal.own_end(LogName::Alerts),
            confirmed: progress.borrow().confirmed,
        };
        let (keep_from, is_more) = self.ledger().look_at_closed(reached, KEPT_SLOTS_AT_ONCE);
        if let Some(keep_from) = keep_from {
            self.journal.keep_from(keep_from);
        }
        is_more
    }
}

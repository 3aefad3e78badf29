//! Tells the own journal in front of a shared log what need not be kept any more.

use std::sync::Arc;

use protocol::{DeviceId, Millis};
use tokio::time::interval;

use super::hub::Hub;

/// How often the own journal is asked whether it is time to look.
const ASK_EVERY: Millis = Millis::from_secs(1);

impl Hub {
    /// Until the relay is shut down.
    pub(crate) async fn keep_what_is_open(self: Arc<Self>) {
        let mut ticks = interval(ASK_EVERY.to_duration());
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
        let ledger = self.ledger();
        self.is_keeper
            && self
                .journal
                .look_at_closed(now, |whose| ledger.known(whose))
    }

    /// The log of these phones is not the one that was folded.
    pub(crate) fn forget_log(&self, of: impl Fn(&DeviceId) -> bool) {
        let mut ledger = self.ledger();
        ledger.forget_log(of);
        if self.is_keeper {
            // Under the same lock, or somebody would look between. What was seen closed may not be, of whoever.
            self.journal.forget_closed();
        }
    }
}

//! How long the phone waits for which receipt.

use std::time::Duration;

use super::{FINAL_TIMEOUT, Phone, RECEIPT_TIMEOUT};

impl Phone {
    pub(super) fn expect_receipts(&mut self, now: Duration) {
        if self.awaiting_since.is_none() && self.outbox.awaits_receipt() {
            self.awaiting_since = Some(now);
        }
    }

    pub(super) fn expect_final(&mut self, now: Duration) {
        if !self.outbox.wants_another_relay(self.config.relays) {
            self.alone_since = None;
        } else if self.alone_since.is_none() {
            self.alone_since = Some(now);
        }
    }

    /// What was closed meanwhile needs no other relay.
    pub(super) fn final_deadline(&self) -> Option<Duration> {
        let wanted = self.outbox.wants_another_relay(self.config.relays);
        self.alone_since
            .filter(|_| wanted && self.link.is_connected())
            .map(|since| since + FINAL_TIMEOUT)
    }

    pub(super) fn receipt_deadline(&self) -> Option<Duration> {
        self.awaiting_since
            .filter(|_| self.link.is_connected() && self.outbox.awaits_receipt())
            .map(|since| since + RECEIPT_TIMEOUT)
    }
}

//! The whole phone as a state machine: numbers, outbox and link.
//!
//! The owner calls `handle_*` with what has happened, then drains [`Phone::poll_action`],
//! [`Phone::poll_save`], [`Phone::poll_transmit`] and [`Phone::poll_event`], and comes back at
//! [`Phone::next_deadline`].

mod event;
mod say;
mod transmit;
mod waiting;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use protocol::limit::MAX_TOKEN_BYTES;
use protocol::wire::{BrokenRule, Deframer, RelayFrame, decode_relay_frame};
use protocol::{InstallKey, SitePublicKey, UnixMillis};
use rand::CryptoRng;

pub use event::{Event, Receipted};
pub use transmit::Transmit;

use crate::link::{Action, Link, Lost, Want, close};
use crate::number::Numbers;
use crate::outbox::Outbox;
use crate::saved::{Saved, SavedError};

/// Without any receipt for as long, the phone says that a report is not delivered, and goes on
/// trying: three relays whose handshakes fail, and one round trip.
pub const NOT_DELIVERED_AFTER: Duration = Duration::from_secs(12);

/// Without a receipt for what was sent, for as long, a connected relay is given up for the next.
pub const RECEIPT_TIMEOUT: Duration = Duration::from_secs(10);

/// A raise that a relay has stored, and no replica for as long, is brought to another relay too: this one may be cut off
/// from the log, and the next not. Once for each relay and press: when the log itself is away all relays say the same, and
/// phones that went on asking would be a storm.
pub const FINAL_TIMEOUT: Duration = Duration::from_secs(3);

/// A ready check that has brought no ticket by then has failed.
const READY_TIMEOUT: Duration = Duration::from_secs(6);

/// After a failed write of the outbox file it is tried again.
const SAVE_RETRY: Duration = Duration::from_secs(5);

/// Events that wait for the app before nothing more is read from the relay, which then notices a
/// reader that stalls.
const MAX_WAITING_EVENTS: usize = 256;

/// The two clocks of a phone, read at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Time since any fixed start, by a clock that nobody sets. Deadlines run by it.
    pub since_start: Duration,
    /// The phone's wall clock. Reports are stamped with it; it may be wrong.
    pub wall: UnixMillis,
}

/// What a phone is told once.
#[derive(Clone)]
pub struct PhoneConfig {
    /// How many relays its enrolment names, at least one.
    pub relays: usize,
    /// The token, opaque; empty if there is none.
    pub token: Bytes,
    /// The site's key, to which cancel codes are sealed.
    pub site_key: SitePublicKey,
    /// This installation of the app. What is restored from an outbox goes before it.
    pub install_key: InstallKey,
    /// Whether the outbox outlives the process: numbers are then used only once they are reserved
    /// by [`Phone::handle_saved`].
    pub persistent: bool,
    /// See [`NOT_DELIVERED_AFTER`].
    pub not_delivered_after: Duration,
}

/// Whether somebody wants to know that the phone is ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ReadyCheck {
    No,
    Until(Duration),
}

/// One phone.
pub struct Phone {
    config: PhoneConfig,
    numbers: Numbers,
    outbox: Outbox,
    link: Link,
    deframer: Deframer,
    ready: ReadyCheck,
    /// 0-RTT data may be sent on the connection that is being made.
    early: bool,
    token_sent: bool,
    /// Since when a receipt is owed.
    awaiting_since: Option<Duration>,
    /// Since when an alert is stored by this relay alone.
    alone_since: Option<Duration>,
    unsaved: bool,
    save_after: Duration,
    saving: bool,
    events: VecDeque<Event>,
}

impl Phone {
    /// A phone with an empty outbox. A persistent one saves itself once before its first text.
    #[must_use]
    pub fn new(config: PhoneConfig) -> Self {
        let numbers = if config.persistent {
            Numbers::resume(0)
        } else {
            Numbers::in_memory()
        };
        Self::with(config, numbers, Outbox::default())
    }

    /// A phone that goes on with what it had saved.
    ///
    /// # Errors
    /// [`SavedError::Report`]; not for what [`Saved::from_json`] has read.
    pub fn restore(mut config: PhoneConfig, saved: &Saved, now: Now) -> Result<Self, SavedError> {
        config.install_key = saved.install_key()?;
        let outbox = saved.outbox(now.since_start)?;
        let numbers = Numbers::resume(saved.numbers_reserved_to());
        let mut phone = Self::with(config, numbers, outbox);
        phone.settle(now.since_start);
        Ok(phone)
    }

    fn with(mut config: PhoneConfig, numbers: Numbers, outbox: Outbox) -> Self {
        if config.token.len() > MAX_TOKEN_BYTES {
            // It verifies nowhere, and would make every raise too long a frame.
            config.token = Bytes::new();
        }
        Self {
            link: Link::new(config.relays),
            unsaved: config.persistent,
            config,
            numbers,
            outbox,
            deframer: Deframer::default(),
            ready: ReadyCheck::No,
            early: false,
            token_sent: false,
            awaiting_since: None,
            alone_since: None,
            save_after: Duration::ZERO,
            saving: false,
            events: VecDeque::new(),
        }
    }

    /// Makes sure that a relay is reachable and that a ticket for 0-RTT is at hand. The answer is
    /// [`Event::Ready`] or [`Event::NotReady`].
    pub fn check_ready(&mut self, now: Now) {
        self.ready = ReadyCheck::Until(now.since_start + READY_TIMEOUT);
        self.settle(now.since_start);
    }

    /// The connection that is being made has a ticket: a raise may go in 0-RTT. Nothing else does.
    pub fn handle_early(&mut self) {
        self.begin_connection();
        self.early = true;
    }

    /// The handshake has completed. `early_accepted`: the relay has taken what was sent before.
    pub fn handle_connected(&mut self, now: Now, early_accepted: bool) {
        let early_accepted = early_accepted && self.early;
        if early_accepted {
            self.outbox.mark_early();
        } else {
            self.begin_connection();
        }
        self.early = false;
        self.link.handle_connected(now.since_start);
        if let Some(relay) = self.link.relay() {
            self.events.push_back(Event::Connected {
                relay,
                early_accepted,
            });
        }
        self.expect_receipts(now.since_start);
    }

    /// The relay whose ticket a ready check waits for.
    #[must_use]
    pub fn checks_ready_at(&self) -> Option<usize> {
        let checking = self.ready != ReadyCheck::No && self.link.is_connected();
        self.link.relay().filter(|_| checking)
    }

    /// A ticket of the relay is at hand.
    pub fn handle_ticket(&mut self, now: Now) {
        if let (ReadyCheck::Until(_), Some(relay)) = (self.ready, self.link.relay()) {
            self.ready = ReadyCheck::No;
            self.events.push_back(Event::Ready { relay });
            self.settle(now.since_start);
        }
    }

    /// Bytes have arrived on the stream.
    pub fn handle_stream_bytes(&mut self, now: Now, bytes: &[u8], rng: &mut impl CryptoRng) {
        self.deframer.push(bytes);
        loop {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => self.handle_frame(now, &frame),
                Ok(None) => break,
                Err(_) => {
                    self.give_up(now, Lost::Broken, close::BROKEN_STREAM, rng);
                    break;
                }
            }
        }
        self.settle(now.since_start);
    }

    /// The connection, or the attempt at one, has ended.
    pub fn handle_lost(&mut self, now: Now, lost: Lost, rng: &mut impl CryptoRng) {
        self.forget_connection(lost);
        self.link.handle_lost(now.since_start, lost, rng);
        self.settle(now.since_start);
    }

    /// A deadline has passed.
    pub fn handle_timeout(&mut self, now: Now, rng: &mut impl CryptoRng) {
        let time = now.since_start;
        for (alert, number, kind) in self.outbox.overdue(time, self.config.not_delivered_after) {
            self.events.push_back(Event::NotDelivered {
                alert,
                number,
                kind,
            });
        }
        if let ReadyCheck::Until(until) = self.ready
            && time >= until
        {
            self.ready = ReadyCheck::No;
            self.events.push_back(Event::NotReady);
        }
        if self.receipt_deadline().is_some_and(|due| time >= due) {
            self.give_up(now, Lost::NoReceipts, close::DONE, rng);
        }
        if self.final_deadline().is_some_and(|due| time >= due) {
            self.outbox.move_on(self.config.relays);
            self.give_up(now, Lost::NotFinal, close::DONE, rng);
        }
        if let Some(lost) = self.link.handle_timeout(time, rng) {
            self.forget_connection(lost);
        }
        self.settle(time);
    }

    /// What [`Phone::poll_save`] gave is on the disk, and synced.
    pub fn handle_saved(&mut self, saved: &Saved) {
        self.saving = false;
        self.numbers.reserved(saved.numbers_reserved_to());
    }

    /// What [`Phone::poll_save`] gave could not be written; it will be tried again.
    pub fn handle_save_failed(&mut self, now: Now, why: String) {
        self.saving = false;
        self.unsaved = true;
        self.save_after = now.since_start + SAVE_RETRY;
        self.events.push_back(Event::StoreFailed { why });
    }

    /// What is to be done with the wire.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.link.poll_action()
    }

    /// What is to be written to the disk, one at a time.
    pub fn poll_save(&mut self, now: Now) -> Option<Saved> {
        let wanted = self.unsaved || self.numbers.wants_block();
        if !self.config.persistent || self.saving || !wanted || now.since_start < self.save_after {
            return None;
        }
        self.saving = true;
        self.unsaved = false;
        let to = self.numbers.to_reserve();
        Some(Saved::of(self.config.install_key, to, &self.outbox))
    }

    /// What the app is to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether the relay's bytes should be read: false while the app lets its events lie.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.events.len() < MAX_WAITING_EVENTS
    }

    /// Whether nothing is left to say: no alert is open and nothing waits for a receipt.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Reports that no relay has receipted yet, raises among them.
    #[must_use]
    pub fn owed(&self) -> usize {
        self.outbox.owed()
    }

    /// When [`Phone::handle_timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        let ready = match self.ready {
            ReadyCheck::Until(until) => Some(until),
            ReadyCheck::No => None,
        };
        let save =
            (self.config.persistent && self.unsaved && !self.saving).then_some(self.save_after);
        [
            self.link.next_deadline(),
            self.outbox.next_deadline(self.config.not_delivered_after),
            self.receipt_deadline(),
            self.final_deadline(),
            ready,
            save,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn handle_frame(&mut self, now: Now, frame: &Bytes) {
        let Ok(frame) = decode_relay_frame(frame) else {
            return; // a relay of a later release may say what cannot be read; its receipts can
        };
        match frame {
            RelayFrame::Receipt(receipt) => {
                if let Some(matched) = self.outbox.receipt(&receipt) {
                    self.unsaved = true;
                    self.events
                        .push_back(Event::Receipted(Receipted::of(&receipt, &matched)));
                }
                self.awaiting_since = None;
                self.expect_receipts(now.since_start);
                self.expect_final(now.since_start);
            }
            RelayFrame::Status(status) => {
                if self.outbox.status(&status) {
                    self.unsaved = true;
                    self.events.push_back(Event::Status(status));
                }
            }
            RelayFrame::Message(message) => {
                if self.outbox.message(&message) {
                    self.events.push_back(Event::Message(message));
                }
            }
            RelayFrame::Refusal(refusal) => {
                if let Some((alert, number)) = refusal.report {
                    self.outbox.refused(alert, number);
                    if refusal.rule == BrokenRule::NoOpenAlert.name() {
                        self.outbox.raise_again(alert);
                    }
                    self.unsaved = true;
                }
                self.events.push_back(Event::Refused(refusal));
            }
            RelayFrame::Unknown => {}
        }
    }

    fn begin_connection(&mut self) {
        self.outbox.begin_connection();
        self.deframer = Deframer::default();
        self.token_sent = false;
        self.awaiting_since = None;
        self.alone_since = None;
    }

    fn forget_connection(&mut self, lost: Lost) {
        if let Some(relay) = self.link.relay() {
            self.events.push_back(Event::Lost { relay, lost });
        }
        self.early = false;
        self.begin_connection();
    }

    fn give_up(&mut self, now: Now, why: Lost, code: u64, rng: &mut impl CryptoRng) {
        self.forget_connection(why);
        self.link.give_up(now.since_start, why, code, rng);
    }

    /// Lets the link know whether there is still something to say.
    fn settle(&mut self, now: Duration) {
        let wanted = if self.outbox.owed() > 0 || self.ready != ReadyCheck::No {
            Want::Deliver
        } else if self.outbox.is_empty() {
            Want::Nothing
        } else {
            Want::Follow
        };
        self.link.want(now, wanted);
    }
}

#[cfg(test)]
mod tests;

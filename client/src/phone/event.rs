//! What the app is told.

use std::time::Duration;

use protocol::wire::{Durability, Message, Receipt, Refusal, Status};
use protocol::{AlertId, ReportKind, ReportNumber};

use crate::link::Lost;
use crate::outbox::Matched;

/// What has become of what was said. None of it is to be shown outside a covert view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A report is durable at the site. Nothing else means so.
    Receipted(Receipted),
    /// Where an alert stands, when that is new.
    Status(Status),
    /// An officer's words; each message once.
    Message(Message),
    /// The relay dropped a report, and why.
    Refused(Refusal),
    /// No receipt came within the deadline. The report is kept and still being sent.
    NotDelivered {
        /// The alert.
        alert: AlertId,
        /// The report.
        number: ReportNumber,
        /// What it says.
        kind: ReportKind,
    },
    /// A report without a receipt made room for a newer one and will not be sent again.
    Dropped {
        /// The alert.
        alert: AlertId,
        /// The report.
        number: ReportNumber,
        /// What it says.
        kind: ReportKind,
    },
    /// A handshake with a relay has completed. It says nothing about any report.
    Connected {
        /// Its place in the enrolment.
        relay: usize,
        /// The relay took what was sent in 0-RTT.
        early_accepted: bool,
    },
    /// A connection or an attempt has ended.
    Lost {
        /// Its place in the enrolment.
        relay: usize,
        /// Why.
        lost: Lost,
    },
    /// The ready check found a relay, and a ticket is at hand.
    Ready {
        /// Its place in the enrolment.
        relay: usize,
    },
    /// The ready check found none in time.
    NotReady,
    /// The outbox file could not be read or written. Alerts are still sent.
    StoreFailed {
        /// What happened and what to do.
        why: String,
    },
}

/// A report is durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Receipted {
    /// The alert.
    pub alert: AlertId,
    /// The report.
    pub number: ReportNumber,
    /// What it says.
    pub kind: ReportKind,
    /// Where it is durable.
    pub durability: Durability,
    /// Nothing better will follow.
    pub is_final: bool,
    /// It travelled in 0-RTT data that the relay took.
    pub early: bool,
    /// When [`crate::Phone::raise`] was called, since start; absent for other kinds and after a
    /// restart.
    pub triggered: Option<Duration>,
}

impl Receipted {
    pub(crate) fn of(receipt: &Receipt, matched: &Matched) -> Self {
        Self {
            alert: receipt.alert,
            number: receipt.number,
            kind: matched.kind,
            durability: receipt.durability,
            is_final: receipt.is_final,
            early: matched.early,
            triggered: matched.triggered,
        }
    }
}

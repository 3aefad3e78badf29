//! What a phone has said and no relay has receipted.
//!
//! A raise stays until its alert is closed, for it is repeated on every new connection. Everything
//! else stays until a final receipt, or until a relay has stored it and the alert is closed. Positions are no promise: they wait in a bounded track and are
//! gone once sent.

mod alert;
mod kept;

use std::collections::VecDeque;
use std::time::Duration;

use protocol::wire::{Message, Receipt, Status};
use protocol::{AlertId, Content, Position, Progress, Report, ReportKind, ReportNumber};

pub(crate) use alert::Alert;
pub(crate) use kept::Kept;

/// Alerts kept at once. A further press is another alert; beyond this many without any receipt, a
/// press falls together with the newest one.
pub const MAX_ALERTS: usize = 8;

/// Unreceipted texts of one alert: half an hour of typing without a network. The oldest go first.
pub const MAX_TEXTS: usize = 32;

/// Unreceipted cancel claims of one alert. None is ever dropped, since one of them may say duress;
/// a further one is not taken.
pub const MAX_CANCELS: usize = 4;

/// Positions that wait for a connection: one trail.
pub const MAX_TRACK: usize = protocol::limit::MAX_TRAIL_POSITIONS;

/// Ids of an officer's messages that are remembered per alert, so that none is shown twice.
const MAX_MESSAGES: usize = 256;

/// A report that was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotTaken {
    /// No such alert is open on this phone.
    #[error("no alert is open under this id; raise first")]
    NoOpenAlert,
    /// Too many cancel claims wait for a receipt.
    #[error("{MAX_CANCELS} cancel claims wait for their receipts; they are still being sent")]
    TooManyCancels,
    /// The site's key in the enrolment seals nothing.
    #[error("the enrolment's site key is no X25519 key; enrol this phone again")]
    BadSiteKey,
    /// No number is left that the phone's disk has reserved.
    #[error("the outbox file cannot be written, so no report can be numbered; free some space")]
    NoNumber,
}

/// What a receipt was for.
pub(crate) struct Matched {
    pub(crate) kind: ReportKind,
    pub(crate) early: bool,
    /// When the finger pressed, for a raise of this process.
    pub(crate) triggered: Option<Duration>,
}

/// The alerts of one phone, oldest first.
#[derive(Default)]
pub(crate) struct Outbox {
    alerts: Vec<Alert>,
}

impl Outbox {
    pub(crate) fn restore(alerts: Vec<Alert>) -> Self {
        let mut outbox = Self { alerts };
        outbox.alerts.retain(|alert| !alert.is_done());
        outbox
    }

    pub(crate) fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// Keeps a raise. At the limit the oldest alert that a relay has durably is forgotten; if there
    /// is none, the press falls together with the newest alert.
    pub(crate) fn raise(&mut self, report: Report, now: Duration) -> AlertId {
        if self.alerts.len() >= MAX_ALERTS {
            let replicated = |alert: &Alert| alert.raise.is_final() && alert.kept.is_empty();
            let stored = |alert: &Alert| alert.reports().all(Kept::is_receipted);
            let safe = self.alerts.iter().position(replicated);
            let safe = safe.or_else(|| self.alerts.iter().position(stored));
            match (safe, self.alerts.last_mut()) {
                (Some(at), _) => drop(self.alerts.remove(at)),
                (None, Some(newest)) => {
                    newest.raise.sent = false;
                    newest.closed = false;
                    return newest.id();
                }
                (None, None) => {}
            }
        }
        let id = report.alert;
        self.alerts.push(Alert::new(Kept::new(report, now)));
        id
    }

    /// Whether a report of this kind would be taken.
    pub(crate) fn admits(&self, alert: AlertId, kind: ReportKind) -> Result<(), NotTaken> {
        let alert = self.find(alert).ok_or(NotTaken::NoOpenAlert)?;
        if kind == ReportKind::Cancel && alert.owes(kind) >= MAX_CANCELS {
            return Err(NotTaken::TooManyCancels);
        }
        Ok(())
    }

    /// Keeps a report and says which one was dropped for it without a receipt.
    pub(crate) fn keep(
        &mut self,
        report: Report,
        now: Duration,
    ) -> Result<Option<ReportNumber>, NotTaken> {
        let kept = Kept::new(report, now);
        let kind = kept.kind();
        self.admits(kept.report.alert, kind)?;
        let alert = self
            .find_mut(kept.report.alert)
            .ok_or(NotTaken::NoOpenAlert)?;
        let dropped = match kind {
            // The newest battery is the only one of interest.
            ReportKind::DeviceState => {
                alert.remove_first(kind);
                None
            }
            ReportKind::Text if alert.count(kind) >= MAX_TEXTS => match alert.remove_stored(kind) {
                true => None,
                false => alert.remove_first(kind),
            },
            ReportKind::Cancel if alert.count(kind) >= MAX_CANCELS => {
                alert.remove_stored(kind);
                None
            }
            _ => None,
        };
        alert.kept.push(kept);
        Ok(dropped)
    }

    /// Lets a position wait; the oldest of a full track goes.
    pub(crate) fn track(&mut self, alert: AlertId, position: Position) -> Result<(), NotTaken> {
        let alert = self
            .find_mut(alert)
            .filter(|alert| !alert.closed)
            .ok_or(NotTaken::NoOpenAlert)?;
        if alert.track.len() >= MAX_TRACK {
            alert.track.pop_front();
        }
        alert.track.push_back(position);
        Ok(())
    }

    /// Nothing has been sent on a new connection yet.
    pub(crate) fn begin_connection(&mut self) {
        for alert in &mut self.alerts {
            alert.live = false;
            for kept in alert.reports_mut() {
                kept.sent = false;
                kept.early = false;
            }
        }
    }

    /// What was sent so far went in 0-RTT data that the relay took.
    pub(crate) fn mark_early(&mut self) {
        for kept in self.alerts.iter_mut().flat_map(Alert::reports_mut) {
            kept.early = kept.sent;
        }
    }

    /// The next report that was not sent on this connection: raises first, the newest before all.
    pub(crate) fn next_unsent(&mut self, raises_only: bool) -> Option<&mut Kept> {
        let unsent = |kept: &Kept| !kept.sent;
        let raise = self
            .alerts
            .iter()
            .rposition(|alert| !alert.closed && unsent(&alert.raise));
        if let Some(at) = raise {
            return Some(&mut self.alerts[at].raise);
        }
        if raises_only {
            return None;
        }
        self.alerts
            .iter_mut()
            .flat_map(|alert| &mut alert.kept)
            .find(|kept| unsent(kept))
    }

    /// An alert whose positions may go out now.
    pub(crate) fn next_track(&mut self) -> Option<&mut Alert> {
        self.alerts
            .iter_mut()
            .find(|alert| alert.live && !alert.closed && !alert.track.is_empty())
    }

    /// The alert whose track was taken and is to be put back.
    pub(crate) fn next_track_of(&mut self, id: AlertId) -> Option<&mut Alert> {
        self.find_mut(id)
    }

    /// Takes a receipt. `None` when it says nothing new.
    pub(crate) fn receipt(&mut self, receipt: &Receipt) -> Option<Matched> {
        let alert = self.find_mut(receipt.alert)?;
        let is_raise = receipt.number == alert.raise.report.number;
        if is_raise {
            alert.live = true;
        }
        let kept = if is_raise {
            &mut alert.raise
        } else {
            let number = receipt.number;
            alert
                .kept
                .iter_mut()
                .find(|kept| kept.report.number == number)?
        };
        let better = kept.improve(receipt);
        let matched = Matched {
            kind: kept.kind(),
            early: kept.early,
            triggered: (is_raise && kept.made_here).then_some(kept.made_at),
        };
        alert.kept.retain(|kept| !kept.is_final());
        self.alerts.retain(|alert| !alert.is_done());
        better.then_some(matched)
    }

    /// Takes a status; false when it says nothing new.
    pub(crate) fn status(&mut self, status: &Status) -> bool {
        let Some(alert) = self.find_mut(status.alert) else {
            return false;
        };
        if alert.status.as_ref() == Some(status) {
            return false;
        }
        alert.status = Some(*status);
        if status.progress == Progress::Closed {
            alert.closed = true;
            alert.track.clear();
        }
        self.alerts.retain(|alert| !alert.is_done());
        true
    }

    /// Takes an officer's words; false when they came before.
    pub(crate) fn message(&mut self, message: &Message) -> bool {
        let Some(alert) = self.find_mut(message.alert) else {
            return false;
        };
        if alert.messages.contains(&message.id) {
            return false;
        }
        if alert.messages.len() >= MAX_MESSAGES {
            alert.messages.pop_front();
        }
        alert.messages.push_back(message.id);
        true
    }

    /// Takes back what the relay will never accept. A raise stays: it is repeated elsewhere.
    pub(crate) fn refused(&mut self, alert: AlertId, number: ReportNumber) {
        if let Some(alert) = self.find_mut(alert) {
            alert.kept.retain(|kept| kept.report.number != number);
        }
        self.alerts.retain(|alert| !alert.is_done());
    }

    /// The relay knows no open alert of this name, whatever it has said before: its log may have lost it. The raise goes
    /// again, before further positions.
    pub(crate) fn raise_again(&mut self, alert: AlertId) {
        if let Some(alert) = self.find_mut(alert).filter(|alert| alert.live) {
            alert.live = false;
            alert.raise.sent = false;
        }
    }

    /// Whether something was sent on this connection and has no receipt yet.
    pub(crate) fn awaits_receipt(&self) -> bool {
        self.unreceipted().any(|kept| kept.sent)
    }

    /// Whether an alert that only this connection's relay has stored should be stored at another too.
    pub(crate) fn wants_another_relay(&self, relays: usize) -> bool {
        self.alerts.iter().any(|alert| alert.wants_another(relays))
    }

    /// The relay is left for that, which is done once for each other relay.
    pub(crate) fn move_on(&mut self, relays: usize) {
        let alerts = self.alerts.iter_mut();
        for alert in alerts.filter(|alert| alert.wants_another(relays)) {
            alert.moves += 1;
        }
    }

    /// Reports that no relay has receipted at all.
    pub(crate) fn owed(&self) -> usize {
        self.unreceipted().count()
    }

    /// Reports whose deadline has passed since the last call: each is named once.
    pub(crate) fn overdue(
        &mut self,
        now: Duration,
        after: Duration,
    ) -> Vec<(AlertId, ReportNumber, ReportKind)> {
        let late = |kept: &&mut Kept| {
            kept.receipt.is_none() && !kept.warned && now >= kept.made_at + after
        };
        self.alerts
            .iter_mut()
            .flat_map(Alert::reports_mut)
            .filter(late)
            .map(|kept| {
                kept.warned = true;
                (kept.report.alert, kept.report.number, kept.kind())
            })
            .collect()
    }

    /// When [`Outbox::overdue`] will name the next one.
    pub(crate) fn next_deadline(&self, after: Duration) -> Option<Duration> {
        self.unreceipted()
            .filter(|kept| !kept.warned)
            .map(|kept| kept.made_at + after)
            .min()
    }

    fn unreceipted(&self) -> impl Iterator<Item = &Kept> {
        self.alerts
            .iter()
            .flat_map(Alert::reports)
            .filter(|kept| kept.receipt.is_none())
    }

    fn find(&self, id: AlertId) -> Option<&Alert> {
        self.alerts.iter().find(|alert| alert.id() == id)
    }

    fn find_mut(&mut self, id: AlertId) -> Option<&mut Alert> {
        self.alerts.iter_mut().find(|alert| alert.id() == id)
    }
}

/// What a track becomes on the wire: its newest position alone, or a trail of at most so many that
/// came before.
pub(crate) fn take_track(track: &mut VecDeque<Position>, most: usize) -> Option<Content> {
    match track.len() {
        0 => None,
        1 => track
            .pop_front()
            .map(|position| Content::Position(Ok(position))),
        // The newest stays behind and leaves as a datagram of its own.
        older => Some(Content::Trail(
            track.drain(..most.min(older - 1)).map(Ok).collect(),
        )),
    }
}

#[cfg(test)]
mod tests;

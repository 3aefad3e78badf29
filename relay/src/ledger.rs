//! Which reports are under way to the log and which are in it, across all connections of the relay: a resend is
//! receipted and not stored again, whichever connection it comes by.

use std::collections::BTreeMap;

use journal::Offset;
use journal::kept::{Known, Whose};
use protocol::{DeviceId, Entry, UnixMillis};

use crate::append::{Append, Fate, Outcome, ReportKey};
use crate::limits::INCIDENTS_MAX;
use crate::receipts::{Grade, Receipts};
use crate::way_back::{Delivery, Notice, SessionId, WayBack};

/// Where an append stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nobody has said it before: to be appended.
    Fresh,
    /// It is under way; the answer comes with that batch.
    UnderWay,
    /// It is durable already; what its receipt says.
    Durable(Grade),
    /// A position without an open alert: not to be stored.
    NoOpenAlert,
}

/// The answers to a commit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answers {
    /// To the connection that appended, one for each report.
    pub own: Vec<Outcome>,
    /// To those who said the same.
    pub others: Vec<(SessionId, Outcome)>,
}

/// The relay's knowledge of reports.
#[derive(Debug)]
pub struct Ledger {
    way_back: WayBack,
    receipts: Receipts,
    /// Who waits beside the one who came first.
    under_way: BTreeMap<ReportKey, Vec<SessionId>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            way_back: WayBack::new(INCIDENTS_MAX),
            receipts: Receipts::default(),
            under_way: BTreeMap::new(),
        }
    }
}

impl Ledger {
    /// Takes note of an append, and says what to do with it.
    pub fn offer(&mut self, session: SessionId, append: &Append) -> Standing {
        let key = append.key;
        if append.kind.is_track() {
            let is_open = if append.needs_open {
                self.is_open(&key)
            } else {
                !self.way_back.is_closed(key.device, key.alert)
            };
            return if is_open {
                Standing::Fresh
            } else {
                Standing::NoOpenAlert
            };
        }
        if let Some(waiting) = self.under_way.get_mut(&key) {
            waiting.push(session);
            return Standing::UnderWay;
        }
        if self.way_back.is_durable(&key) {
            self.receipts.listen(session, &key);
            return Standing::Durable(self.receipts.grade_of(&key));
        }
        self.under_way.insert(key, Vec::new());
        Standing::Fresh
    }

    /// The first report of an alert may still be under way.
    fn is_open(&self, key: &ReportKey) -> bool {
        let first = ReportKey {
            number: protocol::ReportNumber(0),
            ..*key
        };
        let mut following = self.under_way.range(first..);
        let is_raised = following
            .next()
            .is_some_and(|(next, _)| (next.device, next.alert) == (key.device, key.alert));
        is_raised || self.way_back.is_open(key.device, key.alert)
    }

    /// A connection listens to what the log says about an alert; what is known is told at once.
    pub fn listen(&mut self, session: SessionId, key: &ReportKey) -> Vec<Notice> {
        self.way_back.listen(session, key.device, key.alert)
    }

    /// The commit of reports that a connection appended has ended: at `first` they are in a row, or nobody may rely on
    /// them.
    pub fn committed(
        &mut self,
        session: SessionId,
        keys: &[ReportKey],
        first: Option<Offset>,
    ) -> Answers {
        let mut answers = Answers {
            own: Vec::with_capacity(keys.len()),
            others: Vec::new(),
        };
        for (key, place) in keys.iter().zip(0..) {
            let fate = match first {
                Some(first) => {
                    let place = first.plus(place);
                    self.way_back.note_durable(key);
                    Fate::Durable(self.receipts.placed(*key, place))
                }
                None => Fate::NotDurable,
            };
            let outcome = Outcome { key: *key, fate };
            let sessions = self.under_way.remove(key).unwrap_or_default();
            for waiting in std::iter::once(&session).chain(&sessions) {
                self.receipts.listen(*waiting, key);
            }
            let others = sessions.into_iter().map(|session| (session, outcome));
            answers.others.extend(others);
            answers.own.push(outcome);
        }
        answers
    }

    /// Receipts are final when replicas have the report; see [`Receipts::wait_for_replicas`].
    pub fn wait_for_replicas(&mut self, unknown_to: Offset, confirmed: Offset) {
        self.receipts.wait_for_replicas(unknown_to, confirmed);
    }

    /// What the log has said of whom an entry is about.
    #[must_use]
    pub fn known(&self, whose: &Whose) -> Known {
        self.way_back.known(whose)
    }

    /// The replicas have everything before this place of the own journal; whom to tell of which report.
    pub fn confirmed(&mut self, confirmed: Offset) -> Vec<(SessionId, ReportKey)> {
        self.receipts.confirmed(confirmed)
    }

    /// Folds the next entry of the alert log.
    pub fn fold(&mut self, entry: &Entry) -> Vec<Delivery> {
        self.way_back.fold(entry)
    }

    /// What is known, to all who listen.
    #[must_use]
    pub fn tell_all(&self) -> Vec<Delivery> {
        self.way_back.tell_all()
    }

    /// The log takes nothing, or takes what comes again.
    pub fn handle_stuck(&mut self, is_stuck: bool) {
        self.way_back.handle_stuck(is_stuck);
    }

    /// Tells phones that their alerts are stored here and not forwarded.
    pub fn tell_stored(&mut self, at: UnixMillis) -> Vec<Delivery> {
        self.way_back.tell_stored(at)
    }

    /// The log of these phones is not the one that was folded.
    pub fn forget_log(&mut self, of: impl Fn(&DeviceId) -> bool) {
        self.way_back.forget_log(of);
    }

    /// The connection has ended.
    pub fn forget_session(&mut self, session: SessionId) {
        self.way_back.forget_session(session);
    }

    /// How many incidents are followed.
    #[must_use]
    pub fn incidents(&self) -> usize {
        self.way_back.incidents()
    }
}

#[cfg(test)]
mod tests;

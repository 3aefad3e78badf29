//! Which reports are under way to the log and which are in it, across all connections of the relay: a resend is
//! receipted and not stored again, whichever connection it comes by.

use std::collections::BTreeMap;

use protocol::Entry;

use crate::append::{Append, ReportKey};
use crate::limits::INCIDENTS_MAX;
use crate::way_back::{Delivery, Notice, SessionId, WayBack};

/// Where an append stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nobody has said it before: to be appended.
    Fresh,
    /// It is under way; the answer comes with that batch.
    UnderWay,
    /// It is durable already.
    Durable,
    /// A position without an open alert: not to be stored.
    NoOpenAlert,
}

/// The relay's knowledge of reports.
#[derive(Debug)]
pub struct Ledger {
    way_back: WayBack,
    /// Who waits beside the one who came first.
    under_way: BTreeMap<ReportKey, Vec<SessionId>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            way_back: WayBack::new(INCIDENTS_MAX),
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
            return Standing::Durable;
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

    /// The commit of reports has ended: who waits for the same answer.
    pub fn committed(&mut self, keys: &[ReportKey], durable: bool) -> Vec<(SessionId, ReportKey)> {
        let mut waiting = Vec::new();
        for key in keys {
            let sessions = self.under_way.remove(key).unwrap_or_default();
            waiting.extend(sessions.into_iter().map(|session| (session, *key)));
            if durable {
                self.way_back.note_durable(key);
            }
        }
        waiting
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

    /// The log is not the one that was folded.
    pub fn forget_log(&mut self) {
        self.way_back.forget_log();
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

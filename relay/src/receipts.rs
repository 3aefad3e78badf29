//! Which receipts wait for replicas: how durable a report is when its phone is told of it, and who is told when it is
//! more than that.
//!
//! A place is an offset of the relay's own journal. What is confirmed may go back when the shared log has lost something:
//! a receipt that was given stands, its author brings the report in again, and who asks meanwhile hears what is true.

use std::collections::{BTreeMap, VecDeque};

use journal::Offset;
use protocol::wire::Durability;

use crate::append::ReportKey;
use crate::limits::{RECEIPT_SESSIONS_MAX, RECEIPTS_KEPT_MAX};
use crate::way_back::SessionId;

/// What a receipt says of a durable report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grade {
    /// Where it is.
    pub durability: Durability,
    /// Nothing better follows.
    pub is_final: bool,
}

impl Grade {
    /// On a relay's disk, and that is all that is wanted or known.
    pub const STORED: Self = Self {
        durability: Durability::Local,
        is_final: true,
    };

    /// On this relay's disk, and on its way to the replicas.
    pub const ON_ITS_WAY: Self = Self {
        durability: Durability::Local,
        is_final: false,
    };

    /// On as many replicas as are wanted.
    pub const REPLICATED: Self = Self {
        durability: Durability::Replicated,
        is_final: true,
    };
}

/// Where the reports of this relay are, as far as receipts depend on it.
#[derive(Debug, Default)]
pub struct Receipts {
    /// Replicas are wanted.
    waits: bool,
    confirmed: Offset,
    /// What is not kept here and lies in the own journal, lies before this.
    unknown_to: Offset,
    kept: BTreeMap<Offset, ReportKey>,
    places: BTreeMap<ReportKey, Offset>,
    /// Who was told [`Grade::ON_ITS_WAY`] of what is kept, the newest last.
    waiting: BTreeMap<Offset, VecDeque<SessionId>>,
}

impl Receipts {
    /// Replicas are wanted; the own journal, of which nothing is known yet, ends before `unknown_to`, and is confirmed
    /// before `confirmed`.
    pub fn wait_for_replicas(&mut self, unknown_to: Offset, confirmed: Offset) {
        self.waits = true;
        self.unknown_to = unknown_to;
        self.confirmed = confirmed;
    }

    /// A report has its place; what its receipt says.
    pub fn placed(&mut self, key: ReportKey, place: Offset) -> Grade {
        if !self.waits {
            return Grade::STORED;
        }
        if let Some(earlier) = self.places.insert(key, place) {
            self.kept.remove(&earlier);
            self.waiting.remove(&earlier);
        }
        self.kept.insert(place, key);
        if self.kept.len() > RECEIPTS_KEPT_MAX {
            self.forget_oldest();
        }
        self.grade(place)
    }

    fn forget_oldest(&mut self) {
        if let Some((place, key)) = self.kept.pop_first() {
            self.places.remove(&key);
            self.waiting.remove(&place);
            self.unknown_to = self.unknown_to.max(place.plus(1));
        }
    }

    /// What the receipt of a report that is durable says now.
    #[must_use]
    pub fn grade_of(&self, key: &ReportKey) -> Grade {
        match self.places.get(key) {
            Some(place) => self.grade(*place),
            // It may be of an earlier run or of another relay, which brings it into the shared log itself.
            None if self.waits && self.confirmed < self.unknown_to => Grade::ON_ITS_WAY,
            None => Grade::STORED,
        }
    }

    fn grade(&self, place: Offset) -> Grade {
        if place < self.confirmed {
            Grade::REPLICATED
        } else {
            Grade::ON_ITS_WAY
        }
    }

    /// A connection is told of it as soon as the report is on the replicas, if it is not yet.
    pub fn listen(&mut self, session: SessionId, key: &ReportKey) {
        let Some(place) = self
            .places
            .get(key)
            .filter(|place| **place >= self.confirmed)
        else {
            return;
        };
        let sessions = self.waiting.entry(*place).or_default();
        if sessions.contains(&session) {
            return;
        }
        if sessions.len() >= RECEIPT_SESSIONS_MAX {
            sessions.pop_front();
        }
        sessions.push_back(session);
    }

    /// Everything before `confirmed` is on the replicas now, and nothing else; whom to tell of which report.
    pub fn confirmed(&mut self, confirmed: Offset) -> Vec<(SessionId, ReportKey)> {
        self.confirmed = confirmed;
        let mut told = Vec::new();
        while let Some(first) = self.waiting.first_entry()
            && *first.key() < confirmed
        {
            let (place, sessions) = first.remove_entry();
            if let Some(key) = self.kept.get(&place) {
                told.extend(sessions.into_iter().map(|session| (session, *key)));
            }
        }
        told
    }
}

#[cfg(test)]
mod tests;

//! What an author does next to bring its own journal into the shared log: proves that what it
//! shipped is still there, ships what is not, asks for replicas, and remembers how far it is.
//!
//! The rules. A shipment counts only when the entry before it was there in the same transaction;
//! what nobody can say is shipped again; and when the shared log has lost something, everything
//! behind the newest entry that is still there is shipped again, in order. So an entry may be in the
//! shared log twice, and never is one missing.
//!
//! Each partition of the shared log has a state of its own, over the one own journal: what belongs to
//! other partitions is passed over ([`Shipping::passed`]), and the proof of the last shipment goes on to say
//! how far the author is.
//!
//! Times are milliseconds of any clock that does not go back.

use bytes::Bytes;

use crate::batcher::Durability;
use crate::ladder::{Ladder, Memory, Rung};
use crate::offset::{Offset, Partition, PerLog};
use crate::proof::Proof;
use crate::trim::RETENTION_MS;

/// How often an author that has nothing to ship looks whether what it shipped is still there: what
/// a failover took back is on its way again a second after the new master answers.
pub const PROVE_EVERY_MS: u64 = 1_000;

/// How often replicas are asked for that did not come in time.
pub const CONFIRM_EVERY_MS: u64 = 1_000;

/// How often progress is written to the disk: a commit a second beside the receipts. What is not
/// remembered after a crash is shipped again.
pub const REMEMBER_EVERY_MS: u64 = 1_000;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Connect to the shared log.
    Connect,
    /// See which of the remembered shipments are still there; then [`Shipping::proved`].
    Prove,
    /// Ship what the own journal has for this partition from these offsets on; then [`Shipping::shipped`],
    /// or [`Shipping::passed`].
    Ship {
        /// The own offset of the next entry of each log.
        from: PerLog<Offset>,
    },
    /// Ask for the replicas of everything that was shipped; then [`Shipping::asked`].
    Confirm,
    /// Write [`Shipping::memory`] to the disk; then [`Shipping::remembered`].
    Remember,
    /// Nothing, until there is something new in the own journal, or until this time.
    Rest {
        /// When to ask again.
        until_ms: u64,
    },
}

/// How far an author is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything of the own alert log before this offset is in the shared log, on as many replicas
    /// as are wanted. It goes back when the shared log has lost what it had confirmed.
    pub confirmed: Offset,
    /// The own offsets before which everything was shipped.
    pub shipped: PerLog<Offset>,
    /// Entries of the alert log that were shipped again after the shared log had lost them, or after
    /// nobody could say whether it had.
    pub shipped_again: u64,
    /// How often the shared log had lost something.
    pub rewinds: u64,
    /// The newest question ([`Shipping::want`]) to which enough replicas have answered that they have everything which was
    /// in the partition before it, whoever appended it; of several partitions, in all of them.
    pub round: u64,
}

/// How far the shared log is with the alerts of an author's own journal, as far as it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unshipped {
    /// The own offset before which none waits.
    pub first: Offset,
    /// The own offset behind the last.
    pub end: Offset,
    /// By partition: the own offset before which none of its alerts waits. It goes back when the shared log has
    /// lost some.
    pub shipped: Vec<Offset>,
}

impl Unshipped {
    /// Whether the shared log lacks what stands there and belongs to that partition.
    #[must_use]
    pub fn lacks(&self, partition: Partition, at: Offset) -> bool {
        let shipped = self.shipped.get(usize::from(partition.0));
        shipped.is_none_or(|shipped| *shipped <= at)
    }
}

/// An alert in an author's own journal that waits for the shared log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its own offset.
    pub at: Offset,
    /// Where it belongs.
    pub partition: Partition,
    /// What is to be shipped.
    pub entry: Bytes,
}

/// The state of an author.
#[derive(Clone, Debug)]
pub struct Shipping {
    ladder: Ladder,
    progress: Progress,
    /// The own alert log up to here has been on its way once.
    tried: Offset,
    /// The question that the replicas are to answer.
    round: u64,
    is_connected: bool,
    /// When the newest shipment was seen to be there; `None` since the start.
    seen_at_ms: Option<u64>,
    prove_at_ms: u64,
    confirm_at_ms: u64,
    remember_at_ms: u64,
    is_remembered: bool,
}

impl Shipping {
    /// An author whose own logs begin and end here, and what it remembers.
    #[must_use]
    pub fn new(firsts: PerLog<Offset>, ends: PerLog<Offset>, memory: Option<Memory>) -> Self {
        let reach = |memory: &Memory| {
            let newest = memory.ladder.newest();
            newest.map_or(memory.confirmed, |rung| rung.own_end)
        };
        // A memory of more than there is, is that of another journal.
        let memory = memory.filter(|memory| reach(memory) <= ends.alerts);
        let memory = memory.unwrap_or_default();
        let alerts = reach(&memory).max(firsts.alerts);
        Self {
            progress: Progress {
                confirmed: memory.confirmed.min(alerts),
                shipped: PerLog {
                    alerts,
                    tracks: memory.tracks_end.max(firsts.tracks).min(ends.tracks),
                },
                ..Progress::default()
            },
            tried: alerts,
            ladder: memory.ladder,
            round: 0,
            is_connected: false,
            seen_at_ms: None,
            prove_at_ms: 0,
            confirm_at_ms: 0,
            remember_at_ms: 0,
            is_remembered: true,
        }
    }

    /// How far it is.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// What is to be remembered.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            confirmed: self.progress.confirmed,
            tracks_end: self.progress.shipped.tracks,
            ladder: self.ladder.clone(),
        }
    }

    /// The shipments whose proofs are to be looked for, the newest first.
    #[must_use]
    pub fn rungs(&self) -> Vec<Rung> {
        self.ladder.newest_first()
    }

    /// Shipments up to this own offset count as there when their proofs have been trimmed. Entries are there for an hour
    /// before they are: who has seen his within the hour can take it that they were trimmed and not lost. Who comes
    /// later, after a failover that others have written past, cannot tell, and believes what replicas have confirmed.
    #[must_use]
    pub fn trimmed_to(&self, now_ms: u64) -> Offset {
        let is_recent = |seen_at_ms: u64| now_ms.saturating_sub(seen_at_ms) < RETENTION_MS;
        match self.seen_at_ms.is_some_and(is_recent) {
            true => Offset(u64::MAX),
            false => self.progress.confirmed,
        }
    }

    /// The entry that has to be there when the next shipment comes into the log. With none, nothing
    /// can be lost.
    #[must_use]
    pub fn behind(&self) -> Option<Proof> {
        self.ladder.newest().map(|rung| rung.last)
    }

    /// The replicas are to be asked whether they have everything, if they were not since this number was wanted first. It
    /// counts for what is done from the next step on.
    pub fn want(&mut self, round: u64) {
        self.round = round.max(self.round);
    }

    /// What is next when the own logs have something for this partition up to `ends`.
    #[must_use]
    pub fn step(&self, now_ms: u64, ends: PerLog<Offset>) -> Step {
        let shipped = self.progress.shipped;
        let is_unconfirmed =
            self.progress.confirmed < shipped.alerts || self.progress.round < self.round;
        if !self.is_remembered && self.remember_at_ms <= now_ms {
            Step::Remember
        } else if !self.is_connected {
            Step::Connect
        } else if self.prove_at_ms <= now_ms {
            Step::Prove
        } else if shipped.alerts < ends.alerts {
            Step::Ship { from: shipped }
        } else if is_unconfirmed && self.confirm_at_ms <= now_ms {
            // Before positions, which may come without end, and wait for no replica.
            Step::Confirm
        } else if shipped.tracks < ends.tracks {
            Step::Ship { from: shipped }
        } else {
            let confirm_at_ms = is_unconfirmed.then_some(self.confirm_at_ms);
            let remember_at_ms = (!self.is_remembered).then_some(self.remember_at_ms);
            let others = [confirm_at_ms, remember_at_ms].into_iter().flatten();
            let until_ms = others.fold(self.prove_at_ms, u64::min);
            Step::Rest { until_ms }
        }
    }

    /// There is a connection. It may lead to a server with another history, so that is looked at
    /// first.
    pub const fn connected(&mut self) {
        self.is_connected = true;
        self.prove_at_ms = 0;
    }

    /// The connection is of no use any more; what was under way on it, nobody can say.
    pub const fn disconnected(&mut self) {
        self.is_connected = false;
    }

    /// The newest of [`Self::rungs`] that is still there is the one at this place among them; with
    /// `None`, none is. The own alert log begins at `first`. Returns how many entries of the own journal,
    /// of whatever partition, are to be gone through again.
    pub fn proved(&mut self, now_ms: u64, newest_there: Option<usize>, first: Offset) -> u64 {
        self.prove_at_ms = now_ms + PROVE_EVERY_MS;
        self.seen_at_ms = Some(now_ms);
        let gone = newest_there.unwrap_or(usize::MAX);
        if gone == 0 || self.ladder.newest().is_none() {
            return 0;
        }
        self.ladder.forget_newest(gone);
        let alerts = self.ladder.newest().map_or(first, |rung| rung.own_end);
        let Progress {
            shipped, confirmed, ..
        } = self.progress;
        self.progress.shipped.alerts = alerts.min(shipped.alerts);
        self.progress.confirmed = confirmed.min(alerts);
        self.progress.rewinds += 1;
        self.is_remembered = false;
        shipped.alerts.since(alerts)
    }

    /// What went out was not taken to be in the log, as what came before it was not there: where it
    /// still is, is to be found.
    pub const fn disproved(&mut self) {
        self.prove_at_ms = 0;
    }

    /// These own entries of the alert log, in order, are on their way.
    pub fn sending(&mut self, alerts: &[Offset]) {
        let again = alerts.iter().filter(|&&own| own < self.tried);
        self.progress.shipped_again += again.count() as u64;
        let end = alerts.last().map_or(self.tried, |last| last.plus(1));
        self.tried = self.tried.max(end);
    }

    /// A shipment is in the log, behind [`Self::behind`]: everything before these own offsets is
    /// shipped. `last` is its last alert there, if it had one.
    pub fn shipped(&mut self, ends: PerLog<Offset>, last: Option<Proof>, durability: Durability) {
        if let Some(last) = last {
            let own_end = ends.alerts;
            self.ladder.push(Rung { own_end, last });
            if let Durability::Confirmed { .. } = durability {
                // Replicas that have it have everything before it.
                self.progress.confirmed = own_end;
                self.progress.round = self.round;
            }
            self.progress.shipped.alerts = own_end;
        }
        self.passed(ends);
        self.is_remembered = false;
    }

    /// Nothing else that is before these own offsets belongs to this partition. What was confirmed to its
    /// end, is confirmed up to there.
    pub fn passed(&mut self, ends: PerLog<Offset>) {
        let Progress {
            shipped, confirmed, ..
        } = self.progress;
        if ends.alerts > shipped.alerts {
            self.ladder.stretch(ends.alerts);
            self.progress.shipped.alerts = ends.alerts;
            if confirmed == shipped.alerts {
                self.progress.confirmed = ends.alerts;
            }
        }
        self.progress.shipped.tracks = ends.tracks.max(shipped.tracks);
        self.is_remembered &= self.progress.shipped == shipped;
    }

    /// The replicas were asked for: whether enough have everything that was shipped.
    pub fn asked(&mut self, now_ms: u64, is_confirmed: bool) {
        self.confirm_at_ms = now_ms + CONFIRM_EVERY_MS;
        if is_confirmed {
            let Progress {
                shipped, confirmed, ..
            } = self.progress;
            self.progress.confirmed = shipped.alerts;
            self.progress.round = self.round;
            self.is_remembered &= confirmed == shipped.alerts;
        }
    }

    /// The memory is on the disk, or could not be written; then it is tried again.
    pub const fn remembered(&mut self, now_ms: u64, is_written: bool) {
        self.remember_at_ms = now_ms + REMEMBER_EVERY_MS;
        self.is_remembered = is_written;
    }
}

#[cfg(test)]
mod tests;

//! What an own journal has to keep: about whom each entry is, and from which place on an incident may be open. Whoever
//! does not know, keeps.
//!
//! A place is let go when everything before it is confirmed and was closed an hour ago, as the shared log said; the replicas
//! of every partition have answered a question that was asked after that look, and so, as replicas have all of a log up to
//! some place, have the close, in whichever partition it stands; the log has lost nothing meanwhile; and everything is closed still.
//!
//! Decisions are kept for a day at least: a log that is restored from this morning's backup still has the raise, and without
//! the close it would ring again. Of what is about nobody (map in force, sign-ins), or nobody knows
//! about whom, a day is enough, as it would be without all this.

use std::collections::VecDeque;

use bytes::Bytes;
use protocol::{AlertId, DeviceId, Entry, IncidentId, Millis, Subject, UnixMillis};

use crate::keeping::KEEP_MS;
use crate::offset::Offset;

/// How long an incident has to be closed, by the shared log and without any loss of it, before what is about it may go from
/// the own journal. No replica that may become the master is an hour behind.
pub const CLOSED_FOR: Millis = Millis::from_secs(3600);

/// How often it is looked at which incidents are closed.
pub const LOOK_AT_CLOSED_EVERY: Millis = Millis::from_secs(60);

/// Entries of the own journal of which is remembered about whom they are, some 50 MB: as many as a nation in trouble sends
/// to one relay in ten minutes; and as many of earlier runs. More are kept for a day.
pub const KEPT_SLOTS_MAX: usize = 500_000;

/// Looks at closed incidents that are remembered: more than there are in [`CLOSED_FOR`], so that one of them is always
/// old enough.
pub const KEPT_MARKS_MAX: usize = 128;

/// Entries that are looked at before others have their turn: under a millisecond.
pub const KEPT_SLOTS_AT_ONCE: usize = 1_000;

/// Whom an entry of the alert log is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// A phone said it about this alert.
    Report(DeviceId, AlertId),
    /// It was decided about this incident of a phone.
    Decision(DeviceId, IncidentId),
}

impl Whose {
    /// As its clear header says; `None` for what is about no incident, and for what nobody can read.
    #[must_use]
    pub fn of_entry(entry: &Bytes) -> Option<Self> {
        match Entry::decode(entry).ok()?.header.subject {
            Subject::Report(report) => Some(Self::Report(report.device, report.alert)),
            Subject::Decision(decision) => Some(Self::Decision(decision.device, decision.incident)),
            Subject::Site(_) | Subject::Unknown => None,
        }
    }
}

/// What the log says of an incident.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// It is closed, since then. One that was opened again and closed has another time.
    Closed(UnixMillis),
    /// It is open.
    Open,
    /// The log has not said, or it was forgotten.
    Nothing,
}

/// Why a place need not be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    /// Nobody knows of it, and its day is over.
    Aged,
    /// By this close.
    Closed(UnixMillis),
}

/// Places in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    /// The place after the last.
    end: Offset,
    /// Whom they are about, if that is known.
    whose: Option<Whose>,
    /// When they were seen first; `None` until somebody looks, and then for all that stand behind as well.
    at: Option<Millis>,
    /// Why they need not be kept, as it was seen last.
    over: Option<Over>,
}

impl Slot {
    fn new(end: Offset, whose: Option<Whose>) -> Self {
        Self {
            end,
            whose,
            at: None,
            over: None,
        }
    }

    fn over(&self, now: Millis, known: &impl Fn(&Whose) -> Known) -> Option<Over> {
        let age = self.at.map_or(0, |at| now.0.saturating_sub(at.0));
        let is_day_old = age >= KEEP_MS;
        match (self.whose, self.whose.as_ref().map(known)) {
            (_, Some(Known::Open)) => None,
            (Some(Whose::Report(..)), Some(Known::Closed(at))) => Some(Over::Closed(at)),
            (_, Some(Known::Closed(at))) => is_day_old.then_some(Over::Closed(at)),
            (_, Some(Known::Nothing) | None) => is_day_old.then_some(Over::Aged),
        }
    }

    /// Whether it is so still, by the same close as before.
    fn is_still_over(&self, now: Millis, known: &impl Fn(&Whose) -> Known) -> bool {
        let over = self.over(now, known);
        over == Some(Over::Aged) || (over.is_some() && over == self.over)
    }
}

/// A look at which everything before a place was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    end: Offset,
    at: Millis,
    /// The first question to the replicas that was asked after it.
    round: u64,
}

/// How far things are at a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reached {
    /// When it is, by any clock that does not go back.
    pub now: Millis,
    /// Everything before this place is confirmed.
    pub confirmed: Offset,
    /// The newest of [`Kept::round`] that the replicas of all partitions have answered.
    pub answered: u64,
}

/// The alerts of an own journal that are not let go yet.
#[derive(Debug)]
pub struct Kept {
    first: Offset,
    end: Offset,
    slots: VecDeque<Slot>,
    /// So many slots at the front were closed when they were looked at.
    closed: usize,
    marks: VecDeque<Mark>,
    round: u64,
    looked_at: Option<Millis>,
}

impl Kept {
    /// A journal that ends here, and of which nothing else is known.
    #[must_use]
    pub fn new(end: Offset) -> Self {
        let mut kept = Self::starting_at(Offset::ZERO);
        kept.extend(end, None);
        kept
    }

    /// A journal that has nothing before this place, and nothing yet behind it.
    #[must_use]
    pub const fn starting_at(first: Offset) -> Self {
        Self {
            first,
            end: first,
            slots: VecDeque::new(),
            closed: 0,
            marks: VecDeque::new(),
            round: 0,
            looked_at: None,
        }
    }

    /// An entry has its place, which is behind all others.
    pub fn note(&mut self, place: Offset, whose: Option<Whose>) {
        // What lies between, nobody has told of.
        self.extend(place, None);
        self.extend(place.plus(1), whose);
    }

    /// About whom the entries before the first that was noted are, as they were read since. They count as seen when the journal
    /// was.
    pub fn recall(&mut self, past: Self) {
        let unknown = self.slots.front().copied();
        let Some(unknown) = unknown.filter(|slot| slot.whose.is_none() && slot.over.is_none())
        else {
            return;
        };
        if self.first > Offset::ZERO || past.end > unknown.end {
            return;
        }
        if past.end == unknown.end {
            self.slots.pop_front();
        }
        self.first = past.first;
        for slot in past.slots.into_iter().rev() {
            let at = unknown.at;
            self.slots.push_front(Slot { at, ..slot });
        }
    }

    fn extend(&mut self, end: Offset, whose: Option<Whose>) {
        if end <= self.end {
            return;
        }
        self.end = end;
        let is_full = self.slots.len() >= KEPT_SLOTS_MAX;
        let whose = whose.filter(|_| !is_full);
        let count = self.slots.len();
        match self.slots.back_mut() {
            // What was seen before is older, and goes by itself.
            Some(last) if is_full || (last.whose == whose && last.at.is_none()) => {
                *last = Slot::new(end, whose);
                self.closed = self.closed.min(count - 1);
            }
            _ => self.slots.push_back(Slot::new(end, whose)),
        }
    }

    /// Everything from this place on has to be kept.
    #[must_use]
    pub const fn first(&self) -> Offset {
        self.first
    }

    /// The replicas of each partition are to be asked whether they have everything that was in it before the question.
    /// A higher number asks for another question.
    #[must_use]
    pub const fn round(&self) -> u64 {
        self.round
    }

    /// The log has lost something, or is another one: what it said of closed incidents counts no more.
    pub fn forget_closed(&mut self) {
        self.closed = 0;
        self.marks.clear();
    }

    /// Looks at up to so many slots, lets go of what need not be kept, and asks for another [`Kept::round`] when more is closed
    /// than before. To be done again at once while [`Kept::is_due`].
    pub fn look(&mut self, reached: Reached, slots_max: usize, known: impl Fn(&Whose) -> Known) {
        let now = reached.now;
        let unseen = self.slots.iter_mut().rev();
        for slot in unseen.take_while(|slot| slot.at.is_none()) {
            slot.at = Some(now);
        }
        let mut left = slots_max;
        if let Some(end) = self.let_go_to(reached) {
            while let Some(slot) = self.slots.front().filter(|slot| slot.end <= end) {
                if left == 0 {
                    return;
                }
                left -= 1;
                if !slot.is_still_over(now, &known) {
                    // It was opened again, and may have been closed again.
                    self.forget_closed();
                    break;
                }
                self.first = slot.end;
                self.slots.pop_front();
                self.closed = self.closed.saturating_sub(1);
            }
            let first = self.first;
            self.marks.retain(|mark| mark.end > first);
        }
        for slot in self.slots.range_mut(self.closed..).take(left) {
            slot.over = slot.over(now, &known);
            if slot.over.is_none() {
                break;
            }
            self.closed += 1;
            left -= 1;
        }
        if left > 0 {
            self.mark(now);
        }
    }

    /// The furthest place that was closed long enough ago.
    fn let_go_to(&self, reached: Reached) -> Option<Offset> {
        let is_old = |mark: &&Mark| {
            let age = reached.now.0.saturating_sub(mark.at.0);
            age >= CLOSED_FOR.0 && reached.answered >= mark.round && reached.confirmed >= mark.end
        };
        self.marks.iter().rev().find(is_old).map(|mark| mark.end)
    }

    /// Everything that could be looked at was.
    fn mark(&mut self, now: Millis) {
        self.looked_at = Some(now);
        let Some(last) = self.closed.checked_sub(1).and_then(|at| self.slots.get(at)) else {
            return;
        };
        let end = last.end;
        if self.marks.back().is_some_and(|mark| mark.end >= end) {
            return;
        }
        if self.marks.len() >= KEPT_MARKS_MAX {
            self.marks.pop_front();
        }
        self.round += 1;
        self.marks.push_back(Mark {
            end,
            at: now,
            round: self.round,
        });
    }

    /// Whether there is something to look at.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        self.looked_at
            .is_none_or(|at| now.0.saturating_sub(at.0) >= LOOK_AT_CLOSED_EVERY.0)
    }
}

#[cfg(test)]
mod tests;

//! What the relay's own journal has to keep: whose report stands at which place, and from which place on an incident may be
//! open. Whoever does not know, keeps.
//!
//! A place is let go when everything before it was closed an hour ago, as the shared log said; something that was
//! appended after that look has been confirmed since, and with it, as replicas have all of a log up to some place, the close; the
//! log has lost nothing meanwhile; and everything is closed still. Of what nobody knows whose it is (an earlier run, another
//! author in the same journal, more than is remembered), a day is enough, as it would be without all this.

use std::collections::VecDeque;

use journal::Offset;
use journal::keeping::KEEP_MS;
use protocol::{AlertId, DeviceId, Millis};

use crate::limits::{CLOSED_FOR, KEPT_MARKS_MAX, KEPT_SLOTS_MAX, LOOK_AT_CLOSED_EVERY};

/// What the log says of an incident.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// It is closed.
    Closed,
    /// It is open.
    Open,
    /// The log has not said, or it was forgotten.
    Nothing,
}

/// Places in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Slot {
    /// The place after the last.
    end: Offset,
    /// Whose reports stand there, if that is known.
    whose: Option<(DeviceId, AlertId)>,
    /// When the last of them was noted.
    at: Millis,
}

/// A look at which everything before a place was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    end: Offset,
    at: Millis,
    /// Where the own journal ended then: what stands there was appended later.
    own_end: Offset,
}

/// How far things are at a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reached {
    /// When it is.
    pub now: Millis,
    /// Where the own journal ends, whoever appends.
    pub own_end: Offset,
    /// Everything before this place is confirmed.
    pub confirmed: Offset,
}

/// The reports of the own journal that are not let go yet.
#[derive(Debug)]
pub struct Kept {
    first: Offset,
    end: Offset,
    slots: VecDeque<Slot>,
    /// So many slots at the front were closed when they were looked at.
    closed: usize,
    marks: VecDeque<Mark>,
    looked_at: Option<Millis>,
}

impl Kept {
    /// A journal that ends here, and of which nothing else is known.
    #[must_use]
    pub fn new(end: Offset, now: Millis) -> Self {
        let mut kept = Self {
            first: Offset::ZERO,
            end: Offset::ZERO,
            slots: VecDeque::new(),
            closed: 0,
            marks: VecDeque::new(),
            looked_at: None,
        };
        kept.extend(end, None, now);
        kept
    }

    /// A report has its place, which is behind all others.
    pub fn note(&mut self, place: Offset, device: DeviceId, alert: AlertId, now: Millis) {
        // What lies between is of another author.
        self.extend(place, None, now);
        self.extend(place.plus(1), Some((device, alert)), now);
    }

    fn extend(&mut self, end: Offset, whose: Option<(DeviceId, AlertId)>, now: Millis) {
        if end <= self.end {
            return;
        }
        self.end = end;
        let is_full = self.slots.len() >= KEPT_SLOTS_MAX;
        let whose = whose.filter(|_| !is_full);
        let count = self.slots.len();
        match self.slots.back_mut() {
            Some(last) if last.whose == whose || is_full => {
                last.whose = whose;
                last.end = end;
                last.at = now;
                // It was closed when it was looked at, and goes on.
                self.closed = self.closed.min(count - 1);
            }
            _ => self.slots.push_back(Slot {
                end,
                whose,
                at: now,
            }),
        }
    }

    /// The log has lost something, or is another one: what it said of closed incidents counts no more.
    pub fn forget_log(&mut self) {
        self.closed = 0;
        self.marks.clear();
    }

    /// Looks at up to so many slots, and says from which place on everything has to be kept, when that is another one. To be
    /// asked again at once while [`Kept::is_due`].
    pub fn look(
        &mut self,
        reached: Reached,
        slots_max: usize,
        known: impl Fn(&DeviceId, &AlertId) -> Known,
    ) -> Option<Offset> {
        let (before, now) = (self.first, reached.now);
        let is_over = |slot: &Slot| match slot.whose.map(|(device, alert)| known(&device, &alert)) {
            Some(Known::Closed) => true,
            Some(Known::Open) => false,
            Some(Known::Nothing) | None => now.0.saturating_sub(slot.at.0) >= KEEP_MS,
        };
        let mut left = slots_max;
        if let Some(end) = self.let_go_to(reached) {
            while let Some(slot) = self.slots.front().filter(|slot| slot.end <= end) {
                if left == 0 {
                    return (self.first > before).then_some(self.first);
                }
                left -= 1;
                if !is_over(slot) {
                    // It was opened again.
                    self.forget_log();
                    break;
                }
                self.first = slot.end;
                self.slots.pop_front();
                self.closed = self.closed.saturating_sub(1);
            }
            let first = self.first;
            self.marks.retain(|mark| mark.end > first);
        }
        let further = self.slots.range(self.closed..).take(left);
        let closed = further.take_while(|slot| is_over(slot)).count();
        self.closed += closed;
        if closed < left {
            self.mark(reached);
        }
        (self.first > before).then_some(self.first)
    }

    /// The furthest place that was closed long enough ago.
    fn let_go_to(&self, reached: Reached) -> Option<Offset> {
        let is_old = |mark: &&Mark| {
            let age = reached.now.0.saturating_sub(mark.at.0);
            age >= CLOSED_FOR.0 && reached.confirmed > mark.own_end
        };
        self.marks.iter().rev().find(is_old).map(|mark| mark.end)
    }

    /// Everything that could be looked at was.
    fn mark(&mut self, reached: Reached) {
        self.looked_at = Some(reached.now);
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
        self.marks.push_back(Mark {
            end,
            at: reached.now,
            own_end: reached.own_end,
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

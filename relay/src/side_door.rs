//! The side door as a state machine: which dispatcher is offered what, and when again, while alerts wait for the log.
//!
//! Each dispatcher is offered everything that waits, the oldest first, then what comes after it at once, and
//! everything again every few seconds, so that one that was restarted learns of it too. What the log has taken is offered
//! no more. Times are ticks: milliseconds of a clock that does not go back. Offsets are those of the relay's own journal.

mod address;
mod window;

use journal::Offset;
use protocol::Millis;

pub use address::{DispatcherAddress, InvalidDispatcher};
pub use window::{WINDOW_BYTES, WINDOW_ENTRIES, Window};

/// The log is stuck when something has waited for it for so long. Shipping takes milliseconds; a failover that
/// goes well takes a second.
pub const STUCK_AFTER: Millis = Millis::from_secs(2);

/// How often everything is offered again. A dispatcher that has been restarted shows it that much later at the most.
pub const REPEAT_EVERY: Millis = Millis::from_secs(5);

/// Between two offers to one dispatcher: what comes meanwhile goes together.
pub const OFFER_EVERY: Millis = Millis(200);

/// After a first failed offer; each further one in a row doubles it, up to [`RETRY_MAX`].
pub const RETRY_FIRST: Millis = Millis::from_secs(1);

/// The longest wait for the next offer to a dispatcher that does not answer. Below the time after which dispatchers forget what is not
/// offered again.
pub const RETRY_MAX: Millis = Millis::from_secs(30);

/// What waits for the log and is offered: see [`Window`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// The first of it.
    pub first: Offset,
    /// Behind the last.
    pub end: Offset,
    /// How long the first has waited; `None` when nothing waits.
    pub oldest_age: Option<Millis>,
}

/// An offer to be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    /// Which dispatcher, by its place in the configuration.
    pub to: usize,
    /// The first entry.
    pub from: Offset,
    /// Behind the last that may be offered.
    pub end: Offset,
}

/// Offers to one dispatcher.
#[derive(Clone, Copy, Debug, Default)]
struct Dispatcher {
    /// What is offered next.
    next: Offset,
    /// When everything was begun to be offered last.
    round_at: Millis,
    /// Not before this time.
    not_before: Millis,
    failures: u32,
    is_under_way: bool,
}

/// Offers to all dispatchers.
#[derive(Debug)]
pub struct SideDoor {
    dispatchers: Vec<Dispatcher>,
    backlog: Backlog,
    is_open: bool,
}

impl SideDoor {
    /// For so many dispatchers. Nothing waits.
    #[must_use]
    pub fn new(dispatchers: usize) -> Self {
        Self {
            dispatchers: vec![Dispatcher::default(); dispatchers],
            backlog: Backlog::default(),
            is_open: false,
        }
    }

    /// Whether the log is stuck.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// What waits for the log now. True when the side door has opened or closed by that.
    pub fn handle_backlog(&mut self, now: Millis, backlog: Backlog) -> bool {
        self.backlog = backlog;
        let is_open = backlog.oldest_age.is_some_and(|age| age >= STUCK_AFTER);
        let changes = is_open != self.is_open;
        self.is_open = is_open;
        if changes && is_open {
            for dispatcher in &mut self.dispatchers {
                dispatcher.next = backlog.first;
                dispatcher.round_at = now;
            }
        }
        changes
    }

    /// The next offer to make, to a dispatcher to which none is under way; to be answered with [`Self::handle_offered`] or [`Self::handle_failed`].
    pub fn poll_offer(&mut self, now: Millis) -> Option<Offer> {
        if !self.is_open {
            return None;
        }
        let Backlog { first, end, .. } = self.backlog;
        for (to, dispatcher) in self.dispatchers.iter_mut().enumerate() {
            if dispatcher.is_under_way || dispatcher.not_before > now {
                continue;
            }
            let is_through = dispatcher.next >= end;
            if is_through && now.0 >= dispatcher.round_at.0.saturating_add(REPEAT_EVERY.0) {
                dispatcher.next = first;
                dispatcher.round_at = now;
            }
            let from = dispatcher.next.max(first);
            if from < end {
                dispatcher.is_under_way = true;
                return Some(Offer { to, from, end });
            }
        }
        None
    }

    /// A dispatcher has answered; `next` is the entry behind the last that it was offered.
    pub fn handle_offered(&mut self, now: Millis, to: usize, next: Offset) {
        if let Some(dispatcher) = self.dispatchers.get_mut(to) {
            dispatcher.is_under_way = false;
            dispatcher.failures = 0;
            dispatcher.next = next;
            dispatcher.not_before = Millis(now.0.saturating_add(OFFER_EVERY.0));
        }
    }

    /// A dispatcher did not take an offer.
    pub fn handle_failed(&mut self, now: Millis, to: usize) {
        if let Some(dispatcher) = self.dispatchers.get_mut(to) {
            dispatcher.is_under_way = false;
            let doubled = RETRY_FIRST
                .0
                .saturating_mul(1 << dispatcher.failures.min(16));
            dispatcher.failures = dispatcher.failures.saturating_add(1);
            dispatcher.not_before = Millis(now.0.saturating_add(doubled.min(RETRY_MAX.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn waits(first: u64, end: u64, age_ms: u64) -> Backlog {
        Backlog {
            first: Offset(first),
            end: Offset(end),
            oldest_age: (first < end).then_some(Millis(age_ms)),
        }
    }

    fn offer(to: usize, from: u64, end: u64) -> Option<Offer> {
        Some(Offer {
            to,
            from: Offset(from),
            end: Offset(end),
        })
    }

    #[test]
    fn nothing_is_offered_while_the_log_takes_what_comes() {
        let mut door = SideDoor::new(2);
        assert!(!door.handle_backlog(Millis(0), waits(5, 9, STUCK_AFTER.0 - 1)));
        assert_eq!(door.poll_offer(Millis(0)), None);
        assert!(door.handle_backlog(Millis(1), waits(5, 9, STUCK_AFTER.0)));
        assert!(door.is_open());
        assert_eq!(door.poll_offer(Millis(1)), offer(0, 5, 9));
        assert_eq!(door.poll_offer(Millis(1)), offer(1, 5, 9));
        assert_eq!(door.poll_offer(Millis(1)), None, "one at a time");
        assert!(door.handle_backlog(Millis(2), waits(9, 9, 0)));
        door.handle_offered(Millis(3), 0, Offset(9));
        assert_eq!(door.poll_offer(Millis(9_999)), None);
    }

    #[test]
    fn what_comes_is_offered_at_once_and_everything_again_after_a_while() {
        let mut door = SideDoor::new(1);
        door.handle_backlog(Millis(0), waits(0, 3, 2_000));
        assert_eq!(door.poll_offer(Millis(0)), offer(0, 0, 3));
        door.handle_offered(Millis(0), 0, Offset(2));
        assert_eq!(door.poll_offer(OFFER_EVERY), offer(0, 2, 3), "the rest");
        door.handle_offered(OFFER_EVERY, 0, Offset(3));
        assert_eq!(door.poll_offer(Millis(1_000)), None);
        door.handle_backlog(Millis(1_000), waits(0, 4, 3_000));
        assert_eq!(
            door.poll_offer(Millis(1_000)),
            offer(0, 3, 4),
            "what is new"
        );
        door.handle_offered(Millis(1_000), 0, Offset(4));
        assert_eq!(door.poll_offer(Millis(REPEAT_EVERY.0 - 1)), None);
        assert_eq!(door.poll_offer(REPEAT_EVERY), offer(0, 0, 4), "again");
        door.handle_offered(REPEAT_EVERY, 0, Offset(4));
        door.handle_backlog(Millis(6_000), waits(2, 4, 3_000));
        assert_eq!(
            door.poll_offer(Millis(10_000)),
            offer(0, 2, 4),
            "without what is logged"
        );
    }

    #[test]
    fn who_does_not_answer_is_asked_ever_more_rarely_and_holds_up_nobody() {
        let mut door = SideDoor::new(2);
        door.handle_backlog(Millis(0), waits(0, 1, 2_000));
        let mut at = 0;
        for wait in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let mut offers = Vec::new();
            while let Some(offer) = door.poll_offer(Millis(at)) {
                offers.push(offer.to);
            }
            assert!(offers.contains(&0), "at {at}: {offers:?}");
            door.handle_failed(Millis(at), 0);
            door.handle_offered(Millis(at), 1, Offset(1));
            at += wait - 1;
            let to_other = door.poll_offer(Millis(at));
            assert!(to_other.is_none_or(|offer| offer.to == 1));
            if to_other.is_some() {
                door.handle_offered(Millis(at), 1, Offset(1));
            }
            at += 1;
        }
        assert_eq!(door.poll_offer(Millis(at)).map(|offer| offer.to), Some(0));
        door.handle_offered(Millis(at), 0, Offset(1));
        door.handle_failed(Millis(at), 0);
        assert!(
            door.dispatchers[0].not_before.0 == at + RETRY_FIRST.0,
            "begins anew"
        );
    }

    proptest! {
        /// Whatever answers and fails in between: once it answers, all that waits has been offered within two rounds.
        #[test]
        fn everything_that_waits_is_offered(
            steps in prop::collection::vec((0_u64..400, 1_u64..9, any::<bool>()), 1..60),
        ) {
            let mut door = SideDoor::new(1);
            let (mut now, mut end) = (0, 1);
            for (wait, more, answers) in steps {
                now += wait;
                end += more;
                door.handle_backlog(Millis(now), waits(0, end, 2_000));
                if let Some(offer) = door.poll_offer(Millis(now)) {
                    prop_assert!(offer.from < offer.end && offer.end == Offset(end));
                    if answers {
                        door.handle_offered(Millis(now), 0, offer.from.plus(1));
                    } else {
                        door.handle_failed(Millis(now), 0);
                    }
                }
            }
            let mut offered = BTreeSet::new();
            let until = now + RETRY_MAX.0 + 2 * (REPEAT_EVERY.0 + end * OFFER_EVERY.0);
            while now < until {
                if let Some(offer) = door.poll_offer(Millis(now)) {
                    offered.insert(offer.from.0);
                    door.handle_offered(Millis(now), 0, offer.from.plus(1));
                }
                now += OFFER_EVERY.0;
            }
            prop_assert_eq!(offered, (0..end).collect::<BTreeSet<_>>());
        }
    }
}

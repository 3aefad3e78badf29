use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const HOUR: u64 = CLOSED_FOR.0;
const DEVICE: DeviceId = DeviceId::Enrolled([1; 16]);

fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

/// A journal, what the log says of its alerts, and what time it is.
struct Site {
    kept: Kept,
    now: u64,
    own_end: u64,
    confirmed: u64,
    open: BTreeSet<AlertId>,
    closed: BTreeSet<AlertId>,
    keep_from: Offset,
}

impl Site {
    fn after(own_end: u64) -> Self {
        Self {
            kept: Kept::new(Offset(own_end), Millis(0)),
            now: 0,
            own_end,
            confirmed: own_end,
            open: BTreeSet::new(),
            closed: BTreeSet::new(),
            keep_from: Offset::ZERO,
        }
    }

    fn append(&mut self, n: u8) {
        let place = Offset(self.own_end);
        self.kept.note(place, DEVICE, alert(n), Millis(self.now));
        self.own_end += 1;
        if !self.closed.contains(&alert(n)) {
            self.open.insert(alert(n));
        }
    }

    fn close(&mut self, n: u8) {
        self.open.remove(&alert(n));
        self.closed.insert(alert(n));
    }

    fn reopen(&mut self, n: u8) {
        self.closed.remove(&alert(n));
        self.open.insert(alert(n));
    }

    /// Looks as long as there is something to look at.
    fn look(&mut self) -> u64 {
        let reached = Reached {
            now: Millis(self.now),
            own_end: Offset(self.own_end),
            confirmed: Offset(self.confirmed),
        };
        for _ in 0..10_000 {
            let known = |_: &DeviceId, alert: &AlertId| {
                if self.closed.contains(alert) {
                    Known::Closed
                } else if self.open.contains(alert) {
                    Known::Open
                } else {
                    Known::Nothing
                }
            };
            if let Some(keep_from) = self.kept.look(reached, 3, known) {
                assert!(keep_from > self.keep_from, "it never goes back");
                self.keep_from = keep_from;
            }
            if !self.kept.is_due(reached.now) {
                return self.keep_from.0;
            }
        }
        panic!("it never ends");
    }

    fn look_in(&mut self, millis: u64) -> u64 {
        self.now += millis;
        self.look()
    }

    /// Something is appended now, and confirmed with all before it.
    fn confirm_all(&mut self) {
        self.append(99);
        self.confirmed = self.own_end;
    }
}

#[test]
fn what_was_closed_for_an_hour_and_confirmed_since_goes_in_order() {
    let mut site = Site::after(0);
    for n in 0..5 {
        site.append(n);
    }
    for n in [0, 1, 3] {
        site.close(n);
    }
    assert_eq!(site.look(), 0);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR - 1), 0, "not an hour yet");
    assert_eq!(
        site.look_in(LOOK_AT_CLOSED_EVERY.0),
        2,
        "up to what is open"
    );
    site.close(2);
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 2);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 4);
}

#[test]
fn a_close_of_which_nothing_was_confirmed_since_keeps() {
    let mut site = Site::after(0);
    site.append(0);
    site.close(0);
    site.confirmed = site.own_end;
    site.look();
    assert_eq!(site.look_in(9 * HOUR), 0, "confirmed was the raise alone");
    site.confirm_all();
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 1);
}

#[test]
fn what_is_opened_again_in_the_hour_stays() {
    let mut site = Site::after(0);
    site.append(0);
    site.append(1);
    site.close(0);
    site.close(1);
    site.look();
    site.confirm_all();
    site.reopen(1);
    assert_eq!(site.look_in(HOUR), 1);
    site.close(1);
    site.look_in(LOOK_AT_CLOSED_EVERY.0);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 2);
}

#[test]
fn a_log_that_has_lost_something_has_to_say_it_all_again() {
    let mut site = Site::after(0);
    site.append(0);
    site.close(0);
    site.look();
    site.confirm_all();
    site.kept.forget_log();
    assert_eq!(site.look_in(HOUR), 0, "the hour begins anew");
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 1);
}

#[test]
fn what_nobody_knows_of_is_kept_for_a_day() {
    let mut site = Site::after(7);
    // Places 7 and 8 are of another author.
    site.own_end = 9;
    site.append(0);
    site.close(0);
    assert_eq!(site.look_in(KEEP_MS - 1), 0);
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 0);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 10);
}

#[test]
fn memory_is_bounded_and_what_is_beyond_is_kept_for_a_day() {
    let mut kept = Kept::new(Offset::ZERO, Millis(0));
    let places = KEPT_SLOTS_MAX as u64 + 1_000;
    for place in 0..places {
        let own = AlertId::from_bytes((u128::from(place)).to_be_bytes());
        kept.note(Offset(place), DEVICE, own, Millis(0));
    }
    assert_eq!(kept.slots.len(), KEPT_SLOTS_MAX);
    let all_closed = |_: &DeviceId, _: &AlertId| Known::Closed;
    let mut reached = Reached {
        now: Millis(0),
        own_end: Offset(places),
        confirmed: Offset(places + 1),
    };
    kept.look(reached, usize::MAX, all_closed);
    reached.now = CLOSED_FOR;
    let beyond = KEPT_SLOTS_MAX as u64 - 1;
    let keep_from = kept.look(reached, usize::MAX, all_closed);
    assert_eq!(
        keep_from,
        Some(Offset(beyond)),
        "the last slot holds the rest"
    );
    reached.now = Millis(KEEP_MS);
    kept.look(reached, usize::MAX, all_closed);
    reached.now = Millis(KEEP_MS + HOUR);
    let keep_from = kept.look(reached, usize::MAX, all_closed);
    assert_eq!(keep_from, Some(Offset(places)));
}

#[test]
fn looks_that_come_to_nothing_are_not_remembered_for_ever() {
    let mut site = Site::after(0);
    for n in 0..200 {
        site.append(n);
        site.close(n);
        site.look_in(LOOK_AT_CLOSED_EVERY.0);
    }
    assert_eq!(site.kept.marks.len(), KEPT_MARKS_MAX);
    site.append(201);
    site.confirmed = site.own_end;
    assert!(
        site.look_in(LOOK_AT_CLOSED_EVERY.0) > 100,
        "old ones are there"
    );
}

proptest! {
    /// Whatever happens: no report of an incident that is open is let go, and none that is not confirmed.
    #[test]
    fn nothing_that_is_open_or_unconfirmed_is_let_go(
        steps in prop::collection::vec((0_u8..6, 0_u8..6), 0..150),
    ) {
        let mut site = Site::after(0);
        let mut placed: Vec<u8> = Vec::new();
        for (what, n) in steps {
            match what {
                0 | 1 => {
                    site.append(n);
                    placed.push(n);
                }
                2 => site.close(n),
                3 => site.reopen(n),
                4 => site.confirmed = site.own_end,
                _ => site.now += HOUR / 3,
            }
            let before = usize::try_from(site.keep_from.0).unwrap();
            let keep_from = usize::try_from(site.look()).unwrap();
            let confirmed = usize::try_from(site.confirmed).unwrap();
            prop_assert!(keep_from <= confirmed);
            for n in placed.iter().take(keep_from).skip(before) {
                prop_assert!(!site.open.contains(&alert(*n)));
            }
        }
    }
}

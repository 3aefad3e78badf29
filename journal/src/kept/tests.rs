use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const HOUR: u64 = CLOSED_FOR.0;
const DEVICE: DeviceId = DeviceId::Enrolled([1; 16]);

fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

fn incident(n: u8) -> IncidentId {
    IncidentId::from_bytes([n; 16])
}

/// Streams of the shared log; an alert is in the one that its number says.
const PARTITIONS: usize = 3;

fn partition_of(n: u8) -> usize {
    usize::from(n) % PARTITIONS
}

/// One partition of the shared log, as it is on the master and on the replicas.
#[derive(Clone, Copy, Default)]
struct Stream {
    entries: u64,
    replicated: u64,
    answered: u64,
}

/// A journal, what the log says of its alerts, and what time it is.
struct Site {
    kept: Kept,
    now: u64,
    own_end: u64,
    confirmed: u64,
    streams: [Stream; PARTITIONS],
    open: BTreeSet<AlertId>,
    /// Where in its stream each close stands.
    closed: BTreeMap<AlertId, u64>,
}

impl Site {
    fn after(own_end: u64) -> Self {
        Self {
            kept: Kept::new(Offset(own_end)),
            now: 0,
            own_end,
            confirmed: own_end,
            streams: Default::default(),
            open: BTreeSet::new(),
            closed: BTreeMap::new(),
        }
    }

    fn append(&mut self, n: u8) {
        self.append_as(n, Whose::Report(DEVICE, alert(n)));
    }

    fn decide(&mut self, n: u8) {
        self.append_as(n, Whose::Decision(DEVICE, incident(n)));
    }

    fn append_as(&mut self, n: u8, whose: Whose) {
        self.kept.note(Offset(self.own_end), Some(whose));
        self.own_end += 1;
        self.streams[partition_of(n)].entries += 1;
        if !self.closed.contains_key(&alert(n)) {
            self.open.insert(alert(n));
        }
    }

    fn close(&mut self, n: u8) {
        self.open.remove(&alert(n));
        let stream = &mut self.streams[partition_of(n)];
        self.closed.entry(alert(n)).or_insert(stream.entries);
        stream.entries += 1;
    }

    fn reopen(&mut self, n: u8) {
        self.closed.remove(&alert(n));
        self.open.insert(alert(n));
    }

    fn known(&self, whose: &Whose) -> Known {
        let alert = match whose {
            Whose::Report(_, alert) => *alert,
            Whose::Decision(_, incident) => AlertId::from_bytes(*incident.as_bytes()),
        };
        if let Some(close) = self.closed.get(&alert) {
            Known::Closed(UnixMillis::new(i64::try_from(*close).unwrap()))
        } else if self.open.contains(&alert) {
            Known::Open
        } else {
            Known::Nothing
        }
    }

    /// Looks as long as there is something to look at.
    fn look(&mut self) -> u64 {
        let mut kept = std::mem::replace(&mut self.kept, Kept::new(Offset::ZERO));
        let answered = self.streams.iter().map(|stream| stream.answered);
        let reached = Reached {
            now: Millis(self.now),
            confirmed: Offset(self.confirmed),
            answered: answered.min().unwrap(),
        };
        for _ in 0..10_000 {
            let before = kept.first();
            kept.look(reached, 3, |whose| self.known(whose));
            assert!(kept.first() >= before, "it never goes back");
            if !kept.is_due(reached.now) {
                self.kept = kept;
                return self.kept.first().0;
            }
        }
        panic!("it never ends");
    }

    fn look_in(&mut self, millis: u64) -> u64 {
        self.now += millis;
        self.look()
    }

    /// The replicas of a partition answer what they are asked.
    fn answer(&mut self, partition: usize) {
        let round = self.kept.round();
        let stream = &mut self.streams[partition];
        stream.replicated = stream.entries;
        stream.answered = round;
    }

    /// The replicas have everything.
    fn confirm_all(&mut self) {
        self.confirmed = self.own_end;
        (0..PARTITIONS).for_each(|partition| self.answer(partition));
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
fn a_close_keeps_until_the_replicas_of_its_own_partition_have_answered() {
    let mut site = Site::after(0);
    site.append(1);
    site.close(1);
    site.confirm_all();
    site.look();
    assert_eq!(site.look_in(9 * HOUR), 0, "nobody was asked since");
    for other in [0, 2] {
        site.answer(other);
    }
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 0, "it is not theirs");
    site.answer(partition_of(1));
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 1);
}

#[test]
fn what_is_closed_and_not_confirmed_itself_stays() {
    let mut site = Site::after(0);
    site.append(0);
    site.close(0);
    site.look();
    site.confirm_all();
    site.confirmed = 0;
    assert_eq!(site.look_in(9 * HOUR), 0);
    site.confirmed = 1;
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 1);
}

#[test]
fn a_decision_stays_for_a_day_and_for_as_long_as_its_incident_is_open() {
    let mut site = Site::after(0);
    site.decide(0);
    site.decide(1);
    site.close(0);
    site.look();
    site.confirm_all();
    assert_eq!(site.look_in(KEEP_MS - 1), 0, "of a closed one, for a day");
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 0, "and an hour");
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 1);
    assert_eq!(site.look_in(9 * KEEP_MS), 1, "the other is open");
    site.close(1);
    site.look_in(LOOK_AT_CLOSED_EVERY.0);
    assert_eq!(site.look_in(HOUR), 1, "nobody has confirmed the close");
    site.confirm_all();
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 2);
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
fn another_close_between_two_looks_is_another_hour() {
    let mut site = Site::after(0);
    site.append(0);
    site.close(0);
    site.look();
    site.confirm_all();
    site.reopen(0);
    site.close(0);
    assert_eq!(site.look_in(HOUR), 0);
    assert_eq!(site.look_in(HOUR), 0, "nobody has confirmed it");
    site.confirm_all();
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 1);
}

#[test]
fn a_log_that_has_lost_something_has_to_say_it_all_again() {
    let mut site = Site::after(0);
    site.append(0);
    site.close(0);
    site.look();
    site.confirm_all();
    site.kept.forget_closed();
    assert_eq!(site.look_in(HOUR), 0, "the hour begins anew");
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 1);
}

#[test]
fn what_nobody_knows_of_is_kept_for_a_day_from_when_it_was_seen() {
    let mut site = Site::after(7);
    // Places 7 and 8, nobody tells of.
    site.own_end = 9;
    site.append(0);
    site.close(0);
    assert_eq!(site.look_in(9 * KEEP_MS), 0, "the first look");
    assert_eq!(site.look_in(KEEP_MS - 1), 0);
    assert_eq!(site.look_in(LOOK_AT_CLOSED_EVERY.0), 0);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 10);
}

#[test]
fn what_is_about_nobody_goes_after_a_day_though_more_of_it_comes_all_the_time() {
    let mut site = Site::after(0);
    for hour in 0..24 {
        site.kept.note(Offset(hour), None);
        site.own_end += 1;
        assert_eq!(site.look_in(HOUR), 0);
        site.confirm_all();
    }
    site.look_in(HOUR);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 1, "the first of them");
}

#[test]
fn memory_is_bounded_and_what_is_beyond_is_kept_for_a_day() {
    let mut kept = Kept::new(Offset::ZERO);
    let places = KEPT_SLOTS_MAX as u64 + 1_000;
    for place in 0..places {
        let own = AlertId::from_bytes((u128::from(place)).to_be_bytes());
        kept.note(Offset(place), Some(Whose::Report(DEVICE, own)));
    }
    assert_eq!(kept.slots.len(), KEPT_SLOTS_MAX);
    let mut look_at = |now| {
        let reached = Reached {
            now,
            confirmed: Offset(places),
            answered: kept.round(),
        };
        kept.look(reached, usize::MAX, |_| Known::Closed(UnixMillis::new(1)));
        kept.first()
    };
    look_at(Millis(0));
    let beyond = KEPT_SLOTS_MAX as u64 - 1;
    assert_eq!(
        look_at(CLOSED_FOR),
        Offset(beyond),
        "the last slot holds the rest"
    );
    look_at(Millis(KEEP_MS));
    assert_eq!(look_at(Millis(KEEP_MS + HOUR)), Offset(places));
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
    site.confirm_all();
    assert!(
        site.look_in(LOOK_AT_CLOSED_EVERY.0) > 100,
        "old ones are there"
    );
}

#[test]
fn what_an_earlier_run_has_left_is_known_once_it_is_read() {
    let mut past = Kept::starting_at(Offset(2));
    past.note(Offset(2), Some(Whose::Report(DEVICE, alert(0))));
    past.note(Offset(3), Some(Whose::Report(DEVICE, alert(1))));
    let mut site = Site::after(5);
    site.append(2);
    site.open.extend([alert(0), alert(1)]);
    site.look();
    site.kept.recall(past);
    assert_eq!(
        site.kept.slots.len(),
        4,
        "two, one that nobody has read, ours"
    );
    (0..3).for_each(|n| site.close(n));
    site.confirm_all();
    assert_eq!(site.look_in(KEEP_MS - 1), 2, "nothing is before");
    site.look_in(LOOK_AT_CLOSED_EVERY.0);
    site.reopen(1);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 3, "an open one stays");
    assert_eq!(site.look_in(9 * KEEP_MS), 3);
}

#[test]
fn what_is_read_too_late_changes_nothing() {
    let mut past = Kept::starting_at(Offset::ZERO);
    past.note(Offset::ZERO, Some(Whose::Report(DEVICE, alert(0))));
    let mut site = Site::after(1);
    site.look();
    site.look_in(KEEP_MS);
    site.kept.recall(past);
    site.confirm_all();
    assert_eq!(site.look_in(HOUR), 1);
}

proptest! {
    /// Whatever happens: nothing is let go that is of an open incident or not confirmed, nor whose close is not on the
    /// replicas of the partition in which it stands, nor a decision before its day is over.
    #[test]
    fn nothing_is_let_go_that_is_open_or_unconfirmed_or_whose_close_the_replicas_lack(
        steps in prop::collection::vec((0_u8..9, 0_u8..6), 0..150),
    ) {
        let mut site = Site::after(0);
        let mut placed: Vec<(u8, Option<u64>)> = Vec::new();
        for (what, n) in steps {
            match what {
                0 | 1 => {
                    site.append(n);
                    placed.push((n, None));
                }
                2 => {
                    site.decide(n);
                    placed.push((n, Some(site.now)));
                }
                3 => site.close(n),
                4 => site.reopen(n),
                5 => site.confirmed = site.own_end,
                6 | 7 => site.answer(partition_of(n)),
                _ => site.now += if n == 0 { KEEP_MS } else { HOUR / 3 },
            }
            let before = usize::try_from(site.kept.first().0).unwrap();
            let first = usize::try_from(site.look()).unwrap();
            let confirmed = usize::try_from(site.confirmed).unwrap();
            prop_assert!(first <= confirmed);
            for (n, decided_at) in placed.iter().take(first).skip(before) {
                prop_assert!(!site.open.contains(&alert(*n)));
                let close = site.closed[&alert(*n)];
                prop_assert!(close < site.streams[partition_of(*n)].replicated);
                prop_assert!(decided_at.is_none_or(|at| site.now - at >= KEEP_MS));
            }
        }
    }
}

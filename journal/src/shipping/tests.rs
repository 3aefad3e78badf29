use bytes::Bytes;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::dealing::Dealing;
use crate::offset::{LogName, Partition};
use crate::proof::{Conclusion, Digest, Seen, conclude};

const NOWHERE: PerLog<Offset> = PerLog {
    alerts: Offset::ZERO,
    tracks: Offset::ZERO,
};

fn alerts(end: u64) -> PerLog<Offset> {
    PerLog {
        alerts: Offset(end),
        ..NOWHERE
    }
}

fn owns(range: std::ops::Range<u64>) -> Vec<Offset> {
    range.map(Offset).collect()
}

fn proof(offset: u64) -> Proof {
    Proof {
        offset: Offset(offset),
        digest: Digest::of(offset, b"entry"),
    }
}

const CONFIRMED: Durability = Durability::Confirmed { replicas: 1 };

/// An author that is connected, and to whom the log looked as it should.
fn proven() -> Shipping {
    let mut shipping = Shipping::new(NOWHERE, NOWHERE, None);
    shipping.connected();
    assert_eq!(shipping.step(0, alerts(5)), Step::Prove);
    assert_eq!(shipping.proved(0, None, Offset::ZERO), 0);
    shipping
}

#[test]
fn nothing_is_shipped_before_the_log_was_looked_at() {
    let mut shipping = Shipping::new(NOWHERE, NOWHERE, None);
    assert_eq!(shipping.step(0, alerts(5)), Step::Connect);
    shipping = proven();
    assert_eq!(shipping.step(0, alerts(5)), Step::Ship { from: NOWHERE });
    shipping.disconnected();
    assert_eq!(shipping.step(0, alerts(5)), Step::Connect);
    shipping.connected();
    assert_eq!(shipping.step(0, alerts(5)), Step::Prove);
}

#[test]
fn what_is_shipped_is_confirmed_later_where_replicas_are_late() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), Durability::Offered);
    assert_eq!(shipping.progress().confirmed, Offset::ZERO);
    shipping.remembered(0, true);
    assert_eq!(shipping.step(0, alerts(5)), Step::Confirm);
    shipping.asked(0, false);
    let until_ms = CONFIRM_EVERY_MS;
    assert_eq!(shipping.step(0, alerts(5)), Step::Rest { until_ms });
    shipping.asked(0, true);
    assert_eq!(shipping.progress().confirmed, Offset(5));
    shipping.remembered(0, true);
    let until_ms = PROVE_EVERY_MS;
    assert_eq!(shipping.step(1, alerts(5)), Step::Rest { until_ms });
    assert_eq!(shipping.step(until_ms, alerts(5)), Step::Prove);
}

#[test]
fn positions_without_end_do_not_keep_alerts_from_being_confirmed() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), Durability::Offered);
    shipping.remembered(0, true);
    let more = PerLog {
        tracks: Offset(1_000),
        ..alerts(5)
    };
    assert_eq!(shipping.step(0, more), Step::Confirm);
    shipping.asked(0, false);
    assert_eq!(shipping.step(0, more), Step::Ship { from: alerts(5) });
    let more_alerts = PerLog {
        alerts: Offset(6),
        ..more
    };
    assert_eq!(
        shipping.step(CONFIRM_EVERY_MS - 1, more_alerts),
        Step::Ship { from: alerts(5) }
    );
}

#[test]
fn what_a_replica_confirms_is_confirmed_with_everything_before_it() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), Durability::Offered);
    shipping.shipped(alerts(8), Some(proof(12)), CONFIRMED);
    assert_eq!(shipping.progress().confirmed, Offset(8));
}

#[test]
fn replicas_are_asked_again_where_nothing_was_shipped_since() {
    let mut shipping = proven();
    shipping.want(0);
    let until_ms = PROVE_EVERY_MS;
    assert_eq!(shipping.step(1, NOWHERE), Step::Rest { until_ms });
    shipping.want(3);
    assert_eq!(shipping.step(1, NOWHERE), Step::Confirm);
    shipping.asked(1, false);
    assert_eq!(shipping.progress().round, 0);
    assert_ne!(shipping.step(2, NOWHERE), Step::Confirm, "in a second");
    shipping.asked(2, true);
    assert_eq!(shipping.progress().round, 3);
    assert_eq!(
        shipping.step(3, NOWHERE),
        Step::Rest { until_ms },
        "nothing to remember"
    );
    // Replicas that have the next entry have everything before it.
    shipping.want(4);
    shipping.shipped(alerts(1), Some(proof(9)), Durability::Offered);
    assert_eq!(shipping.progress().round, 3);
    shipping.shipped(alerts(2), Some(proof(10)), CONFIRMED);
    assert_eq!(shipping.progress().round, 4);
    shipping.want(2);
    shipping.asked(9, true);
    assert_eq!(shipping.progress().round, 4, "it never goes back");
}

#[test]
fn a_log_that_lost_something_is_given_everything_behind_what_it_still_has() {
    let mut shipping = proven();
    for (end, offset) in [(5, 9), (8, 12), (9, 20)] {
        let from = shipping.progress().shipped.alerts.0;
        shipping.sending(&owns(from..end));
        shipping.shipped(alerts(end), Some(proof(offset)), CONFIRMED);
    }
    assert_eq!(shipping.behind(), Some(proof(20)));
    assert_eq!(shipping.proved(7, Some(2), Offset(1)), 4);
    assert_eq!(shipping.behind(), Some(proof(9)));
    assert_eq!(shipping.progress().confirmed, Offset(5));
    assert_eq!(shipping.progress().rewinds, 1);
    shipping.remembered(7, true);
    assert_eq!(shipping.step(7, alerts(9)), Step::Ship { from: alerts(5) });
    // Of the four only two belong to this partition.
    shipping.sending(&[Offset(6), Offset(8)]);
    assert_eq!(shipping.progress().shipped_again, 2);
    // And one that has nothing any more, everything that is kept.
    assert_eq!(shipping.proved(8, None, Offset(1)), 4);
    assert_eq!(shipping.step(8, alerts(9)), Step::Ship { from: alerts(1) });
}

#[test]
fn progress_is_remembered_once_a_second_and_when_nobody_is_there() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), CONFIRMED);
    assert_eq!(shipping.step(0, alerts(5)), Step::Remember);
    shipping.remembered(0, true);
    shipping.shipped(alerts(6), Some(proof(10)), CONFIRMED);
    let until_ms = REMEMBER_EVERY_MS;
    assert_eq!(shipping.step(1, alerts(6)), Step::Rest { until_ms });
    shipping.disconnected();
    assert_eq!(shipping.step(until_ms, alerts(6)), Step::Remember);
    let memory = Memory::decode(shipping.memory().encode());
    let again = Shipping::new(NOWHERE, alerts(6), memory);
    assert_eq!(again.progress().confirmed, Offset(6));
    assert_eq!(again.behind(), Some(proof(10)));
}

#[test]
fn a_memory_of_another_journal_is_none() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), CONFIRMED);
    let again = Shipping::new(NOWHERE, alerts(4), Some(shipping.memory()));
    assert_eq!(again.behind(), None);
    assert_eq!(again.progress().confirmed, Offset::ZERO);
    assert_eq!(again.progress().shipped, NOWHERE);
}

#[test]
fn what_belongs_to_others_is_passed_over_and_the_proof_stays() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), Durability::Offered);
    shipping.passed(alerts(8));
    let progress = shipping.progress();
    assert_eq!(
        (progress.shipped, progress.confirmed),
        (alerts(8), Offset(0))
    );
    assert_eq!(shipping.behind(), Some(proof(9)));
    shipping.asked(0, true);
    shipping.passed(alerts(20));
    shipping.passed(alerts(10));
    assert_eq!(shipping.progress().confirmed, Offset(20));
    // A restart begins behind it.
    let memory = Memory::decode(shipping.memory().encode());
    let again = Shipping::new(NOWHERE, alerts(20), memory.clone());
    assert_eq!(again.progress().shipped, alerts(20));
    assert_eq!(again.behind(), Some(proof(9)));
    let other = Shipping::new(NOWHERE, alerts(19), memory);
    assert_eq!(other.progress().shipped, NOWHERE, "of another journal");
    // And what the log has lost is behind the shipment before it.
    assert_eq!(shipping.proved(7, None, Offset(1)), 19);
    assert_eq!(shipping.progress().confirmed, Offset(1));
}

#[test]
fn a_partition_to_which_nothing_ever_belonged_is_not_gone_through_again() {
    let mut shipping = proven();
    shipping.passed(alerts(30));
    assert_eq!(shipping.step(0, alerts(30)), Step::Remember);
    shipping.remembered(0, true);
    shipping.passed(alerts(30));
    let until_ms = PROVE_EVERY_MS;
    assert_eq!(
        shipping.step(1, alerts(30)),
        Step::Rest { until_ms },
        "nothing is new"
    );
    let memory = Memory::decode(shipping.memory().encode());
    let again = Shipping::new(NOWHERE, alerts(40), memory);
    assert_eq!(again.progress().shipped, alerts(30));
    assert_eq!(again.progress().confirmed, Offset(30));
    assert_eq!(shipping.proved(1, None, Offset(1)), 0);
    assert_eq!(shipping.progress().rewinds, 0, "it had nothing to lose");
}

/// Who comes back when the log was trimmed past what was shipped last cannot see whether it was there until then.
#[test]
fn what_was_trimmed_counts_for_who_has_just_seen_it_and_else_when_replicas_had_it() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), CONFIRMED);
    shipping.shipped(alerts(8), Some(proof(12)), Durability::Offered);
    shipping.proved(7, Some(0), Offset::ZERO);
    assert!(shipping.trimmed_to(7 + RETENTION_MS - 1) >= Offset(8));
    assert_eq!(shipping.trimmed_to(7 + RETENTION_MS), Offset(5));
    let memory = Memory::decode(shipping.memory().encode());
    let again = Shipping::new(NOWHERE, alerts(8), memory);
    assert_eq!(again.trimmed_to(0), Offset(5));
    let never = Shipping::new(NOWHERE, alerts(8), None);
    assert_eq!(never.trimmed_to(0), Offset::ZERO);
}

/// A shared log: who appended which own entry, and when.
#[derive(Clone, Debug, Default)]
struct Log {
    records: Vec<(usize, u64, u64)>,
    first: usize,
    /// So many of the records replicas have.
    confirmed: usize,
}

impl Log {
    fn bytes(author: usize, own: u64) -> Bytes {
        Bytes::from(format!("{author}:{own}"))
    }

    fn there(&self, proof: Proof) -> bool {
        self.seen(proof).is_some()
    }

    /// Whether it is there or was trimmed; `None` when it is not there.
    fn seen(&self, proof: Proof) -> Option<bool> {
        let at = usize::try_from(proof.offset.0).unwrap();
        let last = self.records.get(at).filter(|_| at >= self.first);
        let seen = Seen {
            first: Offset(self.first as u64),
            end: Offset(self.records.len() as u64),
            last: last.map(|&(author, own, ms)| Digest::of(ms, &Self::bytes(author, own))),
        };
        let concluded = conclude(proof.offset.plus(1), Some(proof), seen);
        (concluded != Conclusion::Rewound).then_some(seen.last.is_some())
    }

    /// Whether all of an author's entries of a partition are there, each behind the one before it.
    fn has_in_order(&self, author: usize, of: Partition, end: u64) -> bool {
        let mut wanted = (0..end).filter(|own| partition_of(*own) == of).peekable();
        for &(by, own, _) in &self.records {
            if by == author {
                wanted.next_if_eq(&own);
            }
        }
        wanted.next().is_none()
    }
}

const COUNT: u16 = 3;

/// A partition with half of the entries, one with the others, and one with next to nothing.
fn partition_of(own: u64) -> Partition {
    Partition(match own % 97 {
        96 => 2,
        rest => u16::from(rest * 7 % 13 < 6),
    })
}

/// Authors on one log of several partitions, in a world where everything goes wrong.
struct World {
    rng: StdRng,
    logs: Vec<Log>,
    authors: Vec<Author>,
    now_ms: u64,
    is_well: bool,
    /// Logs are trimmed, and then no failover takes back what replicas have.
    is_trimmed: bool,
}

struct Author {
    partitions: Vec<Shipping>,
    dealing: Dealing,
    end: u64,
    disks: Vec<Option<Memory>>,
}

impl Author {
    fn new(end: u64, disks: Vec<Option<Memory>>) -> Self {
        let begin = |disk: &Option<Memory>| Shipping::new(NOWHERE, alerts(end), disk.clone());
        let partitions: Vec<Shipping> = disks.iter().map(begin).collect();
        let dealing = Dealing::new(partitions.iter().map(Shipping::progress).collect());
        Self {
            partitions,
            dealing,
            end,
            disks,
        }
    }

    fn deal(&mut self, to: u64) {
        let from = self.dealing.dealt().alerts;
        let partitions: Vec<Partition> = (from.0..to).map(partition_of).collect();
        self.dealing.deal(LogName::Alerts, from, &partitions);
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let nothing = || vec![None; usize::from(COUNT)];
        Self {
            rng: StdRng::seed_from_u64(seed),
            logs: vec![Log::default(); usize::from(COUNT)],
            authors: (0..3).map(|_| Author::new(0, nothing())).collect(),
            now_ms: 0,
            is_well: false,
            is_trimmed: false,
        }
    }

    fn goes_wrong(&mut self, of: u32) -> bool {
        !self.is_well && self.rng.random_range(0..of) == 0
    }

    /// A failover takes back the newest entries of a partition.
    fn rewind(&mut self) {
        let log = &mut self.logs[self.rng.random_range(0..usize::from(COUNT))];
        let length = log.records.len();
        let lost = self.rng.random_range(0..=length.min(40));
        let kept = if self.is_trimmed { log.confirmed } else { 0 };
        log.records.truncate(kept.max(length - lost));
        log.first = log.first.min(log.records.len());
    }

    /// Hours go by, and what is an hour old is trimmed.
    fn trim(&mut self) {
        self.now_ms += self.rng.random_range(0..3 * RETENTION_MS);
        for log in &mut self.logs {
            let is_old = |&(_, _, ms): &(usize, u64, u64)| ms + RETENTION_MS <= self.now_ms;
            let young = log.records.iter().position(|record| !is_old(record));
            log.first = young.unwrap_or(log.records.len());
        }
    }

    /// One step of one author for one partition. Returns whether it rests.
    fn step(&mut self, at: usize, of: Partition) -> bool {
        self.now_ms += self.rng.random_range(0..300);
        let now_ms = self.now_ms;
        if self.goes_wrong(60) {
            self.rewind();
        }
        let author = &mut self.authors[at];
        let place = usize::from(of.0);
        let (shipping, log) = (&mut author.partitions[place], &mut self.logs[place]);
        match shipping.step(now_ms, author.dealing.due(of)) {
            Step::Connect => shipping.connected(),
            Step::Prove => {
                let rungs = shipping.rungs();
                let trimmed_to = shipping.trimmed_to(now_ms);
                let is_there = |rung: &Rung| {
                    let seen = log.seen(rung.last);
                    seen.is_some_and(|seen| seen || rung.own_end <= trimmed_to)
                };
                let there = rungs.iter().position(is_there);
                shipping.proved(now_ms, there, Offset::ZERO);
                if shipping.progress().shipped.alerts >= author.dealing.due(of).alerts {
                    shipping.passed(author.dealing.dealt());
                }
            }
            Step::Ship { from } => self.ship(at, of, from.alerts.0),
            Step::Confirm => {
                let behind = shipping.behind();
                match behind.is_none_or(|behind| log.there(behind)) {
                    true => {
                        log.confirmed = log.records.len();
                        shipping.asked(now_ms, true);
                    }
                    false => shipping.disproved(),
                }
            }
            Step::Remember => {
                author.disks[place] = Memory::decode(shipping.memory().encode());
                shipping.remembered(now_ms, true);
            }
            Step::Rest { until_ms } => {
                assert!(until_ms > now_ms);
                return true;
            }
        }
        let Author {
            partitions,
            dealing,
            ..
        } = &mut self.authors[at];
        dealing.note(of, partitions[place].progress());
        false
    }

    fn ship(&mut self, at: usize, of: Partition, from: u64) {
        let dealing = &self.authors[at].dealing;
        let begin = dealing.begin(of, LogName::Alerts, Offset(from)).0;
        assert!(
            (from..begin).all(|own| partition_of(own) != of),
            "nothing of its own is passed over"
        );
        let readable = dealing.dealt().alerts.max(dealing.due(of).alerts);
        let end = self.rng.random_range(from + 1..=readable.0);
        let (is_lost, is_unknown) = (self.goes_wrong(8), self.goes_wrong(8));
        let (author, log) = (&mut self.authors[at], &mut self.logs[usize::from(of.0)]);
        let shipping = &mut author.partitions[usize::from(of.0)];
        let own: Vec<u64> = (from..end).filter(|own| partition_of(*own) == of).collect();
        let Some(&newest) = own.last() else {
            return shipping.passed(alerts(end));
        };
        let offsets: Vec<Offset> = own.iter().copied().map(Offset).collect();
        shipping.sending(&offsets);
        let behind = shipping.behind();
        let is_behind = behind.is_none_or(|behind| log.there(behind));
        if !is_lost {
            let records = own.into_iter().map(|own| (at, own, self.now_ms));
            log.records.extend(records);
        }
        if is_lost || is_unknown {
            shipping.disconnected();
        } else if is_behind {
            let last = Proof {
                offset: Offset(log.records.len() as u64 - 1),
                digest: Digest::of(self.now_ms, &Log::bytes(at, newest)),
            };
            let durability = match self.rng.random_range(0..3) {
                0 => Durability::Offered,
                _ => {
                    log.confirmed = log.records.len();
                    CONFIRMED
                }
            };
            shipping.shipped(alerts(end), Some(last), durability);
        } else {
            shipping.disproved();
        }
    }

    /// Something happens.
    fn turn(&mut self) {
        let at = self.rng.random_range(0..self.authors.len());
        let of = Partition(self.rng.random_range(0..COUNT));
        if self.rng.random_range(0..4) == 0 {
            let author = &mut self.authors[at];
            author.end += self.rng.random_range(1..20);
            // What was committed last is dealt out a moment later.
            let dealt = author.dealing.dealt().alerts.0;
            author.deal(self.rng.random_range(dealt..=author.end));
        }
        self.step(at, of);
        if self.goes_wrong(50) {
            let Author { end, disks, .. } = &self.authors[at];
            self.authors[at] = Author::new(*end, disks.clone());
        }
        if self.goes_wrong(40) {
            self.authors[at].partitions[usize::from(of.0)].disconnected();
        }
        if !self.is_trimmed && self.goes_wrong(200) {
            self.logs[usize::from(of.0)] = Log::default();
        }
        if self.is_trimmed && self.goes_wrong(100) {
            self.trim();
        }
    }

    /// From now on nothing goes wrong: everything arrives.
    fn heal(&mut self) {
        self.is_well = true;
        for at in 0..self.authors.len() {
            // What was lost while an author rested is found when it looks again.
            self.now_ms += PROVE_EVERY_MS;
            let end = self.authors[at].end;
            self.authors[at].deal(end);
            let is_done = |author: &Author| author.dealing.progress().confirmed == Offset(end);
            for of in (0..COUNT).map(Partition) {
                for _ in 0..10_000 {
                    let is_unconfirmed = {
                        let one = self.authors[at].partitions[usize::from(of.0)].progress();
                        one.confirmed < one.shipped.alerts
                    };
                    if self.step(at, of) && !is_unconfirmed {
                        break;
                    }
                }
            }
            assert!(is_done(&self.authors[at]), "author {at}");
        }
    }

    fn assert_nothing_is_missing(&self) {
        for (at, author) in self.authors.iter().enumerate() {
            for of in (0..COUNT).map(Partition) {
                let log = &self.logs[usize::from(of.0)];
                assert!(log.has_in_order(at, of, author.end), "author {at}, {of:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Everything goes wrong, and then nothing any more: then the shared log has every entry of
    /// every author, in order within its partition.
    #[test]
    fn nothing_is_missing_whatever_happens(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..1_500 {
            world.turn();
        }
        world.heal();
        world.assert_nothing_is_missing();
    }

    /// The same with logs that are trimmed past authors who are away, and past what failovers took.
    #[test]
    fn nothing_is_missing_though_it_was_trimmed(seed: u64) {
        let mut world = World::new(seed);
        world.is_trimmed = true;
        for _ in 0..1_500 {
            world.turn();
        }
        world.heal();
        world.assert_nothing_is_missing();
    }
}

/// The same run without anything that goes wrong has every entry once.
#[test]
fn nothing_is_doubled_when_nothing_happens() {
    let mut world = World::new(1);
    world.is_well = true;
    for _ in 0..1_500 {
        world.turn();
    }
    world.heal();
    world.assert_nothing_is_missing();
    let entries: u64 = world.authors.iter().map(|author| author.end).sum();
    let records: usize = world.logs.iter().map(|log| log.records.len()).sum();
    assert_eq!(records as u64, entries);
    for author in &world.authors {
        assert_eq!(author.dealing.progress().shipped_again, 0);
    }
}

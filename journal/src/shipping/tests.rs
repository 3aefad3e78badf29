use bytes::Bytes;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
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
fn what_a_replica_confirms_is_confirmed_with_everything_before_it() {
    let mut shipping = proven();
    shipping.shipped(alerts(5), Some(proof(9)), Durability::Offered);
    shipping.shipped(alerts(8), Some(proof(12)), CONFIRMED);
    assert_eq!(shipping.progress().confirmed, Offset(8));
}

#[test]
fn a_log_that_lost_something_is_given_everything_behind_what_it_still_has() {
    let mut shipping = proven();
    for (end, offset) in [(5, 9), (8, 12), (9, 20)] {
        shipping.sending(alerts(end));
        shipping.shipped(alerts(end), Some(proof(offset)), CONFIRMED);
    }
    assert_eq!(shipping.behind(), Some(proof(20)));
    assert_eq!(shipping.proved(7, Some(2), Offset(1)), 4);
    assert_eq!(shipping.behind(), Some(proof(9)));
    assert_eq!(shipping.progress().confirmed, Offset(5));
    assert_eq!(shipping.progress().rewinds, 1);
    shipping.remembered(7, true);
    assert_eq!(shipping.step(7, alerts(9)), Step::Ship { from: alerts(5) });
    shipping.sending(alerts(9));
    assert_eq!(shipping.progress().shipped_again, 4);
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

/// A shared log: who appended which own entry, and when.
#[derive(Clone, Debug, Default)]
struct Log {
    records: Vec<(usize, u64, u64)>,
    first: usize,
}

impl Log {
    fn bytes(author: usize, own: u64) -> Bytes {
        Bytes::from(format!("{author}:{own}"))
    }

    fn there(&self, proof: Proof) -> bool {
        let at = usize::try_from(proof.offset.0).unwrap();
        let last = self.records.get(at).filter(|_| at >= self.first);
        let seen = Seen {
            first: Offset(self.first as u64),
            end: Offset(self.records.len() as u64),
            last: last.map(|&(author, own, ms)| Digest::of(ms, &Self::bytes(author, own))),
        };
        conclude(proof.offset.plus(1), Some(proof), seen) != Conclusion::Rewound
    }

    /// Whether all of an author's entries are there, each behind the one before it.
    fn has_in_order(&self, author: usize, end: u64) -> bool {
        let mut next = 0;
        for &(of, own, _) in &self.records {
            next += u64::from(of == author && own == next);
        }
        next >= end
    }
}

/// Authors on one log, in a world where everything goes wrong.
struct World {
    rng: StdRng,
    log: Log,
    authors: Vec<Author>,
    now_ms: u64,
    is_well: bool,
}

struct Author {
    shipping: Shipping,
    end: u64,
    disk: Option<Memory>,
}

impl World {
    fn new(seed: u64) -> Self {
        let author = || Author {
            shipping: Shipping::new(NOWHERE, NOWHERE, None),
            end: 0,
            disk: None,
        };
        Self {
            rng: StdRng::seed_from_u64(seed),
            log: Log::default(),
            authors: (0..3).map(|_| author()).collect(),
            now_ms: 0,
            is_well: false,
        }
    }

    fn goes_wrong(&mut self, of: u32) -> bool {
        !self.is_well && self.rng.random_range(0..of) == 0
    }

    /// A failover takes back the newest entries.
    fn rewind(&mut self) {
        let length = self.log.records.len();
        let lost = self.rng.random_range(0..=length.min(40));
        self.log.records.truncate(length - lost);
        self.log.first = self.log.first.min(length - lost);
    }

    /// One step of one author. Returns whether it rests.
    fn step(&mut self, at: usize) -> bool {
        self.now_ms += self.rng.random_range(0..300);
        let now_ms = self.now_ms;
        if self.goes_wrong(60) {
            self.rewind();
        }
        let author = &mut self.authors[at];
        match author.shipping.step(now_ms, alerts(author.end)) {
            Step::Connect => author.shipping.connected(),
            Step::Prove => {
                let rungs = author.shipping.rungs();
                let there = rungs.iter().position(|rung| self.log.there(rung.last));
                author.shipping.proved(now_ms, there, Offset::ZERO);
            }
            Step::Ship { from } => self.ship(at, from.alerts.0),
            Step::Confirm => {
                let there = author
                    .shipping
                    .behind()
                    .is_none_or(|behind| self.log.there(behind));
                match there {
                    true => author.shipping.asked(now_ms, true),
                    false => author.shipping.disproved(),
                }
            }
            Step::Remember => {
                author.disk = Memory::decode(author.shipping.memory().encode());
                author.shipping.remembered(now_ms, true);
            }
            Step::Rest { until_ms } => {
                assert!(until_ms > now_ms);
                return true;
            }
        }
        false
    }

    fn ship(&mut self, at: usize, from: u64) {
        let end = self.rng.random_range(from + 1..=self.authors[at].end);
        let (is_lost, is_unknown) = (self.goes_wrong(8), self.goes_wrong(8));
        let author = &mut self.authors[at];
        author.shipping.sending(alerts(end));
        let behind = author.shipping.behind();
        let is_behind = behind.is_none_or(|behind| self.log.there(behind));
        if !is_lost {
            let records = (from..end).map(|own| (at, own, self.now_ms));
            self.log.records.extend(records);
        }
        if is_lost || is_unknown {
            author.shipping.disconnected();
        } else if is_behind {
            let last = Proof {
                offset: Offset(self.log.records.len() as u64 - 1),
                digest: Digest::of(self.now_ms, &Log::bytes(at, end - 1)),
            };
            let durability = match self.rng.random_range(0..3) {
                0 => Durability::Offered,
                _ => CONFIRMED,
            };
            author.shipping.shipped(alerts(end), Some(last), durability);
        } else {
            author.shipping.disproved();
        }
    }

    /// Something happens.
    fn turn(&mut self) {
        let at = self.rng.random_range(0..self.authors.len());
        if self.rng.random_range(0..4) == 0 {
            self.authors[at].end += self.rng.random_range(1..20);
        }
        self.step(at);
        if self.goes_wrong(50) {
            let Author {
                shipping,
                end,
                disk,
            } = &mut self.authors[at];
            *shipping = Shipping::new(NOWHERE, alerts(*end), disk.clone());
        }
        if self.goes_wrong(40) {
            self.authors[at].shipping.disconnected();
        }
        if self.goes_wrong(200) {
            self.log = Log::default();
        }
    }

    /// From now on nothing goes wrong: everything arrives.
    fn heal(&mut self) {
        self.is_well = true;
        for at in 0..self.authors.len() {
            // What was lost while an author rested is found when it looks again.
            self.now_ms += PROVE_EVERY_MS;
            for _ in 0..10_000 {
                let Author { shipping, end, .. } = &self.authors[at];
                let is_done = shipping.progress().confirmed == Offset(*end);
                if self.step(at) && is_done {
                    break;
                }
            }
            let Author { shipping, end, .. } = &self.authors[at];
            assert_eq!(shipping.progress().confirmed, Offset(*end));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Everything goes wrong, and then nothing any more: then the shared log has every entry of
    /// every author, in order.
    #[test]
    fn nothing_is_missing_whatever_happens(seed: u64) {
        let mut world = World::new(seed);
        for _ in 0..600 {
            world.turn();
        }
        world.heal();
        for (at, author) in world.authors.iter().enumerate() {
            prop_assert!(world.log.has_in_order(at, author.end), "author {}", at);
        }
    }
}

/// The same run without anything that goes wrong has every entry once.
#[test]
fn nothing_is_doubled_when_nothing_happens() {
    let mut world = World::new(1);
    world.is_well = true;
    for _ in 0..600 {
        world.turn();
    }
    world.heal();
    let entries: u64 = world.authors.iter().map(|author| author.end).sum();
    assert_eq!(world.log.records.len() as u64, entries);
    for author in &world.authors {
        assert_eq!(author.shipping.progress().shipped_again, 0);
    }
}

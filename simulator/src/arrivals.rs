//! When alerts are raised: an open loop, which waits for nobody.
//!
//! Events come as a Poisson process. To most of them belongs one alert; some are seen by several
//! people, who press a little later each: a Neyman-Scott process, as fires and brawls are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution as _, Exp};

use crate::scenario::Crowd;

/// A process of clusters is as if it had always been there when it begins so many mean delays before
/// anybody looks: who follows an event of before, comes in the beginning.
const BEFORE_DELAYS: f64 = 10.0;

/// Somebody presses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Arrival {
    /// Since the start.
    pub at: Duration,
    /// Seed of the event: who share it, share the place.
    pub event: u64,
    /// Seed of the person.
    pub person: u64,
}

/// All arrivals in order, without end.
#[derive(Debug)]
pub struct Arrivals {
    rng: ChaCha8Rng,
    between_events: Exp<f64>,
    delay: Exp<f64>,
    crowd: Crowd,
    next_event_at: Duration,
    waiting: BinaryHeap<Reverse<Arrival>>,
    /// What comes before is not told, and times are since then.
    before: Duration,
}

impl Arrivals {
    /// So many alerts per second in the mean, in crowds of the usual size; `None` unless the rate is
    /// positive and finite.
    #[must_use]
    pub fn new(seed: u64, alerts_per_s: f64) -> Option<Self> {
        Self::in_crowds(seed, alerts_per_s, Crowd::default())
    }

    /// The same in crowds of this size; `None` also when the mean delay is no positive number or the
    /// share none.
    fn in_crowds(seed: u64, alerts_per_s: f64, crowd: Crowd) -> Option<Self> {
        let is_positive = |value: f64| value.is_finite() && value > 0.0;
        if ![alerts_per_s, crowd.delay_s].into_iter().all(is_positive)
            || !(0.0..=1.0).contains(&crowd.share)
        {
            return None;
        }
        let mut arrivals = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            between_events: Exp::new(alerts_per_s / crowd.alerts_per_event()).ok()?,
            delay: Exp::new(1.0 / crowd.delay_s).ok()?,
            crowd,
            next_event_at: Duration::ZERO,
            waiting: BinaryHeap::new(),
            before: Duration::ZERO,
        };
        arrivals.next_event_at = arrivals.pause();
        Some(arrivals)
    }

    /// The same as it is after it has gone on for long, so that its rate is right from the start;
    /// times are since then.
    #[must_use]
    pub fn settled(seed: u64, alerts_per_s: f64, crowd: Crowd) -> Option<Self> {
        let before = Duration::try_from_secs_f64(BEFORE_DELAYS * crowd.delay_s).ok()?;
        Some(Self {
            before,
            ..Self::in_crowds(seed, alerts_per_s, crowd)?
        })
    }

    fn pause(&mut self) -> Duration {
        seconds(self.between_events.sample(&mut self.rng))
    }

    fn add_event(&mut self) {
        let (at, event) = (self.next_event_at, self.rng.random());
        let followers = if self.crowd.most_followers > 0 && self.rng.random_bool(self.crowd.share) {
            self.rng.random_range(1..=self.crowd.most_followers)
        } else {
            0
        };
        for n in 0..=followers {
            let delay_s = match n {
                0 => 0.0,
                _ => self.delay.sample(&mut self.rng),
            };
            let at = at.saturating_add(seconds(delay_s));
            let person = self.rng.random();
            self.waiting.push(Reverse(Arrival { at, event, person }));
        }
        self.next_event_at = at.saturating_add(self.pause());
    }
}

/// A rate of next to nothing has pauses that no clock can count; nobody waits for their end.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

impl Crowd {
    /// Alerts for each event, in the mean.
    fn alerts_per_event(&self) -> f64 {
        let followers = f64::from(self.most_followers);
        if self.most_followers == 0 {
            return 1.0;
        }
        1.0 + self.share * (1.0 + followers) / 2.0
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        loop {
            while self
                .waiting
                .peek()
                .is_none_or(|Reverse(first)| first.at > self.next_event_at)
            {
                self.add_event();
            }
            let Reverse(arrival) = self.waiting.pop()?;
            if let Some(at) = arrival.at.checked_sub(self.before) {
                return Some(Arrival { at, ..arrival });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn within(seed: u64, seconds: u64) -> Vec<Arrival> {
        Arrivals::new(seed, 10.0)
            .unwrap()
            .take_while(|arrival| arrival.at < Duration::from_secs(seconds))
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals_in_order() {
        let arrivals = within(7, 60);
        assert_eq!(arrivals, within(7, 60));
        assert_ne!(arrivals, within(8, 60));
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
    }

    #[test]
    fn the_rate_is_what_was_asked_for() {
        let seconds = 1_000;
        let rate = within(1, seconds).len() as f64 / seconds as f64;
        // Crowds widen the deviation of a count of 10,000 to about 150.
        assert!((rate - 10.0).abs() < 0.6, "{rate} per second");
        assert!(Arrivals::new(1, 0.0).is_none());
        assert!(Arrivals::new(1, f64::NAN).is_none());
    }

    #[test]
    fn some_events_are_seen_by_several() {
        let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
        for arrival in within(3, 300) {
            *sizes.entry(arrival.event).or_default() += 1;
        }
        let crowded = sizes.values().filter(|size| **size > 1).count() as f64;
        let share = crowded / sizes.len() as f64;
        let usual = Crowd::default();
        assert!((share - usual.share).abs() < 0.03, "{share}");
        assert!(sizes.values().all(|size| *size <= 1 + usual.most_followers));
    }

    #[test]
    fn a_settled_process_has_its_rate_from_the_first_second() {
        // Of many processes, for one second of one is no rate.
        let crowd = Crowd {
            share: 1.0,
            most_followers: 5,
            delay_s: 20.0,
        };
        type Make = fn(u64, f64, Crowd) -> Option<Arrivals>;
        let count = |make: Make| -> usize {
            let first = |arrival: &Arrival| arrival.at < Duration::from_secs(1);
            let of_seed = |seed| make(seed, 10.0, crowd).unwrap().take_while(first).count();
            (0..500).map(of_seed).sum()
        };
        // 5,000, and a deviation of about 75 for the crowds that are there in the same second.
        let settled = count(Arrivals::settled);
        assert!((4_700..5_300).contains(&settled), "{settled}");
        let fresh = count(Arrivals::in_crowds);
        assert!(fresh < 2_000, "nobody follows yet: {fresh}");
    }

    #[test]
    fn nobody_follows_where_nobody_is() {
        let alone = Crowd {
            most_followers: 0,
            ..Crowd::default()
        };
        let arrivals = Arrivals::settled(1, 10.0, alone).unwrap().take(1_000);
        let events: std::collections::BTreeSet<u64> = arrivals.map(|one| one.event).collect();
        assert_eq!(events.len(), 1_000);
        let never = Crowd {
            delay_s: 0.0,
            ..Crowd::default()
        };
        assert!(Arrivals::settled(1, 10.0, never).is_none());
        let hardly = Arrivals::settled(1, 1e-300, Crowd::default())
            .unwrap()
            .next();
        assert_eq!(
            hardly.map(|one| one.at > Duration::from_secs(86_400)),
            Some(true)
        );
    }
}

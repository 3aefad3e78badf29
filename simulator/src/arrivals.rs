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

/// Share of the events to which more than one alert belongs.
const CROWDED: f64 = 0.1;

/// The most people who follow at a crowded event; their number is uniform from 1 on.
const MAX_FOLLOWERS: u32 = 6;

/// Mean delay, in seconds, of those who follow.
const FOLLOWER_DELAY_S: f64 = 3.0;

/// Alerts for each event, in the mean.
const ALERTS_PER_EVENT: f64 = 1.0 + CROWDED * (1.0 + MAX_FOLLOWERS as f64) / 2.0;

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
    next_event_at: Duration,
    waiting: BinaryHeap<Reverse<Arrival>>,
}

impl Arrivals {
    /// So many alerts per second in the mean; `None` unless the rate is positive and finite.
    #[must_use]
    pub fn new(seed: u64, alerts_per_s: f64) -> Option<Self> {
        if !alerts_per_s.is_finite() || alerts_per_s <= 0.0 {
            return None;
        }
        let mut arrivals = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            between_events: Exp::new(alerts_per_s / ALERTS_PER_EVENT).ok()?,
            next_event_at: Duration::ZERO,
            waiting: BinaryHeap::new(),
        };
        arrivals.next_event_at = arrivals.pause();
        Some(arrivals)
    }

    fn pause(&mut self) -> Duration {
        Duration::from_secs_f64(self.between_events.sample(&mut self.rng))
    }

    fn add_event(&mut self) {
        let (at, event) = (self.next_event_at, self.rng.random());
        let followers = if self.rng.random_bool(CROWDED) {
            self.rng.random_range(1..=MAX_FOLLOWERS)
        } else {
            0
        };
        let delay = Exp::new(1.0 / FOLLOWER_DELAY_S);
        for n in 0..=followers {
            let delay_s = match delay {
                Ok(delay) if n > 0 => delay.sample(&mut self.rng),
                _ => 0.0,
            };
            let at = at + Duration::from_secs_f64(delay_s);
            let person = self.rng.random();
            self.waiting.push(Reverse(Arrival { at, event, person }));
        }
        self.next_event_at = at + self.pause();
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        while self
            .waiting
            .peek()
            .is_none_or(|Reverse(first)| first.at > self.next_event_at)
        {
            self.add_event();
        }
        self.waiting.pop().map(|Reverse(arrival)| arrival)
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
        assert!((share - CROWDED).abs() < 0.03, "{share}");
        assert!(sizes.values().all(|size| *size <= 1 + MAX_FOLLOWERS));
    }
}

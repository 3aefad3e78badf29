//! The plan of a run: everybody who presses, when and where. The same seed gives the same plan.

use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use crate::arrivals::Arrivals;
use crate::people::Person;
use crate::places::{Places, scattered};

/// Share of the events that are at sea.
const AT_SEA: f64 = 0.03;

/// Standard deviation, in metres, of how far those who share an event are from it: a street.
const STREET_M: f64 = 40.0;

/// Somebody presses for the first time.
#[derive(Clone, PartialEq, Debug)]
pub struct Press {
    /// Since the start.
    pub at: Duration,
    /// Who.
    pub person: Person,
}

/// All presses in order, without end.
#[derive(Debug)]
pub struct Plan {
    arrivals: Arrivals,
    places: Places,
}

impl Plan {
    /// So many alerts per second in the mean, where people live; `None` unless the rate is positive
    /// and finite.
    #[must_use]
    pub fn new(seed: u64, alerts_per_s: f64, places: Places) -> Option<Self> {
        Some(Self {
            arrivals: Arrivals::new(seed, alerts_per_s)?,
            places,
        })
    }
}

impl Iterator for Plan {
    type Item = Press;

    fn next(&mut self) -> Option<Press> {
        let arrival = self.arrivals.next()?;
        let mut event = ChaCha8Rng::seed_from_u64(arrival.event);
        let place = if event.random_bool(AT_SEA) {
            Places::water(&mut event)
        } else {
            self.places.home(&mut event)
        };
        // Of another stream than the person's own draws.
        let mut around = ChaCha8Rng::seed_from_u64(arrival.person ^ arrival.event);
        let at = scattered(place, STREET_M, &mut around);
        Some(Press {
            at: arrival.at,
            person: Person::draw(arrival.person, at),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};

    use super::*;

    fn plan(seed: u64) -> Vec<Press> {
        let rows = stations(KOREA_STATIONS_CSV).unwrap();
        Plan::new(seed, 10.0, Places::new(&rows).unwrap())
            .unwrap()
            .take(500)
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        let one = plan(1);
        assert_eq!(one, plan(1));
        assert_ne!(one, plan(2));
    }

    #[test]
    fn no_two_phones_are_the_same() {
        let presses = plan(3);
        let devices: BTreeSet<_> = presses.iter().map(|press| press.person.device).collect();
        let seeds: BTreeSet<_> = presses.iter().map(|press| press.person.seed).collect();
        assert_eq!((devices.len(), seeds.len()), (presses.len(), presses.len()));
    }
}

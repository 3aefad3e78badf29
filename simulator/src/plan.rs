//! The plan of a run: everybody who presses, when and where. The same seed gives the same plan.

mod nuisance;
mod wave;

use std::time::Duration;

use dispatcher::jurisdiction::build::StationRow;
use protocol::{LatLon, Raise, UnixMillis};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use crate::arrivals::{Arrival, Arrivals};
use crate::people::{Act, Person};
use crate::places::{Places, scattered};
use crate::scenario::{Phones, Scenario};
pub use nuisance::{Nuisance, NuisanceKind, Nuisances};
use wave::WaveStream;

/// Share of the events that are at sea.
const AT_SEA: f64 = 0.03;

/// Standard deviation, in metres, of how far those who share an event are from it: a street.
const STREET_M: f64 = 40.0;

/// When people press again who do, in seconds after they pressed for the first time: a look at the
/// screen, up to the patience of somebody in fear.
const REDIAL_AFTER_S: (f64, f64) = (3.0, 30.0);

/// Tells the draws of a phone's conduct from those of its person and place.
const CONDUCT_SALT: u64 = 0xc0de_c0de_c0de_c0de;

/// Why a scenario has no plan.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlanError {
    /// The table of stations is empty.
    #[error("nobody presses: the table of stations is empty")]
    NoStations,
    /// A wave is around the stations of an agency that has none.
    #[error(
        "`waves[{wave}].where.agency` is `{agency}`, but no station of the table is of that agency: it has {known}"
    )]
    NoSuchAgency {
        /// Which wave, counted from 0.
        wave: usize,
        /// What it says.
        agency: String,
        /// The agencies of the table.
        known: String,
    },
    /// A rate or a place that makes no sense; reading a scenario refuses it.
    #[error("`waves[{wave}]` has a rate or a place that makes no sense: check the scenario")]
    Wave {
        /// Which wave, counted from 0.
        wave: usize,
    },
}

/// Somebody presses for the first time.
#[derive(Clone, PartialEq, Debug)]
pub struct Press {
    /// Since the start.
    pub at: Duration,
    /// Who.
    pub person: Person,
    /// What the phone does.
    pub conduct: Conduct,
}

impl Press {
    /// What the phone says when the button is pressed; `now` is its clock. A phone that leaves with its
    /// receipt promises no positions, or its silence would be an alarm.
    #[must_use]
    pub fn raise(&self, since_press: Duration, now: UnixMillis) -> Raise {
        let mut raise = self.person.raise(since_press, now);
        raise.interval = raise.interval.filter(|_| self.conduct.tracks);
        raise
    }

    /// When the person presses again, after the first press; the moment is fixed beforehand and waits
    /// for no answer.
    #[must_use]
    pub fn redial_after(&self) -> Option<Duration> {
        let mut acts = self.person.acts.iter();
        acts.find_map(|(after, act)| (*act == Act::PressAgain).then_some(*after))
    }
}

/// What a phone does, as its scenario has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conduct {
    /// It sends positions until the end, each [`Person::interval`]; else it leaves with its receipt.
    pub tracks: bool,
    /// It was here before and holds a ticket.
    pub has_ticket: bool,
    /// Its network loses packets.
    pub has_bad_network: bool,
}

impl Conduct {
    /// Of a plan without a scenario.
    const FREE: Self = Self {
        tracks: true,
        has_ticket: false,
        has_bad_network: false,
    };

    fn draw(phones: &Phones, rng: &mut ChaCha8Rng) -> Self {
        let mut one_of = |share: f64| rng.random::<f64>() < share;
        Self {
            tracks: one_of(phones.tracking_share),
            has_ticket: one_of(phones.ticket_share),
            has_bad_network: one_of(phones.bad_network_share),
        }
    }
}

/// All presses in order; they are drawn when they are asked for, and none is kept.
#[derive(Debug)]
pub struct Plan {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Where people live, without end.
    Endless {
        arrivals: Box<Arrivals>,
        places: Box<Places>,
    },
    /// The waves of a scenario, to its end.
    Waves {
        waves: Vec<WaveStream>,
        phones: Phones,
    },
}

impl Plan {
    /// So many alerts per second in the mean, where people live; `None` unless the rate is positive
    /// and finite.
    #[must_use]
    pub fn new(seed: u64, alerts_per_s: f64, places: Places) -> Option<Self> {
        let arrivals = Arrivals::new(seed, alerts_per_s)?;
        Some(Self {
            kind: Kind::Endless {
                arrivals: Box::new(arrivals),
                places: Box::new(places),
            },
        })
    }

    /// Everybody who presses in a scenario, by its seed. People live where the table of stations has
    /// them.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub fn of(scenario: &Scenario, stations: &[StationRow]) -> Result<Self, PlanError> {
        let waves: Result<Vec<_>, _> = (0..scenario.waves.len())
            .filter(|wave| scenario.waves[*wave].alerts_per_s > 0.0)
            .map(|wave| WaveStream::of(scenario, wave, stations))
            .collect();
        Ok(Self {
            kind: Kind::Waves {
                waves: waves?,
                phones: scenario.phones.clone(),
            },
        })
    }
}

impl Iterator for Plan {
    type Item = Press;

    fn next(&mut self) -> Option<Press> {
        match &mut self.kind {
            Kind::Endless { arrivals, places } => {
                let arrival = arrivals.next()?;
                let mut event = ChaCha8Rng::seed_from_u64(arrival.event);
                let place = anywhere(places, &mut event);
                let at = scattered(place, STREET_M, &mut beside(arrival));
                Some(Press {
                    at: arrival.at,
                    person: Person::draw(arrival.person, at),
                    conduct: Conduct::FREE,
                })
            }
            Kind::Waves { waves, phones } => {
                let next_at = |(_, wave): &(usize, &WaveStream)| wave.next_at();
                let pending = waves.iter().enumerate();
                let pending = pending.filter(|(_, wave)| wave.next_at().is_some());
                let (first, _) = pending.min_by_key(next_at)?;
                let (arrival, at) = waves[first].next()?;
                let mut person = Person::draw(arrival.person, at);
                let rng = &mut ChaCha8Rng::seed_from_u64(arrival.person ^ CONDUCT_SALT);
                let conduct = Conduct::draw(phones, rng);
                person.behave(phones, redial(phones, rng));
                Some(Press {
                    at: arrival.at,
                    person,
                    conduct,
                })
            }
        }
    }
}

/// When somebody presses again, if they do.
fn redial(phones: &Phones, rng: &mut ChaCha8Rng) -> Option<Duration> {
    let redials = rng.random::<f64>() < phones.redial_share;
    let (from_s, to_s) = REDIAL_AFTER_S;
    redials.then(|| Duration::from_secs_f64(rng.random_range(from_s..to_s)))
}

/// Where people live, or at sea.
fn anywhere(places: &Places, event: &mut ChaCha8Rng) -> LatLon {
    if event.random_bool(AT_SEA) {
        Places::water(event)
    } else {
        places.home(event)
    }
}

/// Draws of another stream than the person's own.
fn beside(arrival: Arrival) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(arrival.person ^ arrival.event)
}

/// Another seed for each part of a scenario (the finalizer of SplitMix64, Steele and others 2014).
fn seed_of_part(seed: u64, part: u64) -> u64 {
    let mut mixed = seed.wrapping_add((part + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests;

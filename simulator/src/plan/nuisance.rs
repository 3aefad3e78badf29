//! Traffic that is no emergency: when each piece of it comes, and what it is.

use std::time::Duration;

use dispatcher::jurisdiction::build::StationRow;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Exp};

use super::{PlanError, anywhere, seed_of_part};
use crate::people::{Person, Trust};
use crate::places::Places;
use crate::scenario::{Abuse, Scenario};

/// Parts of a scenario's seed beyond those of any wave.
const FIRST_PART: u64 = 1 << 32;

/// The part of the phone whose token is stolen.
const STOLEN_PART: u64 = FIRST_PART - 1;

/// One piece of traffic.
#[derive(Clone, PartialEq, Debug)]
pub struct Nuisance {
    /// Since the start.
    pub at: Duration,
    /// What it is.
    pub kind: NuisanceKind,
}

/// What somebody sends who means no good.
#[derive(Clone, PartialEq, Debug)]
pub enum NuisanceKind {
    /// A connection that is begun and then left alone.
    Handshake,
    /// A connection that sends bytes which are nothing, drawn from this seed.
    Garbage(u64),
    /// A raise with a token of nobody. It is never refused, and so it is somebody's incident.
    Unverified(Box<Person>),
    /// A raise with the one stolen token, from anywhere: all are of one device.
    StolenToken(Box<Person>),
}

/// The kinds, each with its rate.
type Rate = fn(&Abuse) -> f64;
const RATES: [Rate; 4] = [
    |abuse| abuse.handshakes_per_s,
    |abuse| abuse.garbage_per_s,
    |abuse| abuse.unverified_per_s,
    |abuse| abuse.stolen_token_per_s,
];

/// All pieces in order, each kind a Poisson process of its own.
#[derive(Debug)]
pub struct Nuisances {
    kinds: Vec<KindStream>,
    places: Places,
    /// Whose token it was.
    stolen: [u8; 16],
    ends: Duration,
}

/// The times of one kind.
#[derive(Debug)]
struct KindStream {
    kind: usize,
    rng: ChaCha8Rng,
    pause_s: Exp<f64>,
    next_at: Duration,
}

impl KindStream {
    fn advance(&mut self) {
        let pause = Duration::try_from_secs_f64(self.pause_s.sample(&mut self.rng));
        let pause = pause.unwrap_or(Duration::MAX);
        self.next_at = self.next_at.saturating_add(pause);
    }
}

impl Nuisances {
    /// What a scenario has of it, by its seed; nothing where it has none.
    ///
    /// # Errors
    /// [`PlanError::NoStations`].
    pub fn of(scenario: &Scenario, stations: &[StationRow]) -> Result<Self, PlanError> {
        let abuse = scenario.abuse.clone().unwrap_or_default();
        let kinds = RATES.iter().enumerate().filter_map(|(kind, rate)| {
            let per_s = Some(rate(&abuse)).filter(|rate| rate.is_finite() && *rate > 0.0)?;
            let seed = seed_of_part(scenario.seed, FIRST_PART + kind as u64);
            let mut stream = KindStream {
                kind,
                rng: ChaCha8Rng::seed_from_u64(seed),
                pause_s: Exp::new(per_s).ok()?,
                next_at: Duration::ZERO,
            };
            stream.advance();
            Some(stream)
        });
        let mut thief = ChaCha8Rng::seed_from_u64(seed_of_part(scenario.seed, STOLEN_PART));
        Ok(Self {
            kinds: kinds.collect(),
            places: Places::new(stations).ok_or(PlanError::NoStations)?,
            stolen: thief.random(),
            ends: Duration::try_from_secs_f64(scenario.seconds).unwrap_or(Duration::MAX),
        })
    }
}

impl Iterator for Nuisances {
    type Item = Nuisance;

    fn next(&mut self) -> Option<Nuisance> {
        let first = self.kinds.iter_mut().min_by_key(|kind| kind.next_at)?;
        let at = first.next_at;
        if at >= self.ends {
            return None;
        }
        let rng = &mut ChaCha8Rng::seed_from_u64(first.rng.next_u64());
        first.advance();
        let kind = match first.kind {
            0 => NuisanceKind::Handshake,
            1 => NuisanceKind::Garbage(rng.random()),
            2 => {
                let mut person = somebody(&self.places, rng);
                let trusts = [Trust::NoToken, Trust::Foreign, Trust::Malformed];
                person.trust = trusts[rng.random_range(0..trusts.len())];
                NuisanceKind::Unverified(Box::new(person))
            }
            _ => {
                let mut person = somebody(&self.places, rng);
                (person.device, person.trust) = (self.stolen, Trust::Enrolled);
                NuisanceKind::StolenToken(Box::new(person))
            }
        };
        Some(Nuisance { at, kind })
    }
}

/// Somebody anywhere who presses and does nothing else.
fn somebody(places: &Places, rng: &mut ChaCha8Rng) -> Person {
    let at = anywhere(places, rng);
    let mut person = Person::draw(rng.random(), at);
    person.acts.clear();
    person
}

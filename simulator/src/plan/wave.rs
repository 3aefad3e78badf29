//! The presses of one wave.

use std::collections::BTreeSet;
use std::time::Duration;

use dispatcher::jurisdiction::build::StationRow;
use protocol::LatLon;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::{PlanError, STREET_M, anywhere, beside, seed_of_part};
use crate::arrivals::{Arrival, Arrivals};
use crate::places::{Places, scattered};
use crate::scenario::{Scenario, WavePlace};

/// Where the people of a wave are.
#[derive(Debug)]
enum Site {
    Nation(Places),
    Agency(Places),
    Around { middle: LatLon, radius_m: f64 },
}

/// The arrivals of one wave until it ends, in order.
#[derive(Debug)]
pub(super) struct WaveStream {
    site: Site,
    arrivals: Arrivals,
    begins: Duration,
    ends: Duration,
    next: Option<Arrival>,
}

impl WaveStream {
    /// The wave of this number, whose rate is positive.
    pub(super) fn of(
        scenario: &Scenario,
        number: usize,
        stations: &[StationRow],
    ) -> Result<Self, PlanError> {
        let wave = &scenario.waves[number];
        let no_sense = PlanError::Wave { wave: number };
        let seed = seed_of_part(scenario.seed, number as u64);
        let arrivals = Arrivals::settled(seed, wave.alerts_per_s, wave.crowd);
        let ends_s = wave.end_s(scenario.seconds);
        let mut stream = Self {
            site: site(&wave.place, number, stations)?,
            arrivals: arrivals.ok_or(no_sense.clone())?,
            begins: Duration::try_from_secs_f64(wave.from_s).map_err(|_| no_sense.clone())?,
            ends: Duration::try_from_secs_f64(ends_s).map_err(|_| no_sense)?,
            next: None,
        };
        stream.advance();
        Ok(stream)
    }

    /// When the next one presses.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.next.map(|arrival| arrival.at)
    }

    /// The next one, and where.
    pub(super) fn next(&mut self) -> Option<(Arrival, LatLon)> {
        let arrival = self.next.take()?;
        self.advance();
        Some((arrival, self.place(arrival)))
    }

    fn advance(&mut self) {
        self.next = self.arrivals.next().and_then(|arrival| {
            let at = arrival.at.checked_add(self.begins)?;
            (at < self.ends).then_some(Arrival { at, ..arrival })
        });
    }

    /// Who share an event, share a street; where all share a circle, nobody is outside of it.
    fn place(&self, arrival: Arrival) -> LatLon {
        let event = &mut ChaCha8Rng::seed_from_u64(arrival.event);
        let street = match &self.site {
            Site::Nation(places) => anywhere(places, event),
            Site::Agency(places) => places.home(event),
            Site::Around { middle, radius_m } => {
                return Places::within(*middle, *radius_m, &mut beside(arrival));
            }
        };
        scattered(street, STREET_M, &mut beside(arrival))
    }
}

fn site(place: &WavePlace, wave: usize, stations: &[StationRow]) -> Result<Site, PlanError> {
    match place {
        WavePlace::Nation => Places::new(stations)
            .map(Site::Nation)
            .ok_or(PlanError::NoStations),
        WavePlace::Agency(agency) => {
            let of_it = stations.iter().filter(|row| row.agency == *agency);
            let rows: Vec<StationRow> = of_it.cloned().collect();
            let places = Places::new(&rows).map(Site::Agency);
            places.ok_or_else(|| no_such_agency(agency, wave, stations))
        }
        WavePlace::Around { lat, lon, radius_m } => Ok(Site::Around {
            middle: LatLon::new(*lat, *lon).map_err(|_| PlanError::Wave { wave })?,
            radius_m: *radius_m,
        }),
    }
}

fn no_such_agency(agency: &str, wave: usize, stations: &[StationRow]) -> PlanError {
    let known: BTreeSet<&str> = stations.iter().map(|row| row.agency.as_str()).collect();
    PlanError::NoSuchAgency {
        wave,
        agency: agency.to_owned(),
        known: known.into_iter().collect::<Vec<_>>().join(", "),
    }
}

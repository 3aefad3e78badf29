//! Where people are: near the stations, as many as live there; some at sea.

use dispatcher::jurisdiction::build::StationRow;
use protocol::LatLon;
use rand::{Rng, RngExt as _};
use rand_distr::weighted::WeightedIndex;
use rand_distr::{Distribution as _, Normal};

/// Mean radius of the Earth in metres (IUGG): good to 0.3 %, and nobody measures by it.
const EARTH_RADIUS_M: f64 = 6_371_009.0;

/// Standard deviation, in metres, of how far from their station people live: a large town.
const TOWN_M: f64 = 3_000.0;

/// The same at sea: the grounds of a fishing fleet.
const FISHING_GROUND_M: f64 = 9_000.0;

/// People of a station whose row does not say: the least of those that do.
const FEWEST_PEOPLE: u64 = 5_000;

/// Waters around the peninsula, in degrees, latitude first; the last two are beyond any shore's
/// reach.
const WATERS_DEG: [(f64, f64); 10] = [
    (36.55, 125.85),
    (35.30, 125.70),
    (34.15, 127.40),
    (33.75, 126.55),
    (34.75, 129.15),
    (36.20, 129.85),
    (37.60, 129.60),
    (37.40, 130.60),
    (35.60, 123.90),
    (32.00, 124.60),
];

/// Draws places.
#[derive(Clone, Debug)]
pub struct Places {
    towns: Vec<LatLon>,
    weights: WeightedIndex<u64>,
}

impl Places {
    /// From a table of stations; `None` when it is empty.
    #[must_use]
    pub fn new(stations: &[StationRow]) -> Option<Self> {
        let people = |row: &StationRow| row.people.unwrap_or(FEWEST_PEOPLE).max(1);
        Some(Self {
            towns: stations.iter().map(|row| row.at).collect(),
            weights: WeightedIndex::new(stations.iter().map(people)).ok()?,
        })
    }

    /// A place where somebody lives: each person is equally likely.
    pub fn home(&self, rng: &mut impl Rng) -> LatLon {
        scattered(self.towns[self.weights.sample(rng)], TOWN_M, rng)
    }

    /// A place anywhere within a circle, all of it equally likely.
    pub fn within(around: LatLon, radius_m: f64, rng: &mut impl Rng) -> LatLon {
        // The root, for half of a circle's surface is beyond seven tenths of its radius.
        let off_m = radius_m * rng.random::<f64>().sqrt();
        let (sin, cos) = rng.random_range(0.0..std::f64::consts::TAU).sin_cos();
        moved(around, off_m * sin, off_m * cos)
    }

    /// A place on the water.
    pub fn water(rng: &mut impl Rng) -> LatLon {
        let (lat_deg, lon_deg) = WATERS_DEG[rng.random_range(0..WATERS_DEG.len())];
        scattered(on_wire(lat_deg, lon_deg), FISHING_GROUND_M, rng)
    }
}

/// A place around another, normally distributed in both directions.
pub fn scattered(around: LatLon, deviation_m: f64, rng: &mut impl Rng) -> LatLon {
    let mut metres = || Normal::new(0.0, deviation_m).map_or(0.0, |normal| normal.sample(rng));
    let (east_m, north_m) = (metres(), metres());
    moved(around, east_m, north_m)
}

/// A place some metres to the east and north; for distances of a day's walk, away from the poles.
#[must_use]
pub fn moved(from: LatLon, east_m: f64, north_m: f64) -> LatLon {
    let per_degree_m = EARTH_RADIUS_M.to_radians();
    let shrink = from.lat_deg().to_radians().cos().max(0.01);
    on_wire(
        from.lat_deg() + north_m / per_degree_m,
        from.lon_deg() + east_m / (per_degree_m * shrink),
    )
}

/// As a phone sends it, to seven decimals: the books must judge by the very same place.
fn on_wire(lat_deg: f64, lon_deg: f64) -> LatLon {
    LatLon::new(lat_deg.clamp(-90.0, 90.0), lon_deg.clamp(-180.0, 180.0))
        .map(LatLon::to_e7)
        .and_then(|(lat_e7, lon_e7)| LatLon::from_e7(lat_e7, lon_e7))
        .expect("finite degrees that were clamped into range are a place")
}

#[cfg(test)]
mod tests {
    use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
    use rand::SeedableRng as _;
    use rand::rngs::ChaCha8Rng;

    use super::*;

    #[test]
    fn people_are_where_the_table_has_them() {
        let rows = stations(KOREA_STATIONS_CSV).unwrap();
        let places = Places::new(&rows).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let all: u64 = rows.iter().filter_map(|row| row.people).sum();
        let northern = |lat_deg: f64| lat_deg > 36.9;
        let expected = rows
            .iter()
            .filter(|row| northern(row.at.lat_deg()))
            .filter_map(|row| row.people)
            .sum::<u64>() as f64
            / all as f64;
        let drawn = (0..4_000)
            .filter(|_| northern(places.home(&mut rng).lat_deg()))
            .count();
        let share = drawn as f64 / 4_000.0;
        // Four standard deviations, and some who live across the line.
        assert!(
            (share - expected).abs() < 0.04,
            "{share} instead of {expected}"
        );
    }

    #[test]
    fn a_circle_is_filled_evenly_and_nobody_is_outside() {
        let middle = LatLon::new(37.5, 127.0).unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let per_degree_m = EARTH_RADIUS_M.to_radians();
        let off_m = |at: LatLon| {
            let east = (at.lon_deg() - 127.0) * 37.5_f64.to_radians().cos();
            (at.lat_deg() - 37.5).hypot(east) * per_degree_m
        };
        let offs: Vec<f64> = (0..4_000)
            .map(|_| off_m(Places::within(middle, 200.0, &mut rng)))
            .collect();
        assert!(offs.iter().all(|off_m| *off_m < 200.1));
        let inner = offs.iter().filter(|off_m| **off_m < 100.0).count();
        // A quarter of the surface; four standard deviations are 110.
        assert!((890..1_110).contains(&inner), "{inner}");
    }

    #[test]
    fn a_kilometre_is_a_kilometre() {
        let from = LatLon::new(37.5, 127.0).unwrap();
        let north = moved(from, 0.0, 1_000.0);
        assert!((north.lat_deg() - 37.5 - 0.008_993).abs() < 1e-5);
        let east = moved(from, 1_000.0, 0.0);
        assert!((east.lon_deg() - 127.0 - 0.011_335).abs() < 1e-5);
        assert!((east.lat_deg() - 37.5).abs() < f64::EPSILON);
    }

    #[test]
    fn places_are_what_the_wire_can_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..100 {
            let at = Places::water(&mut rng);
            let (lat_e7, lon_e7) = at.to_e7();
            assert_eq!(LatLon::from_e7(lat_e7, lon_e7), Ok(at));
        }
    }
}

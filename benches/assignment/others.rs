//! Two crates that find a place among polygons, on the data that they bring along. They answer
//! another question, by simplified borders; the same points are asked of all.

use std::time::Instant;

use country_boundaries::{BOUNDARIES_ODBL_360X180, CountryBoundaries};
use dispatcher::jurisdiction::JurisdictionIndex;
use protocol::LatLon;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use simulator::places::Places;
use tzf_rs::DefaultFinder;

use crate::lookups::of_one;
use crate::maps::milliseconds;
use crate::support::row;

const TABLE: &str = "Points of reference: crates that answer another question, on their own data (of \
     OpenStreetMap, simplified: country-boundaries by 1 degree cells; tzf-rs up to 111 m); nanoseconds, \
     single calls as above";

const POINTS: usize = 20_000;
/// Korea's envelope in degrees: south and north, west and east.
const KOREA_DEG: ((f64, f64), (f64, f64)) = ((33.0, 38.7), (124.5, 131.0));
const WORLD_DEG: ((f64, f64), (f64, f64)) = ((-90.0, 90.0), (-180.0, 180.0));

pub(crate) fn measure(korea: Option<&JurisdictionIndex>, homes: &Places) {
    let mut rng = ChaCha8Rng::seed_from_u64(0x0e4);
    let mut within = |(lats, lons): ((f64, f64), (f64, f64))| {
        let place = || {
            let lat_deg = rng.random_range(lats.0..lats.1);
            LatLon::new(lat_deg, rng.random_range(lons.0..lons.1)).unwrap()
        };
        std::iter::repeat_with(place)
            .take(POINTS)
            .collect::<Vec<_>>()
    };
    let mut kinds = vec![
        ("anywhere in Korea's envelope", within(KOREA_DEG)),
        ("anywhere in the world, in degrees", within(WORLD_DEG)),
    ];
    let home = || homes.home(&mut rng);
    kinds.push((
        "where people live in Korea",
        std::iter::repeat_with(home).take(POINTS).collect(),
    ));

    let begun = Instant::now();
    let countries = CountryBoundaries::from_reader(BOUNDARIES_ODBL_360X180).unwrap();
    let countries_ms = milliseconds(begun);
    let begun = Instant::now();
    let zones = DefaultFinder::new();
    let zones_ms = milliseconds(begun);
    for (kind, points) in kinds {
        let told = |name: &str, load_ms: Option<f64>, mut columns: Value| {
            if let Some(load_ms) = load_ms {
                columns["load ms"] = json!(load_ms);
            }
            row(TABLE, &format!("{name}: {kind}"), columns);
        };
        let country = |at: LatLon| {
            let at = country_boundaries::LatLon::new(at.lat_deg(), at.lon_deg()).unwrap();
            countries.ids(at)
        };
        told(
            "country-boundaries, which country or state",
            Some(countries_ms),
            of_one(&points, country),
        );
        let zone = |at: LatLon| zones.get_tz_name(at.lon_deg(), at.lat_deg());
        told(
            "tzf-rs, which time zone",
            Some(zones_ms),
            of_one(&points, zone),
        );
        if let Some(korea) = korea {
            let columns = of_one(&points, |at| korea.locate(at, None, None));
            told(
                "ours, which station of Korea, the nearest where in none",
                None,
                columns,
            );
        }
    }
}

//! Whose is this place? The index beside what one writes with geo, beside brute force, which is
//! right, and beside two crates that answer another question.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

mod circles;
mod compare;
#[path = "../support/lookups.rs"]
mod lookups;
#[path = "../support/maps.rs"]
mod maps;
mod others;
mod peers;
mod points;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Instant;

use dispatcher::jurisdiction::JurisdictionIndex;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
use serde_json::json;
use simulator::places::Places;

use compare::Bench;
use maps::Named;
use points::Points;
use support::{rounded, row};

const BUILDING: &str = "Maps: from text to index";
/// Milliseconds in which an index is built.
const BUILD_BUDGET_MS: f64 = 2_000.0;
/// The fastest counts, as other work only ever makes one longer.
const BUILDS: usize = 3;

fn main() {
    if !support::is_asked() {
        return;
    }
    let homes = Places::new(&stations(KOREA_STATIONS_CSV).unwrap()).unwrap();
    let mut korea = None;
    for named in maps::all() {
        let index = measure(&named, &homes);
        if is_korea(named.name) {
            circles::measure(named.name, &index, &homes);
            korea.get_or_insert(index);
        }
    }
    others::measure(korea.as_ref(), &homes);
}

/// Whether the places are known at which people live.
fn is_korea(name: &str) -> bool {
    [maps::BUILT, maps::DISTRICTS, maps::STATIONS].contains(&name)
}

fn measure(named: &Named, homes: &Places) -> JurisdictionIndex {
    if let Some(text) = &named.text {
        row(BUILDING, &format!("{}: text", named.name), text.clone());
    }
    let mut points = Points::new(&named.map);
    let map = Arc::new(named.map.clone());
    let build_ms = |build: &dyn Fn()| {
        let times = (0..BUILDS).map(|_| {
            let begun = Instant::now();
            build();
            begun.elapsed().as_secs_f64() * 1e3
        });
        times.fold(f64::INFINITY, f64::min)
    };
    let index_ms = build_ms(&|| drop(JurisdictionIndex::new(Arc::clone(&map))));
    let columns = json!({
        "areas": map.areas().len(), "polygons": points.polygons, "corners": points.corners(),
        "index ms": rounded(index_ms),
        "budget ms": BUILD_BUDGET_MS,
        "budget kept": if index_ms <= BUILD_BUDGET_MS { "yes" } else { "NO" },
        "rstar alone, index ms": rounded(build_ms(&|| drop(peers::GeoBehindRstar::new(&map)))),
        "interval trees, index ms": rounded(build_ms(&|| drop(peers::IntervalTrees::new(&map)))),
    });
    row(BUILDING, &format!("{}: index", named.name), columns);
    let bench = Bench::new(named, JurisdictionIndex::new(map));
    if is_korea(named.name) {
        bench.promised("where people live", &points.where_people_live(homes));
    }
    // Nobody knows where people live in the other maps, and all of a made-up nation is inhabited.
    let anywhere = points.anywhere();
    if is_korea(named.name) {
        bench.held("anywhere in its envelope", &anywhere);
    } else {
        bench.promised("anywhere in its envelope", &anywhere);
    }
    bench.held("100 m around corners", &points.near_borders());
    bench.exactly_on_borders("exactly on corners", &points.on_corners());
    bench.exactly_on_borders("middles of lines", &points.on_lines());
    bench.outside("anywhere in its envelope, in no area", &anywhere);
    if is_korea(named.name) {
        bench.outside("at sea", &points.at_sea());
    }
    bench.into_index()
}

//! What an index holds, counted by the allocator: in a program of its own, so that counting is not in
//! the times of the other benches.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench reads files, and ends where something is wrong"
)]

#[path = "support/maps.rs"]
mod maps;
mod support;

use std::sync::Arc;

use country_boundaries::{BOUNDARIES_ODBL_360X180, CountryBoundaries};
use dispatcher::jurisdiction::JurisdictionIndex;
use peak_alloc::PeakAlloc;
use serde_json::json;
use support::{rounded, row};
use tzf_rs::DefaultFinder;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const TABLE: &str = "Memory of an index, in MiB, as the allocator counts it";

/// For map and index together, in MiB.
const BUDGET_MIB: f64 = 50.0;

fn main() {
    if !support::is_asked() {
        return;
    }
    for named in maps::all() {
        let (map, map_mib, _) = held(|| Arc::new(named.map.clone()));
        let (index, index_mib, peak_mib) = held(|| JurisdictionIndex::new(Arc::clone(&map)));
        let both_mib = map_mib + index_mib;
        let mut columns = json!({
            "map": rounded(map_mib), "index": rounded(index_mib), "both": rounded(both_mib),
            "budget": BUDGET_MIB,
            "budget kept": if both_mib <= BUDGET_MIB { "yes" } else { "NO" },
            "most while building the index": rounded(peak_mib),
        });
        if let Some(text) = named.text {
            let bytes = text["bytes of text"].as_u64().unwrap();
            columns["text"] = json!(rounded(mib(bytes as usize)));
        }
        row(TABLE, named.name, columns);
        drop(index);
    }
    let (countries, countries_mib, _) =
        held(|| CountryBoundaries::from_reader(BOUNDARIES_ODBL_360X180).unwrap());
    let columns = json!({ "index": rounded(countries_mib) });
    row(TABLE, "country-boundaries, its own data", columns);
    drop(countries);
    let (zones, zones_mib, _) = held(DefaultFinder::new);
    let columns = json!({ "index": rounded(zones_mib) });
    row(TABLE, "tzf-rs, its own data", columns);
    drop(zones);
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// What was made, what it holds, and the most that was held beyond what was there before.
fn held<T>(make: impl FnOnce() -> T) -> (T, f64, f64) {
    ALLOCATOR.reset_peak_usage();
    let before = ALLOCATOR.current_usage();
    let made = make();
    let held = ALLOCATOR.current_usage() - before;
    (made, mib(held), mib(ALLOCATOR.peak_usage() - before))
}

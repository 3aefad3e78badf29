//! An uncertain place: the shares of a circle's area.

use dispatcher::jurisdiction::JurisdictionIndex;
use protocol::{RadiusMetres, Reason};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use serde_json::json;
use simulator::places::Places;

use crate::lookups::of_one;
use crate::support::row;

const TABLE: &str = "Assignment of a circle where people live: nanoseconds by its radius, single calls as for points";

/// Metres, and how many circles: the larger, the longer it takes.
const RADII: [(u32, usize); 5] = [
    (10, 20_000),
    (100, 20_000),
    (1_000, 10_000),
    (10_000, 2_000),
    (50_000, 2_000),
];

/// For the largest radius, in nanoseconds.
const BUDGET_NS: f64 = 1e6;

pub(crate) fn measure(name: &str, index: &JurisdictionIndex, homes: &Places) {
    let mut rng = ChaCha8Rng::seed_from_u64(0xc12);
    for (radius_m, circles) in RADII {
        let radius = RadiusMetres::new(f64::from(radius_m)).unwrap();
        let home = || homes.home(&mut rng);
        let points: Vec<_> = std::iter::repeat_with(home).take(circles).collect();
        let mut columns = of_one(&points, |at| index.locate(at, Some(radius), None));
        let of_reason = |wanted: Reason| {
            let located = points
                .iter()
                .map(|at| index.locate(*at, Some(radius), None));
            located.filter(|one| one.reason == wanted).count()
        };
        columns["majority"] = json!(of_reason(Reason::Majority));
        columns["split"] = json!(of_reason(Reason::Split));
        if RADII.iter().all(|(other_m, _)| *other_m <= radius_m) {
            let kept = |column: &str| match columns[column].as_f64() {
                Some(ns) if ns <= BUDGET_NS => "yes",
                _ => "NO",
            };
            let (p99, longest) = (kept("p99 ns"), kept("longest ns"));
            columns["budget ns"] = json!(BUDGET_NS);
            columns["budget kept at p99"] = json!(p99);
            columns["budget kept by the longest"] = json!(longest);
        }
        row(TABLE, &format!("{name}: {radius_m} m"), columns);
    }
}

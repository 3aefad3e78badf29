//! `cargo xtask agree`: asks the index and two plain loops for many places of generated tilings, on
//! all cores, and prints one line of JSON. Exit code 1 when they disagree anywhere.
#![expect(
    clippy::disallowed_methods,
    reason = "a program: it takes the time of its own work"
)]

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use dispatcher::jurisdiction::JurisdictionIndex;
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use serde_json::json;
use simulator::agreement::{Judge, Tally};
use simulator::tiling::{Tiling, TilingPlan};

const USAGE: &str = "usage: agree POINTS SEED";

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|word| word.parse::<u64>());
    let (Some(Ok(points)), Some(Ok(seed)), None) = (numbers.next(), numbers.next(), numbers.next())
    else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let plans = TilingPlan::ALL;
    let share = points.div_ceil(plans.len() as u64);
    let mut all = Tally::default();
    for plan in plans {
        let share = share.min(points - all.points);
        let Some(tally) = ask(plan, seed, share) else {
            eprintln!(
                "error: the corners of the tiling `{}` are too fine",
                plan.name
            );
            return ExitCode::FAILURE;
        };
        eprintln!("{}: {tally:?}", plan.name);
        all = all.and(tally);
    }
    let line = json!({
        "points": all.points, "seed": seed, "tilings": plans.len(),
        "mismatches": all.mismatches, "without_owner": all.without_owner,
        "seconds": (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    });
    println!("{line}");
    ExitCode::from(u8::from(!all.is_clean()))
}

/// All cores share the points of one tiling.
fn ask(plan: TilingPlan, seed: u64, points: u64) -> Option<Tally> {
    let tiling = Tiling::new(plan, seed);
    let index = JurisdictionIndex::new(tiling.map.clone());
    let judge = Judge::new(&tiling)?;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let (judge, index) = (&judge, &index);
    let tallies = thread::scope(|scope| {
        let work = (0..cores).map(|core| {
            let share = points / cores + u64::from(core < points % cores);
            scope.spawn(move || {
                let mut rng = ChaCha8Rng::seed_from_u64(seed ^ (core + 1));
                judge.tally(index, share, &mut rng)
            })
        });
        let work: Vec<_> = work.collect();
        let tallies = work.into_iter().map(|one| one.join());
        tallies.collect::<Result<Vec<_>, _>>()
    });
    let tallies = tallies.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    Some(tallies.into_iter().fold(Tally::default(), Tally::and))
}

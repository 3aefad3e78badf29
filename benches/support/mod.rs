//! What the benches share: a clock around a closure, and rows that `cargo xtask bench` collects.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Runs that are timed, after as many that warm up; the median of them counts, because other work on
/// the machine only ever makes a run longer.
const RUNS: usize = 15;

/// Nanoseconds that one call takes: the median of [`RUNS`] runs of `calls` calls.
pub(crate) fn nanoseconds<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
    let mut run = || {
        let begun = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
    };
    for _ in 0..RUNS {
        run();
    }
    let mut times: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

/// Two closures, timed in turns so that both see the same machine: nanoseconds of each.
#[allow(dead_code, reason = "not every bench compares two calls")]
pub(crate) fn side_by_side<A, B>(
    calls: u32,
    mut ours: impl FnMut() -> A,
    mut other: impl FnMut() -> B,
) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        a.push(nanoseconds(calls, &mut ours));
        b.push(nanoseconds(calls, &mut other));
    }
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    (a[1], b[1])
}

/// Prints a row of a table.
pub(crate) fn row(table: &str, row: &str, columns: Value) {
    println!(
        "{}",
        json!({ "table": table, "row": row, "columns": columns })
    );
}

/// A figure with three significant digits: more would claim what the machine does not give.
pub(crate) fn rounded(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return figure;
    }
    let scale = 10_f64.powf(2.0 - figure.abs().log10().floor());
    (figure * scale).round() / scale
}

/// The value below which `share` of the times lie, in milliseconds.
#[allow(dead_code, reason = "not every bench has a distribution")]
pub(crate) fn percentile_ms(times: &mut [Duration], share: f64) -> f64 {
    times.sort();
    let index = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1;
    rounded(times[index].as_secs_f64() * 1e3)
}

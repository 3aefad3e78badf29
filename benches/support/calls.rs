//! A clock around a closure.

use std::hint::black_box;
use std::time::Instant;

/// Runs that are timed, after as many that warm up; the median of them counts, because other work on
/// the machine only ever makes a run longer.
const RUNS: usize = 15;

/// Nanoseconds that one call takes: the median of [`RUNS`] runs of `calls` calls.
fn nanoseconds<T>(calls: u32, mut call: impl FnMut() -> T) -> f64 {
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

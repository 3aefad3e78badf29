//! The time of lookups: all together, and one by one.

use std::hint::black_box;
use std::time::Instant;

use protocol::LatLon;
use serde_json::{Value, json};

use crate::support::rounded;

/// Turns over all points. The fastest turn counts for a mean, as other work only ever makes one longer;
/// for a single call, the median of its turns, so that an interrupt is not taken for a slow point.
pub(crate) const TURNS: usize = 5;

/// Nanoseconds of a call, on average over the points; one turn.
pub(crate) fn mean_ns<T>(points: &[LatLon], mut call: impl FnMut(LatLon) -> T) -> f64 {
    let begun = Instant::now();
    for at in points {
        black_box(call(black_box(*at)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / points.len() as f64
}

/// Nanoseconds of calls that were timed one by one, in order; they include reading the clock.
pub(crate) struct Singles(Vec<f64>);

impl Singles {
    pub(crate) fn measure<T>(points: &[LatLon], mut call: impl FnMut(LatLon) -> T) -> Self {
        let mut times = vec![[0.0; TURNS]; points.len()];
        for turn in 0..TURNS {
            for (at, times) in points.iter().zip(&mut times) {
                let begun = Instant::now();
                black_box(call(black_box(*at)));
                times[turn] = begun.elapsed().as_nanos() as f64;
            }
        }
        let medians = times.iter_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            times[TURNS / 2]
        });
        let mut medians: Vec<_> = medians.collect();
        medians.sort_by(f64::total_cmp);
        Self(medians)
    }

    /// The value below which this share of the calls lies.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let index = (self.0.len() as f64 * share).ceil() as usize;
        rounded(self.0[index.clamp(1, self.0.len()) - 1])
    }

    pub(crate) fn longest(&self) -> f64 {
        self.at(1.0)
    }
}

/// What an empty call takes when it is timed alone: the share of the clock in every single call.
pub(crate) fn clock_ns(points: &[LatLon]) -> f64 {
    Singles::measure(points, |_| ()).at(0.5)
}

/// Mean and percentiles of one way to look up.
pub(crate) fn of_one<T>(points: &[LatLon], mut call: impl FnMut(LatLon) -> T) -> Value {
    let turns = (0..TURNS).map(|_| mean_ns(points, &mut call));
    let mean = turns.fold(f64::INFINITY, f64::min);
    let singles = Singles::measure(points, call);
    json!({
        "n": points.len(),
        "mean ns": rounded(mean),
        "p50 ns": singles.at(0.5),
        "p99 ns": singles.at(0.99),
        "p99.9 ns": singles.at(0.999),
        "longest ns": singles.longest(),
        "clock ns": clock_ns(points),
    })
}

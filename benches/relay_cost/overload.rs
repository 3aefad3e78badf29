//! A relay that may use a share of a core and no more, while more comes than it can hold.

pub(crate) mod confined;
pub(crate) mod positions;
pub(crate) mod raises;

use std::time::Duration;

/// What is offered, as a multiple of what the relay holds, in this order.
const PHASES: [(&str, f64); 4] = [
    ("half of what it holds", 0.5),
    ("twice", 2.0),
    ("five times", 5.0),
    ("half again", 0.5),
];

const PHASE: Duration = Duration::from_secs(10);

/// Sockets of the phones: with one its receive queue would be the bottleneck.
const SOCKETS: usize = 8;

/// Milliseconds within which this share of sorted times in seconds is; no number without any.
fn quantile_ms(sorted_s: &[f64], share: f64) -> f64 {
    let index = (sorted_s.len() as f64 * share).ceil() as usize;
    let time_s = sorted_s.get(index.max(1) - 1);
    time_s.map_or(f64::NAN, |time_s| time_s * 1e3)
}

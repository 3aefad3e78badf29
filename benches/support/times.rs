//! Distributions of durations.

use std::time::Duration;

use crate::support::rounded;

/// The value below which `share` of the times lie, in milliseconds.
pub(crate) fn percentile_ms(times: &mut [Duration], share: f64) -> f64 {
    times.sort();
    let index = ((times.len() as f64 * share).ceil() as usize).clamp(1, times.len()) - 1;
    rounded(times[index].as_secs_f64() * 1e3)
}

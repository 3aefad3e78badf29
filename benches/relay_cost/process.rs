//! What the system says about a process.

use std::time::{Duration, Instant};

use tokio::time::interval;

use crate::cpu::cpu_s;

/// Readings that must be the same, one after the other, for a process to be at rest, and the time
/// between two of them. No timer of a connection that was used just now is longer than a second.
const SAME_READINGS: usize = 15;
const BETWEEN_READINGS: Duration = Duration::from_millis(100);

/// Part of the memory by which readings may differ and are the same all the same.
const SAME_SHARE: f64 = 0.0005;

/// A process that is not at rest after so long never will be.
const REST_IN: Duration = Duration::from_secs(30);

/// What a process has used.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Processor time, user and system, since it began.
    pub(crate) cpu_s: f64,
    /// Resident memory now.
    pub(crate) resident_bytes: f64,
}

/// Of the process with this number.
pub(crate) fn usage(process: u32) -> Usage {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let resident_kib = resident.unwrap().trim().trim_end_matches(" kB");
    Usage {
        cpu_s: cpu_s(process),
        resident_bytes: resident_kib.parse::<f64>().unwrap() * 1024.0,
    }
}

/// Resident bytes once they no longer change.
pub(crate) async fn at_rest(read: impl Fn() -> Usage) -> f64 {
    let begun = Instant::now();
    let mut ticks = interval(BETWEEN_READINGS);
    let (mut before, mut same) = (0.0, 0);
    while same < SAME_READINGS {
        assert!(
            begun.elapsed() < REST_IN,
            "the memory of the server goes on changing"
        );
        ticks.tick().await;
        let now = read().resident_bytes;
        same = if (now - before).abs() <= before * SAME_SHARE {
            same + 1
        } else {
            0
        };
        before = now;
    }
    before
}

//! What the system says about a process.

use std::time::{Duration, Instant};

use tokio::time::interval;

/// Clock ticks of `/proc`, the same on every Linux (time(7), USER_HZ).
const TICKS_PER_S: f64 = 100.0;

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
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Behind the name, which may hold anything: proc(5), fields 14 and 15, user and system time.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks = fields.skip(14 - 3).take(2);
    let ticks: f64 = ticks.map(|field| field.parse::<f64>().unwrap()).sum();
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap();
    let resident = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let resident_kib = resident.unwrap().trim().trim_end_matches(" kB");
    Usage {
        cpu_s: ticks / TICKS_PER_S,
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

/// The one in the middle: other work on the machine only ever makes a turn dearer.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Of the first to the second, turn by turn: what else the machine does meanwhile falls on both.
pub(crate) fn median_ratio([first, second]: &[Vec<f64>; 2]) -> f64 {
    let turns = first.iter().zip(second);
    median(turns.map(|(first, second)| first / second).collect())
}

//! How many of the machine's cores were at work, and whose work it was.

use std::time::Instant;

use serde_json::{Value, json};

use crate::cpu::{TICKS_PER_S, cpu_s};
use crate::support::rounded;

/// From here on.
pub(crate) struct Cores {
    begun: Instant,
    /// What is measured.
    processes: Vec<u32>,
    own_s: f64,
    all_s: f64,
}

impl Cores {
    pub(crate) fn watch(processes: Vec<u32>) -> Self {
        Self {
            begun: Instant::now(),
            own_s: seconds_of(&processes),
            all_s: all_seconds(),
            processes,
        }
    }

    /// Cores at work in the mean since then: for what is measured (of which this process is a part
    /// when it was named), and for other programs, whose work makes every figure beside it worse.
    pub(crate) fn busy(&self) -> (Value, Value) {
        let elapsed_s = self.begun.elapsed().as_secs_f64();
        let own_s = seconds_of(&self.processes) - self.own_s;
        let others_s = (all_seconds() - self.all_s - own_s).max(0.0);
        // What is less than a tick is the rest of a subtraction.
        let ticks = |seconds: f64| (seconds * TICKS_PER_S).round();
        let cores = |seconds: f64| json!(rounded(ticks(seconds) / TICKS_PER_S / elapsed_s));
        (cores(own_s), cores(others_s))
    }
}

fn seconds_of(processes: &[u32]) -> f64 {
    processes.iter().map(|&process| cpu_s(process)).sum()
}

/// What the whole machine has computed.
fn all_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    // proc(5): user, nice, system, idle, iowait, irq, softirq.
    let fields: Vec<_> = stat.lines().next().unwrap().split_whitespace().collect();
    let ticks = |place: usize| fields[place].parse::<f64>().unwrap();
    [1, 2, 3, 6, 7].map(ticks).iter().sum::<f64>() / TICKS_PER_S
}

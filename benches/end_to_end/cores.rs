//! How many of the machine's cores were at work, and whose work it was.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::rounded;

/// Clock ticks of `/proc`, the same on every Linux (time(7), USER_HZ).
const TICKS_PER_S: f64 = 100.0;

/// From here on.
pub(crate) struct Cores {
    begun: Instant,
    own_s: f64,
    all_s: f64,
}

impl Cores {
    pub(crate) fn watch() -> Self {
        Self {
            begun: Instant::now(),
            own_s: own_seconds(),
            all_s: all_seconds(),
        }
    }

    /// Cores at work in the mean since then: for this process (service, phones and console), and for
    /// other programs, whose work makes every figure beside it worse.
    pub(crate) fn busy(&self) -> (Value, Value) {
        let elapsed_s = self.begun.elapsed().as_secs_f64();
        let own_s = own_seconds() - self.own_s;
        let others_s = (all_seconds() - self.all_s - own_s).max(0.0);
        let cores = |seconds: f64| json!(rounded(seconds / elapsed_s));
        (cores(own_s), cores(others_s))
    }
}

/// What this process has computed.
fn own_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the name, which may hold anything: proc(5), fields 14 and 15, user and system time.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    fields.skip(14 - 3).take(2).map(ticks).sum::<f64>() / TICKS_PER_S
}

/// What the whole machine has computed.
fn all_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    // proc(5): user, nice, system, idle, iowait, irq, softirq.
    let fields: Vec<_> = stat.lines().next().unwrap().split_whitespace().collect();
    let busy = [1, 2, 3, 6, 7].map(|place| ticks(fields[place]));
    busy.iter().sum::<f64>() / TICKS_PER_S
}

fn ticks(field: &str) -> f64 {
    field.parse().unwrap()
}

//! Presses at a steady rate: an open loop, timed from the moment at which somebody meant to press,
//! however late the generator was.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use protocol::{AlertId, IncidentId};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::console::Console;
use crate::people::Caller;

/// The first press, after all phones have been started.
const HEAD_START: Duration = Duration::from_millis(500);

/// After the last press; what has not arrived by then is counted as missing.
const PATIENCE: Duration = Duration::from_secs(15);

/// A generator that is later than this at p99 has a part in the figures that is not the service's.
const MAX_LATE_MS: f64 = 1.0;

/// A press that has happened.
pub(crate) struct Press {
    caller: Caller,
    alert: AlertId,
    meant_at: Instant,
    pressed_at: Instant,
}

impl Press {
    /// By how much the generator was late.
    pub(crate) fn late(&self) -> Duration {
        self.pressed_at.saturating_duration_since(self.meant_at)
    }

    /// Until the receipt came, if it has; to be asked once.
    pub(crate) fn until_receipt(&mut self) -> Option<Duration> {
        Some(self.caller.receipted_at()? - self.meant_at)
    }

    /// Until a console heard of it, if it has.
    pub(crate) fn until_heard(&self, heard: &BTreeMap<IncidentId, Instant>) -> Option<Duration> {
        let at = heard.get(&self.caller.incident(&self.alert))?;
        Some(*at - self.meant_at)
    }
}

/// What is to be said of a generator.
pub(crate) fn judge(late_p99_ms: f64) -> &'static str {
    if late_p99_ms <= MAX_LATE_MS {
        "in time"
    } else {
        "too late: a bottleneck"
    }
}

/// Presses at even intervals. The clock is kept by a thread of its own: the runtime's timers have
/// ticks of a millisecond.
pub(crate) async fn press_all(callers: Vec<Caller>, alerts_per_s: u32) -> Vec<Press> {
    let runtime = Handle::current();
    let start = Instant::now() + HEAD_START;
    let pace = move || -> Vec<JoinHandle<Press>> {
        (0..)
            .zip(callers)
            .map(|(n, caller)| {
                let meant_at = start + Duration::from_secs(1) * n / alerts_per_s;
                thread::sleep(meant_at.saturating_duration_since(Instant::now()));
                runtime.spawn(press(caller, meant_at))
            })
            .collect()
    };
    let tasks = tokio::task::spawn_blocking(pace).await.unwrap();
    let mut presses = Vec::with_capacity(tasks.len());
    for task in tasks {
        presses.push(task.await.unwrap());
    }
    presses
}

async fn press(caller: Caller, meant_at: Instant) -> Press {
    let pressed_at = Instant::now();
    let alert = caller.raise().await;
    Press {
        caller,
        alert,
        meant_at,
        pressed_at,
    }
}

/// Returns when so many durable assignments have been on the console in all, or patience is at its end.
pub(crate) async fn wait_for_all(console: &Console, assigned: usize) {
    let until = Instant::now() + PATIENCE;
    while console.assigned() < assigned && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! From press to console at a steady rate: an open loop, timed from the moment at which somebody
//! meant to press, however late the generator was.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use protocol::{AlertId, IncidentId};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::console::Console;
use crate::cores::Cores;
use crate::disk::Probe;
use crate::site::{Caller, Site};
use crate::support::{rounded, row};
use crate::times::percentile_ms;

const TABLE: &str = "From press to console: steady alerts of phones that never met the relay, \
                     phones and console on the same cores; the budget is two syncs (p99 of bare \
                     ones beside the load) and 2 ms, at p99";

/// How long a load lasts.
const LASTS_S: u32 = 8;

/// The first press, after all phones have been started.
const HEAD_START: Duration = Duration::from_millis(500);

/// After the last press; what has not arrived by then is counted as missing.
const PATIENCE: Duration = Duration::from_secs(15);

/// Syncs on the quiet disk before the load.
const QUIET_SYNCS: usize = 200;

/// What a budget adds to two syncs.
const BUDGET_MS: f64 = 2.0;

/// A generator that is later than this at p99 has a part in the figures that is not the service's.
const MAX_LATE_MS: f64 = 1.0;

/// A press that has happened.
struct Press {
    caller: Caller,
    alert: AlertId,
    meant_at: Instant,
    pressed_at: Instant,
}

pub(crate) async fn measure(alerts_per_s: u32) {
    let mut site = Site::start().await;
    let (mut file, _) = site.warm_up().await;
    let console = site.console().await;
    let mut quiet: Vec<_> = (0..QUIET_SYNCS).map(|_| file.write_and_sync()).collect();
    let callers: Vec<_> = (0..alerts_per_s * LASTS_S).map(|_| site.phone()).collect();

    let log_before = site.log_end();
    let probe = Probe::start(file);
    let cores = Cores::watch();
    let presses = press_all(callers, alerts_per_s).await;
    let (own_cores, other_cores) = cores.busy();
    wait_for_all(&console, presses.len()).await;
    let (_, mut syncs) = probe.finish();
    let appended = site.log_end().since(log_before);

    let mut late: Vec<_> = presses
        .iter()
        .map(|press| press.pressed_at.saturating_duration_since(press.meant_at))
        .collect();
    let late_ms = percentile_ms(&mut late, 0.99);
    let sync_ms = percentile_ms(&mut syncs, 0.99);
    let about_the_run = json!({
        "budget ms": rounded(2.0 * sync_ms + BUDGET_MS),
        "cores busy": own_cores,
        "cores busy, other programs": other_cores,
        "entries in the log": appended,
        "generator": if late_ms <= MAX_LATE_MS { "in time" } else { "too late: a bottleneck" },
        "generator late, p99 ms": late_ms,
        "sync p99 ms": sync_ms,
        "sync p99 ms, no load": percentile_ms(&mut quiet, 0.99),
    });
    tell(
        &format!("{alerts_per_s}/s"),
        presses,
        &console,
        about_the_run,
    );
    site.shutdown().await;
}

/// Presses at even intervals. The clock is kept by a thread of its own: the runtime's timers have
/// ticks of a millisecond.
async fn press_all(callers: Vec<Caller>, alerts_per_s: u32) -> Vec<Press> {
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

async fn wait_for_all(console: &Console, presses: usize) {
    let until = Instant::now() + PATIENCE;
    while console.assigned() < presses && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn tell(rate: &str, mut presses: Vec<Press>, console: &Console, about_the_run: Value) {
    let heard = console.heard();
    let after = |press: &Press, times: &BTreeMap<IncidentId, Instant>| {
        let at = times.get(&press.caller.incident(&press.alert))?;
        Some(*at - press.meant_at)
    };
    let receipts = presses
        .iter_mut()
        .map(|press| Some(press.caller.receipted_at()? - press.meant_at));
    let receipts: Vec<_> = receipts.collect();
    let cards = presses.iter().map(|press| after(press, &heard.card));
    let assigned = presses.iter().map(|press| after(press, &heard.assignment));
    let mut columns = about_the_run.as_object().cloned().unwrap_or_default();
    tell_row(
        &format!("{rate}: first card"),
        cards.collect(),
        columns.clone(),
    );
    // What is about the run stands in its first row; the budget holds for what a console shows.
    columns.retain(|name, _| name == "budget ms");
    let name = format!("{rate}: durable assignment");
    tell_row(&name, assigned.collect(), columns);
    tell_row(&format!("{rate}: receipt"), receipts, Map::new());
}

fn tell_row(name: &str, times: Vec<Option<Duration>>, mut columns: Map<String, Value>) {
    let pressed = times.len();
    let mut times: Vec<_> = times.into_iter().flatten().collect();
    columns.insert("n".to_owned(), json!(pressed));
    columns.insert("missing".to_owned(), json!(pressed - times.len()));
    if !times.is_empty() {
        columns.insert("p50 ms".to_owned(), json!(percentile_ms(&mut times, 0.5)));
        let p99_ms = percentile_ms(&mut times, 0.99);
        columns.insert("p99 ms".to_owned(), json!(p99_ms));
        if let Some(budget_ms) = columns.get("budget ms").and_then(Value::as_f64) {
            let kept = if p99_ms <= budget_ms { "yes" } else { "NO" };
            columns.insert("budget kept".to_owned(), json!(kept));
        }
    }
    row(TABLE, name, Value::Object(columns));
}

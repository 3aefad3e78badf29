//! From press to console at a steady rate.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::console::Console;
use crate::cores::Cores;
use crate::disk::Probe;
use crate::presses::{Press, judge, press_all, wait_for_all};
use crate::site::Site;
use crate::support::{rounded, row};
use crate::times::percentile_ms;

const TABLE: &str = "From press to console: steady alerts of phones that never met the relay, \
                     phones and console on the same cores; the budget is two syncs (p99 of bare \
                     ones beside the load) and 2 ms, at p99";

/// How long a load lasts.
const LASTS_S: u32 = 8;

/// Syncs on the quiet disk before the load.
const QUIET_SYNCS: usize = 200;

/// What a budget adds to two syncs.
const BUDGET_MS: f64 = 2.0;

pub(crate) async fn measure(alerts_per_s: u32) {
    let mut site = Site::start().await;
    let (mut file, _) = site.warm_up().await;
    let console = site.console().await;
    let mut quiet: Vec<_> = (0..QUIET_SYNCS).map(|_| file.write_and_sync()).collect();
    let callers: Vec<_> = (0..alerts_per_s * LASTS_S).map(|_| site.phone()).collect();

    let log_before = site.log_end();
    let probe = Probe::start(file);
    let cores = Cores::watch(vec![std::process::id()]);
    let presses = press_all(callers, alerts_per_s).await;
    let (own_cores, other_cores) = cores.busy();
    wait_for_all(&console, presses.len()).await;
    let (_, mut syncs) = probe.finish();
    let appended = site.log_end().since(log_before);

    let mut late: Vec<_> = presses.iter().map(Press::late).collect();
    let late_ms = percentile_ms(&mut late, 0.99);
    let sync_ms = percentile_ms(&mut syncs, 0.99);
    let about_the_run = json!({
        "budget ms": rounded(2.0 * sync_ms + BUDGET_MS),
        "cores busy": own_cores,
        "cores busy, other programs": other_cores,
        "entries in the log": appended,
        "generator": judge(late_ms),
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

fn tell(rate: &str, mut presses: Vec<Press>, console: &Console, about_the_run: Value) {
    let heard = console.heard();
    let receipts = presses.iter_mut().map(Press::until_receipt).collect();
    let cards = presses.iter().map(|press| press.until_heard(&heard.card));
    let assigned = presses
        .iter()
        .map(|press| press.until_heard(&heard.assignment));
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

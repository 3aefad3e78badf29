//! Phones with an open alert say where they are, more often than can be taken; others raise meanwhile.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::confined::{Confined, SHARE, Used};
use super::{PHASE, PHASES, SOCKETS, quantile_ms};
use crate::child::{Kind, Server};
use crate::pace::Pace;
use crate::phones::{Identity, Phone, Phones};
use crate::support::{rounded, row};

const TABLE: &str = "Overload by positions: phones that track at a relay confined to a quarter of a core, \
     and cold alerts beside them at their time";

/// What p99 of a raise may grow by.
const BUDGET: f64 = 3.0;

/// Phones that track.
const PHONES: usize = 2_000;

/// Raises in a second beside them.
const RAISES_PER_S: f64 = 40.0;

/// Positions in a second at which it is found out what one costs; then at the rate that follows, since many at once
/// cost less each.
const PROBE_PER_S: f64 = 1_000.0;

/// How often that is done.
const PROBES: usize = 3;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let phones = Arc::new(Phones::new(Identity::create(folder.path()), SOCKETS));
    let mut server = Server::start_on_one_core(Kind::Relay, folder.path());
    let mut tracking = Vec::new();
    for _ in 0..PHONES {
        let mut phone = phones.connect(server.address).await;
        phone.raise().await;
        tracking.push(phone);
    }
    let (mut number, mut holds_per_s) = (2, PROBE_PER_S);
    for _ in 0..PROBES {
        let before = server.usage();
        let sent = send(&tracking, holds_per_s, &mut number).await;
        let cost_s = (server.usage().cpu_s - before.cpu_s) / sent as f64;
        holds_per_s = SHARE / cost_s;
    }
    let confined = match Confined::process(server.id()) {
        Ok(confined) => confined,
        Err(why) => return row(TABLE, "not measured", json!({ "why": why })),
    };
    let mut calm_p99_ms = None;
    for (name, factor) in PHASES {
        let per_s = holds_per_s * factor;
        let kept_before = server.positions();
        let used = Used::since(&server);
        let raising = raises(&phones, &server);
        let (sent, (times, given_up)) = tokio::join!(send(&tracking, per_s, &mut number), raising);
        let kept = server.positions() - kept_before;
        let at = |share| quantile_ms(&times, share);
        let calm = *calm_p99_ms.get_or_insert(at(0.99));
        let grown = at(0.99) / calm;
        row(
            TABLE,
            name,
            json!({
                "cores": SHARE,
                "cores used": rounded(used.cores(&server)),
                "positions offered/s": rounded(sent as f64 / PHASE.as_secs_f64()),
                "positions kept/s": rounded(kept as f64 / PHASE.as_secs_f64()),
                "raises/s": RAISES_PER_S,
                "raises given up": given_up,
                "raise p50 ms": rounded(at(0.5)),
                "raise p99 ms": rounded(at(0.99)),
                "raise p99, times calm": rounded(grown),
                "budget": BUDGET,
                "budget kept": if grown <= BUDGET && given_up == 0 { "yes" } else { "NO" },
                "MiB": rounded(server.usage().resident_bytes / f64::from(1 << 20)),
            }),
        );
    }
    // A group can be removed when nobody is in it.
    drop(server);
    drop(confined);
}

/// For a phase, in turn for all phones; returns how many were sent.
async fn send(phones: &[Phone], per_s: f64, number: &mut u64) -> u64 {
    let mut pace = Pace::new(per_s, PHASE);
    while let Some(due) = pace.due().await {
        for sent in due {
            phones[sent as usize % PHONES].send_position(*number + sent / PHONES as u64);
        }
    }
    *number += pace.sent() / PHONES as u64 + 1;
    pace.sent()
}

/// Seconds until the receipts of a phase's raises, in order, and how many have none.
async fn raises(phones: &Arc<Phones>, server: &Server) -> (Vec<f64>, usize) {
    let times = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    let count = (RAISES_PER_S * PHASE.as_secs_f64()) as usize;
    for number in 0..count {
        let intended = begun + Duration::from_secs_f64(number as f64 / RAISES_PER_S);
        sleep_until(intended.into()).await;
        let (phones, address, times) = (Arc::clone(phones), server.address, Arc::clone(&times));
        calls.spawn(timeout(PATIENCE, async move {
            let Some(mut phone) = phones.try_connect(address).await else {
                return;
            };
            if phone.try_raise().await.is_some() {
                times.lock().unwrap().push(intended.elapsed().as_secs_f64());
            }
            phone.close();
        }));
    }
    while let Some(call) = calls.join_next().await {
        // Who gives up is missing among the times.
        let _ = call.unwrap();
    }
    let mut times = std::mem::take(&mut *times.lock().unwrap());
    times.sort_by(f64::total_cmp);
    let given_up = count - times.len();
    (times, given_up)
}

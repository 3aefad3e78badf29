//! A phone that nobody has seen raises, is answered, and leaves.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::child::{Kind, Server};
use crate::phones::{Identity, Phones};
use crate::support::{rounded, row};
use crate::turns::{median, median_ratio};

const TABLE: &str = "Server CPU of a cold alert, beside a bare quinn echo with the same handshake";

/// What a cold alert may cost, as a multiple of the echo.
const BUDGET: f64 = 1.5;

/// Phones at once. One alone has a sync of the disk for itself; a nation in trouble has hundreds
/// under way.
const AT_ONCE: [usize; 3] = [256, 64, 1];

/// Alerts of one turn. At 0.3 ms each the system's clock of 10 ms is 1 % of a turn.
const ALERTS: usize = 3_000;

/// Turns of each server, one after the other.
const TURNS: usize = 5;

const SOCKETS: usize = 8;

pub(crate) async fn measure() {
    for at_once in AT_ONCE {
        measure_with(at_once).await;
    }
}

async fn measure_with(at_once: usize) {
    let folder = tempfile::tempdir().unwrap();
    let phones = Arc::new(Phones::new(Identity::create(folder.path()), SOCKETS));
    let servers = [Kind::Relay, Kind::Bare].map(|kind| Server::start(kind, folder.path()));
    let mut costs_us = [Vec::new(), Vec::new()];
    let mut rates = [Vec::new(), Vec::new()];
    for server in &servers {
        turn(&phones, server, at_once, ALERTS / 5).await;
    }
    for _ in 0..TURNS {
        for (at, server) in servers.iter().enumerate() {
            let (cost_us, per_s) = turn(&phones, server, at_once, ALERTS).await;
            costs_us[at].push(cost_us);
            rates[at].push(per_s);
        }
    }
    let ratio = median_ratio(&costs_us);
    let [relay_us, bare_us] = costs_us.map(median);
    let [relay_per_s, bare_per_s] = rates.map(median);
    row(
        TABLE,
        &format!("{at_once} at once"),
        json!({
            "relay µs": rounded(relay_us),
            "bare µs": rounded(bare_us),
            "ratio": rounded(ratio),
            "budget": BUDGET,
            "relay alerts/s": rounded(relay_per_s),
            "bare echoes/s": rounded(bare_per_s),
        }),
    );
}

/// Microseconds of the server for each alert, and alerts in a second.
async fn turn(phones: &Arc<Phones>, server: &Server, at_once: usize, alerts: usize) -> (f64, f64) {
    let (before, begun) = (server.usage(), Instant::now());
    let room = Arc::new(Semaphore::new(at_once));
    let mut calls = JoinSet::new();
    for _ in 0..alerts {
        let turn = Arc::clone(&room).acquire_owned().await.unwrap();
        let (phones, address) = (Arc::clone(phones), server.address);
        calls.spawn(async move {
            let mut phone = phones.connect(address).await;
            phone.raise().await;
            phone.close();
            drop(turn);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let elapsed_s = begun.elapsed().as_secs_f64();
    // The farewell belongs to the alert.
    phones.idle().await;
    let cost_s = server.usage().cpu_s - before.cpu_s;
    (cost_s * 1e6 / alerts as f64, alerts as f64 / elapsed_s)
}

//! Phones that nobody has seen raise, more of them than can be answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::confined::{Confined, SHARE, Used};
use super::{PHASE, PHASES, SOCKETS, quantile_ms};
use crate::child::{Kind, Server};
use crate::phones::{Identity, Phones};
use crate::support::{rounded, row};

const TABLE: &str = "Overload by raises: cold alerts at a relay confined to a quarter of a core, \
     offered at their time whatever it does; a phone gives up after 3 s and is not offered again";

/// A phone gives up: `client::link::HANDSHAKE_TIMEOUT`, and as long for the receipt.
const PATIENCE: Duration = Duration::from_secs(3);

/// Receipts beside what is offered or held, whichever is less: flat, but for the noise of a measurement.
const BUDGET: f64 = 0.9;

/// Phones at once when it is found out what the relay holds.
const AT_ONCE: usize = 64;

/// Of one raise: when it was meant to begin, in seconds since the phase, and how long its receipt took.
type Raised = (f64, Option<f64>);

pub(crate) async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let phones = Arc::new(Phones::new(Identity::create(folder.path()), SOCKETS));
    let server = Server::start_on_one_core(Kind::Relay, folder.path());
    let confined = match Confined::process(server.id()) {
        Ok(confined) => confined,
        Err(why) => return row(TABLE, "not measured", json!({ "why": why })),
    };
    capacity(&phones, &server, PHASE / 2).await;
    let holds_per_s = capacity(&phones, &server, PHASE).await;
    let mut calm_p99_ms = None;
    for (name, factor) in PHASES {
        let per_s = holds_per_s * factor;
        let used = Used::since(&server);
        let (raised, resident_mib) = offer(&phones, &server, per_s).await;
        let mut times: Vec<_> = raised.iter().filter_map(|(_, took)| *took).collect();
        times.sort_by(f64::total_cmp);
        let at = |share| quantile_ms(&times, share);
        let goodput_per_s = times.len() as f64 / PHASE.as_secs_f64();
        let flat = goodput_per_s / per_s.min(holds_per_s);
        let calm = *calm_p99_ms.get_or_insert(at(0.99));
        row(
            TABLE,
            name,
            json!({
                "cores": SHARE,
                "cores used": rounded(used.cores(&server)),
                "offered/s": rounded(per_s),
                "receipted/s": rounded(goodput_per_s),
                "of what it holds": rounded(goodput_per_s / holds_per_s),
                "of what is offered or held": rounded(flat),
                "budget": BUDGET,
                "budget kept": if flat >= BUDGET { "yes" } else { "NO" },
                "p50 ms": rounded(at(0.5)),
                "p99 ms": rounded(at(0.99)),
                "p99, times calm": rounded(at(0.99) / calm),
                "given up": raised.len() - times.len(),
                "MiB, most": rounded(resident_mib),
                "all answered after s": answered_after_s(&raised),
            }),
        );
    }
    // A group can be removed when nobody is in it.
    drop(server);
    drop(confined);
}

/// Alerts a second with so many phones under way that the relay always has something to do.
async fn capacity(phones: &Arc<Phones>, server: &Server, time: Duration) -> f64 {
    let (begun, room) = (Instant::now(), Arc::new(Semaphore::new(AT_ONCE)));
    let mut calls = JoinSet::new();
    while begun.elapsed() < time {
        let turn = Arc::clone(&room).acquire_owned().await.unwrap();
        let (phones, address) = (Arc::clone(phones), server.address);
        calls.spawn(async move {
            let is_answered = timeout(PATIENCE, call(&phones, address)).await;
            drop(turn);
            is_answered.ok().flatten().is_some()
        });
    }
    let mut count = 0;
    while let Some(is_answered) = calls.join_next().await {
        count += u32::from(is_answered.unwrap());
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// A phone that nobody has seen raises, has its receipt, and leaves.
async fn call(phones: &Phones, server: SocketAddr) -> Option<()> {
    let mut phone = phones.try_connect(server).await?;
    phone.try_raise().await?;
    phone.close();
    Some(())
}

/// What became of each raise, and the most MiB that the relay had meanwhile.
async fn offer(phones: &Arc<Phones>, server: &Server, per_s: f64) -> (Vec<Raised>, f64) {
    let raised = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    let mut resident_bytes: f64 = 0.0;
    let count = (per_s * PHASE.as_secs_f64()) as usize;
    for number in 0..count {
        let at_s = number as f64 / per_s;
        let intended = begun + Duration::from_secs_f64(at_s);
        sleep_until(intended.into()).await;
        let (phones, address, raised) = (Arc::clone(phones), server.address, Arc::clone(&raised));
        calls.spawn(async move {
            let is_answered = timeout(PATIENCE, call(&phones, address)).await;
            let took = is_answered.ok().flatten();
            let took = took.map(|()| intended.elapsed().as_secs_f64());
            raised.lock().unwrap().push((at_s, took));
        });
        if number % 100 == 0 {
            resident_bytes = resident_bytes.max(server.usage().resident_bytes);
        }
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let raised = std::mem::take(&mut *raised.lock().unwrap());
    (raised, resident_bytes / f64::from(1 << 20))
}

/// The second of the phase from which on no raise was without an answer; nothing when the last one was.
fn answered_after_s(raised: &[Raised]) -> Option<f64> {
    let given_up = raised.iter().filter(|(_, took)| took.is_none());
    let last_s = given_up.map(|(at_s, _)| *at_s).fold(0.0, f64::max);
    (last_s < PHASE.as_secs_f64() - 1.0).then(|| rounded(last_s))
}

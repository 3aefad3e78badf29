//! From press to receipt with nothing else going on, beside a bare write and sync in turns.

use std::time::Duration;

use serde_json::json;

use crate::cores::Cores;
use crate::site::Site;
use crate::support::{rounded, row};
use crate::times::percentile_ms;

/// Presses of each kind.
const ROUNDS: usize = 300;

/// After each press the dispatcher appends the assignment; by then it and its sync are over.
const QUIET: Duration = Duration::from_millis(20);

pub(crate) async fn measure() {
    let mut site = Site::start().await;
    let (mut file, entry_bytes) = site.warm_up().await;
    let (mut bare, mut cold, mut warm, mut ticket) = (vec![], vec![], vec![], vec![]);
    let mut early = 0;
    let cores = Cores::watch();
    for _ in 0..ROUNDS {
        let mut phone = site.phone();
        tokio::time::sleep(QUIET).await;
        bare.push(file.write_and_sync());
        phone.raise().await;
        cold.push(phone.receipt().await.after);
        tokio::time::sleep(QUIET).await;
        bare.push(file.write_and_sync());
        phone.raise().await;
        warm.push(phone.receipt().await.after);
        phone.handle.close().await;

        let mut phone = site.phone();
        phone.get_ready().await;
        tokio::time::sleep(QUIET).await;
        bare.push(file.write_and_sync());
        phone.raise().await;
        let receipt = phone.receipt().await;
        early += usize::from(receipt.early);
        ticket.push(receipt.after);
        phone.handle.close().await;
    }
    let table = format!(
        "From press to receipt: one phone at a time over loopback, beside a bare write and \
         fdatasync of {entry_bytes} bytes (the size of a raise in the log) before each press"
    );
    let sync_ms = [0.5, 0.99].map(|share| percentile_ms(&mut bare, share));
    let (_, other_cores) = cores.busy();
    let tell = |name: &str, times: &mut Vec<Duration>| {
        let ms = [0.5, 0.99].map(|share| percentile_ms(times, share));
        let beyond = |n: usize| rounded((ms[n] - sync_ms[n]) / sync_ms[n]);
        let columns = json!({
            "cores busy, other programs": other_cores,
            "n": times.len(),
            "p50 ms": ms[0],
            "p50 beyond a sync, in syncs": beyond(0),
            "p99 ms": ms[1],
            "p99 beyond a sync, in syncs": beyond(1),
        });
        row(&table, name, columns);
    };
    tell("bare write and fdatasync", &mut bare.clone());
    tell("cold, full handshake", &mut cold);
    let name = format!("with a ticket ({early} of {ROUNDS} in 0-RTT)");
    tell(&name, &mut ticket);
    tell("on a warm connection", &mut warm);
    site.shutdown().await;
}

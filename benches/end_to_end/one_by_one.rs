//! From press to receipt with nothing else going on, beside a bare write and sync in turns.

use std::time::Duration;

use client::Event;
use client::io::PhoneEvent;
use protocol::ReportKind;
use serde_json::json;

use crate::cores::Cores;
use crate::people::Caller;
use crate::site::Site;
use crate::support::{rounded, row};
use crate::times::percentile_ms;

/// Presses of each kind.
const ROUNDS: usize = 300;

/// After each press the dispatcher appends the assignment; by then it and its sync are over.
const QUIET: Duration = Duration::from_millis(20);

/// Nothing on loopback takes so long; a machine on which it does is broken.
const IN_TIME: Duration = Duration::from_secs(60);

/// The receipt of a raise.
pub(crate) struct Receipt {
    after: Duration,
    /// The raise travelled in 0-RTT data that the relay took.
    early: bool,
}

/// Waits for the receipt of the newest raise.
pub(crate) async fn receipt(phone: &mut Caller) -> Receipt {
    event(phone, |event| match (&event.event, event.triggered_at) {
        (Event::Receipted(receipt), Some(triggered)) if receipt.kind == ReportKind::Raise => {
            Some(Receipt {
                after: event.at - triggered,
                early: receipt.early,
            })
        }
        _ => None,
    })
    .await
}

/// Gets a ticket for 0-RTT, as an app does when it is opened.
async fn get_ready(phone: &mut Caller) {
    phone.handle.check_ready().await.unwrap();
    let is_ready = |event: &PhoneEvent| matches!(event.event, Event::Ready { .. });
    event(phone, |event| is_ready(event).then_some(())).await;
}

async fn event<T>(phone: &mut Caller, wanted: impl Fn(&PhoneEvent) -> Option<T>) -> T {
    let wait = async {
        loop {
            let event = phone.events.recv().await.unwrap();
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    tokio::time::timeout(IN_TIME, wait).await.unwrap()
}

pub(crate) async fn measure() {
    let mut site = Site::start().await;
    let (mut file, entry_bytes) = site.warm_up().await;
    let (mut bare, mut cold, mut warm, mut ticket) = (vec![], vec![], vec![], vec![]);
    let mut early = 0;
    let cores = Cores::watch(vec![std::process::id()]);
    for _ in 0..ROUNDS {
        let mut phone = site.phone();
        tokio::time::sleep(QUIET).await;
        bare.push(file.write_and_sync());
        phone.raise().await;
        cold.push(receipt(&mut phone).await.after);
        tokio::time::sleep(QUIET).await;
        bare.push(file.write_and_sync());
        phone.raise().await;
        warm.push(receipt(&mut phone).await.after);
        phone.handle.close().await;

        let mut phone = site.phone();
        get_ready(&mut phone).await;
        tokio::time::sleep(QUIET).await;
        bare.push(file.write_and_sync());
        phone.raise().await;
        let receipt = receipt(&mut phone).await;
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

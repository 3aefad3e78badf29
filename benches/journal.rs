//! What an append costs, beside a bare write and sync of the same bytes in the same folder.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

mod support;
#[path = "support/times.rs"]
mod times;

use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::{Journal, LogName, Options};
use serde_json::json;
use support::{rounded, row};
use times::percentile_ms;

const TABLE: &str = "Journal: entries of 160 bytes, one commit after the other, against a bare \
                     write and fdatasync of the same bytes in turns";

/// Long enough for a thousand syncs of an ordinary disk.
const LASTS: Duration = Duration::from_secs(3);
/// Commits of one kind before the other has its turn.
const TURN: usize = 20;

fn main() {
    if !support::is_asked() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for entries in [1, 64, 512, 2_048] {
        runtime.block_on(measure(entries));
    }
}

async fn measure(entries: usize) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open_embedded(folder.path().join("j.redb"), Options::default()).unwrap();
    let mut file = File::create(folder.path().join("bare")).unwrap();
    let batch = vec![Bytes::from(vec![7; 160]); entries];
    let bytes = vec![7; 160 * entries];
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < LASTS {
        for _ in 0..TURN {
            let at = Instant::now();
            journal
                .append(LogName::Alerts, batch.clone())
                .await
                .unwrap();
            ours.push(at.elapsed());
        }
        for _ in 0..TURN {
            let at = Instant::now();
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            bare.push(at.elapsed());
        }
    }
    let mean =
        |times: &[Duration]| times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64;
    let ratio = mean(&ours) / mean(&bare);
    let columns = json!({
        "entries/s": rounded(entries as f64 / mean(&ours)).round(),
        "p50 ms": percentile_ms(&mut ours, 0.5),
        "p99 ms": percentile_ms(&mut ours, 0.99),
        "bare p50 ms": percentile_ms(&mut bare, 0.5),
        "bare p99 ms": percentile_ms(&mut bare, 0.99),
        "ratio of means": rounded(ratio),
    });
    row(TABLE, &format!("{entries} in a commit"), columns);
    journal.close().await;
}

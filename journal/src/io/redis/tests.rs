//! Servers that die, hang, fill up, forget and lie.

use std::time::Duration;

use bytes::Bytes;

use super::settings::{Credentials, Settings};
pub(in crate::io) use super::test_server::proxy;
use super::test_server::{TestServer, is_here};
use super::*;
use crate::batcher::{Appended, Durability, Limits};
use crate::error::OpenError;
use crate::io::journal::{Health, Journal, Options};
use crate::io::tail::{Tail, Tailed};
use crate::offset::LogName::{Alerts, Tracks};
use crate::snapshot::Row;
use proxy::Proxy;

mod answers;
mod cluster;
mod connection;
mod crash;
mod failover;
mod history;
mod refusal;
mod sentinel;
mod snapshots;

fn entry(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

use crate::io::patience::within;

async fn open(settings: Settings) -> Journal {
    let opening = Journal::open_redis(settings, Options::default());
    within(opening).await.unwrap()
}

/// With settings that any server may be too slow for.
async fn open_somehow(settings: Settings) -> Journal {
    loop {
        let opening = Journal::open_redis(settings.clone(), Options::default());
        match within(opening).await {
            Ok(journal) => return journal,
            Err(error) => assert!(
                matches!(error, OpenError::Server(ConnectError::Unreachable { .. })),
                "{error}"
            ),
        }
    }
}

async fn append(journal: &Journal, text: &str) -> Appended {
    let appending = journal.append(Alerts, vec![entry(text)]);
    within(appending).await.unwrap()
}

/// Offers until it is taken: what goes to a server that has gone is not, and may not say so.
async fn until_appended(journal: &Journal, text: &str) -> Appended {
    loop {
        match within(journal.append(Alerts, vec![entry(text)])).await {
            Ok(appended) => return appended,
            Err(AppendError::Unknown { .. } | AppendError::Rejected { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn until(journal: &Journal, is_so: impl Fn(&Health) -> bool) -> Health {
    let mut health = journal.health();
    let coming = health.wait_for(|health| is_so(health));
    within(coming).await.unwrap().clone()
}

async fn until_healthy(journal: &Journal) {
    until(journal, |health| *health == Health::Healthy).await;
}

/// Why the log takes nothing, as soon as it does not.
async fn trouble(journal: &Journal) -> String {
    let troubled = until(journal, |health| matches!(health, Health::Troubled { .. })).await;
    let Health::Troubled { why } = troubled else {
        unreachable!()
    };
    why
}

/// The next entries, as many as there are texts.
async fn read(tail: &mut Tail, texts: &[&str]) {
    let mut read = Vec::new();
    while read.len() < texts.len() {
        match within(tail.next()).await.unwrap() {
            Tailed::Entries { entries, .. } => read.extend(entries),
            other => panic!("{other:?} instead of {texts:?}, after {read:?}"),
        }
    }
    assert_eq!(read, texts);
}

/// Everything that is in the log.
async fn all(journal: &Journal) -> Vec<Bytes> {
    within(journal.first(Alerts)).await.unwrap();
    let end = journal.end(Alerts);
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    let mut all = Vec::new();
    while tail.cursor() < end {
        if let Tailed::Entries { entries, .. } = within(tail.next()).await.unwrap() {
            all.extend(entries);
        }
    }
    all
}

/// So impatient that a test need not wait long for a server that hangs; then even one that does not
/// may be too slow.
fn impatient(settings: Settings) -> Settings {
    Settings {
        connect_timeout: Duration::from_millis(1_500),
        response_timeout: Duration::from_millis(1_500),
        ..settings
    }
}

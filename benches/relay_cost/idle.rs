//! Phones that are connected and say nothing.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::child::{Kind, Server};
use crate::phones::{Identity, Phone, Phones};
use crate::process::at_rest;
use crate::support::{rounded, row};

const TABLE: &str = "Resident memory of an idle connected phone";

/// KiB that a phone may take, all in.
const BUDGET_KIB: f64 = 36.0;

/// Connections at which the memory is read.
const STEPS: [usize; 3] = [5_000, 10_000, 20_000];

/// Handshakes at once: what a server that has other work leaves open.
const AT_ONCE: usize = 64;

/// Sockets of the phones: a thousand connections on each.
const SOCKETS: usize = 20;

#[derive(Clone, Copy)]
enum Phase {
    /// Nothing was said yet.
    Silent,
    /// An alert is open.
    Raised,
}

pub(crate) async fn measure() {
    measure_one(Kind::Bare, Phase::Silent, "bare quinn").await;
    measure_one(Kind::Relay, Phase::Silent, "relay").await;
    measure_one(Kind::Relay, Phase::Raised, "relay, with an open alert").await;
}

async fn measure_one(kind: Kind, phase: Phase, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let phones = Arc::new(Phones::new(Identity::create(folder.path()), SOCKETS));
    let server = Server::start(kind, folder.path());
    // What is there once for all is not counted for the first.
    let mut connected = connect(&phones, &server, AT_ONCE, phase).await;
    let empty = at_rest(|| server.usage()).await;
    let mut columns = Map::new();
    for step in STEPS {
        let more = step + AT_ONCE - connected.len();
        connected.extend(connect(&phones, &server, more, phase).await);
        let full = at_rest(|| server.usage()).await;
        let open = connected
            .iter()
            .filter(|phone| phone.connection.close_reason().is_none());
        assert_eq!(
            open.count(),
            step + AT_ONCE,
            "a connection was lost meanwhile"
        );
        let each_kib = (full - empty) / step as f64 / 1024.0;
        columns.insert(format!("KiB each at {step}"), json!(rounded(each_kib)));
        columns.insert(
            format!("MiB in all at {step}"),
            json!(rounded(full / f64::from(1 << 20))),
        );
    }
    if kind == Kind::Relay {
        columns.insert("budget KiB".to_owned(), json!(BUDGET_KIB));
    }
    row(TABLE, name, Value::Object(columns));
}

async fn connect(phones: &Arc<Phones>, server: &Server, count: usize, phase: Phase) -> Vec<Phone> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let turn = Arc::clone(&room).acquire_owned().await.unwrap();
        let (phones, address) = (Arc::clone(phones), server.address);
        calls.spawn(async move {
            let mut phone = phones.connect(address).await;
            if matches!(phase, Phase::Raised) {
                phone.raise().await;
            }
            drop(turn);
            phone
        });
    }
    calls.join_all().await
}

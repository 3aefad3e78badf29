//! SIGKILL in the middle of a burst: whatever was receipted is in the log afterwards.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use client::Event;
use client::io::{Phone, PhoneHandle, PhoneOptions};
use journal::LogName;
use protocol::{AlertId, ReportKind};
use tokio::sync::mpsc;

use crate::quic::{Site, Station, open_journal, reports, socket, soon};

/// Tells the child where its site is; without it the child does nothing.
const FOLDER: &str = "ANSIM_TEST_POWER_CUT";

/// Phones that raise at once.
const PHONES: u8 = 200;

/// Receipts after which the relay is killed: the rest of the burst is under way then.
const RECEIPTS_BEFORE: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_sigkill_during_a_burst_every_receipted_raise_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new();
    site.write(folder.path());
    let (mut child, address) = start_child(folder.path());
    let (receipts, mut receipted) = mpsc::unbounded_channel();
    let endpoint = socket();
    let mut phones = Vec::new();
    for device in 0..PHONES {
        let enrolment = site.enrolment(&[address], Some(device));
        let (phone, mut events) =
            Phone::start(endpoint.clone(), &enrolment, PhoneOptions::default()).unwrap();
        phone.raise(None).await.unwrap();
        phones.push(phone);
        let receipts = receipts.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Event::Receipted(receipted) = event.event
                    && receipted.kind == ReportKind::Raise
                {
                    let _ = receipts.send(receipted.alert);
                }
            }
        });
    }
    drop(receipts);
    let mut promised: BTreeSet<AlertId> = BTreeSet::new();
    while promised.len() < RECEIPTS_BEFORE {
        promised.insert(soon(receipted.recv()).await.unwrap());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Receipts that had left the relay are promises too.
    promised.extend(all_else(phones, &mut receipted).await);
    let journal = open_journal(folder.path());
    let count = usize::try_from(journal.end(LogName::Alerts).0).unwrap();
    let stored = reports(&journal, LogName::Alerts, count).await;
    let stored: BTreeSet<AlertId> = stored.iter().map(|report| report.alert).collect();
    let missing: Vec<&AlertId> = promised.difference(&stored).collect();
    assert!(missing.is_empty(), "receipted and gone: {missing:?}");
    assert!(promised.len() < usize::from(PHONES), "the burst was over");
}

async fn all_else(
    phones: Vec<PhoneHandle>,
    receipted: &mut mpsc::UnboundedReceiver<AlertId>,
) -> Vec<AlertId> {
    for phone in phones {
        soon(phone.close()).await;
    }
    let mut rest = Vec::new();
    while let Some(alert) = soon(receipted.recv()).await {
        rest.push(alert);
    }
    rest
}

fn start_child(folder: &Path) -> (Child, std::net::SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("power_cut::the_relay_that_is_killed")
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .find_map(|line| line.unwrap().strip_prefix("listening at ")?.parse().ok())
        .expect("the child tells where it listens");
    (child, address)
}

/// Runs in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the child of after_a_sigkill_during_a_burst_every_receipted_raise_is_there"]
async fn the_relay_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let station = Station::start(&Site::read(folder), folder);
    println!("\nlistening at {}", station.relay.local_addr());
    std::future::pending::<()>().await;
}

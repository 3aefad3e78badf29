//! What an operator has to hear of, and what a phone need not.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use journal::io::sim_backend::{SimBackend, SimDisk};
use journal::{Health, Journal, LogName, Options};
use redb::StorageBackend;

use super::site::{Phone, Site, closed, raise, soon, text, until};
use crate::CloseCode;

const DAY_MS: u64 = 24 * 3_600_000;

#[tokio::test]
async fn a_day_key_is_made_ahead_and_its_lack_is_said_a_day_before_it_hurts() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let tomorrow = journal::Day(site.now().day().0 + 1);
    until(|| site.day_keys.get(tomorrow).unwrap().is_some()).await;
    let days = site.folder.path().join("days");
    std::fs::remove_dir_all(&days).unwrap();

    site.now_ms.fetch_add(DAY_MS, Ordering::SeqCst);
    until(|| !relay.problems().is_empty()).await;
    assert!(relay.is_ready());
    assert!(relay.problems()[0].contains("tomorrow"));
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;

    site.now_ms.fetch_add(DAY_MS, Ordering::SeqCst);
    phone.say(&text(1, 2)).await;
    assert_eq!(closed(&phone.connection).await, CloseCode::NotDurable);
    assert!(!relay.is_ready());
    assert!(relay.metrics().seal_failures.get() >= 2);

    std::fs::create_dir(&days).unwrap();
    until(|| relay.is_ready() && relay.problems().is_empty()).await;
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&text(1, 2)).await;
    phone.hear_receipt().await;
}

#[tokio::test]
async fn an_alert_waits_while_the_queue_of_the_journal_is_full() {
    let disk = SimDisk::new();
    let site = Site::with(|_, mut options| {
        options.limits.queue_entries_max = 1;
        Journal::over(disk.backend(), options).unwrap()
    });
    let relay = site.relay();
    let client = site.client();
    let held_syncs = disk.hold_syncs();
    let mut phones = Vec::new();
    for n in 0..6 {
        let mut phone = Phone::connect(&client, relay.local_addr()).await;
        phone.say(&raise(n, 1)).await;
        phones.push(phone);
    }
    // One is under way to the disk, one in the queue.
    until(|| relay.metrics().held.get() >= 4).await;
    assert_eq!(relay.metrics().receipts.get(), 0);
    drop(held_syncs);
    for phone in &mut phones {
        phone.hear_receipt().await;
    }
    assert_eq!(relay.metrics().not_durable.get(), 0);
    assert_eq!(site.journal.end(LogName::Alerts).0, 6);
}

/// A disk of which nothing can be read once it is told so.
#[derive(Debug)]
struct Unreadable(SimBackend, Arc<AtomicBool>);

impl StorageBackend for Unreadable {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) {
            return Err(io::Error::other("unreadable"));
        }
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

#[tokio::test]
async fn a_relay_that_cannot_follow_the_log_says_so_and_is_not_ready() {
    let unreadable = Arc::new(AtomicBool::new(false));
    let site = Site::with(|_, options| {
        let options = Options {
            cache_bytes: 0,
            ..options
        };
        let backend = Unreadable(SimDisk::new().backend(), Arc::clone(&unreadable));
        Journal::over(backend, options).unwrap()
    });
    let entry = bytes::Bytes::from_static(b"entry");
    soon(site.journal.append(LogName::Alerts, vec![entry]))
        .await
        .unwrap();
    unreadable.store(true, Ordering::SeqCst);
    let relay = site.relay();
    assert!(relay.is_ready());
    until(|| !relay.is_ready()).await;
    assert!(relay.problems()[0].contains("cannot be followed"));
    assert_eq!(*site.journal.health().borrow(), Health::Healthy);
    // Nobody knows whether there is another relay: this one hears who comes.
    Phone::connect(&site.client(), relay.local_addr()).await;
}

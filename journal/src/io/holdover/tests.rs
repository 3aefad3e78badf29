//! Servers that die, fail over, forget and fill up behind an author that has given its receipts.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use protocol::{
    AlertId, Header, ReportHeader, ReportKind, ReportNumber, Subject, UnixMillis, Verification,
};

use super::*;
use crate::io::journal::{Clock, Journal};
use crate::io::patience::within;
use crate::io::redis::test_server::{TestSentinels, TestServer, is_here};
use crate::io::redis::tests::proxy::{Proxy, Way};
use crate::io::sim_backend::{Faults, SimDisk};
use crate::io::tail::Tailed;
use crate::offset::LogName::{Alerts, Tracks};

mod displaced;
mod failover;
mod history;
mod keep;
mod partitions;
mod standing;
mod trouble;

fn entry(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

fn over(disk: &SimDisk, settings: Settings, options: &Options) -> Journal {
    let own = Embedded::over(disk.backend(), options.clone()).unwrap();
    Journal::Held(Held::before(own, settings, options).unwrap())
}

/// What one of some phones says; with none, what is no phone's.
fn said(phones: u32, text: String) -> Bytes {
    let Some(number) = text
        .rsplit(':')
        .next()
        .and_then(|own| own.parse::<u32>().ok())
    else {
        return entry(text);
    };
    match number.checked_rem(phones) {
        None => entry(text),
        Some(phone) => of_phone(phone, &text),
    }
}

fn of_phone(phone: u32, text: &str) -> Bytes {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&phone.to_be_bytes());
    let header = Header {
        time: UnixMillis::new(0),
        day: protocol::Day(0),
        subject: Subject::Report(ReportHeader {
            device: DeviceId::Enrolled(id),
            alert: AlertId::from_bytes([1; 16]),
            number: ReportNumber(1),
            kind: ReportKind::Raise,
            verification: Verification::Verified,
            drill: false,
        }),
    };
    protocol::join(&header.encode(), text.as_bytes())
}

/// Somebody who appends, and everything that was answered with a receipt.
struct Author {
    name: &'static str,
    /// By turns one of so many says something.
    phones: u32,
    disk: SimDisk,
    journal: Journal,
    receipted: Vec<Bytes>,
}

impl Author {
    fn new(name: &'static str, settings: Settings) -> Self {
        let disk = SimDisk::new();
        let journal = over(&disk, settings, &Options::default());
        Self {
            name,
            phones: 0,
            disk,
            journal,
            receipted: Vec::new(),
        }
    }

    fn held(&self) -> &Held {
        match &self.journal {
            Journal::Held(held) => held,
            _ => unreachable!("it is held"),
        }
    }

    async fn raise(&mut self, count: usize) {
        for _ in 0..count {
            let text = format!("{}:{}", self.name, self.receipted.len());
            let text = said(self.phones, text);
            let appended = within(self.journal.append(Alerts, vec![text.clone()])).await;
            let appended = appended.unwrap();
            assert_eq!(appended.durability, Durability::Local);
            assert_eq!(appended.first.0, self.receipted.len() as u64);
            self.receipted.push(text);
        }
    }

    /// Returns when a condition of its progress has come about.
    async fn until(&self, is_so: impl Fn(&Progress) -> bool) -> Progress {
        let mut progress = self.held().progress();
        *within(progress.wait_for(is_so)).await.unwrap()
    }

    /// Everything that it raised was shipped, by the last word of the shared log.
    async fn until_shipped(&self) {
        let count = self.receipted.len() as u64;
        self.until(|progress| progress.shipped.alerts.0 == count)
            .await;
    }

    async fn until_health(&self, is_so: impl Fn(&Health) -> bool) -> Health {
        let mut health = self.journal.health();
        within(health.wait_for(|health| is_so(health)))
            .await
            .unwrap()
            .clone()
    }

    async fn until_troubled(&self) {
        self.until_health(|health| matches!(health, Health::Troubled { .. }))
            .await;
    }

    /// The process dies, and another takes over what is on its disk.
    fn die_and_return(&mut self, settings: Settings, luck: u64) {
        self.disk = self.disk.after_crash(luck);
        self.journal = over(&self.disk, settings, &Options::default());
    }
}

/// Everything that is in a partition of a log.
async fn all(settings: Settings) -> Vec<Bytes> {
    let opening = Journal::open_redis(settings, Options::default());
    let journal = within(opening).await.unwrap();
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

/// What became of what authors have raised. Prints it, and it has to be everything, in its partition and
/// there in order for each author; returns how many are there twice.
async fn settle(what: &str, settings: Settings, authors: &[&Author], since: Instant) -> usize {
    for author in authors {
        author.held().all_shipped().await;
    }
    let recovered_ms = since.elapsed().as_millis();
    let (mut there, mut lost) = (0, 0);
    for partition in settings.partitions.all() {
        let log = all(settings.of_partition(partition)).await;
        there += log.len();
        for author in authors {
            let mut wanted = author
                .receipted
                .iter()
                .filter(|text| settings.partitions.of_entry(text) == partition)
                .peekable();
            lost += wanted.clone().filter(|text| !log.contains(text)).count();
            for text in &log {
                wanted.next_if_eq(&text);
            }
            let left = wanted.next();
            assert_eq!(left, None, "{what}: each behind the one before it");
        }
    }
    let raised: usize = authors.iter().map(|author| author.receipted.len()).sum();
    let confirmed: u64 = authors
        .iter()
        .map(|author| author.held().progress().borrow().confirmed.0)
        .sum();
    let doubled = there + lost - raised;
    println!(
        "{what}: {raised} raised, {confirmed} confirmed, {there} in the shared log, {lost} lost, \
         {doubled} doubled, {recovered_ms} ms to recover"
    );
    assert_eq!(lost, 0, "{what}");
    doubled
}

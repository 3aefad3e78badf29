//! Servers that die, fail over, forget and fill up behind an author that has given its receipts.

use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::*;
use crate::io::journal::{Clock, Journal};
use crate::io::patience::within;
use crate::io::redis::test_server::{TestServer, is_here};
use crate::io::redis::tests::proxy::{Proxy, Way};
use crate::io::sim_backend::{Faults, SimDisk};
use crate::io::tail::Tailed;
use crate::offset::LogName::{Alerts, Tracks};

mod failover;
mod history;
mod keep;
mod standing;
mod trouble;

fn entry(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

fn over(disk: &SimDisk, settings: Settings, options: &Options) -> Journal {
    let own = Embedded::over(disk.backend(), options.clone()).unwrap();
    Journal::Held(Held::before(own, settings, options).unwrap())
}

/// Somebody who appends, and everything that was answered with a receipt.
struct Author {
    name: &'static str,
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
            let text = entry(format!("{}:{}", self.name, self.receipted.len()));
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

/// Everything that is in a log.
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

/// What became of what authors have raised. Prints it, and it has to be everything, in order for each
/// author; returns how many are there twice.
async fn settle(what: &str, settings: Settings, authors: &[&Author], since: Instant) -> usize {
    for author in authors {
        author.held().all_shipped().await;
    }
    let recovered_ms = since.elapsed().as_millis();
    let log = all(settings).await;
    let raised: usize = authors.iter().map(|author| author.receipted.len()).sum();
    let confirmed: u64 = authors
        .iter()
        .map(|author| author.held().progress().borrow().confirmed.0)
        .sum();
    let receipted = authors.iter().flat_map(|author| &author.receipted);
    let lost = receipted.filter(|text| !log.contains(text)).count();
    let doubled = log.len() + lost - raised;
    println!(
        "{what}: {raised} raised, {confirmed} confirmed, {} in the shared log, {lost} lost, \
         {doubled} doubled, {recovered_ms} ms to recover",
        log.len()
    );
    assert_eq!(lost, 0, "{what}");
    for Author { receipted, .. } in authors {
        let mut next = receipted.iter();
        let mut wanted = next.next();
        for text in &log {
            if Some(text) == wanted {
                wanted = next.next();
            }
        }
        assert_eq!(wanted, None, "{what}: each behind the one before it");
    }
    doubled
}

//! Several authors, readers and misfortunes at once; afterwards the log is compared with what each
//! was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::proxy::Way;
use super::*;

const AUTHORS: usize = 3;
const ENTRIES: usize = 40;

/// What an author was told: its entries with their offsets, and how often nobody could say.
type Told = (Vec<(Offset, Bytes)>, usize);

async fn write(journal: Journal, author: usize, done: Arc<AtomicUsize>) -> Told {
    let (mut placed, mut unknown) = (Vec::new(), 0);
    for n in 0..ENTRIES {
        let text = entry(format!("{author}:{n}"));
        let offset = loop {
            match within(journal.append(Alerts, vec![text.clone()])).await {
                Ok(appended) => break appended.first,
                Err(AppendError::Unknown { .. }) => unknown += 1,
                Err(error) => panic!("{error}"),
            }
        };
        placed.push((offset, text));
        done.fetch_add(1, Ordering::SeqCst);
    }
    (placed, unknown)
}

/// Everything up to the entry `last`.
async fn follow(mut tail: Tail) -> Vec<Bytes> {
    let mut read = Vec::new();
    while read.last().is_none_or(|last| last != "the last") {
        match within(tail.next()).await.unwrap() {
            Tailed::Entries { first, entries } => {
                assert_eq!(first, Offset(read.len() as u64));
                read.extend(entries);
            }
            other => panic!("{other:?} in a log that lost nothing"),
        }
    }
    read
}

async fn run(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let mut journals = Vec::new();
    for _ in 0..AUTHORS {
        journals.push(open(proxy.settings()).await);
    }
    let readers: Vec<_> = journals
        .iter()
        .map(|journal| tokio::spawn(follow(journal.tail(Alerts, Offset::ZERO))))
        .collect();
    let done = Arc::new(AtomicUsize::new(0));
    let authors: Vec<_> = (0..)
        .zip(&journals)
        .map(|(n, journal)| tokio::spawn(write(journal.clone(), n, Arc::clone(&done))))
        .collect();
    for misfortune in 1..10 {
        // Some entries further on.
        let until = misfortune * AUTHORS * ENTRIES / 10;
        server.until("authors go on", || done.load(Ordering::SeqCst) >= until);
        match rng.random_range(0..4) {
            0 => proxy.cut(),
            1 => proxy.set_way(Way::CutAfter(rng.random_range(1..2_000))),
            2 => proxy.set_way(Way::Deaf),
            _ => {
                server.kill();
                server.restart();
            }
        }
    }
    let (mut placed, mut unknown) = (Vec::new(), 0);
    for author in authors {
        let (of_author, of_author_unknown) = author.await.unwrap();
        assert!(of_author.is_sorted_by_key(|(offset, _)| *offset));
        placed.extend(of_author);
        unknown += of_author_unknown;
    }
    proxy.set_way(Way::Open);
    until_appended(&journals[0], "the last").await;
    let log = all(&journals[0]).await;
    for (offset, text) in &placed {
        assert_eq!(log[offset.0 as usize], text, "seed {seed}, offset {offset}");
    }
    assert!(
        (placed.len()..=placed.len() + unknown + AUTHORS + 1).contains(&(log.len() - 1)),
        "seed {seed}: {} entries of {}, {unknown} unknown",
        log.len(),
        placed.len()
    );
    for reader in readers {
        let read = reader.await.unwrap();
        assert_eq!(read, log[..read.len()], "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_each_was_told_the_truth() {
    if !is_here() {
        return;
    }
    for seed in 0..3 {
        run(seed).await;
    }
}

/// Everything up to the entry `last`, begun anew whenever the log is another one.
async fn follow_through(journal: Journal) -> (Vec<Bytes>, usize) {
    let mut rewound = 0;
    loop {
        let mut tail = journal.tail(Alerts, Offset::ZERO);
        let mut read = Vec::new();
        loop {
            match within(tail.next()).await.unwrap() {
                Tailed::Entries { first, entries } => {
                    assert_eq!(first, Offset(read.len() as u64));
                    read.extend(entries);
                }
                Tailed::Rewound => break,
                other => panic!("{other:?} in a log that nobody trims"),
            }
            if read.last().is_some_and(|last| last == "the last") {
                return (read, rewound);
            }
        }
        rewound += 1;
    }
}

/// Appends its entries, and says how each stands.
async fn write_and_keep(
    journal: Journal,
    author: usize,
    done: Arc<AtomicUsize>,
) -> Vec<(Bytes, Appended)> {
    let mut kept = Vec::new();
    for n in 0..ENTRIES / 2 {
        let text = entry(format!("{author}:{n}"));
        let appending = journal.append(Alerts, vec![text.clone()]);
        kept.push((text, within(appending).await.unwrap()));
        done.fetch_add(1, Ordering::SeqCst);
    }
    kept
}

/// A replica that has not everything is promoted; authors append again what is missing of theirs.
async fn run_failover(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let master = TestServer::start();
    let replica = master.replica();
    let proxy = Proxy::to(master.socket_address()).await;
    let settings = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_millis(50),
        ..proxy.settings()
    };
    let mut journals = Vec::new();
    for _ in 0..AUTHORS {
        journals.push(open(settings.clone()).await);
    }
    let readers: Vec<_> = journals
        .iter()
        .map(|journal| tokio::spawn(follow_through(journal.clone())))
        .collect();
    let done = Arc::new(AtomicUsize::new(0));
    let authors: Vec<_> = (0..)
        .zip(&journals)
        .map(|(n, journal)| tokio::spawn(write_and_keep(journal.clone(), n, Arc::clone(&done))))
        .collect();
    let until = rng.random_range(0..AUTHORS * ENTRIES / 2);
    master.until("authors go on", || done.load(Ordering::SeqCst) >= until);
    replica.detach();
    let mut kept = Vec::new();
    for author in authors {
        kept.push(author.await.unwrap());
    }
    replica.promote();
    proxy.point_at(replica.socket_address());

    // The log as it is now, without anything that was appended again.
    let bystander = open(replica.settings()).await;
    let log = all(&bystander).await;
    for (text, appended) in kept.iter().flatten() {
        if appended.durability == Durability::Offered {
            continue;
        }
        let found = log.get(appended.first.0 as usize);
        assert_eq!(found, Some(text), "seed {seed}: it was confirmed");
    }
    let missing = kept.iter().flatten().count() - log.len();
    for (journal, kept) in journals.iter().zip(&kept) {
        for (text, _) in kept.iter().filter(|(text, _)| !log.contains(text)) {
            let text = str::from_utf8(text).unwrap();
            until_appended(journal, text).await;
        }
    }
    until_appended(&journals[0], "the last").await;
    let log = all(&journals[0]).await;
    for (text, _) in kept.iter().flatten() {
        assert!(log.contains(text), "seed {seed}: {text:?}");
    }
    for reader in readers {
        let (read, rewound) = reader.await.unwrap();
        assert_eq!(read, log, "seed {seed}");
        assert!(
            missing == 0 || rewound > 0,
            "seed {seed}: {missing} missing"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failover_all_are_told_and_nothing_is_missing() {
    if !is_here() {
        return;
    }
    for seed in 0..3 {
        run_failover(seed).await;
    }
}

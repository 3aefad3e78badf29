//! What the own journal keeps, and for how long.

use super::*;
use crate::keeping::KEEP_MS;
use crate::trim::RETENTION_MS;

/// An author with a clock that stands.
fn with_clock(server: &TestServer) -> (Author, Arc<AtomicU64>) {
    let now_ms = Arc::new(AtomicU64::new(0));
    let options = Options {
        clock: Clock::Manual(Arc::clone(&now_ms)),
        ..Options::default()
    };
    let disk = SimDisk::new();
    let journal = over(&disk, server.settings(), &options);
    let author = Author {
        name: "a",
        phones: 0,
        disk,
        journal,
        receipted: Vec::new(),
    };
    (author, now_ms)
}

fn first(author: &Author, log: LogName) -> Offset {
    author.held().owner.own.store().first(log).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmed_alerts_are_kept_for_a_day_and_others_for_ever() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let (mut author, _) = with_clock(&server);
    author.raise(5).await;
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    within(author.journal.trim(KEEP_MS - 1)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(0));
    server.kill();
    author.until_troubled().await;
    author.raise(5).await;
    // The shared log is away; the own journal is trimmed all the same.
    let away = within(author.journal.trim(KEEP_MS)).await;
    assert!(
        matches!(away, Err(StoreError::Unreachable { .. })),
        "{away:?}"
    );
    assert_eq!(first(&author, Alerts), Offset(5));
    let _ = within(author.journal.trim(u64::MAX)).await;
    assert_eq!(first(&author, Alerts), Offset(5));
    let since = Instant::now();
    server.restart();
    settle("kept", server.settings(), &[&author], since).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_knows_its_incidents_lets_go_of_them() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let (mut author, _) = with_clock(&server);
    author.raise(9).await;
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    author.held().keep_from(Offset(4));
    author.held().keep_from(Offset(2));
    within(author.journal.trim(RETENTION_MS - 1)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(0));
    within(author.journal.trim(RETENTION_MS)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(4), "it does not go back");
    within(author.journal.trim(u64::MAX)).await.unwrap();
    assert_eq!(
        first(&author, Alerts),
        Offset(4),
        "an open incident stays for ever"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_shipped_and_dropped_when_the_log_is_away_too_long() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let (mut author, now_ms) = with_clock(&server);
    let position = |text: &str| author.journal.append(Tracks, vec![entry(text)]);
    within(position("shipped")).await.unwrap();
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    within(author.journal.trim(0)).await.unwrap();
    assert_eq!(first(&author, Tracks), Offset(1));
    server.kill();
    author.until_troubled().await;
    within(position("old")).await.unwrap();
    now_ms.store(RETENTION_MS, Ordering::SeqCst);
    within(position("new")).await.unwrap();
    author.raise(3).await;
    let _ = within(author.journal.trim(RETENTION_MS)).await;
    assert_eq!(first(&author, Tracks), Offset(2));
    server.restart();
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    let mut tail = author.journal.tail(Tracks, Offset::ZERO);
    let mut read = Vec::new();
    while read.len() < 2 {
        if let Tailed::Entries { entries, .. } = within(tail.next()).await.unwrap() {
            read.extend(entries);
        }
    }
    assert_eq!(read, ["shipped", "new"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_own_journal_is_an_alarm_and_takes_alerts() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    assert!(!author.journal.size_alarm());
    let own = author.held().owner.own.store();
    own.pretend_bytes(Tracks, crate::crowding::LIVE_BYTES_MAX);
    assert!(author.journal.size_alarm());
    let position = within(author.journal.append(Tracks, vec![entry("t")])).await;
    assert!(
        matches!(position, Err(AppendError::Full { .. })),
        "{position:?}"
    );
    author.raise(3).await;
    settle(
        "own journal full",
        server.settings(),
        &[&author],
        Instant::now(),
    )
    .await;
}

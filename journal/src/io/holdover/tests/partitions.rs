//! Several partitions behind one own journal.

use super::*;
use crate::error::OpenError;
use crate::io::redis::ConnectError;

const FOUR: u16 = 4;

fn cut(settings: Settings, partitions: u16) -> Settings {
    Settings {
        partitions: PartitionCount::new(partitions).unwrap(),
        ..settings
    }
}

fn of_forty_phones(settings: Settings) -> Author {
    Author {
        phones: 40,
        ..Author::new("a", settings)
    }
}

fn alerts_of(partition: u16) -> String {
    format!("{{ansim:p{partition}}}:alerts")
}

/// Entries in each partition.
fn lengths(server: &TestServer) -> Vec<i64> {
    let length = |partition| match server.command(&["XLEN", &alerts_of(partition)]) {
        redis::Value::Int(length) => length,
        other => panic!("XLEN: {other:?}"),
    };
    (0..FOUR).map(length).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_phone_is_in_its_partition_and_one_that_says_nothing_holds_nobody_back() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = cut(server.settings(), FOUR);
    let mut author = of_forty_phones(settings.clone());
    author.raise(200).await;
    let since = Instant::now();
    let doubled = settle("four partitions", settings.clone(), &[&author], since).await;
    assert_eq!(doubled, 0);
    let spread = lengths(&server);
    assert!(spread.iter().all(|&length| length > 0), "{spread:?}");
    // From now on one phone alone.
    let entry = of_phone(7, "a:alone");
    let its = author.held().owner.partitions.of_entry(&entry);
    for _ in 0..10 {
        let appended = within(author.journal.append(Alerts, vec![entry.clone()])).await;
        appended.unwrap();
    }
    author
        .until(|progress| progress.confirmed == Offset(210))
        .await;
    for (partition, (before, after)) in (0..).zip(spread.into_iter().zip(lengths(&server))) {
        let more = if Partition(partition) == its { 10 } else { 0 };
        assert_eq!(after, before + more);
    }
    let parts = author.journal.partitions();
    for (partition, part) in (0..).map(Partition).zip(&parts) {
        assert_eq!(part.partition(), partition);
        let phone = DeviceId::Enrolled([0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(part.has(&phone), partition == its);
    }
    let mut tail = parts[usize::from(its.0)].tail(Alerts, Offset::ZERO);
    let Tailed::Entries { entries, .. } = within(tail.next()).await.unwrap() else {
        panic!("it has entries")
    };
    assert!(!entries.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_lost_everything_is_filled_again_and_the_others_are_not_touched() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = cut(server.settings(), FOUR);
    let mut author = of_forty_phones(settings.clone());
    author.raise(200).await;
    author.held().all_shipped().await;
    let before = lengths(&server);
    let parts = author.journal.partitions();
    let mut lost = parts[2].tail(Alerts, Offset(before[2] as u64 - 1));
    within(lost.next()).await.unwrap();
    let since = Instant::now();
    server.command(&["DEL", &alerts_of(2)]);
    let progress = author.until(|progress| progress.rewinds > 0).await;
    assert!(progress.confirmed < Offset(200));
    assert_eq!(within(lost.next()).await, Ok(Tailed::Rewound));
    author.raise(80).await;
    let doubled = settle("one was lost", settings, &[&author], since).await;
    assert_eq!(doubled, 0);
    let backlog = author.held().backlog();
    assert_eq!(backlog.entries, 0);
    assert!(
        (1..=before[2] as u64).contains(&backlog.shipped_again),
        "{backlog:?}, of {before:?}"
    );
    assert_eq!(backlog.rewinds, 1, "the others had lost nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server_and_process_die_in_the_middle_and_nothing_is_lost() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let settings = cut(server.settings(), FOUR);
    let mut author = of_forty_phones(settings.clone());
    author.raise(100).await;
    author
        .until(|progress| progress.shipped.alerts > Offset(10))
        .await;
    server.kill();
    author.raise(100).await;
    author.until_troubled().await;
    author.die_and_return(settings.clone(), 5);
    author.raise(20).await;
    let since = Instant::now();
    server.restart();
    author.raise(20).await;
    let doubled = settle("both died", settings, &[&author], since).await;
    assert!(doubled <= 100, "what was not remembered yet, at most");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_stop_in_good_order_no_partition_goes_through_the_own_journal_again() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    // Most of them have no phone.
    let settings = cut(server.settings(), 64);
    let mut author = Author {
        phones: 3,
        ..Author::new("a", settings.clone())
    };
    author.raise(90).await;
    author.held().all_shipped().await;
    within(author.journal.close()).await;
    author.die_and_return(settings.clone(), 1);
    let own = author.held().owner.own.writer();
    for partition in settings.partitions.all() {
        let progress = shipper::reached(own, partition, settings.partitions)
            .unwrap()
            .progress();
        assert_eq!(progress.shipped.alerts, Offset(90), "{partition:?}");
        assert_eq!(progress.confirmed, Offset(90), "{partition:?}");
    }
    author.raise(3).await;
    let doubled = settle("closed", settings, &[&author], Instant::now()).await;
    assert_eq!(doubled, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_configured_for_another_number_of_partitions_is_refused_and_ships_nothing() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut first = of_forty_phones(cut(server.settings(), FOUR));
    first.raise(40).await;
    first.held().all_shipped().await;
    let before = lengths(&server);

    let eight = cut(server.settings(), 8);
    let mut other = of_forty_phones(eight.clone());
    other.raise(40).await;
    let health = other
        .until_health(
            |health| matches!(health, Health::Troubled { why } if why.contains("partitions")),
        )
        .await;
    let Health::Troubled { why } = health else {
        unreachable!()
    };
    assert!(why.contains("has 4 partitions"), "{why}");
    assert!(why.contains("configured for 8"), "{why}");
    let opened = within(Journal::open_redis(eight, Options::default())).await;
    let Err(OpenError::Server(error)) = opened else {
        panic!("it was opened")
    };
    assert!(
        matches!(
            error,
            ConnectError::OtherPartitions {
                found: 4,
                configured: 8,
                ..
            }
        ),
        "{error}"
    );
    // It looks once more at everything before it gives up.
    within(other.journal.close()).await;
    assert_eq!(lengths(&server), before);
    for partition in 4..8 {
        let there = server.command(&["EXISTS", &alerts_of(partition)]);
        assert_eq!(there, redis::Value::Int(0), "{partition}");
    }
}

/// A relay that died with a full holdover comes back when the log was set up anew and cut in another way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_shipped_into_one_partition_goes_where_it_belongs_in_a_log_of_another_number()
{
    if !is_here() {
        return;
    }
    let mut away = TestServer::start();
    let before = cut(away.settings(), FOUR);
    away.kill();
    let mut author = of_forty_phones(before.clone());
    author.raise(1).await;
    let place = before.partitions.of_entry(&author.receipted[0]);
    assert_ne!(place, Partition::ZERO, "the first has nothing to do");
    within(author.journal.close()).await;

    let server = TestServer::start();
    let one = cut(server.settings(), 1);
    author.die_and_return(one.clone(), 1);
    let doubled = settle("cut anew", one, &[&author], Instant::now()).await;
    assert_eq!(doubled, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_starts_while_the_first_partition_is_away_ships_into_those_that_it_knows() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = cut(server.settings(), FOUR);
    let mut author = of_forty_phones(settings.clone());
    author.raise(40).await;
    author.held().all_shipped().await;
    within(author.journal.close()).await;
    let before = lengths(&server);
    // Nobody can be connected to it.
    server.command(&["RENAME", &alerts_of(0), "aside"]);
    server.command(&["SET", &alerts_of(0), "no stream"]);

    author.die_and_return(settings.clone(), 1);
    author.raise(40).await;
    for partition in 1..FOUR {
        let twice = redis::Value::Int(before[usize::from(partition)] * 2);
        server.until("the same phones have said as much again", || {
            server.command(&["XLEN", &alerts_of(partition)]) == twice
        });
    }
    author.until_troubled().await;

    let since = Instant::now();
    server.command(&["RENAME", "aside", &alerts_of(0)]);
    let doubled = settle("the first was away", settings, &[&author], since).await;
    assert_eq!(doubled, 0);
}

/// A server without room takes no number, and tells none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_configured_for_another_number_ships_nothing_though_the_server_was_full_at_first() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut first = of_forty_phones(cut(server.settings(), FOUR));
    first.raise(40).await;
    first.held().all_shipped().await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let mut other = of_forty_phones(cut(server.settings(), 8));
    other.raise(40).await;
    let is_full =
        |health: &Health| matches!(health, Health::Troubled { why } if why.starts_with("OOM"));
    other.until_health(is_full).await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    let is_refused = |health: &Health| matches!(health, Health::Troubled { why } if why.contains("has 4 partitions"));
    other.until_health(is_refused).await;
    // It looks once more at everything before it gives up.
    within(other.journal.close()).await;
    for partition in 4..8 {
        let there = server.command(&["EXISTS", &alerts_of(partition)]);
        assert_eq!(there, redis::Value::Int(0), "{partition}");
    }
}

/// It has shipped into partitions that the log has no more, and takes nothing that is new there for its word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_to_a_log_that_was_set_up_anew_with_fewer_partitions_ships_nothing() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let eight = cut(server.settings(), 8);
    let mut old = of_forty_phones(eight.clone());
    old.raise(40).await;
    old.held().all_shipped().await;
    within(old.journal.close()).await;
    server.command(&["FLUSHALL"]);
    let mut new = of_forty_phones(cut(server.settings(), FOUR));
    new.raise(40).await;
    new.held().all_shipped().await;

    old.die_and_return(eight, 1);
    let is_refused = |health: &Health| matches!(health, Health::Troubled { why } if why.contains("has 4 partitions"));
    old.until_health(is_refused).await;
    // In the others it has found that nothing is left of what it shipped.
    old.until(|progress| progress.rewinds == 4).await;
    // It looks once more at everything before it gives up.
    within(old.journal.close()).await;
    for partition in 4..8 {
        let there = server.command(&["EXISTS", &alerts_of(partition)]);
        assert_eq!(there, redis::Value::Int(0), "{partition}");
    }
}

/// One server of several is away: what the others have taken does not wait, and does not make the rest look older.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_one_partition_lacks_waits_while_the_others_take_everything() {
    const AWAY: u16 = 2;
    const LATER_MS: u64 = 60_000;
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = cut(server.settings(), FOUR);
    let now_ms = Arc::new(AtomicU64::new(0));
    let options = Options {
        clock: Clock::Manual(Arc::clone(&now_ms)),
        ..Options::default()
    };
    let mut author = of_forty_phones(settings.clone());
    author.disk = SimDisk::new();
    author.journal = over(&author.disk, settings.clone(), &options);
    let is_its = |entry: &Bytes| settings.partitions.of_entry(entry) == Partition(AWAY);
    author.raise(40).await;
    author.held().all_shipped().await;
    server.command(&["RENAME", &alerts_of(AWAY), "aside"]);
    server.command(&["SET", &alerts_of(AWAY), "no stream"]);

    // Phones of the others, then all of them.
    let others = (0..40).map(|phone| of_phone(phone, "a:others"));
    for entry in others.filter(|entry| !is_its(entry)) {
        within(author.journal.append(Alerts, vec![entry.clone()]))
            .await
            .unwrap();
        author.receipted.push(entry);
    }
    now_ms.store(LATER_MS, Ordering::SeqCst);
    author.raise(80).await;
    let expected: Vec<(u64, Bytes)> = (0..)
        .zip(author.receipted.iter().cloned())
        .skip(40)
        .filter(|(_, entry)| is_its(entry))
        .collect();
    assert!(!expected.is_empty());
    let waiting = || {
        let unshipped = author.journal.unshipped().unwrap();
        let first = unshipped.first;
        let reading = author.journal.read_unshipped(&unshipped, first, usize::MAX);
        let (waiting, read_to) = reading.unwrap();
        assert_eq!(read_to, unshipped.end);
        waiting
    };
    server.until("the others have theirs", || {
        waiting().len() <= expected.len()
    });
    let waits = waiting();
    let offered: Vec<(u64, Bytes)> = waits
        .iter()
        .map(|one| (one.at.0, one.entry.clone()))
        .collect();
    assert_eq!(offered, expected);
    assert!(waits.iter().all(|one| one.partition == Partition(AWAY)));
    let age_ms = author.journal.receipted_ms_ago(waits[0].at).unwrap();
    assert_eq!(age_ms, Some(0), "others were receipted a minute before");

    let since = Instant::now();
    server.command(&["RENAME", "aside", &alerts_of(AWAY)]);
    let doubled = settle("one was away", settings.clone(), &[&author], since).await;
    assert_eq!(doubled, 0);
    assert_eq!(waiting(), Vec::new());
}

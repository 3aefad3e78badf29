//! What the own journal keeps, and for how long.

use protocol::{
    Day, DecisionHeader, DecisionId, DecisionKind, IncidentId, Millis, OfficerId, Revision,
};

use super::*;
use crate::keeping::KEEP_MS;
use crate::kept::{CLOSED_FOR, Known, LOOK_AT_CLOSED_EVERY, Whose};
use crate::trim::RETENTION_MS;

const FOUR: u16 = 4;

/// An author with a clock that stands.
fn with_clock(settings: Settings) -> (Author, Arc<AtomicU64>) {
    let now_ms = Arc::new(AtomicU64::new(0));
    let options = Options {
        clock: Clock::Manual(Arc::clone(&now_ms)),
        ..Options::default()
    };
    let disk = SimDisk::new();
    let journal = over(&disk, settings, &options);
    let author = Author {
        name: "a",
        phones: 0,
        disk,
        journal,
        receipted: Vec::new(),
    };
    (author, now_ms)
}

/// Looks as long as there is something to look at; the first place that is kept then.
fn look(author: &Author, now_ms: u64, known: impl Fn(&Whose) -> Known) -> u64 {
    while author.journal.look_at_closed(Millis(now_ms), &known) {}
    author.held().keeps_from().unwrap().0
}

fn all_open(_: &Whose) -> Known {
    Known::Open
}

fn all_closed(_: &Whose) -> Known {
    Known::Closed(UnixMillis::new(1))
}

async fn until_answered(author: &Author, round: u64) {
    author.until(|progress| progress.round >= round).await;
}

/// What a dispatcher decides about a phone's incident.
fn decision(phone: u32) -> Bytes {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&phone.to_be_bytes());
    let (device, alert) = (DeviceId::Enrolled(id), AlertId::from_bytes([1; 16]));
    let header = Header {
        time: UnixMillis::new(0),
        day: Day(0),
        subject: Subject::Decision(DecisionHeader {
            id: DecisionId::from_bytes(id),
            incident: IncidentId::of(&device, &alert),
            device,
            alert,
            kind: DecisionKind::Acknowledged,
            revision: Revision(2),
            officer: Some(OfficerId::new("kim")),
            owner_desk: None,
            due_at: None,
        }),
    };
    protocol::join(&header.encode(), b"sealed")
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
    let (mut author, _) = with_clock(server.settings());
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
    let (mut author, _) = with_clock(server.settings());
    author.phones = 9;
    author.raise(9).await;
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    assert_eq!(author.held().keeps_from(), None, "nobody says anything");
    assert!(author.journal.keep());
    assert!(!author.journal.keep(), "one says enough");
    let four_closed = |whose: &Whose| match whose {
        Whose::Report(DeviceId::Enrolled(id), _) if id[3] < 4 => all_closed(whose),
        _ => Known::Open,
    };
    assert_eq!(look(&author, 0, four_closed), 0);
    until_answered(&author, 1).await;
    assert_eq!(look(&author, CLOSED_FOR.0 - 1, four_closed), 0);
    assert_eq!(look(&author, 2 * CLOSED_FOR.0, four_closed), 4);
    within(author.journal.trim(RETENTION_MS - 1)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(0));
    within(author.journal.trim(RETENTION_MS)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(4));
    within(author.journal.trim(u64::MAX)).await.unwrap();
    assert_eq!(
        first(&author, Alerts),
        Offset(4),
        "an open incident stays for ever"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_kept_while_its_incident_is_open_and_until_its_partition_has_confirmed_the_close()
 {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = Settings {
        partitions: PartitionCount::new(FOUR).unwrap(),
        ..server.settings()
    };
    let (mut author, now_ms) = with_clock(settings.clone());
    assert!(author.journal.keep());
    let ours = decision(7);
    within(author.journal.append(Alerts, vec![ours.clone()]))
        .await
        .unwrap();
    author.receipted.push(ours.clone());
    author.held().all_shipped().await;
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    look(&author, 0, all_open);
    assert_eq!(look(&author, 2 * KEEP_MS, all_open), 0);
    now_ms.store(2 * KEEP_MS, Ordering::SeqCst);
    within(author.journal.trim(2 * KEEP_MS)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(0), "after two days");

    // A server that is set up anew has it again.
    let since = Instant::now();
    server.command(&["FLUSHALL"]);
    author.until(|progress| progress.rewinds > 0).await;
    let what = "set up anew after two days";
    assert_eq!(settle(what, settings.clone(), &[&author], since).await, 0);

    // The close is known, and everybody but its own partition answers.
    let its = settings.partitions.of_entry(&ours);
    let others = settings.partitions.all().filter(|one| *one != its);
    let keys: Vec<String> = others.map(|one| format!("{{ansim:p{}}}", one.0)).collect();
    let allowed = keys.iter().map(|keys| format!("~{keys}:*"));
    let allowed: Vec<String> = allowed.collect();
    let mut command = vec!["ACL", "SETUSER", "default", "resetkeys"];
    command.extend(allowed.iter().map(String::as_str));
    server.command(&command);
    let closed_at = 2 * KEEP_MS + LOOK_AT_CLOSED_EVERY.0;
    assert_eq!(look(&author, closed_at, all_closed), 0);
    for keys in &keys {
        let waited_at = format!("{keys}:waited_at");
        let is_there = || server.command(&["EXISTS", &waited_at]) == redis::Value::Int(1);
        server.until("the other partitions answer", is_there);
    }
    assert_eq!(
        look(&author, 3 * KEEP_MS, all_closed),
        0,
        "it is not theirs"
    );

    server.command(&["ACL", "SETUSER", "default", "allkeys"]);
    until_answered(&author, 1).await;
    assert_eq!(look(&author, 4 * KEEP_MS, all_closed), 1);
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    within(author.journal.trim(4 * KEEP_MS)).await.unwrap();
    assert_eq!(first(&author, Alerts), Offset(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_run_knows_about_whom_the_entries_of_an_earlier_one_are() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.phones = 3;
    author.raise(3).await;
    author.held().all_shipped().await;
    author.die_and_return(server.settings(), 0);
    assert!(author.journal.keep());
    author.held().owner.state.keeping.recalled().await;
    look(&author, 0, all_open);
    assert_eq!(look(&author, 9 * KEEP_MS, all_open), 0, "after nine days");
    let closed_at = 9 * KEEP_MS + LOOK_AT_CLOSED_EVERY.0;
    assert_eq!(look(&author, closed_at, all_closed), 0);
    until_answered(&author, 1).await;
    assert_eq!(look(&author, 10 * KEEP_MS, all_closed), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_shipped_and_dropped_when_the_log_is_away_too_long() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let (mut author, now_ms) = with_clock(server.settings());
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

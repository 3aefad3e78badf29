//! What a journal does, whatever lies beneath: one set of tests, run on each backend.

use super::*;
use crate::batcher::Durability;
#[cfg(feature = "redis")]
use crate::io::holdover::Held;
#[cfg(feature = "redis")]
use crate::io::redis::test_server::{self, TestCluster, TestServer};
use crate::io::tail::Tail;
use crate::snapshot::SLICE_BYTES_MAX;

/// Where journals are opened again and again.
struct Place {
    ground: Ground,
    now_ms: Arc<AtomicU64>,
}

enum Ground {
    Embedded(SimDisk),
    #[cfg(feature = "redis")]
    Redis(TestServer),
    #[cfg(feature = "redis")]
    Cluster(TestCluster),
    #[cfg(feature = "redis")]
    Held(SimDisk, TestServer),
}

impl Place {
    fn on(ground: Ground) -> Self {
        Self {
            ground,
            now_ms: Arc::default(),
        }
    }

    fn options(&self) -> Options {
        Options {
            clock: Clock::Manual(Arc::clone(&self.now_ms)),
            ..Options::default()
        }
    }

    /// A journal. Of the embedded one there is one at a time.
    async fn open(&self) -> Journal {
        match &self.ground {
            Ground::Embedded(disk) => Journal::over(disk.backend(), self.options()).unwrap(),
            #[cfg(feature = "redis")]
            Ground::Redis(server) => {
                let opening = Journal::open_redis(server.settings(), self.options());
                within(opening).await.unwrap()
            }
            #[cfg(feature = "redis")]
            Ground::Cluster(cluster) => {
                let opening = Journal::open_redis(cluster.settings(), self.options());
                within(opening).await.unwrap()
            }
            #[cfg(feature = "redis")]
            Ground::Held(disk, server) => {
                let own = Embedded::over(disk.backend(), self.options()).unwrap();
                let held = Held::before(own, server.settings(), &self.options()).unwrap();
                let journal = Journal::Held(held);
                let mut health = journal.health();
                let healthy = health.wait_for(|health| *health == Health::Healthy);
                within(healthy).await.unwrap();
                journal
            }
        }
    }

    /// So many handles, as far as the backend has several.
    async fn open_many(&self, count: usize) -> Vec<Journal> {
        let first = self.open().await;
        let mut all = vec![first.clone()];
        while all.len() < count {
            all.push(match &self.ground {
                Ground::Embedded(_) => first.clone(),
                #[cfg(feature = "redis")]
                Ground::Held(..) => first.clone(),
                #[cfg(feature = "redis")]
                Ground::Redis(_) | Ground::Cluster(_) => self.open().await,
            });
        }
        all
    }
}

macro_rules! on_each_backend {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(Place::on(Ground::Embedded(SimDisk::new()))).await;
            })*
        }
        #[cfg(feature = "redis")]
        mod on_redis {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if test_server::is_here() {
                    super::$name(Place::on(Ground::Redis(TestServer::start()))).await;
                }
            })*
        }
        #[cfg(feature = "redis")]
        mod on_a_cluster {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if test_server::is_here() {
                    let ground = Ground::Cluster(TestCluster::without_replicas());
                    super::$name(Place::on(ground)).await;
                }
            })*
        }
        #[cfg(feature = "redis")]
        mod held {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if test_server::is_here() {
                    let ground = Ground::Held(SimDisk::new(), TestServer::start());
                    super::$name(Place::on(ground)).await;
                }
            })*
        }
    };
}

on_each_backend![
    what_is_appended_has_the_next_offset_and_comes_back,
    offsets_are_the_same_for_all_readers_with_many_writers,
    a_tail_begins_anywhere,
    a_tail_waits_for_what_comes,
    a_cancelled_wait_loses_nothing,
    what_was_trimmed_is_a_gap_and_the_tail_goes_on_behind_it,
    a_cursor_beyond_the_end_is_of_another_log,
    an_offer_that_cannot_be_kept_is_refused,
    positions_are_committed_without_an_alert,
    a_snapshot_comes_back_with_its_offset,
    a_snapshot_that_was_begun_does_not_count,
    a_slice_that_claims_too_much_or_is_too_large_is_refused,
    trimming_follows_the_snapshot,
    a_log_without_a_snapshot_is_not_trimmed,
    closing_commits_what_waits_and_takes_no_more,
    opened_again_it_goes_on_where_it_was,
];

async fn append(journal: &Journal, log: LogName, texts: &[&str]) -> Appended {
    append_all(
        journal,
        log,
        texts.iter().map(|&text| entry(text)).collect(),
    )
    .await
}

async fn append_all(journal: &Journal, log: LogName, entries: Vec<Bytes>) -> Appended {
    let appended = within(journal.append(log, entries)).await.unwrap();
    shipped(journal).await;
    appended
}

/// Returns when what was appended can be read; of all but one backend, that is when it was answered.
async fn shipped(journal: &Journal) {
    #[cfg(feature = "redis")]
    if let Journal::Held(held) = journal {
        held.all_shipped().await;
    }
    #[cfg(not(feature = "redis"))]
    let _ = journal;
}

/// The next so many entries.
async fn read(tail: &mut Tail, count: usize) -> Vec<Bytes> {
    let mut read = Vec::new();
    while read.len() < count {
        let expected = tail.cursor();
        let Tailed::Entries { first, entries } = within(tail.next()).await.unwrap() else {
            panic!("neither gap nor rewind")
        };
        assert_eq!(first, expected);
        assert_eq!(tail.cursor(), first.plus(entries.len() as u64));
        read.extend(entries);
    }
    read
}

fn row(key: &str, value: &str, folded_to: u64) -> Row {
    Row {
        key: entry(key),
        value: entry(value),
        folded_to: Offset(folded_to),
    }
}

async fn snapshot(journal: &Journal) -> (Option<Offset>, Vec<Row>) {
    let snapshot = within(journal.snapshot_read()).await.unwrap();
    let resume_at = snapshot.resume_at;
    // Where blocking is allowed, as its readers do.
    let reading = tokio::task::spawn_blocking(|| snapshot.rows.collect::<Result<_, _>>());
    (resume_at, within(reading).await.unwrap().unwrap())
}

async fn what_is_appended_has_the_next_offset_and_comes_back(place: Place) {
    let journal = place.open().await;
    assert_eq!(journal.newest(Alerts), None);
    assert_eq!(within(journal.first(Alerts)).await, Ok(Offset(0)));
    let first = append(&journal, Alerts, &["a", "b"]).await;
    assert_eq!((first.first, first.count), (Offset(0), 2));
    let expected = match &place.ground {
        #[cfg(feature = "redis")]
        Ground::Held(..) => Durability::Local,
        _ => Durability::Confirmed { replicas: 0 },
    };
    assert_eq!(first.durability, expected, "nobody is waited for");
    let second = append(&journal, Alerts, &["c"]).await;
    assert_eq!(second.first, Offset(2));
    assert_eq!(append(&journal, Tracks, &["t"]).await.first, Offset(0));
    assert_eq!(journal.newest(Alerts), Some(Offset(2)));
    assert_eq!(journal.end(Tracks), Offset(1));
    let mut alerts = journal.tail(Alerts, Offset::ZERO);
    assert_eq!(read(&mut alerts, 3).await, ["a", "b", "c"]);
    let mut tracks = journal.tail(Tracks, Offset::ZERO);
    assert_eq!(read(&mut tracks, 1).await, ["t"]);
}

async fn offsets_are_the_same_for_all_readers_with_many_writers(place: Place) {
    const OFFERS: usize = 60;
    let journals = place.open_many(4).await;
    let writers: Vec<_> = (0..)
        .zip(journals.clone())
        .map(|(writer, journal): (usize, Journal)| {
            tokio::spawn(async move {
                let mut placed = Vec::new();
                for n in 0..OFFERS {
                    let entries: Vec<Bytes> = (0..1 + (writer + n) % 3)
                        .map(|part| entry(format!("{writer}:{n}:{part}")))
                        .collect();
                    let appended = within(journal.append(Alerts, entries.clone()))
                        .await
                        .unwrap();
                    assert_eq!(appended.count, entries.len() as u64);
                    placed.push((appended.first, entries));
                }
                placed
            })
        })
        .collect();
    let mut placed = Vec::new();
    for writer in writers {
        let of_writer = writer.await.unwrap();
        assert!(of_writer.is_sorted_by_key(|(first, _)| *first));
        placed.extend(of_writer);
    }
    placed.sort();
    let mut end = Offset::ZERO;
    for (first, entries) in &placed {
        assert_eq!(*first, end, "in a row, without a hole");
        end = end.plus(entries.len() as u64);
    }
    let log: Vec<Bytes> = placed
        .into_iter()
        .flat_map(|(_, entries)| entries)
        .collect();
    for journal in &journals {
        let mut tail = journal.tail(Alerts, Offset::ZERO);
        assert_eq!(read(&mut tail, log.len()).await, log);
    }
}

async fn a_tail_begins_anywhere(place: Place) {
    let journal = place.open().await;
    let texts: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    for run in texts.chunks(7) {
        let entries = run.iter().cloned().map(entry).collect();
        within(journal.append(Alerts, entries)).await.unwrap();
    }
    for from in [0, 1, 6, 7, 49] {
        let mut tail = journal.tail(Alerts, Offset(from as u64));
        assert_eq!(read(&mut tail, 50 - from).await, texts[from..], "{from}");
    }
}

async fn a_tail_waits_for_what_comes(place: Place) {
    let journal = place.open().await;
    let mut early = journal.tail(Alerts, Offset::ZERO);
    let waiting = tokio::spawn(async move { read(&mut early, 2).await });
    append(&journal, Tracks, &["another log"]).await;
    append(&journal, Alerts, &["a"]).await;
    append(&journal, Alerts, &["b"]).await;
    assert_eq!(waiting.await.unwrap(), ["a", "b"]);
    let mut late = journal.tail(Alerts, Offset(2));
    append(&journal, Alerts, &["c"]).await;
    assert_eq!(read(&mut late, 1).await, ["c"]);
}

async fn a_cancelled_wait_loses_nothing(place: Place) {
    let journal = place.open().await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    for text in ["a", "b", "c"] {
        for _ in 0..5 {
            tokio::select! {
                biased;
                tailed = tail.next() => panic!("{tailed:?} of an empty log"),
                () = tokio::task::yield_now() => {}
            }
        }
        append(&journal, Alerts, &[text]).await;
        assert_eq!(read(&mut tail, 1).await, [text]);
    }
}

async fn what_was_trimmed_is_a_gap_and_the_tail_goes_on_behind_it(place: Place) {
    let journal = place.open().await;
    append(&journal, Tracks, &["a", "b"]).await;
    let trimmed = within(journal.trim(RETENTION_MS)).await.unwrap();
    assert!(trimmed.batches > 0);
    assert_eq!(within(journal.first(Tracks)).await, Ok(Offset(2)));
    for from in [0, 1] {
        let mut tail = journal.tail(Tracks, Offset(from));
        let first_available = Offset(2);
        assert_eq!(
            within(tail.next()).await,
            Ok(Tailed::Gap { first_available })
        );
        assert_eq!(tail.cursor(), first_available);
    }
    let mut behind = journal.tail(Tracks, Offset::ZERO);
    within(behind.next()).await.unwrap();
    assert_eq!(append(&journal, Tracks, &["c"]).await.first, Offset(2));
    assert_eq!(read(&mut behind, 1).await, ["c"]);
    let mut at_the_end = journal.tail(Tracks, Offset(2));
    assert_eq!(read(&mut at_the_end, 1).await, ["c"], "nothing was missed");
}

async fn a_cursor_beyond_the_end_is_of_another_log(place: Place) {
    let journal = place.open().await;
    append(&journal, Alerts, &["a"]).await;
    let mut tail = journal.tail(Alerts, Offset(5));
    assert_eq!(within(tail.next()).await, Ok(Tailed::Rewound));
    assert_eq!(tail.cursor(), Offset(1));
    append(&journal, Alerts, &["b"]).await;
    assert_eq!(read(&mut tail, 1).await, ["b"]);
}

async fn an_offer_that_cannot_be_kept_is_refused(place: Place) {
    let journal = place.open().await;
    let empty = journal.append(Alerts, vec![]).await;
    assert_eq!(empty, Err(AppendError::Empty));
    let huge = vec![Bytes::from(vec![0; Limits::default().batch_bytes_max + 1])];
    let huge = journal.append(Alerts, huge).await;
    assert!(
        matches!(huge, Err(AppendError::TooLarge { .. })),
        "{huge:?}"
    );
    assert_eq!(append(&journal, Alerts, &["a"]).await.first, Offset(0));
}

async fn positions_are_committed_without_an_alert(place: Place) {
    let journal = place.open().await;
    let mut tail = journal.tail(Tracks, Offset::ZERO);
    let offered = journal.offer(Tracks, vec![entry("t")]).unwrap();
    assert_eq!(within(offered).await.unwrap().first, Offset(0));
    assert_eq!(read(&mut tail, 1).await, ["t"]);
}

async fn a_snapshot_comes_back_with_its_offset(place: Place) {
    let journal = place.open().await;
    assert_eq!(snapshot(&journal).await, (None, vec![]));
    append(&journal, Alerts, &["a", "b", "c"]).await;
    let many: Vec<Row> = (0..300)
        .map(|n| row(&format!("{n:03}"), "old", 2))
        .collect();
    for rows in many.chunks(100) {
        let slice = SnapshotSlice {
            rows: rows.to_vec(),
            ..SnapshotSlice::default()
        };
        within(journal.snapshot_write(slice)).await.unwrap();
    }
    let last = SnapshotSlice {
        resume_at: Some(Offset(2)),
        ..SnapshotSlice::default()
    };
    within(journal.snapshot_write(last)).await.unwrap();
    assert_eq!(snapshot(&journal).await, (Some(Offset(2)), many.clone()));

    let next = SnapshotSlice {
        rows: vec![row("001", "new", 3), row("999", "new", 3)],
        deletions: vec![entry("000"), entry("never was")],
        resume_at: Some(Offset(3)),
        ..SnapshotSlice::default()
    };
    within(journal.snapshot_write(next)).await.unwrap();
    let mut expected = many[1..].to_vec();
    expected[0] = row("001", "new", 3);
    expected.push(row("999", "new", 3));
    assert_eq!(snapshot(&journal).await, (Some(Offset(3)), expected));
}

async fn a_snapshot_that_was_begun_does_not_count(place: Place) {
    let journal = place.open().await;
    append(&journal, Alerts, &["a", "b"]).await;
    within(journal.snapshot_write(last_slice("i", "old", 1)))
        .await
        .unwrap();
    let begun = SnapshotSlice {
        rows: vec![row("i", "new", 2)],
        ..SnapshotSlice::default()
    };
    within(journal.snapshot_write(begun)).await.unwrap();
    let (resume_at, rows) = snapshot(&journal).await;
    assert_eq!(resume_at, Some(Offset(1)), "the log from here on tells all");
    assert_eq!(
        rows,
        [row("i", "new", 2)],
        "and the row says what it has folded"
    );
}

async fn a_slice_that_claims_too_much_or_is_too_large_is_refused(place: Place) {
    let journal = place.open().await;
    append(&journal, Alerts, &["a"]).await;
    let ahead = within(journal.snapshot_write(last_slice("i", "s", 2))).await;
    assert_eq!(
        ahead,
        Err(StoreError::SnapshotAhead {
            resume_at: 2,
            end: 1
        })
    );
    let half = "x".repeat(SLICE_BYTES_MAX / 2 + 1);
    let large = SnapshotSlice {
        rows: vec![row("i", &half, 1), row("j", &half, 1)],
        ..SnapshotSlice::default()
    };
    let large = within(journal.snapshot_write(large)).await;
    assert!(
        matches!(large, Err(StoreError::SliceTooLarge { .. })),
        "{large:?}"
    );
    assert_eq!(snapshot(&journal).await, (None, vec![]), "nothing of them");
    assert_eq!(*journal.health().borrow(), Health::Healthy);
}

async fn trimming_follows_the_snapshot(place: Place) {
    let journal = place.open().await;
    for n in 0..30 {
        let entries = (0..20).map(|m| entry(format!("{n}:{m}"))).collect();
        append_all(&journal, Alerts, entries).await;
    }
    place.now_ms.store(RETENTION_MS, Ordering::SeqCst);
    append(&journal, Alerts, &["young"]).await;
    within(journal.snapshot_write(last_slice("i", "s", 580)))
        .await
        .unwrap();
    within(journal.trim(RETENTION_MS)).await.unwrap();
    assert_eq!(
        within(journal.first(Alerts)).await,
        Ok(Offset(580)),
        "what the snapshot does not know stays"
    );
    within(journal.snapshot_write(last_slice("i", "s", 601)))
        .await
        .unwrap();
    within(journal.trim(RETENTION_MS)).await.unwrap();
    assert_eq!(
        within(journal.first(Alerts)).await,
        Ok(Offset(600)),
        "what is younger than an hour stays"
    );
    assert_eq!(journal.end(Alerts), Offset(601));
    let mut tail = journal.tail(Alerts, Offset(600));
    assert_eq!(read(&mut tail, 1).await, ["young"]);
}

async fn a_log_without_a_snapshot_is_not_trimmed(place: Place) {
    let journal = place.open().await;
    append(&journal, Alerts, &["a"]).await;
    within(journal.trim(10 * RETENTION_MS)).await.unwrap();
    assert_eq!(within(journal.first(Alerts)).await, Ok(Offset(0)));
}

async fn closing_commits_what_waits_and_takes_no_more(place: Place) {
    let journal = place.open().await;
    let mut waiting = journal.tail(Alerts, Offset::ZERO);
    let waiting = tokio::spawn(async move {
        loop {
            if let Err(error) = within(waiting.next()).await {
                return error;
            }
        }
    });
    let alert = journal
        .offer(Alerts, vec![entry("a"), entry("b"), entry("c")])
        .unwrap();
    let position = journal.offer(Tracks, vec![entry("t")]).unwrap();
    within(journal.close()).await;
    assert_eq!(within(alert).await.unwrap().first, Offset(0));
    assert_eq!(within(position).await.unwrap().first, Offset(0));
    assert_eq!(*journal.health().borrow(), Health::Closed);
    assert_eq!(waiting.await.unwrap(), TailError::Closed);
    let mut late = journal.tail(Alerts, Offset::ZERO);
    assert_eq!(within(late.next()).await, Err(TailError::Closed));
    let appended = within(journal.append(Alerts, vec![entry("d")])).await;
    assert_eq!(appended, Err(AppendError::Closed));
    assert_eq!(within(journal.first(Alerts)).await, Err(StoreError::Closed));
    assert!(within(journal.snapshot_read()).await.is_err());
    let slice = within(journal.snapshot_write(last_slice("i", "s", 0))).await;
    assert_eq!(slice, Err(StoreError::Closed));
    within(journal.close()).await;
}

async fn opened_again_it_goes_on_where_it_was(place: Place) {
    let journal = place.open().await;
    append(&journal, Alerts, &["a", "b"]).await;
    append(&journal, Tracks, &["t"]).await;
    within(journal.trim(RETENTION_MS)).await.unwrap();
    within(journal.snapshot_write(last_slice("i", "s", 1)))
        .await
        .unwrap();
    within(journal.close()).await;
    drop(journal);
    for n in 0..2 {
        let journal = place.open().await;
        assert_eq!(journal.end(Alerts), Offset(2 + n));
        assert_eq!(
            journal.end(Tracks),
            Offset(1),
            "also when all of it was trimmed"
        );
        assert_eq!(append(&journal, Alerts, &["c"]).await.first, Offset(2 + n));
        assert_eq!(snapshot(&journal).await.0, Some(Offset(1)));
        let mut tail = journal.tail(Alerts, Offset(1 + n));
        assert_eq!(read(&mut tail, 2).await[1], "c");
        within(journal.close()).await;
    }
}

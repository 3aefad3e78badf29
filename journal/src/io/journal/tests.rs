use std::sync::Mutex;

use super::*;
use crate::TailError;
use crate::io::patience::within;
use crate::io::sim_backend::{Faults, SimDisk};
use crate::io::tail::Tailed;
use crate::offset::LogName::{Alerts, Tracks};
use crate::snapshot::Row;
use crate::trim::RETENTION_MS;

mod conformance;
mod file;
mod tail;

fn entry(text: impl Into<String>) -> Bytes {
    Bytes::from(text.into())
}

fn over(disk: &SimDisk) -> Journal {
    Journal::over(disk.backend(), Options::default()).unwrap()
}

fn manual(disk: &SimDisk) -> (Journal, Arc<AtomicU64>) {
    let now_ms = Arc::new(AtomicU64::new(0));
    let clock = Clock::Manual(Arc::clone(&now_ms));
    (
        Journal::over(
            disk.backend(),
            Options {
                clock,
                ..Options::default()
            },
        )
        .unwrap(),
        now_ms,
    )
}

fn last_slice(key: &str, value: &str, resume_at: u64) -> SnapshotSlice {
    let resume_at = Offset(resume_at);
    let row = Row {
        key: entry(key),
        value: entry(value),
        folded_to: resume_at,
    };
    SnapshotSlice {
        rows: vec![row],
        deletions: vec![],
        resume_at: Some(resume_at),
        ..SnapshotSlice::default()
    }
}

fn embedded(journal: &Journal) -> &Embedded {
    match journal {
        Journal::Embedded(embedded) => embedded,
        #[cfg(feature = "redis")]
        Journal::Redis(_) | Journal::Held(_) => unreachable!("it is over a disk"),
    }
}

/// Everything that is in the log from its beginning.
fn all(journal: &Journal, log: LogName) -> Vec<Bytes> {
    use crate::io::store::ReadAt;
    let embedded = embedded(journal);
    let mut entries = Vec::new();
    while let ReadAt::Entries(more) = embedded
        .store()
        .read_at(log, Offset(entries.len() as u64), 1 << 20)
        .unwrap()
    {
        entries.extend(more);
    }
    entries
}

#[tokio::test]
async fn a_receipt_never_comes_before_its_sync_and_the_next_batch_is_collected_meanwhile() {
    let disk = SimDisk::new();
    let journal = over(&disk);
    let answers = Arc::new(Mutex::new(Vec::new()));
    let offer = |name: &'static str| {
        let answers = Arc::clone(&answers);
        let reply = move |result: Result<Appended, AppendError>| {
            answers
                .lock()
                .unwrap()
                .push((name, result.unwrap().first.0));
        };
        journal
            .offer_with(Alerts, vec![entry(name)], reply)
            .unwrap();
    };
    let syncs = disk.syncs();
    let held = disk.hold_syncs();
    offer("first");
    disk.wait_for_held_sync();
    offer("second");
    offer("third");
    assert_eq!(*answers.lock().unwrap(), []);
    assert_eq!(journal.newest(Alerts), None);
    drop(held);
    journal.close().await;
    assert_eq!(
        *answers.lock().unwrap(),
        [("first", 0), ("second", 1), ("third", 2)]
    );
    // Two batches, and what closing writes.
    let closing = {
        let empty = SimDisk::new();
        let journal = over(&empty);
        let before = empty.syncs();
        journal.close().await;
        empty.syncs() - before
    };
    assert_eq!(disk.syncs() - syncs, 2 + closing);
}

#[tokio::test]
async fn a_failed_sync_ends_all_receipts_and_is_never_tried_again() {
    let disk = SimDisk::new();
    let journal = over(&disk);
    journal.append(Alerts, vec![entry("kept")]).await.unwrap();
    let mut tail = journal.tail(Alerts, Offset(1));
    disk.set_faults(Faults {
        fail_sync: Some(disk.syncs()),
        ..Faults::default()
    });
    let held = disk.hold_syncs();
    let in_flight = journal.offer(Alerts, vec![entry("in flight")]).unwrap();
    disk.wait_for_held_sync();
    let queued = journal.offer(Alerts, vec![entry("queued")]).unwrap();
    let position = journal.offer(Tracks, vec![entry("position")]).unwrap();
    drop(held);
    for pending in [in_flight, queued, position] {
        let error = within(pending).await.unwrap_err();
        assert!(matches!(error, AppendError::Failed { .. }), "{error}");
        let Health::Failed { why } = journal.health().borrow().clone() else {
            panic!("health goes before anybody is told")
        };
        assert!(why.contains("the simulated sync failed"), "{why}");
    }
    let syncs = disk.syncs();
    let later = journal.append(Alerts, vec![entry("later")]).await;
    assert!(
        matches!(later, Err(AppendError::Failed { .. })),
        "{later:?}"
    );
    let chore = journal
        .snapshot_write(last_slice("i", "s", 0))
        .await
        .unwrap_err();
    assert!(matches!(chore, StoreError::Failed { .. }), "{chore}");
    let error = within(tail.next()).await.unwrap_err();
    assert!(matches!(error, TailError::Failed { .. }), "{error}");
    journal.close().await;
    assert_eq!(disk.syncs(), syncs, "never a second try");

    for luck in 0..20 {
        let found = all(&over(&disk.after_crash(luck)), Alerts);
        assert!(found == [entry("kept")] || found == [entry("kept"), entry("in flight")]);
    }
}

#[tokio::test]
async fn a_full_disk_gives_no_receipt_and_loses_none() {
    let disk = SimDisk::new();
    let journal = over(&disk);
    disk.set_faults(Faults {
        full_from: Some(disk.operations() + 200),
        ..Faults::default()
    });
    let mut receipted = Vec::new();
    let error = loop {
        let text = format!("{} {}", receipted.len(), "x".repeat(5_000));
        match journal.append(Alerts, vec![entry(text.clone())]).await {
            Ok(_) => receipted.push(entry(text)),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Failed { .. }), "{error}");
    assert!(!receipted.is_empty());
    assert!(matches!(*journal.health().borrow(), Health::Failed { .. }));
    drop(journal);
    let found = all(&over(&disk.after_crash(7)), Alerts);
    assert!(found.starts_with(&receipted));
    assert!(found.len() <= receipted.len() + 1);
}

#[tokio::test]
async fn dropping_the_last_handle_commits_what_was_taken() {
    let disk = SimDisk::new();
    let journal = over(&disk);
    let position = journal.offer(Tracks, vec![entry("position")]).unwrap();
    drop(journal);
    within(position).await.unwrap();
    assert_eq!(all(&over(&disk), Tracks), [entry("position")]);
}

#[tokio::test]
async fn a_panic_in_an_answer_concerns_nobody_else() {
    let disk = SimDisk::new();
    let journal = over(&disk);
    let held = disk.hold_syncs();
    journal
        .offer_with(Alerts, vec![entry("a")], |_| panic!("planned"))
        .unwrap();
    let same_or_next_batch = journal.offer(Alerts, vec![entry("b")]).unwrap();
    drop(held);
    within(same_or_next_batch).await.unwrap();
    assert_eq!(*journal.health().borrow(), Health::Healthy);
}

#[tokio::test]
async fn a_panic_beneath_the_commit_fails_the_journal_instead_of_hanging_it() {
    let disk = SimDisk::new();
    let journal = over(&disk);
    disk.set_faults(Faults {
        panic_at: Some(disk.operations()),
        ..Faults::default()
    });
    for text in ["in flight", "later"] {
        let answer = within(journal.append(Alerts, vec![entry(text)])).await;
        assert!(
            matches!(answer, Err(AppendError::Failed { .. })),
            "{answer:?}"
        );
    }
    assert!(matches!(*journal.health().borrow(), Health::Failed { .. }));
    within(journal.close()).await;
}

#[tokio::test]
async fn snapshots_come_back_with_their_offset_and_trimming_follows_them() {
    let disk = SimDisk::new();
    let (journal, now_ms) = manual(&disk);
    assert_eq!(journal.snapshot_read().await.unwrap().resume_at, None);
    for n in 0..600 {
        journal
            .append(Alerts, vec![entry(format!("{n}"))])
            .await
            .unwrap();
    }
    now_ms.store(RETENTION_MS, Ordering::SeqCst);
    journal.append(Alerts, vec![entry("young")]).await.unwrap();
    journal
        .snapshot_write(last_slice("incident", "state", 601))
        .await
        .unwrap();
    let snapshot = journal.snapshot_read().await.unwrap();
    assert_eq!(snapshot.resume_at, Some(Offset(601)));
    let rows: Result<Vec<Row>, _> = snapshot.rows.collect();
    assert_eq!(rows.unwrap(), last_slice("incident", "state", 601).rows);
    assert_eq!(
        journal.trim(RETENTION_MS).await.unwrap().batches,
        600,
        "more than one slice"
    );
    assert_eq!(journal.first(Alerts).await, Ok(Offset(600)));
}

#[tokio::test]
async fn positions_are_shed_at_the_size_bound_and_alerts_are_not() {
    use crate::crowding::{CROWDED_RETENTION_MS, CROWDED_TRACK_BYTES_MAX, LIVE_BYTES_MAX};
    let (journal, now_ms) = manual(&SimDisk::new());
    assert!(!journal.size_alarm());
    let store = embedded(&journal).store();
    store.pretend_bytes(Alerts, LIVE_BYTES_MAX);
    assert!(journal.size_alarm());
    journal
        .append(Tracks, vec![entry("position")])
        .await
        .unwrap();
    now_ms.store(CROWDED_RETENTION_MS, Ordering::SeqCst);
    store.pretend_bytes(Tracks, CROWDED_TRACK_BYTES_MAX);
    let shed = journal.append(Tracks, vec![entry("position")]).await;
    assert!(matches!(shed, Err(AppendError::Full { .. })), "{shed:?}");
    journal.append(Alerts, vec![entry("raise")]).await.unwrap();
    // The first position is old by this clock; the refusal alone had it deleted.
    within(async {
        while journal.first(Tracks).await != Ok(Offset(1)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_full_journal_keeps_positions_for_seconds_and_goes_on_taking_them() {
    use crate::crowding::{CROWDED_RETENTION_MS, CROWDED_TRACK_BYTES_KEPT, LIVE_BYTES_MAX};
    let (journal, now_ms) = manual(&SimDisk::new());
    let store = embedded(&journal).store();
    let position = |name: &'static str| journal.append(Tracks, vec![entry(name)]);
    position("old").await.unwrap();
    now_ms.store(1, Ordering::SeqCst);
    position("young").await.unwrap();
    now_ms.store(CROWDED_RETENTION_MS, Ordering::SeqCst);
    store.pretend_bytes(Alerts, LIVE_BYTES_MAX);
    position("there is room").await.unwrap();
    assert_eq!(journal.first(Tracks).await, Ok(Offset(0)));
    store.pretend_bytes(Tracks, CROWDED_TRACK_BYTES_KEPT);
    position("room is asked for").await.unwrap();
    // Chores go before the batch after the next.
    position("room is made").await.unwrap();
    position("after that").await.unwrap();
    assert_eq!(journal.first(Tracks).await, Ok(Offset(1)));
    let before = store.size().track_bytes;
    assert!(before > CROWDED_TRACK_BYTES_KEPT, "what is kept is counted");
    assert_eq!(journal.end(Tracks), Offset(6));
}

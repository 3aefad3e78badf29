//! Several dispatchers write snapshots of one log.

use super::*;

fn row(key: &str, value: &str, folded_to: u64) -> Row {
    Row {
        key: entry(key),
        value: entry(value),
        folded_to: Offset(folded_to),
    }
}

fn slice(rows: Vec<Row>, deletions: &[&str], resume_at: u64) -> SnapshotSlice {
    SnapshotSlice {
        rows,
        deletions: deletions.iter().map(|&key| entry(key)).collect(),
        resume_at: Some(Offset(resume_at)),
        ..SnapshotSlice::default()
    }
}

async fn snapshot(journal: &Journal) -> (Option<Offset>, Vec<Row>) {
    let snapshot = within(journal.snapshot_read()).await.unwrap();
    (
        snapshot.resume_at,
        snapshot.rows.collect::<Result<_, _>>().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slower_dispatcher_takes_nothing_back() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let (fast, slow) = (open(server.settings()).await, open(server.settings()).await);
    for n in 0..10 {
        append(&fast, &n.to_string()).await;
    }
    let newer = slice(vec![row("i", "new", 9), row("j", "new", 9)], &[], 9);
    within(fast.snapshot_write(newer)).await.unwrap();
    let older = slice(vec![row("i", "old", 5), row("gone", "old", 5)], &["j"], 5);
    within(slow.snapshot_write(older)).await.unwrap();
    let expected = vec![row("i", "new", 9), row("j", "new", 9)];
    assert_eq!(snapshot(&slow).await, (Some(Offset(9)), expected));

    // A slice of one that is under way is newer row by row, and its deletions wait for its end.
    let begun = SnapshotSlice {
        rows: vec![row("i", "newest", 10)],
        ..SnapshotSlice::default()
    };
    within(slow.snapshot_write(begun)).await.unwrap();
    within(fast.snapshot_write(slice(vec![row("i", "new", 9)], &["i"], 9)))
        .await
        .unwrap();
    within(slow.snapshot_write(slice(vec![], &["j"], 10)))
        .await
        .unwrap();
    let expected = vec![row("i", "newest", 10)];
    assert_eq!(snapshot(&fast).await, (Some(Offset(10)), expected));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_any_bytes_come_back_whole_and_once_while_others_write() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    append(&journal, "a").await;
    let rows: Vec<Row> = (0..2_000u16)
        .map(|n| Row {
            key: Bytes::copy_from_slice(&n.to_be_bytes()),
            value: Bytes::from(vec![n as u8; usize::from(n) % 50]),
            folded_to: Offset(1),
        })
        .collect();
    for rows in rows.chunks(500) {
        within(journal.snapshot_write(slice(rows.to_vec(), &[], 1)))
            .await
            .unwrap();
    }
    let writer = tokio::spawn({
        let journal = journal.clone();
        let rows = rows.clone();
        async move {
            for rows in rows.chunks(50) {
                within(journal.snapshot_write(slice(rows.to_vec(), &[], 1)))
                    .await
                    .unwrap();
            }
        }
    });
    while !writer.is_finished() {
        assert_eq!(snapshot(&journal).await, (Some(Offset(1)), rows.clone()));
    }
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_trim_at_once_delete_what_one_would() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journals = [open(server.settings()).await, open(server.settings()).await];
    let many = (0..1_000).map(|n| entry(n.to_string())).collect();
    within(journals[0].append(Tracks, many)).await.unwrap();
    let hours_later = u64::MAX;
    let [one, other] = &journals;
    let (one, other) = tokio::join!(one.trim(hours_later), other.trim(hours_later));
    assert!(one.unwrap().batches + other.unwrap().batches >= 1_000);
    assert_eq!(within(journals[0].first(Tracks)).await, Ok(Offset(1_000)));
    assert_eq!(journals[0].end(Tracks), Offset(1_000));
}

/// A master, and a replica of it that has the first entry and no other.
async fn a_replica_that_lacks_the_last(texts: &[&str]) -> (TestServer, TestServer, Journal) {
    let master = TestServer::start();
    let replica = master.replica();
    let journal = open(master.settings()).await;
    append(&journal, texts[0]).await;
    replica.until("the replica has it", || replica.alerts() == 1);
    replica.detach();
    for text in &texts[1..] {
        append(&journal, text).await;
    }
    (master, replica, journal)
}

/// A dispatcher has folded what a failover takes back, and others have appended as much before it hears of that. Its
/// snapshot would pass over what they have said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_folded_of_a_log_that_was_rewound_comes_into_no_snapshot() {
    if !is_here() {
        return;
    }
    let (_master, replica, before) = a_replica_that_lacks_the_last(&["a", "lost", "gone"]).await;
    let mut tail = before.tail(Alerts, Offset::ZERO);
    read(&mut tail, &["a", "lost", "gone"]).await;
    let behind = tail.proof();
    replica.promote();
    let after = open(replica.settings()).await;
    for text in ["b", "c", "d"] {
        append(&after, text).await;
    }
    let begun = SnapshotSlice {
        rows: vec![row("i", "of what is lost", 3)],
        behind,
        ..SnapshotSlice::default()
    };
    let last = SnapshotSlice {
        resume_at: Some(Offset(3)),
        ..begun.clone()
    };
    for slice in [begun, last.clone()] {
        let refused = within(after.snapshot_write(slice)).await;
        assert_eq!(refused, Err(StoreError::SnapshotRewound { behind: 2 }));
    }
    assert_eq!(snapshot(&after).await, (None, vec![]));

    // The log that it was is the log still.
    within(before.snapshot_write(last)).await.unwrap();
    let snapshot = within(before.snapshot_read()).await.unwrap();
    assert_eq!(snapshot.resume_at, Some(Offset(3)));
    assert_eq!(snapshot.behind, behind);
}

/// Between the snapshot and the log behind it the server may be another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_with_a_snapshot_goes_on_behind_its_last_entry_and_behind_no_other() {
    if !is_here() {
        return;
    }
    let (master, replica, before) = a_replica_that_lacks_the_last(&["a", "lost"]).await;
    let mut tail = before.tail(Alerts, Offset::ZERO);
    read(&mut tail, &["a", "lost"]).await;
    let slice = SnapshotSlice {
        behind: tail.proof(),
        ..slice(vec![], &[], 2)
    };
    within(before.snapshot_write(slice)).await.unwrap();
    let snapshot = within(before.snapshot_read()).await.unwrap();
    replica.promote();
    let after = open(replica.settings()).await;
    for text in ["b", "c"] {
        append(&after, text).await;
    }
    let mut tail = after.tail_behind(Alerts, snapshot.behind.unwrap());
    assert_eq!(within(tail.next()).await, Ok(Tailed::Rewound));
    // Of what was trimmed there is nothing to compare.
    master.command(&["XTRIM", "{ansim:p0}:alerts", "MAXLEN", "0"]);
    let slice = SnapshotSlice {
        behind: snapshot.behind,
        ..SnapshotSlice::default()
    };
    within(before.snapshot_write(slice)).await.unwrap();
}

/// The replica has all of the log, and not the snapshot that was written last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_on_behind_a_snapshot_that_was_lost_is_refused() {
    if !is_here() {
        return;
    }
    let (master, replica, before) = a_replica_that_lacks_the_last(&["a"]).await;
    let first = slice(vec![row("i", "of a", 1)], &[], 1);
    within(before.snapshot_write(first.clone())).await.unwrap();
    replica.promote();
    let after = open(replica.settings()).await;
    append(&after, "b").await;
    let next = SnapshotSlice {
        after: Offset(1),
        ..slice(vec![row("i", "of b", 2)], &[], 2)
    };
    let refused = within(after.snapshot_write(next.clone())).await;
    assert_eq!(
        refused,
        Err(StoreError::SnapshotLost { after: 1, found: 0 })
    );
    assert_eq!(snapshot(&after).await, (None, vec![]));
    within(after.snapshot_write(first)).await.unwrap();
    within(after.snapshot_write(next)).await.unwrap();
    let expected = vec![row("i", "of b", 2)];
    assert_eq!(snapshot(&after).await, (Some(Offset(2)), expected));
    drop(master);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_was_begun_on_one_connection_is_not_ended_on_another() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let journal = open(proxy.settings()).await;
    append(&journal, "a").await;
    let begun = SnapshotSlice {
        rows: vec![row("i", "of a", 1)],
        ..SnapshotSlice::default()
    };
    let last = SnapshotSlice {
        part: 1,
        ..slice(vec![row("j", "of a", 1)], &[], 1)
    };
    within(journal.snapshot_write(begun.clone())).await.unwrap();
    proxy.cut();
    until_appended(&journal, "b").await;
    let refused = within(journal.snapshot_write(last.clone())).await;
    assert!(
        matches!(refused, Err(StoreError::Unreachable { .. })),
        "{refused:?}"
    );
    assert_eq!(snapshot(&journal).await.0, None);
    within(journal.snapshot_write(begun)).await.unwrap();
    within(journal.snapshot_write(last)).await.unwrap();
    assert_eq!(snapshot(&journal).await.0, Some(Offset(1)));
}

/// What is left of an incident takes the place of its first row, and the others go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_replaced_while_it_is_read_is_read_whole() {
    const INCIDENTS: usize = 20_000;
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    append(&journal, "a").await;
    append(&journal, "b").await;
    let of_all = |name: &str, value: &str, folded_to| -> Vec<Row> {
        let one = |n: usize| row(&format!("{n}{name}"), value, folded_to);
        (0..INCIDENTS).map(one).collect()
    };
    let write = |slice| within(journal.snapshot_write(slice));
    for name in ["first", "second"] {
        write(slice(of_all(name, "raised", 1), &[], 1))
            .await
            .unwrap();
    }
    let reading = tokio::spawn({
        let journal = journal.clone();
        async move { snapshot(&journal).await.1 }
    });
    server.until("it is read", || !server.info("cmdstat_hscan").is_empty());
    let replaced = SnapshotSlice {
        rows: of_all("first", "raised and closed", 2),
        deletions: of_all("second", "", 2)
            .into_iter()
            .map(|row| row.key)
            .collect(),
        resume_at: Some(Offset(2)),
        ..SnapshotSlice::default()
    };
    write(replaced).await.unwrap();
    let rows = reading.await.unwrap();
    let (firsts, seconds): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.key.ends_with(b"first"));
    let seconds: std::collections::BTreeSet<&[u8]> = seconds
        .iter()
        .filter_map(|row| row.key.strip_suffix(b"second"))
        .collect();
    let torn = firsts.iter().filter(|row| {
        let incident = row.key.strip_suffix(b"first").unwrap();
        row.value == "raised" && !seconds.contains(incident)
    });
    assert_eq!(torn.count(), 0);
    assert_eq!(firsts.len(), INCIDENTS);
}

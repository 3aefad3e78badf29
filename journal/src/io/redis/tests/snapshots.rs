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

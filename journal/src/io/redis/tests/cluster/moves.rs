//! Slots that are moved to another shard.

use super::*;

/// Authors that append at once, and entries that they append between two moves.
const AUTHORS: usize = 4;
const BETWEEN: u64 = 100;

/// How many times a slot is moved under load: there and back again.
const MOVES: usize = 4;

/// A cluster, a partition's slot in it, and where it goes.
struct Site {
    cluster: TestCluster,
    slot: u16,
    from: usize,
    to: usize,
}

impl Site {
    fn new() -> Self {
        let cluster = TestCluster::without_replicas();
        let from = cluster.master_of(&key_of(0));
        let to = cluster.another_than(from);
        let slot = HashSlot::of(&key_of(0)).number();
        Self {
            cluster,
            slot,
            from,
            to,
        }
    }
}

fn snapshot(read: Snapshot) -> (Option<Offset>, Vec<Row>) {
    let rows: Result<Vec<Row>, _> = read.rows.collect();
    (read.resume_at, rows.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_slot_moves_appends_wait_and_then_all_goes_on_at_the_new_master() {
    if !is_here() {
        return;
    }
    let Site {
        cluster,
        slot,
        from,
        to,
    } = Site::new();
    let journal = open(cluster.settings()).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    let mut tracks = journal.tail(Tracks, Offset::ZERO);
    append(&journal, "a").await;
    let row = Row {
        key: entry("incident"),
        value: entry("state"),
        folded_to: Offset(1),
    };
    let slice = SnapshotSlice {
        rows: vec![row.clone()],
        deletions: vec![],
        resume_at: Some(Offset(1)),
        ..SnapshotSlice::default()
    };
    within(journal.snapshot_write(slice)).await.unwrap();
    read(&mut tail, &["a"]).await;
    let at_old = |words: &[&str]| cluster.server(from).try_command(words);

    cluster.begin_move(slot, from, to);
    // One key after the other: what is left there is half of a partition.
    while cluster.move_keys(slot, from, to, "1") {
        let why = trouble(&journal).await;
        assert!(
            ["ASK", "TRYAGAIN"].iter().any(|code| why.contains(code)),
            "{why}"
        );
        match within(journal.snapshot_read()).await {
            // Nothing of it has gone yet.
            Ok(read) => assert_eq!(snapshot(read), (Some(Offset(1)), vec![row.clone()])),
            Err(error) => assert!(matches!(error, StoreError::Unreachable { .. }), "{error}"),
        }
    }
    let waiting = journal.offer(Alerts, vec![entry("b")]).unwrap();
    assert_eq!(
        at_old(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]),
        Ok(redis::Value::Int(0)),
        "nobody puts anything where the slot was"
    );
    cluster.end_move(slot, from, to);

    let appended = within(waiting).await.unwrap();
    assert_eq!(appended.first, Offset(1));
    read(&mut tail, &["b"]).await;
    within(journal.append(Tracks, vec![entry("t")]))
        .await
        .unwrap();
    // It was there before there was any.
    read(&mut tracks, &["t"]).await;
    until_healthy(&journal).await;
    assert_eq!(cluster.master_of(&key_of(0)), to);
    let read = within(journal.snapshot_read()).await.unwrap();
    assert_eq!(snapshot(read), (Some(Offset(1)), vec![row]));
    assert_eq!(all(&journal).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_under_load_loses_nothing_and_doubles_nothing() {
    if !is_here() {
        return;
    }
    let site = Site::new();
    let journal = open(site.cluster.settings()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let authors = 0..AUTHORS;
    let load: Vec<_> = authors
        .map(|author| tokio::spawn(offer_until(author, journal.clone(), Arc::clone(&stop))))
        .collect();
    let mut reader = journal.tail(Alerts, Offset::ZERO);
    let mut read = Vec::new();
    let (mut from, mut to) = (site.from, site.to);
    for _ in 0..MOVES {
        site.cluster.move_slot(site.slot, from, to);
        (from, to) = (to, from);
        let end = journal.end(Alerts).plus(BETWEEN);
        while reader.cursor() < end {
            match within(reader.next()).await.unwrap() {
                Tailed::Entries { entries, .. } => read.extend(entries),
                other => panic!("{other:?} after {}", read.len()),
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut offered = Vec::new();
    for author in load {
        offered.extend(within(author).await.unwrap());
    }
    let log = all(&journal).await;
    let mut taken = std::collections::BTreeMap::new();
    for (text, answer) in &offered {
        match answer {
            Ok(appended) => assert_eq!(taken.insert(appended.first, text), None),
            Err(AppendError::Rejected { .. }) => {}
            Err(error) => panic!("no connection was lost: {error}"),
        }
    }
    println!(
        "a slot moved {MOVES} times: {} appended, {} in the log, {} rejected",
        taken.len(),
        log.len(),
        offered.len() - taken.len()
    );
    let texts: Vec<&Bytes> = taken.into_values().collect();
    assert_eq!(log.iter().collect::<Vec<_>>(), texts);
    assert!(log.starts_with(&read), "what was read is what is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_ships_on_at_the_new_master() {
    if !is_here() {
        return;
    }
    let site = Site::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let settings = site.cluster.settings();
    let journal = Journal::open_held(path, settings.clone(), Options::default()).unwrap();
    let Journal::Held(held) = &journal else {
        unreachable!()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(offer_until(0, journal.clone(), Arc::clone(&stop)));
    let mut progress = held.progress();
    let (mut from, mut to) = (site.from, site.to);
    for _ in 0..MOVES {
        let shipped = progress.borrow().shipped.alerts;
        within(progress.wait_for(|progress| progress.shipped.alerts > shipped))
            .await
            .unwrap();
        site.cluster.move_slot(site.slot, from, to);
        (from, to) = (to, from);
    }
    stop.store(true, Ordering::SeqCst);
    let offered = within(load).await.unwrap();
    within(held.all_shipped()).await;
    let log = all(&open(settings).await).await;
    let texts: Vec<&Bytes> = offered.iter().map(|(text, _)| text).collect();
    assert_eq!(log.iter().collect::<Vec<_>>(), texts);
    assert_eq!(held.progress().borrow().rewinds, 0);
}

/// The replica of the old master knows nothing of the move, and answers for what has gone as if it had
/// never been. Who appended it has kept it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_master_took_with_it_that_died_in_the_middle_of_a_move_is_shipped_again() {
    if !is_here() {
        return;
    }
    let mut cluster = TestCluster::start();
    let from = cluster.master_of(&key_of(0));
    let to = cluster.another_than(from);
    let slot = HashSlot::of(&key_of(0)).number();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let settings = Settings {
        replicas: 1,
        ..cluster.settings()
    };
    let journal = Journal::open_held(path, settings.clone(), Options::default()).unwrap();
    let Journal::Held(held) = &journal else {
        unreachable!()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(offer_until(0, journal.clone(), Arc::clone(&stop)));
    let mut progress = held.progress();
    within(progress.wait_for(|progress| progress.shipped.alerts.0 >= BETWEEN))
        .await
        .unwrap();
    cluster.begin_move(slot, from, to);
    cluster.move_all_keys(slot, from, to);
    let gone = cluster.replica_of(from);
    gone.until("its replica has none of them", || {
        let there = gone.command(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]);
        there == redis::Value::Int(0)
    });
    cluster.server_mut(from).kill();
    within(progress.wait_for(|progress| progress.rewinds > 0))
        .await
        .unwrap();
    stop.store(true, Ordering::SeqCst);
    let offered = within(load).await.unwrap();
    cluster.server_mut(from).restart();
    within(held.all_shipped()).await;
    let log = all(&open(settings).await).await;
    let texts: Vec<&Bytes> = offered.iter().map(|(text, _)| text).collect();
    assert_eq!(log.iter().collect::<Vec<_>>(), texts);
}

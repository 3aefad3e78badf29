//! Another server takes over, and has not everything.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_says_on_how_many_replicas_it_is() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let replica = master.replica();
    let settings = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_secs(600),
        ..master.settings()
    };
    let journal = open(settings.clone()).await;
    let Journal::Redis(redis) = &journal else {
        unreachable!()
    };
    let findings = redis.findings();
    assert!(
        findings
            .iter()
            .any(|finding| finding.setting == "min-replicas-to-write" && !finding.is_refusal),
        "{findings:?}"
    );
    let confirmed = append(&journal, "a").await;
    assert_eq!(confirmed.durability, Durability::Confirmed { replicas: 1 });
    replica.detach();
    let impatient = Settings {
        replicas_timeout: Duration::from_millis(50),
        ..settings
    };
    let journal = open(impatient).await;
    let offered = append(&journal, "b").await;
    assert_eq!(
        (offered.first, offered.durability),
        (Offset(1), Durability::Offered)
    );
    assert_eq!(*journal.health().borrow(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_connection_breaks_while_replicas_are_waited_for_is_offered() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let proxy = Proxy::to(master.socket_address()).await;
    let settings = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_secs(600),
        ..proxy.settings()
    };
    let journal = open(settings).await;
    let waiting = journal.offer(Alerts, vec![entry("a")]).unwrap();
    master.await_info("blocked_clients", "1");
    proxy.cut();
    let offered = within(waiting).await.unwrap();
    assert_eq!(
        (offered.first, offered.durability),
        (Offset(0), Durability::Offered)
    );
    assert_eq!(all(&journal).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_are_told_when_a_failover_takes_back_what_was_acknowledged() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let replica = master.replica();
    let proxy = Proxy::to(master.socket_address()).await;
    let settings = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_millis(500),
        ..proxy.settings()
    };
    let journal = open(settings).await;
    append(&journal, "a").await;
    append(&journal, "kept").await;
    let mut until_kept = journal.tail(Alerts, Offset::ZERO);
    read(&mut until_kept, &["a", "kept"]).await;
    let kept = until_kept.proof().unwrap();
    drop(until_kept);
    // As far as the replica will be.
    replica.until("the replica has both", || {
        replica.command(&["XLEN", "{ansim:p0}:alerts"]) == redis::Value::Int(2)
    });
    replica.detach();
    let lost = [
        append(&journal, "lost").await,
        append(&journal, "too").await,
    ];
    assert_eq!(lost.map(|lost| lost.durability), [Durability::Offered; 2]);

    let mut ahead = journal.tail(Alerts, Offset::ZERO);
    read(&mut ahead, &["a", "kept", "lost", "too"]).await;
    let mut beside = journal.tail(Alerts, Offset::ZERO);
    read(&mut beside, &["a", "kept", "lost", "too"]).await;
    let mut early = journal.tail(Alerts, Offset(1));
    read(&mut early, &["kept", "lost", "too"]).await;
    let mut elsewhere = journal.tail(Tracks, Offset::ZERO);
    let proof = ahead.proof().unwrap();
    assert_eq!(proof.offset, Offset(3));

    replica.promote();
    proxy.point_at(replica.socket_address());
    // A reader that is ahead of the log.
    assert_eq!(within(ahead.next()).await, Ok(Tailed::Rewound));
    assert_eq!(ahead.cursor(), Offset(2));
    assert_eq!(until_appended(&journal, "other").await.first, Offset(2));
    // The author of this one has kept it, and appends it again; it comes to stand where it stood.
    assert_eq!(append(&journal, "too").await.first, Offset(3));
    read(&mut ahead, &["other", "too"]).await;
    // Readers whose place exists again, with something else in it.
    assert_eq!(within(beside.next()).await, Ok(Tailed::Rewound));
    assert_eq!(within(early.next()).await, Ok(Tailed::Rewound));
    let mut restarted = journal.tail_behind(Alerts, proof);
    assert_eq!(within(restarted.next()).await, Ok(Tailed::Rewound));
    // Who has read nothing that was lost, goes on.
    let mut same = journal.tail_behind(Alerts, kept);
    read(&mut same, &["other", "too"]).await;
    within(journal.append(Tracks, vec![entry("t")]))
        .await
        .unwrap();
    assert_eq!(
        within(elsewhere.next()).await,
        Ok(Tailed::Entries {
            first: Offset(0),
            entries: vec![entry("t")]
        })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_lost_nothing_is_none_for_readers() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let replica = master.replica();
    let proxy = Proxy::to(master.socket_address()).await;
    let journal = open(proxy.settings()).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    append(&journal, "a").await;
    read(&mut tail, &["a"]).await;
    replica.until("the replica has it", || {
        replica.command(&["XLEN", "{ansim:p0}:alerts"]) == redis::Value::Int(1)
    });
    replica.detach();
    replica.promote();
    proxy.point_at(replica.socket_address());
    until_appended(&journal, "b").await;
    read(&mut tail, &["b"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_emptied_under_a_waiting_reader_is_rewound_within_a_turn() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    append(&journal, "a").await;
    read(&mut tail, &["a"]).await;
    // The connection stays; nothing but the content tells.
    server.command(&["FLUSHALL"]);
    assert_eq!(within(tail.next()).await, Ok(Tailed::Rewound));
    assert_eq!(append(&journal, "b").await.first, Offset(0));
    read(&mut tail, &["b"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_made_a_replica_is_left() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let other = TestServer::start();
    let proxy = Proxy::to(master.socket_address()).await;
    let journal = open(proxy.settings()).await;
    append(&journal, "a").await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    read(&mut tail, &["a"]).await;
    // Its connections stay open. It has the other's history now: nothing.
    master.follow(&other);
    let why = trouble(&journal).await;
    assert!(!why.is_empty());
    let waiting = journal.offer(Alerts, vec![entry("b")]).unwrap();
    proxy.point_at(other.socket_address());
    match within(waiting).await {
        Ok(appended) => assert_eq!(appended.first, Offset(0)),
        Err(AppendError::Rejected { why }) => {
            assert!(why.contains("READONLY"), "{why}");
            until_healthy(&journal).await;
            assert_eq!(append(&journal, "b").await.first, Offset(0));
        }
        Err(error) => panic!("{error}"),
    }
    assert_eq!(within(tail.next()).await, Ok(Tailed::Rewound));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_leaves_a_server_that_has_all_it_has_read_and_is_master_no_more() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let replica = master.replica();
    let proxy = Proxy::to(master.socket_address()).await;
    let journal = open(proxy.settings()).await;
    append(&journal, "a").await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    read(&mut tail, &["a"]).await;
    replica.until("the replica has it", || {
        replica.command(&["XLEN", "{ansim:p0}:alerts"]) == redis::Value::Int(1)
    });
    replica.detach();
    replica.promote();
    proxy.aim_at(replica.socket_address());
    // It answers as before, and will never have anything new.
    master.detach();
    assert_eq!(until_appended(&journal, "b").await.first, Offset(1));
    read(&mut tail, &["b"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_before_anybody_read_it_is_not_taken_for_the_end_of_the_log() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    append(&journal, "a").await;
    assert_eq!(journal.end(Alerts), Offset(1));
    server.command(&["FLUSHALL"]);
    let _tail = journal.tail(Alerts, Offset::ZERO);
    server.until("the end is where it is", || {
        journal.end(Alerts) == Offset::ZERO
    });
    assert_eq!(append(&journal, "b").await.first, Offset(0));
    assert_eq!(journal.end(Alerts), Offset(1));
}

//! Servers that take nothing, or should not.

use super::*;

async fn refusal(settings: Settings) -> ConnectError {
    let opening = Journal::open_redis(settings, Options::default());
    match within(opening).await.unwrap_err() {
        OpenError::Server(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_rejects_appends_by_name_and_heals_when_there_is_room() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    append(&journal, "a").await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let rejected = within(journal.append(Alerts, vec![entry("b")])).await;
    let Err(AppendError::Rejected { why }) = &rejected else {
        panic!("{rejected:?}")
    };
    assert!(why.contains("OOM") && !why.contains("entry"), "{why}");
    assert!(trouble(&journal).await.contains("OOM"));
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    // Nobody appends; the look at the server finds out.
    until_healthy(&journal).await;
    append(&journal, "c").await;
    assert_eq!(
        all(&journal).await,
        ["a", "c"],
        "what was rejected is not there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_shed_before_the_server_is_full() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    // So much that connections come and go in the rest.
    server.command(&["SETRANGE", "ballast", "50000000", "x"]);
    let used: u64 = server.info("used_memory").parse().unwrap();
    let nearly = (used + used / 10).to_string();
    server.command(&["CONFIG", "SET", "maxmemory", &nearly]);
    let journal = open(server.settings()).await;
    assert!(journal.size_alarm() && journal.size_bytes() > 0);
    let shed = journal.offer(Tracks, vec![entry("t")]).unwrap_err();
    assert!(matches!(shed, AppendError::Full { .. }), "{shed}");
    append(&journal, "a").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_replicas_for_the_server_is_a_rejection_that_heals() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    let settings = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_secs(600),
        ..server.settings()
    };
    let journal = open(settings).await;
    assert!(trouble(&journal).await.contains("NOREPLICAS"));
    let rejected = within(journal.append(Alerts, vec![entry("a")])).await;
    assert!(
        matches!(rejected, Err(AppendError::Rejected { .. })),
        "{rejected:?}"
    );
    let _replica = server.replica();
    until_healthy(&journal).await;
    let confirmed = append(&journal, "b").await;
    assert_eq!(confirmed.durability, Durability::Confirmed { replicas: 1 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_at_the_address_is_refused_by_name() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let replica = master.replica();
    let error = refusal(replica.settings()).await;
    assert!(matches!(error, ConnectError::NotMaster { .. }), "{error}");
    assert!(error.to_string().contains("replica"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_would_lose_the_log_are_refused_with_all_reasons() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    server.command(&["CONFIG", "SET", "appendfsync", "no"]);
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let error = refusal(server.settings()).await;
    let ConnectError::Unfit { findings, .. } = &error else {
        panic!("{error}")
    };
    let settings: Vec<_> = findings.iter().map(|finding| finding.setting).collect();
    assert_eq!(settings, ["appendfsync", "maxmemory-policy"]);
    assert!(error.to_string().contains("appendfsync is no"), "{error}");
    server.command(&["CONFIG", "SET", "appendfsync", "everysec"]);
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let journal = open(server.settings()).await;
    let Journal::Redis(redis) = &journal else {
        unreachable!()
    };
    assert_eq!(redis.findings(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_became_unfit_is_not_written_to_after_a_failover() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let journal = open(proxy.settings()).await;
    append(&journal, "a").await;
    let other = TestServer::with(&["--appendonly", "no"]);
    proxy.point_at(other.socket_address());
    until(
        &journal,
        |health| matches!(health, Health::Troubled { why } if why.contains("appendonly")),
    )
    .await;
    let waiting = journal.offer(Alerts, vec![entry("b")]).unwrap();
    proxy.point_at(server.socket_address());
    assert_eq!(within(waiting).await.unwrap().first, Offset(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_of_a_newer_release_is_left_alone() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    server.command(&["SET", "{ansim:p0}:format", "2"]);
    let error = refusal(server.settings()).await;
    assert!(
        matches!(
            error,
            ConnectError::NewerFormat {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_refused_and_not_repeated() {
    if !is_here() {
        return;
    }
    let server = TestServer::with_password("the right one");
    let file = server.folder().join("password");
    let settings = Settings {
        credentials: Some(Credentials {
            user: None,
            password_file: file.clone(),
        }),
        ..server.settings()
    };
    let absent = refusal(settings.clone()).await;
    assert!(matches!(absent, ConnectError::File { .. }), "{absent}");
    assert!(absent.to_string().contains("password"), "{absent}");
    std::fs::write(&file, "the wrong one\n").unwrap();
    let denied = refusal(settings.clone()).await;
    assert!(matches!(denied, ConnectError::Denied { .. }), "{denied}");
    let none = refusal(server.settings()).await;
    assert!(matches!(none, ConnectError::Denied { .. }), "{none}");
    for text in [format!("{denied} {denied:?}"), format!("{settings:?}")] {
        assert!(!text.contains("the wrong one"), "{text}");
    }
    std::fs::write(&file, "the right one\n").unwrap();
    let journal = open(settings).await;
    append(&journal, "a").await;
    assert!(!format!("{journal:?}").contains("the right one"));
}

/// What a user of the log has to be allowed, and nothing more.
const RIGHTS: [&str; 15] = [
    "~{ansim:*",
    "-@all",
    "+info",
    "+multi",
    "+exec",
    "+xadd",
    "+wait",
    "+xread",
    "+xrange",
    "+xinfo",
    "+xtrim",
    "+set",
    "+eval",
    "+hmget",
    "+hscan",
];

/// What the script of the snapshot does in its name.
const RIGHTS_OF_SCRIPT: [&str; 3] = ["+hget", "+hset", "+hdel"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_few_rights_has_enough_and_its_blindness_is_said() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let file = server.folder().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    let mut words = vec!["ACL", "SETUSER", "relay", "on", ">secret"];
    words.extend(RIGHTS);
    words.extend(RIGHTS_OF_SCRIPT);
    server.command(&words);
    let settings = Settings {
        credentials: Some(Credentials {
            user: Some("relay".to_owned()),
            password_file: file,
        }),
        ..server.settings()
    };
    let journal = open(settings.clone()).await;
    let Journal::Redis(redis) = &journal else {
        unreachable!()
    };
    let findings = redis.findings();
    let [finding] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!((finding.setting, finding.is_refusal), ("CONFIG GET", false));
    append(&journal, "a").await;
    assert_eq!(all(&journal).await, ["a"]);
    let slice = SnapshotSlice {
        resume_at: Some(Offset(1)),
        deletions: vec![entry("i")],
        ..SnapshotSlice::default()
    };
    within(journal.snapshot_write(slice)).await.unwrap();
    let snapshot = within(journal.snapshot_read()).await.unwrap();
    assert_eq!(snapshot.resume_at, Some(Offset(1)));
    within(journal.trim(u64::MAX)).await.unwrap();

    // Nothing that it says repeats what was sent.
    server.command(&["ACL", "SETUSER", "relay", "-xadd"]);
    let rejected = within(journal.append(Alerts, vec![entry("37.5665,126.9780")])).await;
    let Err(AppendError::Rejected { why }) = rejected else {
        panic!("{rejected:?}")
    };
    assert!(why.contains("NOPERM") && !why.contains("37.5665"), "{why}");
}

/// Emptied, and set up by others while somebody who knows nothing of it is connected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_cut_in_another_way_now_is_left_by_who_is_connected() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    append(&journal, "a").await;
    let Journal::Redis(redis) = &journal else {
        unreachable!()
    };
    let mut delivery = redis.delivery();
    within(delivery.connect()).await.unwrap();
    assert_eq!(within(delivery.first_there(&[])).await, Ok(None));
    server.command(&["SET", "{ansim:p0}:partitions", "8"]);
    let refused = within(delivery.first_there(&[])).await.unwrap_err();
    assert!(refused.contains("has 8 partitions"), "{refused}");
    assert!(!delivery.is_connected());
    let why = trouble(&journal).await;
    assert!(why.contains("has 8 partitions"), "{why}");
    server.command(&["SET", "{ansim:p0}:partitions", "1"]);
    until_healthy(&journal).await;
    within(delivery.connect()).await.unwrap();
}

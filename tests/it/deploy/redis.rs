//! Redis servers and Sentinels as `deploy/redis` starts them, with users who may do what they have to and no more; and what
//! operators do with them by hand.

use bytes::Bytes;
use journal::io::redis::test_server::is_here;
use journal::{
    AppendError, Durability, Journal, LogName, Offset, Options, Redis, Row, SnapshotSlice, Tailed,
};

use super::servers::{Etc, LOOK_EVERY, Server, Servers, script, settings_of};
use crate::support::site::in_time;

fn entry(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Appends until as many replicas as are wanted have it. A master that was just promoted has none, and takes nothing.
async fn append_until_confirmed(journal: &Journal, text: &'static str) {
    let confirmed = async {
        loop {
            let appended = journal.append(LogName::Alerts, vec![entry(text)]).await;
            match appended.map(|appended| appended.durability) {
                Ok(Durability::Confirmed { replicas }) if replicas >= 1 => return,
                Ok(_) | Err(AppendError::Rejected { .. } | AppendError::Unknown { .. }) => {}
                Err(error) => panic!("{text}: {error}"),
            }
            // Nobody tells when a replica has found its master.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    in_time(text, confirmed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_with_these_files_hold_the_log_through_failovers_and_nothing_is_warned_of() {
    if !is_here() {
        return;
    }
    let mut servers = Servers::start();
    let options = Options::default();
    let redis = Redis::open(servers.settings(), &options).await.unwrap();
    assert_eq!(redis.findings(), [], "the server's checks");
    let journal = Journal::Redis(redis);
    append_until_confirmed(&journal, "first").await;

    // All that a process does, under the rights of its user.
    let mut tail = journal.tail(LogName::Alerts, Offset::ZERO);
    let tailed = in_time("the first entry", tail.next()).await.unwrap();
    assert!(matches!(tailed, Tailed::Entries { ref entries, .. } if entries[0] == entry("first")));
    let slice = SnapshotSlice {
        rows: vec![Row {
            key: entry("incident"),
            value: entry("state"),
            folded_to: Offset(1),
        }],
        deletions: vec![entry("gone")],
        resume_at: Some(Offset(1)),
        behind: tail.proof(),
        ..SnapshotSlice::default()
    };
    journal.snapshot_write(slice).await.unwrap();
    let snapshot = journal.snapshot_read().await.unwrap();
    assert_eq!(snapshot.resume_at, Some(Offset(1)));
    journal.trim(u64::MAX).await.unwrap();
    journal.first(LogName::Tracks).await.unwrap();

    // By hand, as the runbook says.
    let first = servers.master();
    let said = servers.sentinels[0].ask(&["SENTINEL", "FAILOVER", "ansim"]);
    assert!(said.starts_with("OK"), "{said}");
    let second = servers.other_master(first);
    append_until_confirmed(&journal, "after a failover by hand").await;

    // The master dies.
    servers.servers[second].kill();
    let third = servers.other_master(second);
    append_until_confirmed(&journal, "after the master's end").await;

    // Started again with the words of its first start, it is a replica of whoever is master now.
    let words = (second != 0).then_some(servers.servers[0].port);
    servers.servers[second].restart(words);
    let follows = format!("master_port:{}", servers.servers[third].port);
    let replication = ["INFO", "replication"];
    servers.servers[second].until(&replication, &follows);
    servers.servers[second].until(&replication, "master_link_status:up");
    journal.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_in_front_ships_under_the_rights_of_its_user() {
    if !is_here() {
        return;
    }
    let etc = Etc::new();
    let server = Server::start(&etc, "server", None);
    let _replica = Server::start(&etc, "server", Some(server.port));
    server.until(&["INFO", "replication"], "min_slaves_good_slaves:1");
    let settings = settings_of(&etc, server.port);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let held = Journal::open_held(path, settings, Options::default()).unwrap();
    let Journal::Held(ref backlog) = held else {
        panic!("a journal in front")
    };
    for text in ["first", "second"] {
        let appended = held.append(LogName::Alerts, vec![entry(text)]);
        let appended = in_time(text, appended).await.unwrap();
        assert_eq!(appended.durability, Durability::Local);
        let mut progress = backlog.progress();
        let confirmed = progress.wait_for(|progress| progress.confirmed > appended.first);
        in_time("it is confirmed", confirmed).await.unwrap();
    }
    held.close().await;
}

/// A setting that the server's checks refuse is found, so that the test above can fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_evicts_is_refused() {
    if !is_here() {
        return;
    }
    let etc = Etc::new();
    etc.replace(
        "redis.conf",
        "maxmemory-policy noeviction",
        "maxmemory-policy allkeys-lru",
    );
    let server = Server::start(&etc, "server", None);
    let refused = Redis::open(settings_of(&etc, server.port), &Options::default()).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("maxmemory-policy"), "{error}");
}

#[test]
fn users_may_do_what_they_have_to_and_no_more() {
    if !is_here() {
        return;
    }
    let etc = Etc::new();
    let server = Server::start(&etc, "server", None);
    let password = etc.password("redis-password");
    let ansim = |words: &[&str]| server.ask_as("ansim", &password, words);
    for words in [
        &["FLUSHALL"][..],
        &["KEYS", "*"],
        &["DEL", "{ansim:p0}:alerts"],
        &["CONFIG", "SET", "appendonly", "no"],
        &["XRANGE", "another", "-", "+"],
        &["SET", "another", "1"],
        &[
            "EVAL",
            "return redis.call('del', KEYS[1])",
            "1",
            "{ansim:p0}:alerts",
        ],
        &["ACL", "LIST"],
        &["BGSAVE"],
        &["SHUTDOWN"],
        &["REPLICAOF", "NO", "ONE"],
        &["SUBSCRIBE", "x"],
    ] {
        let said = ansim(words);
        assert!(
            said.contains("NOPERM") || said.contains("can't run this command"),
            "{words:?}: {said}"
        );
    }
    assert!(ansim(&["INFO", "server"]).contains("redis_version:"));
    let nobody = server.ask_as("default", "", &["INFO"]);
    assert!(!nobody.contains("redis_version:"), "{nobody}");
    let wrong = server.ask_as("ansim", "wrong", &["INFO"]);
    assert!(!wrong.contains("redis_version:"), "{wrong}");
}

#[test]
fn passwords_are_made_once() {
    if !is_here() {
        return;
    }
    let etc = Etc::new();
    let before = etc.password("redis-password");
    assert!(before.len() >= 32, "{} characters", before.len());
    let again = script("make-secrets.sh")
        .arg(etc.0.path())
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(etc.password("redis-password"), before);
    let other = Etc::new();
    assert_ne!(other.password("redis-password"), before);
    let users = etc.password("users.acl");
    assert!(!users.contains(&before), "only hashes");
    assert!(!users.contains("#@"), "a placeholder is left: {users}");
}

/// Asked by hand: what a process does on a cluster, the journal's own tests say.
#[test]
fn a_cluster_of_three_masters_forms_and_outlives_one_of_them() {
    if !is_here() {
        return;
    }
    let etc = Etc::new();
    let mut servers: Vec<_> = (0..6)
        .map(|_| Server::start(&etc, "cluster", None))
        .collect();
    let addresses = servers
        .iter()
        .map(|server| format!("127.0.0.1:{}", server.port));
    let addresses: Vec<String> = addresses.collect();
    let mut create = vec!["--cluster", "create"];
    create.extend(addresses.iter().map(String::as_str));
    create.extend(["--cluster-replicas", "1", "--cluster-yes"]);
    let said = servers[0].ask(&create);
    assert!(said.contains("All 16384 slots covered"), "{said}");
    for server in &servers {
        server.until(&["CLUSTER", "INFO"], "cluster_size:3");
        server.until(&["CLUSTER", "INFO"], "cluster_state:ok");
        // Of a master, or to one.
        let replication = server.ask(&["INFO", "replication"]);
        let words = match replication.contains("role:master") {
            true => "connected_slaves:1",
            false => "master_link_status:up",
        };
        server.until(&["INFO", "replication"], words);
    }
    let password = etc.password("redis-password");
    let append = |server: &Server, partition: usize| {
        let stream = format!("{{ansim:p{partition}}}:alerts");
        server.ask_as(
            "ansim",
            &password,
            &["-c", "XADD", &stream, "0-*", "e", "x"],
        )
    };
    for partition in 0..16 {
        assert_eq!(append(&servers[0], partition).trim(), "0-1");
    }
    let slots = servers[0].ask_as("ansim", &password, &["CLUSTER", "SLOTS"]);
    assert!(slots.contains(&servers[1].port.to_string()), "{slots}");

    servers[0].kill();
    servers[1].until(&["CLUSTER", "NODES"], "master,fail ");
    servers[1].until(&["CLUSTER", "INFO"], "cluster_slots_ok:16384");
    for partition in 0..16 {
        // The replica that took over may lack the first: that is what authors keep theirs for.
        let second = append(&servers[1], partition);
        assert!(matches!(second.trim(), "0-1" | "0-2"), "{second}");
    }
}

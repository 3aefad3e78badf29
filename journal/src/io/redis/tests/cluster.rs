//! The partitions of a log on the shards of a cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::settings::{Address, Tls, Topology};
use super::super::test_server::TestCluster;
use super::*;
use crate::hash_slot::HashSlot;
use crate::offset::Partition;

mod moves;

/// The key of a partition's alert log.
fn key_of(partition: u16) -> String {
    format!("{{ansim:p{partition}}}:alerts")
}

fn on(cluster: &TestCluster, partition: u16) -> Settings {
    Settings {
        partition: Partition(partition),
        ..cluster.settings()
    }
}

/// Two partitions that are not on the same shard.
fn apart(cluster: &TestCluster) -> (u16, u16) {
    let at = cluster.master_of(&key_of(0));
    let other = (1..16).find(|&partition| cluster.master_of(&key_of(partition)) != at);
    (0, other.expect("sixteen are not all on one of three"))
}

#[test]
fn a_key_is_in_the_slot_that_a_server_says() {
    if !is_here() {
        return;
    }
    let server = TestServer::with(&["--cluster-enabled", "yes"]);
    let partitions = (0..64).map(key_of);
    let others = ["123456789", "a{b}c{d}", "a{}{b}", "a{b", "안심", ""].map(str::to_owned);
    for key in partitions.chain(others) {
        let told = server.command(&["CLUSTER", "KEYSLOT", &key]);
        let slot = i64::from(HashSlot::of(&key).number());
        assert_eq!(told, redis::Value::Int(slot), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_partition_is_on_the_shard_that_has_its_slot() {
    if !is_here() {
        return;
    }
    let cluster = TestCluster::without_replicas();
    let mut entries = [0; 3];
    for partition in 0..16 {
        let journal = open(on(&cluster, partition)).await;
        let text = format!("of partition {partition}");
        assert_eq!(append(&journal, &text).await.first, Offset(0));
        assert_eq!(all(&journal).await, [text]);
        entries[cluster.master_of(&key_of(partition))] += 1;
    }
    for (at, entries) in entries.into_iter().enumerate() {
        assert!(entries > 0, "a shard without any is no test");
        let count: usize = (0..16)
            .filter(|&partition| {
                let there = cluster
                    .server(at)
                    .try_command(&["XLEN", &key_of(partition)]);
                there == Ok(redis::Value::Int(1))
            })
            .count();
        assert_eq!(count, entries);
    }
    let Journal::Redis(redis) = open(cluster.settings()).await else {
        unreachable!()
    };
    assert_eq!(
        redis.findings(),
        [],
        "the cluster is set up as it should be"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_is_taken_over_is_found_again_and_the_others_are_not_touched() {
    if !is_here() {
        return;
    }
    let mut cluster = TestCluster::start();
    let (one, other) = apart(&cluster);
    let first = cluster.master_of(&key_of(one));
    let journal = open(on(&cluster, one)).await;
    let beside = open(on(&cluster, other)).await;
    let confirming = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_secs(600),
        ..on(&cluster, one)
    };
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    let confirmed = append(&open(confirming).await, "a").await;
    assert_eq!(confirmed.durability, Durability::Confirmed { replicas: 1 });
    read(&mut tail, &["a"]).await;

    cluster.server_mut(first).kill();
    trouble(&journal).await;
    append(&beside, "the others go on").await;
    assert_eq!(*beside.health().borrow(), Health::Healthy);
    until_healthy(&journal).await;
    let second = cluster.master_of(&key_of(one));
    assert_ne!(second, first);
    assert_eq!(until_appended(&journal, "b").await.first, Offset(1));
    read(&mut tail, &["b"]).await;

    // Back as a replica, and then the master again: all connections stay open, to one that is none.
    cluster.server_mut(first).restart();
    cluster.fail_over_to(first);
    assert_eq!(until_appended(&journal, "c").await.first, Offset(2));
    read(&mut tail, &["c"]).await;
    assert_eq!(all(&beside).await, ["the others go on"]);
}

/// Adds the addresses of these before those of the cluster.
fn asking_first(cluster: &TestCluster, guides: &[Address]) -> Settings {
    let mut settings = cluster.settings();
    if let Topology::Cluster { servers } = &mut settings.topology {
        servers.splice(0..0, guides.iter().cloned());
    }
    settings
}

async fn refused(settings: Settings) -> ConnectError {
    match within(Journal::open_redis(settings, Options::default())).await {
        Err(OpenError::Server(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// One that has these slots, and is alone.
fn alone(first: &str, last: &str, arguments: &[&str]) -> TestServer {
    let server = TestServer::with(&[&["--cluster-enabled", "yes"], arguments].concat());
    server.command(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_lead_nowhere_are_passed_over_and_named_when_there_are_no_others() {
    if !is_here() {
        return;
    }
    let cluster = TestCluster::without_replicas();
    let nobody = Address {
        host: "127.0.0.1".to_owned(),
        port: 1,
    };
    let single = TestServer::start();
    let stranger = TestServer::with(&["--cluster-enabled", "yes"]);
    // It has been cut off from the others: it says that the slot is its own, and that it is down.
    let slot = HashSlot::of(&key_of(0)).to_string();
    let cut_off = alone(&slot, &slot, &[]);
    let elsewhere = alone("0", "16383", &["--cluster-announce-port", "1"]);
    let guides = [
        nobody.clone(),
        single.address(),
        stranger.address(),
        cut_off.address(),
        elsewhere.address(),
    ];
    let journal = open(asking_first(&cluster, &guides)).await;
    append(&journal, "a").await;

    for (guide, why) in [
        (&nobody, "refused"),
        (&guides[1], "tells nothing of a cluster"),
        (&guides[2], "knows of no server that has it"),
        (&guides[3], "CLUSTERDOWN"),
        (&guides[4], "cluster-announce-ip"),
    ] {
        let servers = vec![guide.clone()];
        let error = refused(Settings {
            topology: Topology::Cluster { servers },
            ..cluster.settings()
        });
        let error = error.await;
        assert!(matches!(error, ConnectError::NoShard { .. }), "{error:?}");
        let said = error.to_string();
        assert!(said.contains(why) && said.contains(&slot), "{said}");
    }
    // What a server said that was named tells more than that others are away.
    let error = refused(Settings {
        topology: Topology::Cluster {
            servers: vec![cut_off.address(), nobody],
        },
        ..cluster.settings()
    });
    let said = error.await.to_string();
    assert!(said.contains("CLUSTERDOWN"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_of_a_cluster_is_no_place_for_a_log_without_the_others() {
    if !is_here() {
        return;
    }
    let cluster = TestCluster::without_replicas();
    let at = cluster.another_than(cluster.master_of(&key_of(0)));
    let error = refused(cluster.server(at).settings()).await;
    assert!(matches!(error, ConnectError::Elsewhere { .. }), "{error:?}");
    assert!(error.to_string().contains("MOVED"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_which_one_shard_takes_all_with_it_is_warned_about() {
    if !is_here() {
        return;
    }
    let server = alone("0", "16383", &[]);
    server.until("it answers", || {
        server.try_command(&["EXISTS", &key_of(0)]).is_ok()
    });
    let settings = Settings {
        topology: Topology::Cluster {
            servers: vec![server.address()],
        },
        ..server.settings()
    };
    let Journal::Redis(redis) = open(settings).await else {
        unreachable!()
    };
    let findings = redis.findings();
    assert!(
        findings
            .iter()
            .any(|finding| finding.setting == "cluster-require-full-coverage"),
        "{findings:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_encrypted_port_is_found_over_encrypted_connections() {
    if !is_here() {
        return;
    }
    let certificates = connection::Certificates::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (certificate, key) = certificates.issue("localhost");
    std::fs::write(path("ca.pem"), certificates.ca.pem()).unwrap();
    std::fs::write(path("server.pem"), certificate).unwrap();
    std::fs::write(path("server.key"), key).unwrap();
    let file = |name: &str| path(name).display().to_string();
    // Its certificate is for the name that it announces, and not for its address.
    let server = alone(
        "0",
        "16383",
        &[
            "--cluster-announce-hostname",
            "localhost",
            "--cluster-preferred-endpoint-type",
            "hostname",
            "--tls-cluster",
            "yes",
            "--tls-cert-file",
            &file("server.pem"),
            "--tls-key-file",
            &file("server.key"),
            "--tls-ca-cert-file",
            &file("ca.pem"),
            "--tls-auth-clients",
            "no",
        ],
    );
    server.until("it answers", || {
        server.try_command(&["EXISTS", &key_of(0)]).is_ok()
    });
    let port = server.tls_port();
    let settings = Settings {
        topology: Topology::Cluster {
            servers: vec![Address {
                host: "localhost".to_owned(),
                port,
            }],
        },
        tls: Some(Tls {
            ca_file: path("ca.pem"),
            client: None,
        }),
        ..server.settings()
    };
    let journal = open(settings).await;
    append(&journal, "a").await;
    let there = server.command(&["XLEN", &key_of(0)]);
    assert_eq!(there, redis::Value::Int(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_author_was_answered_is_in_the_log_whatever_becomes_of_the_master() {
    if !is_here() {
        return;
    }
    const BEFORE: usize = 200;
    let mut cluster = TestCluster::start();
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        replicas: 1,
        ..cluster.settings()
    };
    let path = folder.path().join("journal");
    let journal = Journal::open_held(path, settings.clone(), Options::default()).unwrap();
    let Journal::Held(held) = &journal else {
        unreachable!()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn(offer_until(0, journal.clone(), Arc::clone(&stop)));
    let mut progress = held.progress();
    within(progress.wait_for(|progress| progress.shipped.alerts.0 >= BEFORE as u64))
        .await
        .unwrap();
    let first = cluster.master_of(&key_of(0));
    cluster.server_mut(first).kill();
    let second = cluster.master_of(&key_of(0));
    assert_ne!(second, first);
    let again = held.progress().borrow().shipped.alerts;
    within(progress.wait_for(|progress| progress.shipped.alerts > again))
        .await
        .unwrap();
    stop.store(true, Ordering::SeqCst);
    let offered = within(load).await.unwrap();
    // Its replica of once follows it; without one nothing would be confirmed.
    cluster.server_mut(first).restart();
    within(held.all_shipped()).await;

    let answered: Vec<&Bytes> = offered
        .iter()
        .map(|(text, answer)| {
            assert!(
                answer.is_ok(),
                "an own journal takes everything: {answer:?}"
            );
            text
        })
        .collect();
    let log = all(&open(settings).await).await;
    let mut seen = std::collections::BTreeSet::new();
    let first_seen: Vec<&Bytes> = log.iter().filter(|text| seen.insert(*text)).collect();
    println!(
        "a master of a cluster killed: {} answered, {} in the log, {} doubled",
        answered.len(),
        first_seen.len(),
        log.len() - first_seen.len()
    );
    assert_eq!(first_seen, answered, "each once for a reader, in order");
}

type Offers = Vec<(Bytes, Result<Appended, AppendError>)>;

/// Appends one after the other, and says what was answered to each.
async fn offer_until(author: usize, journal: Journal, stop: Arc<AtomicBool>) -> Offers {
    let mut offered = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let text = entry(format!("{author}:{}", offered.len()));
        let answer = journal.append(Alerts, vec![text.clone()]).await;
        offered.push((text, answer));
    }
    offered
}

//! A master that lacks its replicas, and another that has its place or not.

use std::collections::BTreeSet;

use super::*;
use crate::io::redis::settings::Topology;
use crate::io::redis::test_server::patient;

/// How often the server is looked at while nothing is to happen.
const LOOKS: usize = 3;

/// A master with one entry, and two sentinels that each watch it by itself.
struct Site {
    master: TestServer,
    sentinels: [TestSentinels; 2],
}

impl Site {
    fn of(master: TestServer) -> Self {
        let sentinels = [(); 2].map(|()| TestSentinels::start(1, &master));
        Self { master, sentinels }
    }

    fn settings(&self) -> Settings {
        let addresses = self.sentinels.iter().flat_map(TestSentinels::addresses);
        Settings {
            topology: Topology::Sentinel {
                sentinels: addresses.collect(),
                service: TestSentinels::SERVICE.to_owned(),
                credentials: None,
            },
            ..patient(Settings::at(self.master.address()))
        }
    }

    /// The master takes no writes without a replica, and goes on saying that it is master.
    fn fence(&self) {
        let words = ["CONFIG", "SET", "min-replicas-to-write", "1"];
        self.master.command(&words);
    }

    /// The second sentinel knows another master from now on; the first has heard nothing of it.
    fn displace(&self, by: &TestServer) {
        let service = TestSentinels::SERVICE;
        let port = by.address().port.to_string();
        for words in [
            &["SENTINEL", "REMOVE", service][..],
            &["SENTINEL", "MONITOR", service, "127.0.0.1", &port, "1"],
        ] {
            self.sentinels[1].try_command(0, words).unwrap();
        }
    }

    /// Who is connected to the master, but for the one who asks.
    fn connections(&self) -> BTreeSet<String> {
        let answer = self.master.command(&["CLIENT", "LIST", "TYPE", "normal"]);
        let text = format!("{answer:?}");
        let lines = text.split("id=").skip(1);
        let others = lines.filter(|line| !line.contains("cmd=client|list"));
        let ours = others.filter(|line| !line.contains("name=sentinel"));
        let ids = ours.filter_map(|line| line.split(' ').next());
        ids.map(str::to_owned).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_without_replicas_is_left_at_once_for_the_one_that_has_its_place() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let successor = master.replica();
    let mut early = Author::new("early", master.settings());
    early.raise(1).await;
    early.held().all_shipped().await;
    let one = redis::Value::Int(1);
    successor.until("the successor has it", || {
        successor.command(&["XLEN", "{ansim:p0}:alerts"]) == one
    });
    successor.detach();
    successor.promote();
    let site = Site::of(master);
    let mut author = Author::new("a", site.settings());
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    let mut tail = author.journal.tail(Alerts, Offset::ZERO);
    let read = within(tail.next()).await.unwrap();
    assert!(matches!(read, Tailed::Entries { .. }), "{read:?}");

    site.fence();
    site.displace(&successor);
    let since = Instant::now();
    author.raise(3).await;
    let read = within(tail.next()).await.unwrap();
    assert!(
        matches!(
            &read,
            Tailed::Entries {
                first: Offset(1),
                ..
            }
        ),
        "{read:?}"
    );
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    let settings = successor.settings();
    settle("replicas went to another", settings, &[&author], since).await;
    // Nobody has told the old one.
    assert_eq!(site.master.info("role"), "master");
    let refused = site.master.try_command(&["SET", "a", "b"]).unwrap_err();
    assert_eq!(refused.code(), Some("NOREPLICAS"));
    assert_eq!(site.master.command(&["XLEN", "{ansim:p0}:alerts"]), one);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_without_replicas_that_nobody_replaces_is_stayed_with_and_named() {
    if !is_here() {
        return;
    }
    let site = Site::of(TestServer::start());
    let mut author = Author::new("a", site.settings());
    author.raise(1).await;
    author.held().all_shipped().await;
    let mut tail = author.journal.tail(Alerts, Offset::ZERO);
    within(tail.next()).await.unwrap();
    let connections = site.connections();
    assert!(!connections.is_empty());
    site.fence();
    author.raise(1).await;
    let health = author
        .until_health(|health| matches!(health, Health::Troubled { .. }))
        .await;
    assert!(format!("{health:?}").contains("NOREPLICAS"), "{health:?}");
    for _ in 0..LOOKS {
        let looks = || site.master.info("cmdstat_set");
        let before = looks();
        let is_looked_at = || looks() != before;
        site.master.until("the server is looked at", is_looked_at);
    }
    assert_eq!(site.connections(), connections, "they stay");
    let _replica = site.master.replica();
    let since = Instant::now();
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    let settings = site.master.settings();
    settle("replicas were missing", settings, &[&author], since).await;
}

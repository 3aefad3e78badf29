//! The servers under a log.

use std::collections::BTreeMap;
use std::path::Path;

use journal::io::redis::settings::{Address, Settings};
use journal::io::redis::test_server::proxy::{Proxy, Way};
use journal::io::redis::test_server::{TestCluster, TestSentinels, TestServer};
use journal::{Journal, LogName, Options, PARTITIONS_DEFAULT, Redis};
use protocol::{Header, Site, Subject};

use super::site::Who;
use crate::support::site::now;

/// What a log is on.
pub(super) trait Log {
    /// Where a process finds it, as keys of its configuration. What has to be in a file goes into the folder.
    async fn found_by(&mut self, who: Who, folder: &Path) -> String;

    /// How many replicas have to have what counts as safe.
    fn replicas(&self) -> usize;
}

/// A master, and what belongs to it.
pub(super) struct Servers {
    pub(super) master: TestServer,
    replicas: Vec<TestServer>,
    sentinels: Option<TestSentinels>,
    /// Where everybody finds a master that can be cut off.
    front: Option<Proxy>,
    /// The ways of processes: to the master, or to a sentinel for one that can be cut off with the master.
    ways: BTreeMap<Who, Proxy>,
}

/// Who can be cut off with the master, and as whom it says that it comes.
const APART: (Who, &str) = (Who::Relay(0), "apart");

/// Entries that are appended in one transaction.
const APPENDED_AT_ONCE: usize = 1_000;

/// The password of that one.
const PASSWORD: &str = "of-the-one-apart";

impl Servers {
    pub(super) async fn alone() -> Self {
        Self::alone_with(&[]).await
    }

    /// With further arguments for the server.
    pub(super) async fn alone_with(arguments: &[&str]) -> Self {
        Self {
            master: TestServer::with(arguments),
            replicas: Vec::new(),
            sentinels: None,
            front: None,
            ways: BTreeMap::new(),
        }
    }

    pub(super) async fn with_replica() -> Self {
        let mut servers = Self::alone().await;
        servers.replicas.push(servers.master.replica());
        servers
    }

    /// With a replica, and a Sentinel that promotes it when the master is gone.
    pub(super) async fn watched() -> Self {
        let mut servers = Self::with_replica().await;
        let sentinels = TestSentinels::start(1, &servers.master);
        sentinels.until_they_know(1);
        servers.sentinels = Some(sentinels);
        servers
    }

    /// As `deploy/` has them: two replicas, three Sentinels, and a master that takes nothing when it has heard no replica for ten
    /// seconds. It can be cut off from all but one relay.
    pub(super) async fn fenced() -> Self {
        let fence = [
            "--min-replicas-to-write",
            "1",
            "--min-replicas-max-lag",
            "10",
        ];
        let mut servers = Self::alone_with(&fence).await;
        servers.replicas = vec![TestServer::with(&fence), TestServer::with(&fence)];
        let front = Proxy::to(servers.master.socket_address()).await;
        for replica in &servers.replicas {
            replica.follow_at(&front.address());
        }
        let sentinels = TestSentinels::watch(3, &front.address());
        let password = format!(">{PASSWORD}");
        let user = [
            "ACL", "SETUSER", APART.1, "on", &password, "~*", "&*", "+@all",
        ];
        for server in servers.replicas.iter().chain([&servers.master]) {
            server.command(&user);
        }
        sentinels.try_command(0, &user).expect("a user of it");
        sentinels.until_they_know(2);
        servers.sentinels = Some(sentinels);
        servers.front = Some(front);
        servers
    }

    pub(super) fn replica(&self) -> &TestServer {
        self.replicas.first().expect("a replica")
    }

    pub(super) fn replica_mut(&mut self) -> &mut TestServer {
        self.replicas.first_mut().expect("a replica")
    }

    /// Entries of the alert log that the master alone has.
    pub(super) fn with_the_master_alone(&self) -> usize {
        let elsewhere = self.replicas.iter().map(TestServer::alerts).max();
        let elsewhere = elsewhere.unwrap_or_default();
        self.master.alerts().saturating_sub(elsewhere)
    }

    /// Whether the master takes nothing, as it hears no replica.
    pub(super) fn is_fenced(&self) -> bool {
        let answer = self.master.try_command(&["SET", "a", "b"]);
        answer.is_err_and(|error| error.code() == Some("NOREPLICAS"))
    }

    /// Whether a replica has the place of the master, and takes writes.
    pub(super) fn has_successor(&self) -> bool {
        let mut replicas = self.replicas.iter();
        replicas.any(|replica| replica.try_command(&["SET", "a", "b"]).is_ok())
    }

    /// Appends what belongs to no phone, as dispatchers do.
    pub(super) async fn append(&self, said: impl IntoIterator<Item = Site>) {
        let entry = |site| {
            let header = Header {
                time: now(),
                day: now().day(),
                subject: Subject::Site(site),
            };
            protocol::join(&header.encode(), &[])
        };
        let entries: Vec<_> = said.into_iter().map(entry).collect();
        let settings = Settings {
            partitions: PARTITIONS_DEFAULT,
            ..self.master.settings()
        };
        let redis = Redis::open(settings, &Options::default()).await.unwrap();
        let journal = Journal::Redis(redis);
        for entries in entries.chunks(APPENDED_AT_ONCE) {
            let appended = journal.append(LogName::Alerts, entries.to_vec()).await;
            appended.unwrap();
        }
        journal.close().await;
    }

    /// The way of a process.
    pub(super) fn way(&self, who: Who) -> &Proxy {
        &self.ways[&who]
    }

    /// Everybody finds the log at another server.
    pub(super) fn turn_to(&self, server: &TestServer) {
        for way in self.ways.values() {
            way.point_at(server.socket_address());
        }
    }

    /// The network falls into two parts: in one the master and a relay, in the other everybody else. All that is said from one to the
    /// other is lost.
    pub(super) fn split(&self) {
        let front = self.front.as_ref().expect("a master that can be cut off");
        front.set_way(Way::LostBut(APART.1));
        self.way(APART.0).set_way(Way::Lost);
    }

    /// The network is one again.
    pub(super) fn heal(&self) {
        for way in self.ways.values().chain(&self.front) {
            way.set_way(Way::Open);
        }
    }

    fn watched_by(sentinels: &[Address]) -> String {
        let servers: Vec<_> = sentinels.iter().map(quoted).collect();
        let service = TestSentinels::SERVICE;
        let servers = servers.join(", ");
        format!("servers = [{servers}]\nsentinel_service = \"{service}\"\n")
    }
}

fn quoted(address: &Address) -> String {
    format!("\"{address}\"")
}

impl Log for Servers {
    async fn found_by(&mut self, who: Who, folder: &Path) -> String {
        let sentinels = self.sentinels.as_ref().map(TestSentinels::addresses);
        match (sentinels, &self.front) {
            (Some(sentinels), Some(_)) if who == APART.0 => {
                let port = sentinels[0].port;
                let way = Proxy::to(([127, 0, 0, 1], port).into()).await;
                let found = Self::watched_by(&[way.address()]);
                self.ways.insert(who, way);
                let file = folder.join("password-of-the-one-apart");
                std::fs::write(&file, PASSWORD).unwrap();
                let (user, file) = (APART.1, file.display());
                format!("{found}user = \"{user}\"\npassword_file = \"{file}\"\n")
            }
            (Some(sentinels), _) => Self::watched_by(&sentinels),
            (None, _) => {
                let way = Proxy::to(self.master.socket_address()).await;
                let server = quoted(&way.address());
                self.ways.insert(who, way);
                format!("servers = [{server}]\n")
            }
        }
    }

    fn replicas(&self) -> usize {
        usize::from(!self.replicas.is_empty())
    }
}

/// Three masters with a replica each.
impl Log for TestCluster {
    async fn found_by(&mut self, _: Who, _: &Path) -> String {
        let servers: Vec<_> = self.addresses().iter().map(quoted).collect();
        let servers = servers.join(", ");
        format!("servers = [{servers}]\ncluster = true\n")
    }

    fn replicas(&self) -> usize {
        1
    }
}

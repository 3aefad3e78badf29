//! The servers under a log.

use journal::io::redis::test_server::{TestSentinels, TestServer};

/// A master, and what belongs to it.
pub(super) struct Servers {
    pub(super) master: TestServer,
    replica: Option<TestServer>,
    sentinels: Option<TestSentinels>,
}

impl Servers {
    pub(super) fn alone() -> Self {
        Self::alone_with(&[])
    }

    /// With further arguments for the server.
    pub(super) fn alone_with(arguments: &[&str]) -> Self {
        Self {
            master: TestServer::with(arguments),
            replica: None,
            sentinels: None,
        }
    }

    pub(super) fn with_replica() -> Self {
        let master = TestServer::start();
        let replica = master.replica();
        Self {
            master,
            replica: Some(replica),
            sentinels: None,
        }
    }

    /// With a replica, and a Sentinel that promotes it when the master is gone.
    pub(super) fn watched() -> Self {
        let mut servers = Self::with_replica();
        let sentinels = TestSentinels::start(1, &servers.master);
        servers.master.until("the sentinel knows the replica", || {
            let known = sentinels.try_command(0, &["SENTINEL", "REPLICAS", TestSentinels::SERVICE]);
            known.is_ok_and(|known| known.as_sequence().is_some_and(|known| !known.is_empty()))
        });
        servers.sentinels = Some(sentinels);
        servers
    }

    pub(super) fn replica(&self) -> &TestServer {
        self.replica.as_ref().expect("a replica")
    }

    pub(super) fn replica_mut(&mut self) -> &mut TestServer {
        self.replica.as_mut().expect("a replica")
    }

    pub(super) fn sentinels(&self) -> Option<&TestSentinels> {
        self.sentinels.as_ref()
    }

    /// How many replicas have to have what counts as safe.
    pub(super) fn replicas(&self) -> usize {
        usize::from(self.replica.is_some())
    }
}

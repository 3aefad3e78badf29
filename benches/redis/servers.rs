//! Redis servers, each a process of its own.

use std::fmt;

use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::TestServer;

/// How a log on Redis is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    /// `appendfsync`: when the server syncs what it has written.
    pub(crate) fsync: &'static str,
    /// A replica, for which each append waits (`WAIT 1`).
    pub(crate) replica: bool,
}

/// Synced before each answer.
pub(crate) const ALWAYS: Setup = Setup {
    fsync: "always",
    replica: false,
};

/// Synced once a second by a thread of its own.
pub(crate) const EVERYSEC: Setup = Setup {
    fsync: "everysec",
    ..ALWAYS
};

impl Setup {
    pub(crate) const fn with_replica(self) -> Self {
        Self {
            replica: true,
            ..self
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = if self.replica { ", WAIT 1" } else { "" };
        write!(f, "Redis, fsync {}{waits}", self.fsync)
    }
}

/// A master, alone or with a replica; gone when dropped.
pub(crate) struct Servers {
    master: TestServer,
    replica: Option<TestServer>,
    /// The numbers of their processes.
    pub(crate) master_process: u32,
    pub(crate) replica_process: Option<u32>,
}

impl Servers {
    pub(crate) fn start(setup: Setup) -> Self {
        // A server rewrites its file when it has doubled, at moments that no turn could have alike.
        let arguments = [
            "--appendfsync",
            setup.fsync,
            "--auto-aof-rewrite-percentage",
            "0",
        ];
        let master = TestServer::with(&arguments);
        let replica = setup.replica.then(|| {
            let replica = TestServer::with(&arguments);
            replica.follow(&master);
            replica
        });
        Self {
            master_process: process(&master),
            replica_process: replica.as_ref().map(process),
            master,
            replica,
        }
    }

    /// Of partition 0.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            replicas: u8::from(self.replica.is_some()),
            ..self.master.settings()
        }
    }

    /// `host:port` of the master.
    pub(crate) fn address(&self) -> String {
        self.master.address().to_string()
    }

    pub(crate) fn processes(&self) -> impl Iterator<Item = u32> {
        [self.master_process]
            .into_iter()
            .chain(self.replica_process)
    }

    /// Entries that have been appended since the server began.
    pub(crate) fn appended(&self) -> f64 {
        let told = self.master.info("cmdstat_xadd");
        let calls = told.split(',').find_map(|part| part.strip_prefix("calls="));
        calls.map_or(0.0, |calls| calls.parse().unwrap())
    }

    /// What the data of the master takes of its memory.
    pub(crate) fn memory_bytes(&self) -> f64 {
        self.master.info("used_memory").parse().unwrap()
    }
}

fn process(server: &TestServer) -> u32 {
    server.info("process_id").parse().unwrap()
}

//! Sentinels beside the servers.

use redis::{Client, Value};

use super::process::{Folder, Process, free_port};
use super::{PATIENCE, PORTS_MAX, TestServer, until};
use crate::io::redis::settings::Address;

/// Sentinels that watch one master.
#[derive(Debug)]
pub struct TestSentinels {
    sentinels: Vec<(Process, Folder, Address)>,
}

impl TestSentinels {
    /// The name of the master that they watch.
    pub const SERVICE: &'static str = "ansim";

    /// So many sentinels, which find the master down after two seconds.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn start(count: usize, master: &TestServer) -> Self {
        Self::watch(count, &master.address())
    }

    /// Like [`Self::start`], for a master that they find at this address.
    ///
    /// # Panics
    /// When they do not start.
    #[must_use]
    pub fn watch(count: usize, master: &Address) -> Self {
        let quorum = count / 2 + 1;
        let sentinels = (0..count).map(|_| Self::one(quorum, master)).collect();
        Self { sentinels }
    }

    /// Returns when each knows so many replicas of the master, and all others: before that none would replace it.
    ///
    /// # Panics
    /// When that never comes about.
    pub fn until_they_know(&self, replicas: usize) {
        let count = |at, of| {
            let known = self.try_command(at, &["SENTINEL", of, Self::SERVICE]);
            known
                .ok()
                .and_then(|known| known.as_sequence().map(<[_]>::len))
        };
        let others = self.sentinels.len() - 1;
        let knows_all =
            |at| count(at, "REPLICAS") == Some(replicas) && count(at, "SENTINELS") == Some(others);
        until("the sentinels know everybody", || {
            (0..=others).all(knows_all)
        });
    }

    fn one(quorum: usize, master: &Address) -> (Process, Folder, Address) {
        let service = Self::SERVICE;
        for _ in 0..PORTS_MAX {
            let folder = Folder::new();
            let file = folder.0.join("sentinel.conf");
            let port = free_port();
            let configuration = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor {service} {} {} {quorum}\n\
                 sentinel down-after-milliseconds {service} 2000\n\
                 sentinel failover-timeout {service} 3000\n",
                folder.0.display(),
                master.host,
                master.port,
            );
            std::fs::write(&file, configuration).expect("the sentinel's file");
            let arguments = [file.display().to_string(), "--sentinel".to_owned()];
            if let Some(process) = Process::start(&arguments, "+monitor master") {
                let address = Address {
                    host: "127.0.0.1".to_owned(),
                    port,
                };
                return (process, folder, address);
            }
        }
        panic!("no port for a sentinel")
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let addresses = self.sentinels.iter().map(|(_, _, address)| address);
        addresses.cloned().collect()
    }

    /// Asks the sentinel at this place something; blocks.
    ///
    /// # Errors
    /// What it answers, or that it does not.
    pub fn try_command(&self, at: usize, words: &[&str]) -> redis::RedisResult<Value> {
        let url = format!("redis://{}", self.sentinels[at].2);
        let mut connection = Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection)
    }
}

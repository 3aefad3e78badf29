//! Sentinels beside the servers.

use redis::{Client, Value};

use super::process::{Folder, Process, free_port};
use super::{PATIENCE, PORTS_MAX, TestServer};
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
        let quorum = count / 2 + 1;
        let sentinels = (0..count).map(|_| Self::one(quorum, master)).collect();
        Self { sentinels }
    }

    fn one(quorum: usize, master: &TestServer) -> (Process, Folder, Address) {
        let service = Self::SERVICE;
        for _ in 0..PORTS_MAX {
            let folder = Folder::new();
            let file = folder.0.join("sentinel.conf");
            let port = free_port();
            let configuration = format!(
                "port {port}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor {service} 127.0.0.1 {} {quorum}\n\
                 sentinel down-after-milliseconds {service} 2000\n\
                 sentinel failover-timeout {service} 3000\n",
                folder.0.display(),
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

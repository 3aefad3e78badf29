//! A Redis of this machine for a demo: a master, a replica, and Sentinels that put the replica in its
//! place.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::process::{Process, Says};
use crate::command::WrongUsage;

/// The program, as `PATH` has it.
const PROGRAM: &str = "redis-server";

/// The name under which Sentinels watch the master.
pub(super) const SERVICE: &str = "ansim";

/// The fewest of which two can outvote one that is wrong.
const SENTINELS: usize = 3;

/// Sentinels that have to agree that the master is gone.
const QUORUM: usize = 2;

/// Without an answer for so long a master counts as gone. A site has five seconds and more; a demo has
/// not the time.
const DOWN_AFTER_MS: u64 = 2_000;

/// How long a Sentinel may take for a promotion before another one tries.
const FAILOVER_TIMEOUT_MS: u64 = 3_000;

/// Ports that are tried: another program may take one between the moment the system names it and the
/// server takes it.
const PORTS_MAX: usize = 20;

/// How long a server may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How often a server is asked whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One server.
struct Server {
    process: Process,
    at: SocketAddr,
    folder: PathBuf,
}

/// All of them.
pub(super) struct Servers {
    master: Server,
    replica: Server,
    sentinels: Vec<Server>,
}

impl Servers {
    /// Starts them, with their files below a folder.
    pub(super) async fn start(folder: &Path) -> anyhow::Result<Self> {
        if !is_here() {
            let missing = format!(
                "`{PROGRAM}` is not on the path; Debian has it in the package redis-server"
            );
            return Err(WrongUsage(missing).into());
        }
        let master = Server::start("the master", &folder.join("redis-1"), &[])?;
        let of_master = ["--replicaof", "127.0.0.1", &master.at.port().to_string()];
        let replica = Server::start("the replica", &folder.join("redis-2"), &of_master)?;
        let sentinels = (1..=SENTINELS)
            .map(|number| Server::sentinel(&folder.join(format!("sentinel-{number}")), &master));
        let servers = Self {
            sentinels: sentinels.collect::<anyhow::Result<_>>()?,
            master,
            replica,
        };
        servers.until_watched().await?;
        Ok(servers)
    }

    /// Where to ask where the master is.
    pub(super) fn sentinels(&self) -> impl Iterator<Item = SocketAddr> {
        self.sentinels.iter().map(|sentinel| sentinel.at)
    }

    /// Where the servers are.
    pub(super) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        (self.master.at, self.replica.at)
    }

    /// Returns when all Sentinels know the replica, and the replica has what the master has.
    async fn until_watched(&self) -> anyhow::Result<()> {
        let known = format!("SENTINEL REPLICAS {SERVICE}");
        for sentinel in self.sentinels() {
            while ask(sentinel, &known, 1)? != ["*1"] {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        // `ROLE` of a replica: its role, the master's address, the state of its link.
        while !ask(self.replica.at, "ROLE", 8)?.contains(&"connected".to_owned()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// SIGKILL for the master.
    pub(super) fn kill_master(&mut self) -> anyhow::Result<()> {
        self.master.process.kill()
    }

    /// Returns when the replica has been made the master.
    pub(super) async fn until_promoted(&self) -> anyhow::Result<()> {
        while !ask(self.replica.at, "ROLE", 3)?.contains(&"master".to_owned()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Starts the old master again; Sentinels make it a replica. Not before all of them know who has its place: one that
    /// does not would still send writers to it.
    pub(super) async fn start_old_master(&mut self) -> anyhow::Result<()> {
        let known = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {SERVICE}");
        let port = self.replica.at.port().to_string();
        for sentinel in self.sentinels() {
            // The address, then the port, each behind its length.
            while ask(sentinel, &known, 5)?.last() != Some(&port) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        self.master.process = run("the old master", &self.master.folder, self.master.at, &[])?;
        Ok(())
    }
}

impl Server {
    fn start(name: &str, folder: &Path, further: &[&str]) -> anyhow::Result<Self> {
        make(folder)?;
        Self::at_a_free_port(name, folder, |at| run(name, folder, at, further))
    }

    fn sentinel(folder: &Path, master: &Self) -> anyhow::Result<Self> {
        make(folder)?;
        let name = "a Sentinel";
        Self::at_a_free_port(name, folder, |at| {
            let file = folder.join("sentinel.conf");
            let configuration = format!(
                "port {}\nbind 127.0.0.1\ndir {}\n\
                 sentinel monitor {SERVICE} 127.0.0.1 {} {QUORUM}\n\
                 sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n\
                 sentinel failover-timeout {SERVICE} {FAILOVER_TIMEOUT_MS}\n",
                at.port(),
                folder.display(),
                master.at.port(),
            );
            std::fs::write(&file, configuration)
                .with_context(|| format!("cannot write {}", file.display()))?;
            let mut command = Command::new(PROGRAM);
            command.arg(&file).arg("--sentinel");
            ready(name, &mut command, "+monitor master")
        })
    }

    fn at_a_free_port(
        name: &str,
        folder: &Path,
        start: impl Fn(SocketAddr) -> anyhow::Result<Process>,
    ) -> anyhow::Result<Self> {
        let mut why = None;
        for _ in 0..PORTS_MAX {
            let at = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            match start(at) {
                Ok(process) => {
                    return Ok(Self {
                        process,
                        at,
                        folder: folder.to_owned(),
                    });
                }
                Err(error) => why = Some(error),
            }
        }
        let why = why.with_context(|| format!("{name}: no port was tried"))?;
        Err(why.context(format!("{name} takes no port")))
    }
}

/// A server set up as the log wants it.
fn run(name: &str, folder: &Path, at: SocketAddr, further: &[&str]) -> anyhow::Result<Process> {
    let mut command = Command::new(PROGRAM);
    command
        .args(["--bind", "127.0.0.1", "--port", &at.port().to_string()])
        .arg("--dir")
        .arg(folder)
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .args(["--save", "", "--maxmemory-policy", "noeviction"])
        // A replica is there at once and not after five seconds.
        .args(["--repl-diskless-sync-delay", "0"])
        .args(further);
    ready(name, &mut command, "Ready to accept connections")
}

fn ready(name: &str, command: &mut Command, words: &str) -> anyhow::Result<Process> {
    let find = |line: &str| line.contains(words).then_some(());
    let (process, ()) = Process::start(name, command, Says::OnOutput, find)?;
    Ok(process)
}

fn make(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))
}

fn is_here() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file())
}

/// The first lines of the answer to an inline command (the protocol of Redis, "Inline commands").
fn ask(server: SocketAddr, command: &str, lines: usize) -> anyhow::Result<Vec<String>> {
    let mut connection = TcpStream::connect_timeout(&server, ANSWER_WITHIN)
        .with_context(|| format!("no Redis at {server}"))?;
    connection.set_read_timeout(Some(ANSWER_WITHIN))?;
    connection.write_all(format!("{command}\r\n").as_bytes())?;
    let answer: Result<Vec<_>, _> = BufReader::new(connection).lines().take(lines).collect();
    let answer = answer.with_context(|| format!("Redis at {server} does not answer {command}"))?;
    match answer.first() {
        Some(first) if !first.starts_with('-') => Ok(answer),
        first => bail!("Redis at {server} answers {first:?} to {command}"),
    }
}

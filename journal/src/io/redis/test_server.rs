//! Redis servers for tests: real ones, each on a port of its own and in a folder of its own, that
//! are gone when the test is.

mod cluster;
mod process;
pub mod proxy;
mod sentinels;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use redis::{Client, Connection, Value};

pub use self::cluster::TestCluster;
use self::process::{Folder, Process, free_port};
pub use self::sentinels::TestSentinels;
use super::settings::{Address, Settings};

/// The program, as `PATH` has it.
const PROGRAM: &str = "redis-server";

/// Ports that are tried: between the moment the system names one and the server takes it, another
/// test may have taken it.
const PORTS_MAX: usize = 20;

/// How long a command may take: for ever, as far as a test is concerned, and it does not hang.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often a test looks whether something has come about before it gives up. Looks and not
/// seconds are counted, as a machine that does other things may stop the test and the server.
const LOOKS_MAX: usize = 6_000;

/// How often a server is asked whether something has come about.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether there is a server to test with; when there is none, prints `SKIPPED <test>: redis`.
///
/// # Panics
/// When there is none and `ANSIM_REQUIRE` (names with commas between) has `redis`.
#[must_use]
pub fn is_here() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file()) {
        return true;
    }
    let required = std::env::var("ANSIM_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|name| name.trim() == "redis"),
        "`redis` is not here and ANSIM_REQUIRE names it; CONTRIBUTING.md says how to get it"
    );
    let line = format!(
        "SKIPPED {}: redis",
        std::thread::current().name().unwrap_or("a test")
    );
    println!("{line}");
    if let Some(path) = std::env::var_os("ANSIM_SKIPPED_FILE") {
        note(Path::new(&path), &line);
    }
    false
}

fn note(path: &Path, line: &str) {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).append(true).open(path);
    // One write: tests of several processes append to the same file.
    file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .expect("the file of skipped tests");
}

/// One server. Set up as the log wants it: AOF, synced before each answer, no eviction.
#[derive(Debug)]
pub struct TestServer {
    process: Process,
    port: u16,
    /// With its ports.
    arguments: Vec<String>,
    password: Option<String>,
    folder: Folder,
}

impl TestServer {
    /// A master.
    #[must_use]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server with further arguments, `--name` and value each.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with(arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let path = folder.0.display().to_string();
        let mut own: Vec<String> = [
            "--bind",
            "127.0.0.1",
            "--dir",
            &path,
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
            // A replica is there at once and not after five seconds.
            "--repl-diskless-sync-delay",
            "0",
            "--repl-ping-replica-period",
            "1",
            "--enable-debug-command",
            "yes",
        ]
        .map(str::to_owned)
        .to_vec();
        own.extend(arguments.iter().map(|&argument| argument.to_owned()));
        for _ in 0..PORTS_MAX {
            let port = free_port();
            let arguments = with_port(&own, port);
            if let Some(process) = Process::start(&arguments, READY) {
                return Self {
                    process,
                    port,
                    arguments,
                    password: None,
                    folder,
                };
            }
        }
        panic!("no port for redis-server, or it does not take {own:?}")
    }

    /// A server that lets in whoever knows the password.
    #[must_use]
    pub fn with_password(password: &str) -> Self {
        let mut server = Self::with(&["--requirepass", password, "--masterauth", password]);
        server.password = Some(password.to_owned());
        server
    }

    /// A replica of this server, which has everything that it has.
    #[must_use]
    pub fn replica(&self) -> Self {
        let replica = Self::with(&[]);
        replica.follow(self);
        replica
    }

    /// Makes this server a replica of another, and waits until it has everything.
    ///
    /// # Panics
    /// When it never comes to that.
    pub fn follow(&self, master: &Self) {
        self.follow_at(&master.address());
    }

    /// Like [`Self::follow`], for a master that it finds at this address.
    ///
    /// # Panics
    /// When it never comes to that.
    pub fn follow_at(&self, master: &Address) {
        self.command(&["REPLICAOF", &master.host, &master.port.to_string()]);
        self.await_info("master_link_status", "up");
    }

    /// Cuts a replica off from its master; it stays a replica, and gets nothing more.
    pub fn detach(&self) {
        // Nobody listens on port 1.
        self.command(&["REPLICAOF", "127.0.0.1", "1"]);
    }

    /// Makes a replica a master of its own.
    pub fn promote(&self) {
        self.command(&["REPLICAOF", "NO", "ONE"]);
    }

    /// Where it takes encrypted connections beside others, as a server of a cluster with a certificate does.
    ///
    /// # Panics
    /// When it takes none.
    #[must_use]
    pub fn tls_port(&self) -> u16 {
        let answer = self.command(&["CONFIG", "GET", "tls-port"]);
        let pairs = super::reply::pairs(&answer).expect("a setting");
        pairs[0].1.parse().expect("a port")
    }

    /// Kills the server as a machine dies.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts a killed server again, with the same port and what is in its files.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        // Nothing but a test has taken the port, and those take others.
        self.process = Process::start(&self.arguments, READY).expect("the server starts again");
    }

    /// Stops the process where it is, as a machine that hangs; connections stay open.
    pub fn stop(&self) {
        self.process.signal("-STOP");
    }

    /// Lets a stopped process go on.
    pub fn go_on(&self) {
        self.process.signal("-CONT");
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
        }
    }

    /// Where it listens, for a socket.
    #[must_use]
    pub fn socket_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its folder, also for files of the test.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// Settings for a log on it, with patience.
    #[must_use]
    pub fn settings(&self) -> Settings {
        patient(Settings::at(self.address()))
    }

    /// Asks it something; blocks.
    ///
    /// # Panics
    /// When it does not answer, or with an error.
    #[expect(
        clippy::must_use_candidate,
        reason = "most commands are sent for what they do"
    )]
    pub fn command(&self, words: &[&str]) -> Value {
        let answer = self.try_command(words);
        answer.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Asks it something; blocks.
    ///
    /// # Errors
    /// What it answers, or that it does not.
    pub fn try_command(&self, words: &[&str]) -> redis::RedisResult<Value> {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut self.connection()?)
    }

    fn connection(&self) -> redis::RedisResult<Connection> {
        let login = match &self.password {
            Some(password) => format!(":{password}@"),
            None => String::new(),
        };
        let url = format!("redis://{login}127.0.0.1:{}", self.port);
        let connection = Client::open(url)?.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Entries that it has in the logs of alerts of all partitions.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn alerts(&self) -> usize {
        let mut connection = self.connection().expect("a connection");
        let streams = redis::cmd("KEYS").arg("*:alerts").query(&mut connection);
        let streams: Vec<String> = streams.expect("names of streams");
        let length = |stream| redis::cmd("XLEN").arg(stream).query(&mut connection);
        let lengths: redis::RedisResult<Vec<usize>> = streams.into_iter().map(length).collect();
        lengths.expect("lengths of streams").into_iter().sum()
    }

    /// The value of a field of its `INFO`.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn info(&self, field: &str) -> String {
        let answer = self.try_info(field);
        answer.unwrap_or_else(|error| panic!("INFO: {error}"))
    }

    fn try_info(&self, field: &str) -> redis::RedisResult<String> {
        let answer = self.try_command(&["INFO", "everything"])?;
        let text = super::reply::text(&answer).unwrap_or_default();
        Ok(crate::server_check::Info::parse(text).get(field).to_owned())
    }

    /// Returns when a field of its `INFO` has this value.
    ///
    /// # Panics
    /// When it never has.
    pub fn await_info(&self, field: &str, value: &str) {
        // A server that becomes a master or a replica ends connections.
        let is_so = || self.try_info(field).is_ok_and(|now| now == value);
        self.until(&format!("{field} is {value}"), is_so);
    }

    /// Returns when something has come about on the server.
    ///
    /// # Panics
    /// When it never does.
    pub fn until(&self, what: &str, is_so: impl FnMut() -> bool) {
        until(what, is_so);
    }
}

/// Returns when something has come about; a server has no other way to tell.
fn until(what: &str, is_so: impl FnMut() -> bool) {
    assert!(comes_about(LOOKS_MAX, is_so), "{what} never came about");
}

/// Whether something has come about before it was looked at so many times.
fn comes_about(looks_max: usize, mut is_so: impl FnMut() -> bool) -> bool {
    (0..looks_max).any(|_| {
        let so = is_so();
        if !so {
            std::thread::sleep(LOOK_EVERY);
        }
        so
    })
}

/// Settings that give up on no server that is slow, which any is now and then under a test.
#[must_use]
pub fn patient(settings: Settings) -> Settings {
    Settings {
        connect_timeout: PATIENCE,
        response_timeout: PATIENCE,
        ..settings
    }
}

/// What a server says when it takes connections.
const READY: &str = "Ready to accept connections";

fn with_port(arguments: &[String], port: u16) -> Vec<String> {
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let (is_of_cluster, has_certificate) = (has("--cluster-enabled"), has("--tls-cert-file"));
    let further = || free_port().to_string();
    let port = port.to_string();
    let ports = match (is_of_cluster, has_certificate) {
        (false, false) => vec![("--port", port)],
        // A server that speaks TLS alone says so itself.
        (false, true) => vec![("--port", "0".to_owned()), ("--tls-port", port)],
        // Where nothing is said that of the cluster is 10,000 higher, which may be no port at all.
        (true, false) => vec![("--port", port), ("--cluster-port", further())],
        (true, true) => vec![
            ("--port", port),
            ("--cluster-port", further()),
            ("--tls-port", further()),
        ],
    };
    let ports = ports.into_iter();
    let ports = ports.flat_map(|(name, port)| [name.to_owned(), port]);
    arguments.iter().cloned().chain(ports).collect()
}

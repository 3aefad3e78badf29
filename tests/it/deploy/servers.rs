//! Redis servers and Sentinels as `deploy/redis/start.sh` starts them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ansim::config::{Config, Log};
use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::patient;

use crate::support::{in_checkout, read_in_checkout};

/// Ports that are tried: another test may take one in the moment before the server does.
const PORTS_MAX: usize = 20;

/// How often a server is asked whether something has come about: it has no other way to tell.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks before a test gives up: minutes, on a machine that stands still meanwhile too.
const LOOKS_MAX: usize = 2_400;

/// `/etc/redis` of a site, with fresh passwords.
pub(super) struct Etc(pub(super) tempfile::TempDir);

impl Etc {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = script("make-secrets.sh").arg(folder.path()).status();
        assert!(made.unwrap().success());
        for file in ["redis.conf", "sentinel.conf", "cluster.conf"] {
            let text = read_in_checkout(&format!("deploy/redis/{file}"));
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        Self(folder)
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(super) fn password(&self, file: &str) -> String {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        text.trim().to_owned()
    }

    /// Replaces a word of a file, which must be there.
    pub(super) fn replace(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(self.path(file), text.replace(from, to)).unwrap();
    }
}

pub(super) fn script(name: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg(in_checkout("deploy/redis").join(name));
    command
}

/// A server or a Sentinel, killed when dropped.
pub(super) struct Server {
    role: &'static str,
    child: Child,
    pub(super) port: u16,
    data: tempfile::TempDir,
    etc: PathBuf,
    operator: String,
}

impl Server {
    /// A replica when there is a master.
    pub(super) fn start(etc: &Etc, role: &'static str, master: Option<u16>) -> Self {
        for _ in 0..PORTS_MAX {
            let data = tempfile::tempdir().unwrap();
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let started = run(role, etc.0.path(), data.path(), port, master);
            if let Some(child) = started {
                return Self {
                    role,
                    child,
                    port,
                    data,
                    etc: etc.0.path().to_owned(),
                    operator: etc.password("operator-password"),
                };
            }
        }
        panic!("no port for a {role}, or it does not take its configuration")
    }

    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again as the unit would: with the words of its first start.
    pub(super) fn restart(&mut self, master: Option<u16>) {
        let again = run(self.role, &self.etc, self.data.path(), self.port, master);
        self.child = again.expect("it starts again");
    }

    /// What it answers to the operator.
    pub(super) fn ask(&self, words: &[&str]) -> String {
        self.ask_as("operator", &self.operator, words)
    }

    pub(super) fn ask_as(&self, user: &str, password: &str, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string(), "--user", user])
            .env("REDISCLI_AUTH", password)
            .args(words)
            .output()
            .unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        answer + &String::from_utf8_lossy(&output.stderr)
    }

    /// Waits until the answer has a text.
    pub(super) fn until(&self, words: &[&str], text: &str) {
        let mut answer = String::new();
        for _ in 0..LOOKS_MAX {
            answer = self.ask(words);
            if answer.contains(text) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        panic!("{words:?} never answered {text:?} but {answer}")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs `start.sh` until the server says that it is there; `None` when it ends before.
pub(super) fn run(
    role: &str,
    etc: &Path,
    data: &Path,
    port: u16,
    master: Option<u16>,
) -> Option<Child> {
    let mut command = script("start.sh");
    command.args([role, "127.0.0.1"]);
    if let Some(master) = master {
        command.args(["127.0.0.1", &master.to_string()]);
    }
    let mut child = command
        .env("REDIS_ETC", etc)
        .env("REDIS_DATA", data)
        .env("REDIS_PORT", port.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ready = match role {
        "sentinel" => "+monitor master",
        _ => "Ready to accept connections",
    };
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while said.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        if line.contains(ready) {
            // Somebody must read on, or a full pipe would hold the server up.
            std::thread::spawn(move || std::io::copy(&mut said.by_ref(), &mut std::io::sink()));
            return Some(child);
        }
        line.clear();
    }
    let _ = child.wait();
    None
}

/// A master, two replicas and three Sentinels.
pub(super) struct Servers {
    pub(super) etc: Etc,
    pub(super) servers: Vec<Server>,
    pub(super) sentinels: Vec<Server>,
}

impl Servers {
    pub(super) fn start() -> Self {
        let etc = Etc::new();
        let mut servers = vec![Server::start(&etc, "server", None)];
        let master = servers[0].port;
        for _ in 0..2 {
            servers.push(Server::start(&etc, "server", Some(master)));
        }
        let replication = ["INFO", "replication"];
        servers[0].until(&replication, "min_slaves_good_slaves:2");
        etc.replace(
            "sentinel.conf",
            "redis-1 6379",
            &format!("127.0.0.1 {master}"),
        );
        let sentinels: Vec<_> = (0..3)
            .map(|_| Server::start(&etc, "sentinel", None))
            .collect();
        for sentinel in &sentinels {
            let about = ["SENTINEL", "MASTER", "ansim"];
            sentinel.until(&about, "num-slaves\n2");
            sentinel.until(&about, "num-other-sentinels\n2");
        }
        Self {
            etc,
            servers,
            sentinels,
        }
    }

    /// The settings of `deploy/config/relay.toml`, for these Sentinels.
    pub(super) fn settings(&self) -> Settings {
        let mut log = log_of(&self.etc);
        let addresses = self.sentinels.iter();
        log.servers = addresses
            .map(|sentinel| format!("127.0.0.1:{}", sentinel.port))
            .collect();
        patient(log.settings().unwrap())
    }

    /// Who is master, as a Sentinel says.
    pub(super) fn master(&self) -> usize {
        let addressed = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "ansim"];
        let answer = self.sentinels[0].ask(&addressed);
        let mut servers = self.servers.iter();
        let found = servers.position(|server| answer.contains(&server.port.to_string()));
        found.unwrap_or_else(|| panic!("nobody is at {answer}"))
    }

    /// Waits until another is master, and returns who.
    pub(super) fn other_master(&self, than: usize) -> usize {
        for _ in 0..LOOKS_MAX {
            let master = self.master();
            let role = ["ROLE"];
            if master != than && self.servers[master].ask(&role).starts_with("master") {
                return master;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        panic!("nobody was promoted")
    }
}

/// The section `[log]` of `deploy/config/relay.toml`, with the password of these servers.
pub(super) fn log_of(etc: &Etc) -> Log {
    let config = read_in_checkout("deploy/config/relay.toml");
    let config = Config::parse(&config, Path::new("relay.toml")).unwrap();
    Log {
        password_file: Some(etc.path("redis-password")),
        ..config.log.unwrap()
    }
}

/// The same for one master, which nobody watches.
pub(super) fn settings_of(etc: &Etc, port: u16) -> Settings {
    let log = Log {
        servers: vec![format!("127.0.0.1:{port}")],
        sentinel_service: None,
        ..log_of(etc)
    };
    patient(log.settings().unwrap())
}

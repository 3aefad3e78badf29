//! The server as a process: what it is told, and what it answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::process::{Usage, usage};
use crate::{bare, https, relay_server};

/// The argument with which this program is the server.
pub(crate) const SERVE: &str = "serve";

/// Asks for the number of positions that have arrived.
const COUNT: &str = "count";

/// What the server is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The relay with its embedded journal, on the disk of the temporary folder.
    Relay,
    /// quinn alone: says on each stream what it hears, and counts datagrams.
    Bare,
    /// HTTP/1.1 over TLS by axum, which appends to the same kind of journal.
    Https,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Bare => "bare",
            Self::Https => "https",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        let mut all = [Self::Relay, Self::Bare, Self::Https].into_iter();
        all.find(|kind| kind.name() == name).unwrap()
    }
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts this program as a server which finds its certificate in the folder.
    pub(crate) fn start(kind: Kind, folder: &Path) -> Self {
        Self::start_by(Command::new(std::env::current_exe().unwrap()), kind, folder)
    }

    /// As [`Server::start`], on the machine's first core alone (taskset(1)).
    pub(crate) fn start_on_one_core(kind: Kind, folder: &Path) -> Self {
        let mut pinned = Command::new("taskset");
        pinned
            .args(["--cpu-list", "0"])
            .arg(std::env::current_exe().unwrap());
        Self::start_by(pinned, kind, folder)
    }

    fn start_by(mut program: Command, kind: Kind, folder: &Path) -> Self {
        let mut child = program
            .args([SERVE, kind.name()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let address = line(&mut stdout).parse().unwrap();
        Self {
            address,
            child,
            stdin,
            stdout,
        }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn usage(&self) -> Usage {
        usage(self.id())
    }

    /// Positions that have arrived: in the log, or at the sink.
    pub(crate) fn positions(&mut self) -> u64 {
        writeln!(self.stdin.as_mut().unwrap(), "{COUNT}").unwrap();
        line(&mut self.stdout).parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// The other side of [`Server`]: until its input ends.
pub(crate) async fn serve(kind: Kind, folder: &Path) {
    match kind {
        Kind::Relay => {
            let relay = relay_server::RelayServer::start(folder);
            answer(relay.address(), || relay.positions()).await;
            relay.stop().await;
        }
        Kind::Bare => {
            let bare = bare::BareServer::start(folder);
            answer(bare.address(), || bare.positions()).await;
        }
        Kind::Https => {
            let https = https::HttpsServer::start(folder);
            answer(https.address(), || https.positions()).await;
            https.stop().await;
        }
    }
}

async fn answer(address: SocketAddr, positions: impl Fn() -> u64) {
    println!("{address}");
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        assert_eq!(line, COUNT);
        println!("{}", positions());
    }
}

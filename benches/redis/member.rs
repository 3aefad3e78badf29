//! A process of a site: the program as it is installed, with a configuration of its own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Killed when dropped.
pub(crate) struct Member {
    child: Child,
    /// By their names: relay, console.
    doors: BTreeMap<String, SocketAddr>,
}

impl Member {
    /// Starts `ansim COMMAND --config CONFIG`, and returns when it listens.
    pub(crate) fn start(command: &str, config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ansim"))
            .args([command, "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let doors = lines.find_map(|line| doors(&line.unwrap()));
        // Somebody must read on, or a full pipe would hold the process up.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            doors: doors.expect("it says where it listens"),
        }
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn relay(&self) -> Option<SocketAddr> {
        self.doors.get("relay").copied()
    }

    pub(crate) fn console(&self) -> Option<SocketAddr> {
        self.doors.get("console").copied()
    }
}

/// `relay: 127.0.0.1:4433 (UDP), console: 127.0.0.1:8080`, and nothing else that a process says.
fn doors(line: &str) -> Option<BTreeMap<String, SocketAddr>> {
    let doors = line.split(", ").map(|door| {
        let (name, address) = door.split_once(": ")?;
        let address = address.trim_end_matches(" (UDP)");
        Some((name.to_owned(), address.parse().ok()?))
    });
    doors.collect()
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A server's process, its folder and its port.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use super::PROGRAM;

/// A folder that goes with its owner.
#[derive(Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ansim-redis-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder for a server");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that has said that it is ready.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Reads what the server says until it ends, or it would block on a full pipe.
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a server with these arguments; `None` when it ended before it said `ready`.
    pub(super) fn start(arguments: &[String], ready: &str) -> Option<Self> {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it was piped"));
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            if line.contains(ready) {
                let reader = std::thread::spawn(move || {
                    let _ = std::io::copy(&mut lines.by_ref(), &mut std::io::sink());
                });
                return Some(Self {
                    child,
                    reader: Some(reader),
                });
            }
            line.clear();
        }
        let _ = child.wait();
        None
    }

    pub(super) fn signal(&self, signal: &str) {
        let killed = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(killed.is_ok_and(|status| status.success()), "kill {signal}");
    }

    pub(super) fn kill(&mut self) {
        // A server that is stopped dies all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on at this moment.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a socket");
    listener.local_addr().expect("its address").port()
}

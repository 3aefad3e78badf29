//! Processes of a demo, which are gone when it is.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};

/// Where a program says that it is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    OnOutput,
    OnError,
}

/// A process, killed when dropped.
pub(super) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts a program, and returns when `find` has found what it looks for in one of its lines.
    pub(super) fn start<T>(
        name: &str,
        command: &mut Command,
        says: Says,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        let (output, error) = match says {
            Says::OnOutput => (Stdio::piped(), Stdio::null()),
            Says::OnError => (Stdio::null(), Stdio::piped()),
        };
        let started = command.stdin(Stdio::null()).stdout(output).stderr(error);
        let child = started.spawn();
        let child = child.with_context(|| format!("{name} cannot be started"))?;
        let mut process = Self {
            name: name.to_owned(),
            child,
        };
        let output = process.child.stdout.take().map(boxed);
        let lines = output.or_else(|| process.child.stderr.take().map(boxed));
        let lines = lines.context("a process without a pipe")?;
        let mut lines = BufReader::new(lines).lines().map_while(Result::ok);
        let Some(found) = lines.by_ref().find_map(|line| find(&line)) else {
            bail!("{name} ended before it was ready");
        };
        // Somebody must read on, or a full pipe would hold it up.
        std::thread::spawn(move || lines.for_each(drop));
        Ok((process, found))
    }

    /// SIGKILL, as when the power goes.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        let name = &self.name;
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.with_context(|| format!("{name} cannot be killed"))?;
        Ok(())
    }
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

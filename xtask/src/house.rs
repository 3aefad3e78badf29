//! The checkout, and how commands are run in it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The rooms, in the order in which they may use each other.
pub(crate) const ROOMS: [&str; 6] = [
    "protocol",
    "journal",
    "client",
    "relay",
    "dispatcher",
    "simulator",
];

/// The root of the checkout.
pub(crate) struct House {
    root: PathBuf,
}

impl House {
    /// The checkout that cargo runs us from. Asked at run time: a target directory may be shared
    /// by several checkouts, so the place where this was compiled proves nothing.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: start this as `cargo xtask`")?;
        let root = Path::new(&manifest)
            .parent()
            .context("xtask lies in no workspace")?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// A path below the root.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Where the tests of this run write down what they skipped (`tests/it/support/require.rs`):
    /// their runners swallow the output of a test that passes.
    pub(crate) fn skipped_file(&self) -> PathBuf {
        std::env::temp_dir().join(format!("ansim-skipped-{}", std::process::id()))
    }

    /// Where they write down what they have to tell at the end (`tests/it/support/mod.rs`).
    pub(crate) fn told_file(&self) -> PathBuf {
        std::env::temp_dir().join(format!("ansim-told-{}", std::process::id()))
    }

    /// A command that runs in the root of the checkout.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("ANSIM_SKIPPED_FILE", self.skipped_file())
            .env("ANSIM_TOLD_FILE", self.told_file());
        // `cargo run` describes xtask in the environment; a cargo below us must not see it.
        for (key, _) in std::env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&key);
            }
        }
        command
    }

    /// `cargo` with these arguments.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.command("cargo");
        command.args(arguments);
        command
    }
}

/// Wrong usage, or something that is not installed: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    #[expect(
        clippy::new_ret_no_self,
        reason = "it is only ever made to be returned as an error"
    )]
    pub(crate) fn new(text: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(text.into()))
    }

    /// Refuses what a task does not understand.
    pub(crate) fn no_arguments(task: &str, arguments: &[String]) -> anyhow::Result<()> {
        match arguments.first() {
            None => Ok(()),
            Some(first) => Err(Self::new(format!(
                "`{task}` takes no argument, found `{first}`"
            ))),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The command as one would type it.
pub(crate) fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Shows and runs a command, its output passed through; fails when it does.
pub(crate) fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let line = typed(command);
    eprintln!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs a command for its standard output; what it says on standard error is passed through.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = typed(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` does not speak UTF-8"))
}

/// Whether a command can be started and succeeds; its output is dropped.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether a program of this name is on the path.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

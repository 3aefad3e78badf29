//! `cargo xtask demo`: the whole of it on this machine. What it does is `ansim demo`; the task
//! builds the page and the program first.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::console;
use crate::house::{House, succeed};

pub(crate) fn run(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    console::build_if_possible(house)?;
    build(house)?;
    // Becomes the demo, so that Ctrl-C and the exit code are its own.
    let failed = command(house, arguments).exec();
    Err(failed).context("cannot start `cargo run`")
}

/// Builds the program in the development profile, which tests and demo share.
pub(crate) fn build(house: &House) -> anyhow::Result<()> {
    succeed(&mut house.cargo(["build", "--package", "ansim", "--bin", "ansim"]))
}

/// The demo of the program that is already built.
pub(crate) fn command(house: &House, arguments: &[String]) -> Command {
    let mut command = house.cargo([
        "run",
        "--quiet",
        "--package",
        "ansim",
        "--bin",
        "ansim",
        "--",
        "demo",
    ]);
    command.args(arguments);
    command
}

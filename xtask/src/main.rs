//! The project's own tasks: `cargo xtask TASK`.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a tool for developers: its work is files, clocks and other programs"
)]

mod agree;
mod bench;
mod console;
mod demo;
mod house;
mod proto;
mod screenshots;
mod steps;
mod test;
mod tools;

use std::process::ExitCode;

use crate::house::{House, Usage};

const USAGE: &str = "\
usage: cargo xtask TASK

  test                        everything: tools, formatting, lints, tests, console, demo
  check                       the part of `test` that compiles and runs no test
  demo [--seconds N] [--seed S]
                              relay, dispatcher, console and phones on this machine
  demo --redis [--seconds N] [--seed S]
                              two relays and two dispatchers over a Redis whose master is killed
  bench [NAME …]              measure in release mode and write docs/performance.md
  agree [--points N] [--seed S]
                              the index beside brute force, ten million points of made-up maps
  proto [--check]             generate protocol/src/gen from protocol/proto, or fail when it is stale
  screenshots                 the pictures of the README, from a running demo

exit codes: 0 done, 1 failed, 2 wrong usage or something is not installed, 3 a budget was not met";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let Some((task, rest)) = arguments.split_first() else {
        return Err(Usage::new(USAGE));
    };
    let house = House::find()?;
    match task.as_str() {
        "test" => test::all(&house, rest),
        "check" => test::without_running(&house, rest),
        "demo" => demo::run(&house, rest),
        "bench" => bench::run(&house, rest),
        "agree" => agree::run(&house, rest),
        "proto" => proto::run(&house, rest),
        "screenshots" => screenshots::run(&house, rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Usage::new(format!("there is no task `{other}`\n{USAGE}"))),
    }
}

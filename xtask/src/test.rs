//! `cargo xtask test`: everything that must hold, in one command. `cargo xtask check` is the part
//! that compiles and runs no test.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::console::{self, Console};
use crate::house::{House, ROOMS, Usage, answers, succeed};
use crate::steps::{self, Report, Step, minutes};
use crate::{demo, proto, tools};

/// Minutes after which a cold run counts as a failure: what takes longer is not run before a
/// commit, and then not at all.
const BUDGET_MINUTES: f64 = 40.0;

/// Formatting comes first because it is quick, the page before cargo because it is embedded.
const COMPILED: [Step; 6] = [
    Step {
        name: "formatting",
        run: formatting,
    },
    Step {
        name: "generated code is fresh",
        run: proto::check,
    },
    Step {
        name: "console",
        run: the_console,
    },
    Step {
        name: "lints",
        run: lints,
    },
    Step {
        name: "rooms without the world",
        run: rooms_without_the_world,
    },
    Step {
        name: "documentation",
        run: documentation,
    },
];

const RUN: [Step; 5] = [
    Step {
        name: "tests",
        run: tests,
    },
    Step {
        name: "tests of the documentation",
        run: documentation_tests,
    },
    Step {
        name: "benches compile",
        run: benches_compile,
    },
    Step {
        name: "ten seconds of demo",
        run: ten_seconds_of_demo,
    },
    Step {
        name: "a demo whose Redis master dies",
        run: a_demo_over_redis,
    },
];

pub(crate) fn all(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    Usage::no_arguments("test", arguments)?;
    let mut steps = vec![Step {
        name: "packages of the system",
        run: tools::ensure,
    }];
    steps.extend(COMPILED);
    steps.extend(RUN);
    finish(house, &steps::run(house, &steps))
}

pub(crate) fn without_running(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    Usage::no_arguments("check", arguments)?;
    finish(house, &steps::run(house, &COMPILED))
}

fn finish(house: &House, report: &Report) -> anyhow::Result<ExitCode> {
    let told = take_lines(&house.told_file())?;
    if !told.is_empty() {
        eprintln!("\n== what broke under a fleet, and what it cost");
    }
    for line in &told {
        eprintln!("{line}");
    }
    let skipped = take_lines(&house.skipped_file())?;
    eprintln!("\n== result");
    for line in &skipped {
        eprintln!("{line}");
    }
    eprintln!("{} skipped\n\n{}", skipped.len(), report.table());
    if let Some(error) = &report.error {
        eprintln!("error: {error:#}");
        return Ok(ExitCode::from(if report.is_usage() { 2 } else { 1 }));
    }
    if minutes(report.took()) > BUDGET_MINUTES {
        eprintln!("error: this took more than {BUDGET_MINUTES} minutes; see which step grew");
        return Ok(ExitCode::from(3));
    }
    eprintln!("all steps passed");
    Ok(ExitCode::SUCCESS)
}

fn formatting(house: &House) -> anyhow::Result<()> {
    succeed(&mut house.cargo(["fmt", "--all", "--check"]))
}

fn the_console(house: &House) -> anyhow::Result<()> {
    match Console::find(house) {
        Console::Here => console::check(house),
        Console::Absent => {
            eprintln!("console: there is no console/package.json yet");
            Ok(())
        }
        Console::NoNode if required("chromium") => {
            bail!("the browser's tests are required and need the page: install Node 20.19 or later")
        }
        Console::NoNode => note_skipped(house, "SKIPPED console: node and npm"),
    }
}

fn lints(house: &House) -> anyhow::Result<()> {
    succeed(&mut house.cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// The wall that the compiler keeps: without the feature `io` there is no world to name.
fn rooms_without_the_world(house: &House) -> anyhow::Result<()> {
    for room in ROOMS {
        succeed(&mut house.cargo(["check", "--package", room, "--no-default-features"]))?;
    }
    Ok(())
}

fn documentation(house: &House) -> anyhow::Result<()> {
    let mut command = house.cargo(["doc", "--workspace", "--no-deps"]);
    succeed(command.env("RUSTDOCFLAGS", "--deny warnings"))
}

fn tests(house: &House) -> anyhow::Result<()> {
    if answers(&mut house.cargo(["nextest", "--version"])) {
        succeed(&mut house.cargo(["nextest", "run", "--workspace", "--no-fail-fast"]))
    } else {
        succeed(&mut house.cargo(["test", "--workspace", "--tests", "--no-fail-fast"]))
    }
}

/// On their own, because nextest runs none.
fn documentation_tests(house: &House) -> anyhow::Result<()> {
    succeed(&mut house.cargo(["test", "--workspace", "--doc"]))
}

/// In the development profile: compiling everything once more for release takes too long here.
fn benches_compile(house: &House) -> anyhow::Result<()> {
    succeed(&mut house.cargo(["test", "--package", "ansim", "--benches", "--no-run"]))
}

fn ten_seconds_of_demo(house: &House) -> anyhow::Result<()> {
    demo::build(house)?;
    succeed(&mut demo::command(
        house,
        &["--seconds".to_owned(), "10".to_owned()],
    ))
}

/// The program was built for the step before. `tools::ensure` has seen to Redis.
fn a_demo_over_redis(house: &House) -> anyhow::Result<()> {
    succeed(&mut demo::command(
        house,
        &["--redis", "--seconds", "15"].map(str::to_owned),
    ))
}

fn required(thing: &str) -> bool {
    std::env::var("ANSIM_REQUIRE").is_ok_and(|all| all.split(',').any(|one| one.trim() == thing))
}

/// Writes the line that a test would write.
fn note_skipped(house: &House, line: &str) -> anyhow::Result<()> {
    eprintln!("{line}");
    let path = house.skipped_file();
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{line}"))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// What tests of this run have written to a file, in alphabetical order; the file goes.
fn take_lines(path: &Path) -> anyhow::Result<Vec<String>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    Ok(lines)
}

//! The officers' page, built before cargo builds so that it is embedded in the binary.

use anyhow::{Context as _, ensure};

use crate::house::{House, on_path, succeed};

/// What there is to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Console {
    /// This checkout has no page.
    Absent,
    /// There is a page, and nothing to build it with.
    NoNode,
    Here,
}

impl Console {
    pub(crate) fn find(house: &House) -> Self {
        if !house.path("console/package.json").is_file() {
            Self::Absent
        } else if on_path("node") && on_path("npm") {
            Self::Here
        } else {
            Self::NoNode
        }
    }
}

/// Builds the page if it can be built; says so if not, for the program runs without it.
pub(crate) fn build_if_possible(house: &House) -> anyhow::Result<Console> {
    let console = Console::find(house);
    match console {
        Console::Absent => eprintln!("console: there is no console/package.json, so no page"),
        Console::NoNode => eprintln!(
            "console: node and npm are not installed, so there is no page; the HTTP API is there. \
             Install Node 20.19 or later to see it"
        ),
        Console::Here => {
            if !dependencies_are_fresh(house) {
                install(house)?;
            }
            build(house)?;
        }
    }
    Ok(console)
}

/// Types, unit tests and the page itself, from exactly the locked packages.
pub(crate) fn check(house: &House) -> anyhow::Result<()> {
    install(house)?;
    npm(house, &["run", "check"])?;
    npm(house, &["test"])?;
    build(house)
}

/// Scripts of packages do not run: none of ours needs one, and they are the usual way in.
fn install(house: &House) -> anyhow::Result<()> {
    npm(
        house,
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    )
}

fn build(house: &House) -> anyhow::Result<()> {
    npm(house, &["run", "build"])?;
    let page = house.path("console/dist/index.html");
    let bytes = std::fs::metadata(&page).context("the build left no console/dist/index.html")?;
    ensure!(
        bytes.len() > 0,
        "the build left an empty console/dist/index.html"
    );
    Ok(())
}

/// npm writes its own lock into `node_modules` when it has finished.
fn dependencies_are_fresh(house: &House) -> bool {
    let modified = |below| {
        house
            .path(below)
            .metadata()
            .and_then(|about| about.modified())
    };
    match (
        modified("console/package-lock.json"),
        modified("console/node_modules/.package-lock.json"),
    ) {
        (Ok(wanted), Ok(installed)) => installed >= wanted,
        _ => false,
    }
}

fn npm(house: &House, arguments: &[&str]) -> anyhow::Result<()> {
    // Standard output belongs to the task: `demo` prints one line of JSON there.
    let mut command = house.command("npm");
    command
        .args(["--prefix", "console"])
        .args(arguments)
        .stdout(std::io::stderr());
    succeed(&mut command)
}

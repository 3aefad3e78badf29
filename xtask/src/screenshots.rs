//! `cargo xtask screenshots`: the pictures of the README, taken by
//! `console/tests/screenshots.mjs` from a running demo.
//!
//! The script finds the demo in `ANSIM_CONSOLE_URL`, `ANSIM_CONSOLE_USER` and
//! `ANSIM_CONSOLE_PASSWORD`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ExitCode, Stdio};

use anyhow::{Context as _, bail};

use crate::console::{self, Console};
use crate::demo;
use crate::house::{House, Usage, succeed};

/// A night in which somebody with a silent phone goes by car through Seoul: there is a trail to see.
const SEED: &str = "8";

pub(crate) fn run(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    Usage::no_arguments("screenshots", arguments)?;
    if console::build_if_possible(house)? != Console::Here {
        return Err(Usage::new(
            "pictures need the page: install Node 20.19 or later",
        ));
    }
    demo::build(house)?;
    // The demo takes a free port by itself and says which.
    let seed = ["--seed", SEED].map(str::to_owned);
    let mut running = demo::command(house, &seed)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the demo")?;
    let taken = take(house, &mut running);
    // A demo that has already ended cannot be ended again; `taken` says why it did.
    let _ = running.kill();
    running.wait().context("cannot wait for the demo")?;
    taken.map(|()| ExitCode::SUCCESS)
}

fn take(house: &House, demo: &mut Child) -> anyhow::Result<()> {
    let stderr = demo
        .stderr
        .take()
        .context("the demo has no standard error")?;
    let mut lines = BufReader::new(stderr).lines();
    let mut door = Door::default();
    while !door.is_known() {
        let Some(line) = lines.next() else {
            bail!("the demo ended before it said `console: URL` and `sign-in: USER PASSWORD`");
        };
        let line = line.context("cannot read what the demo says")?;
        eprintln!("{line}");
        door.hear(&line);
    }
    // Somebody must go on reading, or the demo stops at a full pipe.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    succeed(
        house
            .command("node")
            .arg("console/tests/screenshots.mjs")
            .env("ANSIM_CONSOLE_URL", door.url)
            .env("ANSIM_CONSOLE_USER", door.user)
            .env("ANSIM_CONSOLE_PASSWORD", door.password),
    )
}

/// Where the demo's console is and how one signs in, as the demo prints it on standard error.
#[derive(Debug, Default, PartialEq, Eq)]
struct Door {
    url: String,
    user: String,
    password: String,
}

impl Door {
    fn hear(&mut self, line: &str) {
        let line = line.trim();
        if let Some(url) = line.strip_prefix("console:") {
            self.url = url.trim().to_owned();
        } else if let Some(words) = line.strip_prefix("sign-in:") {
            let mut words = words.split_whitespace().map(str::to_owned);
            self.user = words.next().unwrap_or_default();
            self.password = words.next().unwrap_or_default();
        }
    }

    fn is_known(&self) -> bool {
        ![&self.url, &self.user, &self.password]
            .iter()
            .any(|part| part.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_is_found_among_other_lines() {
        let mut door = Door::default();
        for line in ["starting", "  console: http://127.0.0.1:4173/", "raised 3"] {
            door.hear(line);
            assert!(!door.is_known());
        }
        door.hear("  sign-in: national silent-lamp");
        assert!(door.is_known());
        assert_eq!(
            door,
            Door {
                url: "http://127.0.0.1:4173/".to_owned(),
                user: "national".to_owned(),
                password: "silent-lamp".to_owned(),
            }
        );
    }
}

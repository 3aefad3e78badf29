//! `cargo xtask bench [NAME …]`: runs the benches in release mode and writes
//! `docs/performance.md` from what they print. A figure typed by hand is a defect.
//!
//! A bench is a program (`harness = false`) which, given `--json`, prints one line per row on
//! standard output:
//!
//! ```json
//! {"table": "Assignment of a point", "row": "station map", "columns": {"mean ns": 310, "ratio": 0.41}}
//! ```
//!
//! Tables and rows stay in the order in which they come; columns are sorted by name. Other lines
//! are passed through.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};

use crate::house::{House, Usage, output, typed};
use crate::tools;

const PAGE: &str = "docs/performance.md";

/// The bench of the relay, and the part of it that measures what one would take instead.
const RELAY_COST: &str = "relay_cost";
const PEERS: &str = "peers";

/// The bench of the log on Redis.
const REDIS: &str = "redis";

pub(crate) fn run(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let known = benches(house)?;
    let is_known = |name: &String| name == PEERS || known.contains(name);
    if let Some(wrong) = arguments.iter().find(|name| !is_known(name)) {
        let all = known.join(", ");
        return Err(Usage::new(format!(
            "there is no bench `{wrong}`; there are: {all}, and {PEERS} alone"
        )));
    }
    ensure!(!known.is_empty(), "the package `ansim` has no bench");
    let chosen = if arguments.is_empty() {
        &known
    } else {
        arguments
    };

    if chosen.iter().any(|name| name == PEERS) {
        tools::ensure_peers(house)?;
    } else if chosen.iter().any(|name| name == RELAY_COST)
        && let Err(missing) = tools::ensure_peers(house)
    {
        eprintln!("some peers are not measured: {missing:#}");
    }
    if chosen.iter().any(|name| name == REDIS)
        && let Err(missing) = tools::ensure_redis(house)
    {
        // Asked for by its name, it has to be measured.
        if !arguments.is_empty() {
            return Err(missing);
        }
        eprintln!("the log on Redis is not measured: {missing:#}");
    }
    let mut tables = Vec::new();
    for name in chosen {
        // The peers are measured by the program that measures the relay, and want to be installed.
        let (name, part) = match name.as_str() {
            PEERS => (RELAY_COST, Some(PEERS)),
            name => (name, None),
        };
        let mut command = house.cargo([
            "bench",
            "--package",
            "ansim",
            "--bench",
            name,
            "--",
            "--json",
        ]);
        command.args(part);
        let line = typed(&command);
        eprintln!("$ {line}");
        let said = output(&mut command)?;
        let found = collect(&said, &line).with_context(|| format!("bench `{name}`"))?;
        ensure!(!found.is_empty(), "bench `{name}` printed no row");
        tables.extend(found);
    }
    let fresh: Vec<Section> = {
        let machine = machine(house)?;
        tables
            .iter()
            .map(|table| section(table, &machine))
            .collect()
    };
    // Tables of benches that were not run stay, each with the machine that gave it.
    let known = if arguments.is_empty() {
        String::new()
    } else {
        fs::read_to_string(house.path(PAGE)).unwrap_or_default()
    };
    let text = page(merged(sections(&known), fresh));
    fs::write(house.path(PAGE), text).with_context(|| format!("cannot write {PAGE}"))?;
    eprintln!("wrote {PAGE}");
    Ok(ExitCode::SUCCESS)
}

/// The names of the root's benches, in alphabetical order.
fn benches(house: &House) -> anyhow::Result<Vec<String>> {
    let text = output(&mut house.cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut names: Vec<String> = packages
        .iter()
        .filter(|package| package["name"] == "ansim")
        .flat_map(|package| package["targets"].as_array().into_iter().flatten())
        .filter(|target| target["kind"][0] == "bench")
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

/// Rows under one heading, and the command that gave them.
#[derive(Debug, PartialEq)]
struct Table {
    title: String,
    command: String,
    rows: Vec<(String, Map<String, Value>)>,
}

/// The tables among the lines of a bench.
fn collect(said: &str, command: &str) -> anyhow::Result<Vec<Table>> {
    let mut tables: Vec<Table> = Vec::new();
    for line in said.lines() {
        if !line.starts_with('{') {
            println!("{line}");
            continue;
        }
        let mut value: Value =
            serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))?;
        let title = value["table"]
            .as_str()
            .with_context(|| format!("no table: {line}"))?;
        let row = value["row"]
            .as_str()
            .with_context(|| format!("no row: {line}"))?
            .to_owned();
        let index = tables
            .iter()
            .position(|table| table.title == title)
            .unwrap_or_else(|| {
                tables.push(Table {
                    title: title.to_owned(),
                    command: command.to_owned(),
                    rows: Vec::new(),
                });
                tables.len() - 1
            });
        let columns = value["columns"]
            .as_object_mut()
            .map(std::mem::take)
            .with_context(|| format!("no columns: {line}"))?;
        tables[index].rows.push((row, columns));
    }
    Ok(tables)
}

/// A table as it stands on the page.
#[derive(Clone, Debug, PartialEq)]
struct Section {
    /// With its command in backquotes; of all tables of one bench it is the same.
    command: String,
    text: String,
}

impl Section {
    fn title(&self) -> Option<&str> {
        self.text.lines().next()
    }
}

fn section(table: &Table, machine: &str) -> Section {
    let columns: BTreeSet<&String> = table
        .rows
        .iter()
        .flat_map(|(_, columns)| columns.keys())
        .collect();
    let command = format!("`{}`", table.command);
    let mut text = format!("## {}\n\n{command}\n\n{machine}\n\n| |", table.title);
    columns
        .iter()
        .for_each(|column| text.push_str(&format!(" {column} |")));
    text.push_str("\n|---|");
    columns.iter().for_each(|_| text.push_str("---:|"));
    text.push('\n');
    for (row, values) in &table.rows {
        let _ = write!(text, "| {row} |");
        for column in &columns {
            let _ = write!(
                text,
                " {} |",
                values.get(*column).map(cell).unwrap_or_default()
            );
        }
        text.push('\n');
    }
    Section { command, text }
}

/// The tables of a page that was written before.
fn sections(page: &str) -> Vec<Section> {
    let begins = page.match_indices("\n## ").map(|(at, _)| at + 1);
    let begins: Vec<usize> = begins.collect();
    let ends = begins.iter().skip(1).copied().chain([page.len()]);
    begins
        .iter()
        .zip(ends)
        .map(|(begin, end)| {
            let text = format!("{}\n", page[*begin..end].trim_end());
            let command = text.lines().find(|line| line.starts_with('`'));
            Section {
                command: command.unwrap_or_default().to_owned(),
                text,
            }
        })
        .collect()
}

/// What was measured now in the place of what the same commands gave before, or at the end. A table that a part of a
/// bench gave goes when the whole bench gives it anew.
fn merged(known: Vec<Section>, fresh: Vec<Section>) -> Vec<Section> {
    let mut merged = Vec::new();
    let mut left = fresh.clone();
    for section in known {
        let is_anew = |one: &Section| one.title() == section.title();
        if fresh.iter().any(is_anew) && fresh.iter().all(|one| one.command != section.command) {
            continue;
        }
        if fresh.iter().all(|one| one.command != section.command) {
            merged.push(section);
            continue;
        }
        let (now, later) = left
            .into_iter()
            .partition(|one| one.command == section.command);
        let now: Vec<Section> = now;
        merged.extend(now);
        left = later;
    }
    merged.extend(left);
    merged
}

fn page(sections: Vec<Section>) -> String {
    let mut text = "# Performance\n\nWritten by `cargo xtask bench`; do not edit. Absolute figures belong to the machine \
                    that stands above each table; only ratios\nand counts are compared with a budget.\n"
        .to_owned();
    for section in sections {
        let _ = write!(text, "\n{}", section.text);
    }
    text
}

fn cell(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Processor, cores, memory, system and compiler: a figure means nothing without them.
fn machine(house: &House) -> anyhow::Result<String> {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or("unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or("unknown".to_owned());
    let system = output(house.command("uname").arg("-sr"))?;
    let compiler = output(house.command("rustc").arg("--version"))?;
    Ok(format!(
        "{processor}, {cores} cores, memory {memory}, {}, {}",
        system.trim(),
        compiler.trim()
    ))
}

/// A line `name : value` of one of the system's files.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"warming up
{"table":"Wire","row":"raise","columns":{"ns":80,"bytes":46}}
{"table":"Lookup","row":"stations","columns":{"note":"all inside"}}
{"table":"Wire","row":"position","columns":{"ns":60}}"#;

    #[test]
    fn lines_become_tables() {
        let tables = collect(SAID, "cargo bench").unwrap();
        let tables: Vec<_> = tables.iter().map(|one| section(one, "a machine")).collect();
        let text = page(tables.clone());
        let expected = "\
## Wire

`cargo bench`

a machine

| | bytes | ns |
|---|---:|---:|
| raise | 46 | 80 |
| position |  | 60 |

## Lookup

`cargo bench`

a machine

| | note |
|---|---:|
| stations | all inside |
";
        assert!(text.ends_with(expected), "{text}");
        assert_eq!(sections(&text), tables, "and are read again");
    }

    #[test]
    fn tables_of_the_same_command_are_replaced_where_they_stand_and_others_stay() {
        let section = |command: &str, text: &str| Section {
            command: command.to_owned(),
            text: text.to_owned(),
        };
        let known = vec![
            section("`a`", "a1"),
            section("`a`", "a2"),
            section("`b`", "b1"),
        ];
        let fresh = vec![section("`c`", "c1"), section("`a`", "a3")];
        let texts = |sections: Vec<Section>| {
            let texts = sections.into_iter().map(|one| one.text);
            texts.collect::<Vec<_>>()
        };
        assert_eq!(texts(merged(known.clone(), fresh)), ["a3", "b1", "c1"]);
        let whole = vec![section("`a and b`", "b1"), section("`a and b`", "a1")];
        assert_eq!(texts(merged(known, whole)), ["a2", "b1", "a1"]);
    }

    #[test]
    fn a_broken_line_is_an_error_and_names_the_line() {
        for line in [
            "{",
            r#"{"row":"r","columns":{}}"#,
            r#"{"table":"t","row":"r"}"#,
        ] {
            let error = collect(line, "").unwrap_err();
            assert!(format!("{error:#}").contains(line));
        }
    }
}

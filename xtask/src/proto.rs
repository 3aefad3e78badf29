//! `cargo xtask proto [--check]`: Rust from the normative `.proto` files, committed so that nobody
//! needs a compiler of protocol buffers to build the project.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};

use crate::house::{House, Usage, succeed};

const SOURCES: &str = "protocol/proto";
const GENERATED: &str = "protocol/src/gen";

/// What stands at the top of the generated module. `allow`, not `expect`: which lints fire depends
/// on the messages of the day.
const HEAD: &str = "\
//! Generated from `protocol/proto` by `cargo xtask proto`. Do not edit: change the `.proto` file,
//! which is normative and has the words.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = \"generated code\"
)]

";

pub(crate) fn run(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    match arguments {
        [] => generate(house)?,
        [flag] if flag == "--check" => check(house)?,
        _ => return Err(Usage::new("usage: cargo xtask proto [--check]")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Replaces the committed modules.
pub(crate) fn generate(house: &House) -> anyhow::Result<()> {
    let fresh = Scratch::new()?;
    compile(house, &fresh.0)?;
    let target = house.path(GENERATED);
    if target.is_dir() {
        fs::remove_dir_all(&target).with_context(|| format!("cannot clear {GENERATED}"))?;
    }
    fs::create_dir_all(&target).with_context(|| format!("cannot create {GENERATED}"))?;
    for (name, text) in read_all(&fresh.0)? {
        fs::write(target.join(&name), text)
            .with_context(|| format!("cannot write {GENERATED}/{name}"))?;
        eprintln!("wrote {GENERATED}/{name}");
    }
    Ok(())
}

/// Fails when the committed modules are not what the `.proto` files give.
pub(crate) fn check(house: &House) -> anyhow::Result<()> {
    let fresh = Scratch::new()?;
    compile(house, &fresh.0)?;
    let committed = house.path(GENERATED);
    ensure!(
        committed.is_dir(),
        "{GENERATED} is missing: run `cargo xtask proto` and commit it"
    );
    let stale = differences(&read_all(&committed)?, &read_all(&fresh.0)?);
    if stale.is_empty() {
        return Ok(());
    }
    bail!(
        "{GENERATED} is stale ({}): run `cargo xtask proto` and commit it",
        stale.join(", ")
    );
}

/// The names of the files that differ, are missing or are too many.
fn differences(
    committed: &BTreeMap<String, String>,
    fresh: &BTreeMap<String, String>,
) -> Vec<String> {
    let names: BTreeSet<&String> = committed.keys().chain(fresh.keys()).collect();
    names
        .into_iter()
        .filter(|name| committed.get(*name) != fresh.get(*name))
        .cloned()
        .collect()
}

fn compile(house: &House, target: &Path) -> anyhow::Result<()> {
    let root = house.path(SOURCES);
    let mut sources = Vec::new();
    if root.is_dir() {
        find_sources(&root, &mut sources)?;
    }
    ensure!(
        !sources.is_empty(),
        "there is no .proto file under {SOURCES}"
    );
    sources.sort();

    let descriptors = protox::compile(&sources, [&root])
        .map_err(|error| anyhow::anyhow!("{error:?}"))
        .with_context(|| format!("cannot compile the files under {SOURCES}"))?;
    let packages: BTreeSet<String> = descriptors
        .file
        .iter()
        .map(|file| file.package().to_owned())
        .collect();
    prost_build::Config::new()
        .out_dir(target)
        // A body is kept as it came; a slice of the frame costs nothing.
        .bytes(["."])
        // The order of a hash map differs from run to run.
        .btree_map(["."])
        // An indented line of a comment would be compiled as a test of the documentation.
        .disable_comments(["."])
        .compile_fds(descriptors)
        .context("cannot generate Rust")?;
    fs::write(target.join("mod.rs"), module(&packages)).context("cannot write mod.rs")?;
    format(house, target)
}

fn find_sources(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            find_sources(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            found.push(path);
        }
    }
    Ok(())
}

/// One module per part of a package's name, because prost refers from one package to another by
/// `super::super::…`.
fn module(packages: &BTreeSet<String>) -> String {
    let mut text = HEAD.to_owned();
    let mut open: Vec<&str> = Vec::new();
    for package in packages {
        let parts: Vec<&str> = package.split('.').collect();
        let shared = open
            .iter()
            .zip(&parts)
            .take_while(|(left, right)| left == right)
            .count();
        for _ in shared..open.len() {
            text.push_str("}\n");
        }
        open.truncate(shared);
        for part in &parts[shared..] {
            let _ = writeln!(text, "pub mod {part} {{");
            open.push(part);
        }
        let _ = writeln!(text, "include!(\"{package}.rs\");");
    }
    text.push_str(&"}\n".repeat(open.len()));
    text
}

fn format(house: &House, folder: &Path) -> anyhow::Result<()> {
    let mut rustfmt = house.command("rustfmt");
    rustfmt.arg("--config-path").arg(house.path("rustfmt.toml"));
    for name in read_all(folder)?.keys() {
        rustfmt.arg(folder.join(name));
    }
    succeed(&mut rustfmt)
}

fn read_all(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path())
            .with_context(|| format!("cannot read {}", entry.path().display()))?;
        files.insert(name, text);
    }
    Ok(files)
}

/// A folder of our own that goes when we go.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("ansim-proto-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing depends on it; the system clears its temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_become_nested_modules() {
        let packages = ["ansim.log.v1", "ansim.v1"].map(str::to_owned).into();
        let text = module(&packages);
        let body: String = text
            .strip_prefix(HEAD)
            .unwrap()
            .split_whitespace()
            .collect();
        assert_eq!(
            body,
            "pubmodansim{pubmodlog{pubmodv1{include!(\"ansim.log.v1.rs\");}}\
             pubmodv1{include!(\"ansim.v1.rs\");}}"
        );
    }

    #[test]
    fn a_changed_a_missing_and_a_surplus_file_are_stale() {
        let files = |names: &[(&str, &str)]| {
            names
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect()
        };
        let committed: BTreeMap<_, _> = files(&[("a", "1"), ("b", "1"), ("old", "1")]);
        let fresh: BTreeMap<_, _> = files(&[("a", "1"), ("b", "2"), ("new", "1")]);
        assert_eq!(differences(&committed, &fresh), ["b", "new", "old"]);
        assert!(differences(&fresh, &fresh).is_empty());
    }
}

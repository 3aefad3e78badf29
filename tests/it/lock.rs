//! What `Cargo.lock` must hold: floors below which a crate has a known hole, crates that must not
//! come in, one provider of cryptography, one registry, and licences that fit ours. `deny.toml`
//! says the same to cargo-deny, which is not installed everywhere.

use std::collections::BTreeSet;

use serde_json::Value;
use toml::Table;

use crate::support::{cargo_metadata, read_in_checkout};

/// Crate and the first version that may be used, with the reason.
const FLOORS: [(&str, [u64; 3], &str); 2] = [
    (
        "quinn-proto",
        [0, 11, 19],
        "remote panic, unbounded memory, stalled streams",
    ),
    ("tokio", [1, 53, 3], "the paused clock on one thread"),
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What is wrong in `Cargo.lock`, given what `deny.toml` bans.
fn lock_violations(lock: &Table, deny: &Table) -> Vec<String> {
    let banned = banned(deny);
    let mut found = Vec::new();
    for package in lock["package"].as_array().unwrap() {
        let (name, version) = (
            package["name"].as_str().unwrap(),
            package["version"].as_str().unwrap(),
        );
        for (_, floor, why) in FLOORS.iter().filter(|(crate_name, ..)| *crate_name == name) {
            if numbers(version) < *floor {
                found.push(format!("{name} {version} has {why}"));
            }
        }
        if banned.contains(name) {
            found.push(format!("{name} is banned by deny.toml"));
        }
        // Our own packages have no source.
        match package.get("source").and_then(|source| source.as_str()) {
            None | Some(REGISTRY) => {}
            Some(other) => found.push(format!("{name} comes from {other}")),
        }
    }
    found
}

/// The crates that are banned in every version.
fn banned(deny: &Table) -> BTreeSet<&str> {
    let bans = deny["bans"]["deny"].as_array().unwrap();
    bans.iter()
        .map(|ban| ban["crate"].as_str().unwrap())
        .filter(|ban| !ban.contains('@'))
        .collect()
}

/// `1.2.3-rc.1` as `[1, 2, 3]`.
fn numbers(version: &str) -> [u64; 3] {
    let release = version.split(['-', '+']).next().unwrap();
    let mut parts = release.split('.').map(|part| part.parse().unwrap());
    [(); 3].map(|()| parts.next().unwrap())
}

/// What is wrong in the answer of `cargo metadata`, dependencies included.
fn graph_violations(metadata: &Value, deny: &Table) -> Vec<String> {
    let licences = &deny["licenses"];
    let allowed: BTreeSet<&str> = licences["allow"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("no licence");
        let mut here = allowed.clone();
        for exception in licences["exceptions"].as_array().unwrap() {
            if exception["crate"].as_str() == Some(name) {
                here.extend(
                    exception["allow"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .flat_map(|x| x.as_str()),
                );
            }
        }
        if !permits(licence, &here) {
            found.push(format!(
                "{name} is under {licence}, which deny.toml does not allow"
            ));
        }
    }
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        for feature in node["features"].as_array().unwrap() {
            let of_rustls = node["id"].as_str().unwrap().contains("#rustls@");
            if of_rustls && feature == "ring" {
                found.push("rustls has two providers of cryptography".to_owned());
            }
        }
    }
    found
}

/// Whether an SPDX expression can be met with the allowed licences. `/` is an old spelling of `OR`.
fn permits(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut permitted = both(rest, allowed);
    while let ["OR", after @ ..] = *rest {
        *rest = after;
        permitted |= both(rest, allowed);
    }
    permitted
}

fn both(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    let mut permitted = one(rest, allowed);
    while let ["AND", after @ ..] = *rest {
        *rest = after;
        permitted &= one(rest, allowed);
    }
    permitted
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<&str>) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let permitted = either(rest, allowed);
            let closed = rest.first() == Some(&")");
            *rest = rest.get(1..).unwrap_or_default();
            permitted && closed
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            allowed.contains(format!("{licence} WITH {exception}").as_str())
        }
        [licence, after @ ..] => {
            *rest = after;
            allowed.contains(licence)
        }
        [] => false,
    }
}

fn deny() -> Table {
    read_in_checkout("deny.toml").parse().unwrap()
}

#[test]
fn the_lock_holds_its_floors_and_nothing_banned() {
    let lock: Table = read_in_checkout("Cargo.lock").parse().unwrap();
    assert_eq!(lock_violations(&lock, &deny()), Vec::<String>::new());
    for (name, ..) in FLOORS {
        let packages = lock["package"].as_array().unwrap();
        assert!(
            packages
                .iter()
                .any(|package| package["name"].as_str() == Some(name)),
            "{name} is not in the lock: its floor guards nothing"
        );
    }
}

#[test]
fn every_rule_of_the_lock_can_fail() {
    let package = |name: &str, version: &str, source: &str| {
        let text =
            format!("[[package]]\nname = '{name}'\nversion = '{version}'\nsource = '{source}'");
        lock_violations(&text.parse().unwrap(), &deny())
    };
    assert_eq!(
        package("quinn-proto", "0.11.19", REGISTRY),
        Vec::<String>::new()
    );
    assert_eq!(
        package("quinn-proto", "0.12.0-rc.1", REGISTRY),
        Vec::<String>::new()
    );
    assert_eq!(package("quinn-proto", "0.11.18", REGISTRY).len(), 1);
    assert_eq!(package("tokio", "1.52.9", REGISTRY).len(), 1);
    assert_eq!(
        package("openssl-sys", "0.9.1", REGISTRY),
        ["openssl-sys is banned by deny.toml"]
    );
    assert_eq!(
        package("bytes", "1.0.0", "git+https://example.org/x").len(),
        1
    );
}

#[test]
fn all_that_is_linked_may_be_linked() {
    let metadata = cargo_metadata(&["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]);
    assert_eq!(graph_violations(&metadata, &deny()), Vec::<String>::new());
}

#[test]
fn every_rule_of_the_graph_can_fail() {
    let graph = serde_json::json!({
        "packages": [
            { "name": "a", "license": "GPL-3.0-only" },
            { "name": "b" },
            { "name": "c", "license": "MPL-2.0" },
            { "name": "option-ext", "license": "MPL-2.0" },
            { "name": "d", "license": "MIT OR GPL-3.0-only" },
        ],
        "resolve": { "nodes": [{ "id": "registry+x#rustls@0.23.46", "features": ["std", "ring"] }] },
    });
    let found = graph_violations(&graph, &deny());
    let first_words: Vec<&str> = found
        .iter()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(first_words, ["a", "b", "c", "rustls"]);
}

#[test]
fn licence_expressions_are_read_as_spdx_says() {
    let allowed = BTreeSet::from(["A", "B"]);
    for (expression, expected) in [
        ("A", true),
        ("X", false),
        ("", false),
        ("X OR A", true),
        ("A AND X", false),
        ("A AND X OR B", true),
        ("A AND (X OR B)", true),
        ("X AND (A OR B)", false),
        ("(A", false),
        ("X/B", true),
        ("A B", false),
        ("A WITH exception", false),
        ("A WITH exception OR B", true),
    ] {
        assert_eq!(permits(expression, &allowed), expected, "{expression}");
    }
}

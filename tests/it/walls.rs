//! Who may use whom. `clippy.toml` keeps the walls inside a file, `cargo check
//! --no-default-features` those inside a room; this keeps those between the rooms, and looks once
//! more at what the sources name.

mod source;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{cargo_metadata, in_checkout};

/// The packages of the house, and which of them each may use.
fn rooms() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("protocol", &[] as &[&str]),
        ("journal", &["protocol"]),
        ("client", &["protocol"]),
        ("relay", &["protocol", "journal"]),
        ("dispatcher", &["protocol", "journal"]),
        (
            "simulator",
            &["protocol", "journal", "client", "relay", "dispatcher"],
        ),
        (
            "ansim",
            &[
                "protocol",
                "journal",
                "client",
                "relay",
                "dispatcher",
                "simulator",
            ],
        ),
        ("xtask", &[]),
    ])
}

/// The packages that have no pure part: the command line and the tasks.
const WORLDLY: [&str; 2] = ["ansim", "xtask"];

/// Crates that open no file or socket and read no clock unless they are told to. A room may use
/// these at its top; any other belongs under the feature `io`.
const PURE: [&str; 20] = [
    "aws-lc-rs",
    "base64",
    "bytes",
    "ciborium",
    "coset",
    "csv",
    "geo",
    "geojson",
    "hdrhistogram",
    "hpke",
    "prost",
    "rand",
    "rand_distr",
    "rstar",
    "serde",
    "serde_json",
    "thiserror",
    "toml",
    "uuid",
    "zeroize",
];

/// Features beside `io` that bring a part of the world, for a room that can be built without it.
/// Each turns on `io`, so that behind a closed `io` there is still none of it.
const FURTHER_DOORS: [(&str, &str); 1] = [("journal", "redis")];

/// Features of `rand` that bring randomness which nobody was given.
const AMBIENT_RANDOMNESS: [&str; 3] = ["os_rng", "sys_rng", "thread_rng"];

/// What is wrong in the answer of `cargo metadata --no-deps`.
fn violations(metadata: &Value) -> Vec<String> {
    let rooms = rooms();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        let name = text(&package["name"]);
        let Some(may_use) = rooms.get(name) else {
            found.push(format!("{name} is not in the table of rooms"));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            let used = text(&dependency["name"]);
            if rooms.contains_key(used) && !may_use.contains(&used) {
                found.push(format!("{name} may not use {used}"));
            }
            if !WORLDLY.contains(&name) && dependency["kind"].is_null() {
                found.extend(of_dependency(name, dependency, rooms.contains_key(used)));
            }
        }
        if !WORLDLY.contains(&name) {
            found.extend(of_features(name, package));
        }
    }
    found
}

/// A normal dependency of a room with a pure part.
fn of_dependency(room: &str, dependency: &Value, is_room: bool) -> Vec<String> {
    let mut found = Vec::new();
    let used = text(&dependency["name"]);
    let features: Vec<&str> = list(&dependency["features"]).map(text).collect();
    if is_room {
        // The default feature is `io`: the world would come in through the neighbour's door.
        if used != "protocol" && dependency["uses_default_features"] != false {
            found.push(format!("{room} uses {used} with its default features"));
        }
        if features.contains(&"io") {
            found.push(format!(
                "{room} turns on {used}/io outside its own feature io"
            ));
        }
    } else if dependency["optional"] != true && !PURE.contains(&used) {
        found.push(format!("{room} uses {used} outside the feature io"));
    }
    if used == "rand" {
        let ambient = features
            .iter()
            .filter(|feature| AMBIENT_RANDOMNESS.contains(feature));
        found.extend(ambient.map(|feature| format!("{room} turns on rand/{feature}")));
    }
    found
}

/// What is optional hangs on a door and on nothing else, and the world of the neighbours on `io`.
fn of_features(room: &str, package: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let turned_on = |feature: &str| list(&package["features"][feature]).map(text);
    let further = || {
        let of_room = FURTHER_DOORS
            .iter()
            .filter(move |(owner, _)| *owner == room);
        of_room.map(|&(_, feature)| feature)
    };
    for (feature, turns_on) in package["features"].as_object().into_iter().flatten() {
        for item in list(turns_on).map(text) {
            let is_door = feature == "io"
                || (item.starts_with("dep:") && further().any(|door| door == feature));
            let worldly = item.starts_with("dep:") || item.ends_with("/io");
            if worldly && !is_door {
                found.push(format!("{room} turns on {item} by its feature {feature}"));
            }
        }
    }
    for door in further().filter(|door| !turned_on(door).any(|item| item == "io")) {
        found.push(format!(
            "{room} has the door {door}, which does not turn on io"
        ));
    }
    for dependency in list(&package["dependencies"]) {
        let item = format!("dep:{}", text(&dependency["name"]));
        let mut doors = further().chain(["io"]);
        let behind_door = doors.any(|door| turned_on(door).any(|turned_on| turned_on == item));
        if dependency["optional"] == true && !behind_door {
            found.push(format!(
                "{room} has {item}, which its feature io does not turn on"
            ));
        }
    }
    found
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn this_house() -> Value {
    cargo_metadata(&["--no-deps"])
}

#[test]
fn the_rooms_use_only_whom_they_may() {
    let metadata = this_house();
    assert_eq!(violations(&metadata), Vec::<String>::new());
    let mut names: Vec<&str> = list(&metadata["packages"])
        .map(|package| text(&package["name"]))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        rooms().into_keys().collect::<Vec<_>>(),
        "a room is missing"
    );
}

#[test]
fn the_sources_outside_io_name_nothing_of_the_world() {
    let mut found = Vec::new();
    for room in rooms().into_keys().filter(|room| !WORLDLY.contains(room)) {
        let files = source::pure_files(&in_checkout(room).join("src"));
        assert!(!files.is_empty(), "{room} has no source");
        for (path, text) in files {
            found.extend(source::violations(&path.display().to_string(), &text));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each wall, and a house in which somebody has gone through it.
#[test]
fn every_wall_can_fail() {
    let dependency = |name: &str| {
        json!({
            "name": name, "kind": null, "optional": false, "uses_default_features": false,
            "features": [],
        })
    };
    let with = |name: &str, key: &str, value: Value| {
        let mut dependency = dependency(name);
        dependency[key] = value;
        dependency
    };
    let cases = [
        (
            "journal",
            dependency("client"),
            "journal may not use client",
        ),
        (
            "protocol",
            with("journal", "kind", json!("dev")),
            "protocol may not use journal",
        ),
        (
            "relay",
            dependency("dispatcher"),
            "relay may not use dispatcher",
        ),
        (
            "xtask",
            dependency("protocol"),
            "xtask may not use protocol",
        ),
        ("client", dependency("xtask"), "client may not use xtask"),
        (
            "relay",
            with("journal", "uses_default_features", json!(true)),
            "relay uses journal with its default features",
        ),
        (
            "dispatcher",
            with("journal", "features", json!(["io"])),
            "dispatcher turns on journal/io outside its own feature io",
        ),
        (
            "client",
            dependency("tokio"),
            "client uses tokio outside the feature io",
        ),
        (
            "protocol",
            dependency("redb"),
            "protocol uses redb outside the feature io",
        ),
        (
            "simulator",
            with("rand", "features", json!(["thread_rng"])),
            "simulator turns on rand/thread_rng",
        ),
        (
            "client",
            with("socket2", "optional", json!(true)),
            "client has dep:socket2, which its feature io does not turn on",
        ),
    ];
    for (room, dependency, expected) in cases {
        let mut house = this_house();
        let dependencies = package(&mut house, room)["dependencies"]
            .as_array_mut()
            .unwrap();
        dependencies.push(dependency);
        assert_eq!(violations(&house), [expected]);
    }
}

#[test]
fn a_second_door_to_the_world_is_found() {
    for (item, expected) in [
        (
            "dep:tokio",
            "relay turns on dep:tokio by its feature default",
        ),
        (
            "journal/io",
            "relay turns on journal/io by its feature default",
        ),
    ] {
        let mut house = this_house();
        package(&mut house, "relay")["features"]["default"]
            .as_array_mut()
            .unwrap()
            .push(item.into());
        assert_eq!(violations(&house), [expected]);
    }
}

#[test]
fn a_further_door_that_leaves_io_closed_is_found() {
    let mut house = this_house();
    package(&mut house, "journal")["features"]["redis"]
        .as_array_mut()
        .unwrap()
        .retain(|item| item != "io");
    assert_eq!(
        violations(&house),
        ["journal has the door redis, which does not turn on io"]
    );
}

#[test]
fn a_room_that_the_table_does_not_know_is_found() {
    let mut house = this_house();
    package(&mut house, "client")["name"] = "cellar".into();
    assert_eq!(violations(&house), ["cellar is not in the table of rooms"]);
}

fn package<'a>(house: &'a mut Value, name: &str) -> &'a mut Value {
    let packages = house["packages"].as_array_mut().unwrap();
    packages
        .iter_mut()
        .find(|package| package["name"] == name)
        .unwrap()
}

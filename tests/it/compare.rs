//! `ansim jurisdictions compare`, asked as a user asks it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

fn compare(old: &Path, new: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ansim"));
    command
        .args(["jurisdictions", "compare"])
        .args([old, new])
        .args(more);
    command.output().unwrap()
}

fn file(suffix: &str, content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(suffix).unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

/// Squares of half a degree in a row from 127 degrees east on, by id; `~` leaves one out.
fn map(ids: &[&str]) -> NamedTempFile {
    let squares = ids.iter().enumerate().filter(|(_, id)| **id != "~");
    let features: Vec<Value> = squares
        .map(|(n, id)| {
            let west = 127.0 + n as f64 / 2.0;
            let east = west + 0.5;
            json!({ "type": "Feature", "properties": { "id": id, "name": format!("{id} station") },
                "geometry": { "type": "Polygon", "coordinates":
                    [[[west, 37], [east, 37], [east, 37.5], [west, 37.5], [west, 37]]] } })
        })
        .collect();
    let map = json!({ "type": "FeatureCollection", "authority": "invented", "features": features });
    file(".geojson", &map.to_string())
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const POSITIONS: &str = "who,lat,lon,radius_m,confidence,\"a, note\"\n\
    1,37.25,127.25,,,stays a\n\
    2,37.25,127.75,10,68,\"was b, is a\"\n\
    3,37.25,128.25,,,was c and nobody near\n\
    4,95,128.25,,,nowhere\n\
    5,37.25,127.25,wide,,odd radius\n\
    6,37.25,127.55,20000,95,wide\n";

#[test]
fn what_differs_is_said_in_words_and_in_json() {
    let (old, new) = (map(&["a", "b", "c", "d"]), map(&["a", "a", "~", "d", "e"]));
    let said = compare(old.path(), new.path(), &[]);
    assert_eq!(said.status.code(), Some(0), "{}", err(&said));
    let words = out(&said);
    for line in [
        "areas: 1 added, 2 gone, 1 redrawn, 1 as before",
        "  redrawn a (a station):",
        "(+100.00 %); gives 0 m2",
        "  gone b (b station):",
        "  added e (e station):",
        "unless forced",
        "  c (c station):",
    ] {
        assert!(words.contains(line), "{line}\n{words}");
    }
    let said = compare(old.path(), new.path(), &["--json"]);
    let answer: Value = serde_json::from_str(&out(&said)).unwrap();
    let square_m2 = answer["areas"][1]["old_m2"].as_f64().unwrap();
    assert!((2.4e9..2.5e9).contains(&square_m2), "{answer}");
    let near = |path: &str, expected: f64| {
        let found = answer.pointer(path).unwrap().as_f64().unwrap();
        assert!(
            (found - expected).abs() < 1e-6 * square_m2,
            "{path}: {found}, {answer}"
        );
    };
    near("/areas/0/gained_m2", square_m2);
    near("/uncovered_m2", square_m2);
    near("/covered_m2", square_m2);
    near("/orphaned/0/area_m2", square_m2);
    assert_eq!(answer["uncovered"][0]["id"], "c");
    assert_eq!(answer["covered"][0]["id"], "e");
    assert_eq!(answer["orphaned"].as_array().unwrap().len(), 1);
    assert_eq!(answer["positions"], Value::Null);
}

#[test]
fn the_same_map_is_no_change() {
    let (old, new) = (map(&["a", "b"]), map(&["a", "b"]));
    let said = compare(old.path(), new.path(), &["--json"]);
    let answer: Value = serde_json::from_str(&out(&said)).unwrap();
    for member in ["areas", "uncovered", "covered", "orphaned"] {
        assert_eq!(answer[member], json!([]), "{member}");
    }
}

#[test]
fn positions_whose_owner_changes_come_out_with_all_their_columns() {
    let (old, new) = (map(&["a", "b", "c", "d"]), map(&["a", "a", "~", "d", "e"]));
    let positions = file(".csv", POSITIONS);
    let path = positions.path().to_str().unwrap();
    let said = compare(old.path(), new.path(), &["--positions", path]);
    assert_eq!(said.status.code(), Some(0), "{}", err(&said));
    assert_eq!(
        out(&said),
        "who,lat,lon,radius_m,confidence,\"a, note\",old_id,old_reason,new_id,new_reason\n\
         2,37.25,127.75,10,68,\"was b, is a\",b,inside,a,inside\n\
         3,37.25,128.25,,,was c and nobody near,c,inside,a,nearest\n\
         6,37.25,127.55,20000,95,wide,b,majority,a,inside\n"
    );
    let counted = err(&said);
    assert!(
        counted.contains("positions: 6 rows, 3 change their owner"),
        "{counted}"
    );
    assert!(counted.contains("1 have no place on Earth"), "{counted}");
    assert!(counted.contains("1 have an unusable radius"), "{counted}");

    let said = compare(old.path(), new.path(), &["--positions", path, "--json"]);
    let last = err(&said).lines().last().unwrap().to_owned();
    let answer: Value = serde_json::from_str(&last).unwrap();
    let expected = json!({ "rows": 6, "changed": 3, "without_place": 1, "without_radius": 1 });
    assert_eq!(answer["positions"], expected);
}

#[test]
fn bad_input_is_refused_by_its_name() {
    let good = map(&["a"]);
    let none = Path::new("no-such.geojson");
    let torn = file(".csv", "lat,lon\n1,2\n1,2,3\n");
    let columns = file(".csv", "latitude,lon\n1,2\n");
    let path = |file: &NamedTempFile| file.path().to_str().unwrap().to_owned();
    for (said, words) in [
        (compare(none, good.path(), &[]), "no-such.geojson"),
        (compare(good.path(), none, &[]), "no-such.geojson"),
        (
            compare(good.path(), good.path(), &["--positions", "no-such.csv"]),
            "no-such.csv",
        ),
        (
            compare(good.path(), good.path(), &["--positions", &path(&columns)]),
            "column `lat`",
        ),
        (
            compare(good.path(), good.path(), &["--positions", &path(&torn)]),
            "line: 3",
        ),
    ] {
        assert_eq!(said.status.code(), Some(2), "{}", err(&said));
        assert!(err(&said).contains(words), "{words}: {}", err(&said));
    }
}

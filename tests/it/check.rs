//! `ansim jurisdictions check`: what is odd about real and made-up maps, asked as an operator asks.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::require::{Need, require};

fn check<'a>(map: &'a Path, options: &[&'a str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(["jurisdictions", "check"])
        .arg(map)
        .args(options)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What it answers in JSON about a map that a service would start with.
fn found(map: &Path, options: &[&str]) -> Value {
    let output = check(map, &[options, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["starts"], json!(true));
    assert_eq!(found["refused_for"], json!([]));
    found
}

/// Square metres of each in the list, the largest first.
fn areas_m2(found: &Value) -> Vec<f64> {
    let list = found["list"].as_array().unwrap();
    let areas: Vec<_> = list
        .iter()
        .map(|one| one["area_m2"].as_f64().unwrap())
        .collect();
    assert!(areas.is_sorted_by(|a, b| a >= b), "{areas:?}");
    assert_eq!(found["count"], json!(areas.len()));
    let sum: f64 = areas.iter().sum();
    assert!((found["area_m2"].as_f64().unwrap() - sum).abs() <= 1e-9 * sum);
    areas
}

fn within(value: f64, expected: f64, part: f64) -> bool {
    (value - expected).abs() <= part * expected
}

/// Squares of a hundredth of a degree: `a` and `b` share a strip, and four enclose a place.
fn odd_map() -> Value {
    let square = |id: &str, west: f64, south: f64, east: f64, north: f64| {
        let ring = [
            [west, south],
            [east, south],
            [east, north],
            [west, north],
            [west, south],
        ];
        json!({
            "type": "Feature",
            "properties": { "id": id, "name": format!("{id} station") },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    };
    json!({
        "type": "FeatureCollection",
        "version": "odd",
        "features": [
            square("b", 127.00, 37.00, 127.03, 37.01),
            square("a", 127.00, 37.009, 127.01, 37.03),
            square("c", 127.01, 37.02, 127.03, 37.03),
            square("d", 127.02, 37.01, 127.03, 37.02),
        ],
    })
}

/// A folder with this map in it.
fn folder_with(map: &Value) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("map.geojson");
    std::fs::write(&path, map.to_string()).unwrap();
    (folder, path)
}

#[test]
fn the_districts_have_one_overlap() {
    let Some(data) = require(Need::Data) else {
        return;
    };
    let map = data.join("korea/districts_2018.geojson");
    let found = found(&map, &["--id-property", "code"]);
    let areas = areas_m2(&found["overlaps"]);
    assert!(
        matches!(areas[..], [one] if within(one, 171.0, 0.005)),
        "{areas:?}"
    );
    assert_eq!(
        found["overlaps"]["list"][0]["names"],
        json!(["순천시", "보성군"])
    );
    assert_eq!(found["overlaps"]["small"]["pieces"], json!(0));
    let said = stdout(&check(&map, &["--id-property", "code"]));
    for words in [
        "250 areas",
        "overlaps: 1 pair of areas, 171 m² in 1 piece; none is below 1 m²",
        "36030 (순천시), owner, and 36360 (보성군)",
        "does not say its `authority`",
        "the smallest id owns",
        "several are called `중구`: 6:",
        "areas without a station: 250:",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn the_station_areas_have_two_overlaps_of_210_square_metres_each() {
    let Some(data) = require(Need::Data) else {
        return;
    };
    let map = data.join("korea/station_jurisdictions_approx.geojson");
    let found = found(&map, &["--id-property", "hq,station"]);
    let areas = areas_m2(&found["overlaps"]);
    assert_eq!(areas.len(), 2, "{areas:?}");
    assert!(
        areas.iter().all(|area| within(*area, 210.0, 0.05)),
        "{areas:?}"
    );
}

/// The npm package's file as it is, and what is built from it.
#[test]
fn the_districts_of_the_package_overlap_by_a_square_kilometre() {
    let Some(districts) = require(Need::Districts) else {
        return;
    };
    let of_package = found(&districts, &["--id-property", "sig_cd,sig_kor_nm"]);
    let folder = tempfile::tempdir().unwrap();
    let built = folder.path().join("built.geojson");
    let output = Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(["jurisdictions", "build", "--districts"])
        .arg(&districts)
        .arg("--out")
        .arg(&built)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let of_built = found(&built, &[]);
    assert_eq!(
        (&of_package["areas"], &of_built["areas"]),
        (&json!(252), &json!(262))
    );
    // 1.00 km² and 0.387 km² on a sphere of the equator's radius, which is 0.16 % too large there.
    for (found, largest) in [
        (&of_package, ["51110/춘천시", "51790/화천군"]),
        (
            &of_built,
            [
                "강원특별자치도경찰청/춘천경찰서",
                "강원특별자치도경찰청/화천경찰서",
            ],
        ),
    ] {
        let areas = areas_m2(&found["overlaps"]);
        assert!(within(areas.iter().sum(), 1.00e6, 0.005), "{areas:?}");
        assert!(within(areas[0], 0.387e6, 0.005), "{areas:?}");
        assert_eq!(found["overlaps"]["list"][0]["ids"], json!(largest));
    }
    // 새만금: the sea that the dike of 33 km shuts off.
    let sea = &of_package["gaps"]["list"][0];
    assert!(
        within(sea["area_m2"].as_f64().unwrap(), 316e6, 0.01),
        "{sea}"
    );
    assert_eq!(
        sea["names"],
        json!(["52130/군산시", "52210/김제시", "52800/부안군"])
    );
}

#[test]
fn the_report_has_the_places_of_all_overlaps_and_gaps() {
    let (folder, map) = folder_with(&odd_map());
    let report = folder.path().join("report.geojson");
    std::fs::write(&report, "an older report").unwrap();
    let output = check(&map, &["--report", report.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let written: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let [overlap, gap] = written["features"].as_array().unwrap().as_slice() else {
        panic!("{written}");
    };
    let area_m2 = |feature: &Value| feature["properties"]["area_m2"].as_f64().unwrap();
    let mut properties = overlap["properties"].clone();
    properties.as_object_mut().unwrap().remove("area_m2");
    assert_eq!(
        properties,
        json!({ "kind": "overlap", "ids": ["a", "b"], "names": ["a station", "b station"], "owner": "a" })
    );
    // A degree is 111.0 km from south to north and 88.9 km from west to east at 37° (WGS84).
    assert!(within(area_m2(overlap), 889.0 * 111.0, 0.002), "{overlap}");
    assert_eq!(gap["properties"]["kind"], "gap");
    assert_eq!(gap["properties"]["ids"], json!(["a", "b", "c", "d"]));
    assert!(within(area_m2(gap), 889.0 * 1_110.0, 0.002), "{gap}");
    assert_eq!(gap["geometry"]["type"], "MultiPolygon");
    let outline = gap["geometry"]["coordinates"][0][0].as_array().unwrap();
    assert_eq!(outline.len(), 5, "{gap}");
    for corner in outline {
        let [lon, lat] = [0, 1].map(|axis| corner[axis].as_f64().unwrap());
        assert!(
            [127.01, 127.02]
                .iter()
                .any(|known| (lon - known).abs() < 1e-7),
            "{corner}"
        );
        assert!(
            [37.01, 37.02]
                .iter()
                .any(|known| (lat - known).abs() < 1e-7),
            "{corner}"
        );
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn the_threshold_decides_what_is_listed_and_is_said() {
    let (_folder, map) = folder_with(&odd_map());
    let found = found(&map, &["--least-m2", "200000"]);
    assert_eq!(found["least_m2"], json!(200_000.0));
    assert_eq!(found["overlaps"]["count"], json!(0));
    assert_eq!(found["overlaps"]["small"]["pieces"], json!(1));
    assert_eq!(found["gaps"]["count"], json!(1));
    let said = stdout(&check(&map, &["--least-m2", "200000"]));
    assert!(
        said.contains("overlaps: 0 pairs of areas, 0 m² in 0 pieces; 1 piece below 200000 m²"),
        "{said}"
    );
}

#[test]
fn what_is_odd_is_no_failure_and_what_a_service_refuses_is() {
    let (folder, map) = folder_with(&odd_map());
    let odd = check(&map, &[]);
    assert_eq!(odd.status.code(), Some(0), "{}", stderr(&odd));
    let mut doubtful = odd_map();
    doubtful["features"][0]["properties"]["id"] = json!("a");
    std::fs::write(&map, doubtful.to_string()).unwrap();
    let report = folder.path().join("report.geojson");
    let refused = check(&map, &["--json", "--report", report.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    let found: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(found["starts"], json!(false));
    assert!(stderr(&refused).contains(found["refused_for"][0].as_str().unwrap()));
    assert!(report.exists(), "what is odd is worth a look all the same");
}

#[test]
fn what_was_repaired_is_said_and_does_not_stop_a_service() {
    let mut map = odd_map();
    // The last square, walked so that two of its lines cross: half of it is left.
    let ring = &mut map["features"][3]["geometry"]["coordinates"][0];
    *ring = json!([
        [127.02, 37.01],
        [127.03, 37.02],
        [127.03, 37.01],
        [127.02, 37.02]
    ]);
    let (_folder, map) = folder_with(&map);
    let output = check(&map, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("feature 4 (d station)"),
        "{}",
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("repaired or left out"),
        "{}",
        stdout(&output)
    );
    let in_json: Value = serde_json::from_slice(&check(&map, &["--json"]).stdout).unwrap();
    assert_eq!(in_json["starts"], json!(true));
    let repaired = in_json["repaired"].as_array().unwrap();
    assert_eq!(
        repaired.len(),
        2,
        "crossing lines, and a ring that does not end: {in_json}"
    );
    // The left and the right quarter of the square are held, the others are enclosed.
    let gaps_m2 = areas_m2(&in_json["gaps"]);
    let enclosed_m2 = [1.0, 0.25, 0.25].map(|squares| squares * 889.0 * 1_110.0);
    assert_eq!(gaps_m2.len(), enclosed_m2.len(), "{gaps_m2:?}");
    let mut each = gaps_m2.iter().zip(enclosed_m2);
    assert!(
        each.all(|(ours, enclosed)| within(*ours, enclosed, 0.002)),
        "{gaps_m2:?}"
    );
}

#[test]
fn the_map_itself_is_not_overwritten() {
    let (folder, map) = folder_with(&odd_map());
    let detour = folder.path().join(".").join("map.geojson");
    for report in [&map, &detour] {
        let output = check(&map, &["--report", report.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("is the map itself"),
            "{}",
            stderr(&output)
        );
    }
    assert_eq!(
        std::fs::read_to_string(&map).unwrap(),
        odd_map().to_string()
    );
}

#[test]
fn what_cannot_be_done_has_its_exit_code() {
    let (folder, map) = folder_with(&odd_map());
    let nowhere = folder.path().join("no/such/folder/report.geojson");
    for (options, code, why) in [
        (
            ["--report", nowhere.to_str().unwrap()],
            1,
            "cannot be written",
        ),
        (["--least-m2", "NaN"], 2, "zero or more"),
        (["--least-m2", "inf"], 2, "zero or more"),
    ] {
        let output = check(&map, &options);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

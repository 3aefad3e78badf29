//! `ansim locate` and `ansim jurisdictions check`, asked as a user asks them.

mod oracle;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::NamedTempFile;

/// Runs the program with this standard input.
fn ansim(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Beside the reading: the program answers while it reads, and both pipes are short.
    let writer = std::thread::spawn(move || {
        // A program that refuses its arguments does not read.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn file(content: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".geojson").unwrap();
    file.write_all(content.as_bytes()).unwrap();
    file
}

fn name(file: &NamedTempFile) -> &str {
    Path::to_str(file.path()).unwrap()
}

/// Two squares side by side, `1.0` in the west and `7` in the east.
const TWO_SQUARES: &str = r#"{"type":"FeatureCollection","version":"squares","authority":"invented","label":"drawn for a test",
"features":[
{"type":"Feature","properties":{"P":1.0,"agency":"West"},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}},
{"type":"Feature","properties":{"P":7},"geometry":{"type":"Polygon","coordinates":[[[1,0],[2,0],[2,1],[1,1],[1,0]]]}}]}"#;

#[test]
fn one_place_is_answered_in_words_and_in_json() {
    let map = file(TWO_SQUARES);
    let arguments = [
        "locate",
        "--jurisdictions",
        name(&map),
        "--id-property",
        "P",
        "0.5",
        "0.5",
    ];
    let words = ansim(&arguments, "");
    assert_eq!(words.status.code(), Some(0));
    assert!(
        stdout(&words).starts_with("1.0: inside\n"),
        "{}",
        stdout(&words)
    );
    assert!(
        stderr(&words).contains("invented (drawn for a test)"),
        "{}",
        stderr(&words)
    );

    let uncertain = ["--radius", "60000", "--confidence", "95", "--json"];
    let json = ansim(&[&arguments[..], &uncertain].concat(), "");
    let answer: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(answer["id"], "1.0");
    assert_eq!(answer["reason"], "majority");
    let probability = answer["probability"].as_f64().unwrap();
    assert!((0.9..0.95).contains(&probability), "{probability}");
    assert_eq!(answer["agency"], "West");
    assert_eq!(answer["authority"], "invented");
    assert_eq!(answer["runners_up"][0]["id"], "7");
    assert!(answer["map"].as_str().unwrap().starts_with("squares@"));
}

#[test]
fn an_ellipse_and_a_polygon_are_answered_by_their_shares() {
    let map = file(TWO_SQUARES);
    let options = [
        "locate",
        "--jurisdictions",
        name(&map),
        "--id-property",
        "P",
    ];
    let ask = |more: &[&str]| ansim(&[&options[..], more].concat(), "");
    let polygon = ask(&[
        "--polygon",
        "0.5,0.97 0.5,1.01 0.51,1.01 0.51,0.97",
        "--confidence",
        "80",
    ]);
    let words =
        "1.0: majority\nprobability 60.0 %\nagency West\nrunner-up 7, probability 20.0 %, 1113.";
    assert!(stdout(&polygon).starts_with(words), "{}", stdout(&polygon));
    // The border is 5.6 km to the east: beyond the short half axis, within the long one.
    let ellipse = |orientation| {
        ask(&[
            "--ellipse",
            &format!("9000,3000,{orientation}"),
            "0.5",
            "0.95",
        ])
    };
    assert!(stdout(&ellipse(0)).starts_with("1.0: inside\nprobability 95.0 %"));
    assert!(stdout(&ellipse(90)).starts_with("1.0: majority\n"));
    for (wrong, why) in [
        (
            vec!["--ellipse", "9000,3000", "0.5", "0.95"],
            "three numbers",
        ),
        (
            vec!["--ellipse", "-1,3000,0", "0.5", "0.95"],
            "metres, zero or more",
        ),
        (vec!["--polygon", "0.5,0.97 0.5"], "`0.5` is not LAT,LON"),
        (
            vec!["--polygon", "0,0 1,1"],
            "a polygon of 2 different corners",
        ),
        (vec!["--polygon", "0,0 1,1 0,99 91,0"], "is no place"),
    ] {
        let output = ask(&wrong);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
}

#[test]
fn a_place_south_and_west_is_not_taken_for_an_option() {
    let map = file(TWO_SQUARES);
    let output = ansim(
        &["locate", "--jurisdictions", name(&map), "-0.1", "-0.1"],
        "",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("#1: nearest\ndistance 15"),
        "{}",
        stdout(&output)
    );
    assert!(
        stderr(&output).contains("warning: feature 1 has no id"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn rows_keep_their_columns_and_their_order() {
    let map = file(TWO_SQUARES);
    let input = "name,lat,id,lon\n\"a, \"\"b\"\"\",0.5,x,0.5\n둘,0.5,,1.5\nborder,0.5,,1\nsea,-0.5,,0.5\nfar,50,,50\n";
    let output = ansim(
        &[
            "locate",
            "--jurisdictions",
            name(&map),
            "--id-property",
            "P",
            "--csv",
        ],
        input,
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answered = stdout(&output);
    let lines: Vec<_> = answered.lines().collect();
    assert_eq!(lines[0], "name,lat,id,lon,id,reason,distance_m,probability");
    assert_eq!(lines[1], "\"a, \"\"b\"\"\",0.5,x,0.5,1.0,inside,,");
    assert_eq!(lines[2], "둘,0.5,,1.5,7,inside,,");
    assert_eq!(lines[3], "border,0.5,,1,1.0,border,,");
    assert!(
        lines[4].starts_with("sea,-0.5,,0.5,1.0,nearest,5528"),
        "{}",
        lines[4]
    );
    assert_eq!(lines[5], "far,50,,50,,none,,");
    assert_eq!(lines.len(), 6);
    assert!(
        stderr(&output).contains("5 lookups, "),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("lookups per second"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_row_without_a_place_is_answered_and_counted() {
    let map = file(TWO_SQUARES);
    let input = "lat,lon\n91,0\nnowhere,0\nNaN,0\n,\n0.5,0.5\n";
    let output = ansim(
        &[
            "locate",
            "--jurisdictions",
            name(&map),
            "--id-property",
            "P",
            "--csv",
        ],
        input,
    );
    assert_eq!(output.status.code(), Some(0));
    let answered = stdout(&output);
    assert_eq!(
        answered
            .lines()
            .filter(|line| line.ends_with(",,none,,"))
            .count(),
        4
    );
    assert!(answered.ends_with("0.5,0.5,1.0,inside,,\n"), "{answered}");
    assert!(
        stderr(&output).contains("4 rows have no place on Earth"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let map = file(TWO_SQUARES);
    let map = name(&map);
    let broken = file(r#"{"type":"FeatureCollection","features":[]}"#);
    for (arguments, why) in [
        (&["locate", "--jurisdictions", map] as &[&str], "LAT"),
        (&["locate", "--jurisdictions", map, "0.5"], "LON"),
        (&["locate", "--jurisdictions", map, "91", "0"], "no place"),
        (&["locate", "--jurisdictions", map, "x", "0"], "invalid"),
        (
            &["locate", "--jurisdictions", map, "0", "0", "--csv"],
            "--csv",
        ),
        (
            &["locate", "--jurisdictions", map, "0", "0", "--radius", "-1"],
            "--radius",
        ),
        (
            &[
                "locate",
                "--jurisdictions",
                map,
                "0",
                "0",
                "--radius",
                "9",
                "--confidence",
                "100",
            ],
            "--confidence",
        ),
        (
            &[
                "locate",
                "--jurisdictions",
                "/nowhere/map.geojson",
                "0",
                "0",
            ],
            "/nowhere/map.geojson",
        ),
        (
            &["locate", "--jurisdictions", name(&broken), "0", "0"],
            "no polygon",
        ),
        (
            &["locate", "--jurisdictions", map, "--csv"],
            "no column `lat`",
        ),
        (&["jurisdictions", "check", name(&broken)], "no polygon"),
    ] {
        let output = ansim(arguments, "latitude,longitude\n1,1\n");
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(why),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn a_doubtful_map_does_not_pass_the_check() {
    let map = file(TWO_SQUARES);
    let good = ansim(
        &["jurisdictions", "check", name(&map), "--id-property", "P"],
        "",
    );
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    let doubtful = ansim(&["jurisdictions", "check", name(&map)], "");
    assert_eq!(doubtful.status.code(), Some(3));
    assert!(
        stderr(&doubtful).contains("feature 2 has no id"),
        "{}",
        stderr(&doubtful)
    );
}

//! Maps as operators have them, asked as an operator asks: what is refused (2), what a service would
//! refuse (3), and what is repaired and said (0).

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::NamedTempFile;

fn file(content: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".geojson").unwrap();
    file.write_all(content).unwrap();
    file
}

fn collection(features: &[String]) -> String {
    let features = features.join(",\n");
    format!(r#"{{"type":"FeatureCollection","authority":"invented","features":[{features}]}}"#)
}

fn polygon(properties: &str, rings: &str) -> String {
    format!(
        r#"{{"type":"Feature","properties":{properties},"geometry":{{"type":"Polygon","coordinates":{rings}}}}}"#
    )
}

const SQUARE: &str = "[[[126,37],[127,37],[127,38],[126,38],[126,37]]]";
const CROSSED: &str = "[[[127,37],[128,38],[128,37],[127,38],[127,37]]]";

fn square(id: &str) -> String {
    polygon(&format!(r#"{{"id":"{id}","name":"{id}"}}"#), SQUARE)
}

fn ansim(arguments: &[&str], map: &NamedTempFile) -> (Option<i32>, String) {
    let map = Path::to_str(map.path()).unwrap();
    let arguments = arguments.iter().map(|word| word.replace("MAP", map));
    let Output { status, stderr, .. } = Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(arguments)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn check(map: &NamedTempFile) -> (Option<i32>, String) {
    ansim(&["jurisdictions", "check", "MAP"], map)
}

fn locate(map: &NamedTempFile) -> (Option<i32>, String) {
    ansim(&["locate", "--jurisdictions", "MAP", "37.5", "126.5"], map)
}

#[test]
fn what_is_no_map_is_refused_with_file_feature_and_what_to_do() {
    let named = |rings: &str| collection(&[square("서울"), polygon(r#"{"name":"강릉"}"#, rings)]);
    for (content, said) in [
        (String::new(), "this is not JSON"),
        (
            r#"{"type":"FeatureCollection","features":[]}"#.to_owned(),
            "no polygon",
        ),
        (square("서울"), "a bare Feature; put it into"),
        (
            named("[[[37.1,127.1],[37.2,127.1],[37.2,127.2],[37.1,127.1]]]"),
            "feature 2 (강릉) has the place [37.1, 127.1], which looks like latitude first",
        ),
        (
            named("[[[953901.2,1952032.1],[953902,1952032],[953901,1952033]]]"),
            "feature 2 (강릉) has the place [953901.2, 1952032.1]: coordinates look projected",
        ),
        (
            named(r#"[[["127","37"],["128","37"],["128","38"]]]"#),
            "feature 2 (강릉) has a geometry that cannot be read",
        ),
        (
            named("[[[127,37],[128,37],[127,37]]]"),
            "feature 2 (강릉) has polygons that enclose nothing",
        ),
        (
            collection(&[square("서울")]).replace(
                r#""features""#,
                r#""crs":{"type":"name","properties":{"name":"EPSG:5179"}},"features""#,
            ),
            "`crs` is `EPSG:5179`",
        ),
    ] {
        let map = file(content.as_bytes());
        for (code, errors) in [check(&map), locate(&map)] {
            assert_eq!(code, Some(2), "{errors}");
            assert!(errors.contains(said), "{said}: {errors}");
            assert!(errors.contains(".geojson"), "{errors}");
        }
    }
    let euc_kr = collection(&[square("x")])
        .replace('x', "\u{0}")
        .into_bytes();
    let euc_kr: Vec<_> = euc_kr
        .into_iter()
        .map(|byte| if byte == 0 { 0xbc } else { byte })
        .collect();
    let (code, errors) = check(&file(&euc_kr));
    assert_eq!(code, Some(2));
    assert!(errors.contains("line 1: this is not UTF-8"), "{errors}");
}

#[test]
fn a_repaired_map_passes_and_says_which_features() {
    let map = file(
        collection(&[
            square("서울"),
            polygon(r#"{"id":"b","name":"강릉"}"#, CROSSED),
        ])
        .as_bytes(),
    );
    for (code, errors) in [check(&map), locate(&map)] {
        assert_eq!(code, Some(0), "{errors}");
        assert!(
            errors.contains("feature 2 (강릉) has lines that cross once"),
            "{errors}"
        );
    }
}

#[test]
fn a_doubtful_map_answers_and_does_not_pass() {
    let beside = |feature: &str| collection(&[square("서울"), feature.to_owned()]);
    let point = r#"{"type":"Feature","properties":{"id":"p","name":"강릉"},"geometry":{"type":"Point","coordinates":[128,37]}}"#;
    let nothing = r#"{"type":"Feature","properties":{"id":"n","name":"강릉"},"geometry":null}"#;
    for (content, said) in [
        (beside(point), "feature 2 (강릉) has a Point"),
        (beside(nothing), "feature 2 (강릉) has no geometry"),
        (beside(&polygon("{}", CROSSED)), "feature 2 has no id"),
        (beside(&square("서울")), "2 features have the id `서울`"),
    ] {
        let map = file(content.as_bytes());
        let (code, errors) = check(&map);
        assert_eq!(code, Some(3), "{errors}");
        assert!(errors.contains(said), "{said}: {errors}");
        let (code, errors) = locate(&map);
        assert_eq!(code, Some(0), "{errors}");
        assert!(errors.contains(&format!("warning: {said}")), "{errors}");
    }
}

/// By hand, with `--ignored`: a hundred megabytes of polygons.
#[test]
#[ignore = "writes a file of 100 MB; run by hand, in release"]
fn a_hundred_megabytes_are_read() {
    let mut text = String::from(r#"{"type":"FeatureCollection","features":["#);
    let mut number = 0;
    while text.len() < 100_000_000 {
        if number > 0 {
            text.push(',');
        }
        let (west, south) = (
            120.0 + f64::from(number % 40) * 0.25,
            30.0 + f64::from(number / 40) * 0.25,
        );
        let corners = (0..=20_000).map(|step| {
            let (sin, cos) =
                (f64::from(step % 20_000) / 20_000.0 * std::f64::consts::TAU).sin_cos();
            format!("[{:.9},{:.9}]", west + 0.1 * cos, south + 0.1 * sin)
        });
        let ring = corners.collect::<Vec<_>>().join(",");
        text.push_str(&polygon(
            &format!(r#"{{"id":"{number}"}}"#),
            &format!("[[{ring}]]"),
        ));
        number += 1;
    }
    text.push_str("]}");
    let map = file(text.as_bytes());
    let started = std::time::Instant::now();
    let (code, errors) = locate(&map);
    eprintln!(
        "{} features, {} bytes: {:?}",
        number,
        text.len(),
        started.elapsed()
    );
    assert_eq!(code, Some(0), "{errors}");
}

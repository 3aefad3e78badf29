//! Maps as they are found: what is read all the same, what is repaired and said, what is refused.

use super::*;

fn polygon(rings: &str) -> String {
    format!(r#"{{"type":"Polygon","coordinates":{rings}}}"#)
}

/// What a map with this one area says, and its polygons.
fn drawn(rings: &str) -> (Vec<String>, Vec<geo::Polygon<f64>>) {
    let text = collection("", &[feature("", r#"{"id":"강릉"}"#, &polygon(rings))]);
    let loaded = loaded(&text, &IdProperties::default());
    assert_eq!(loaded.doubts().count(), 0, "{rings}");
    let said = loaded.warnings.iter().map(ToString::to_string).collect();
    (said, loaded.map.areas()[0].polygons.clone())
}

#[test]
fn what_means_the_same_is_read_without_a_word() {
    let square = drawn("[[[0,0],[1,0],[1,1],[0,1],[0,0]]]");
    assert!(square.0.is_empty());
    for rings in [
        "[[[0,0],[1,0],[1,0],[1,1],[1,1],[1,1],[0,1],[0,0],[0,0]]]", // twice in a row
        "[[[0,0,7],[1,0,7.5],[1,1,7,1,2,3],[0,1,null],[0,0,7]]]",    // altitudes and more
        "[[[-0.0,0],[1,-0.0],[1,1],[-1e-300,1],[0,0]]]",             // one 0
    ] {
        assert_eq!(drawn(rings), square, "{rings}");
    }
    // Clockwise, and a ring that touches itself.
    for rings in [
        "[[[0,0],[0,1],[1,1],[1,0],[0,0]]]",
        "[[[0,0],[1,1],[2,0],[2,2],[1,1],[0,2],[0,0]]]",
    ] {
        let (said, polygons) = drawn(rings);
        let read: Vec<Vec<[f64; 2]>> = serde_json::from_str(rings).unwrap();
        let corners = polygons[0].exterior().0.iter().map(|at| [at.x, at.y]);
        assert_eq!(
            (said, corners.collect::<Vec<_>>()),
            (vec![], read[0].clone())
        );
    }
}

#[test]
fn what_is_repaired_is_said_by_the_features_name() {
    for (rings, said, parts) in [
        (
            "[[[0,0],[1,0],[1,1]]]",
            "1 rings that do not end where they begin",
            1,
        ),
        (
            "[[[0,0],[2,2],[2,0],[0,2],[0,0]]]",
            "lines that cross once, first near longitude 1.0000000, latitude 1.0000000",
            2,
        ),
        (
            "[[[0,0],[2,0],[2,2],[0,2],[0,0]],[[1,0.5],[5,0.5],[5,1],[1,1],[1,0.5]]]",
            "lines that cross 2 times",
            1,
        ),
        (
            "[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[1,1],[5,1],[5,5],[1,1]],[[2,1.5],[3,1.5],[3,2],[2,1.5]]]",
            "lie in each other",
            1,
        ),
        (
            "[[[0,0],[2,0],[5,0],[2,0],[2,2],[0,0]]]",
            "run over each other",
            1,
        ),
        (
            "[[[0,0],[2,0],[2,2],[0,0]],[[1,0.5],[1,0.5],[1.5,0.5],[1,0.5]]]",
            "1 rings of fewer than three corners",
            1,
        ),
    ] {
        let (warnings, polygons) = drawn(rings);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].starts_with("feature 1 (강릉) has ") && warnings[0].contains(said),
            "{rings}: {}",
            warnings[0]
        );
        assert_eq!(polygons.len(), parts, "{rings}");
    }
}

#[test]
fn a_doubt_is_no_repair() {
    let point = r#"{"type":"Point","coordinates":[5,5]}"#;
    let text = collection(
        "",
        &[
            feature(
                r#""id":"crossed","#,
                "{}",
                &polygon("[[[0,0],[2,2],[2,0],[0,2],[0,0]]]"),
            ),
            feature(r#""id":"point","#, "{}", point),
            feature(r#""id":"nothing","#, "{}", "null"),
            feature("", "{}", SQUARE),
            feature(r#""id":"crossed","#, "{}", SQUARE),
        ],
    );
    let loaded = loaded(&text, &IdProperties::default());
    assert_eq!(loaded.warnings.len(), 5);
    assert_eq!(loaded.doubts().count(), 4);
    assert!(!loaded.says_authority);
}

#[test]
fn an_area_with_a_point_beside_it_has_a_station() {
    let mixed = format!(
        r#"{{"type":"GeometryCollection","geometries":[{SQUARE},{{"type":"Point","coordinates":[0.5,0.5]}},{{"type":"Point","coordinates":[7,7]}}]}}"#
    );
    let text = collection("", &[feature(r#""id":"a","#, "{}", &mixed)]);
    let loaded = loaded(&text, &IdProperties::default());
    assert_eq!(loaded.map.stations()[0].at.lat_deg(), 0.5);
    assert!(matches!(
        &loaded.warnings[..],
        [MapWarning::BesideTheArea { .. }]
    ));
}

#[test]
fn names_of_wgs84_are_known() {
    for name in [
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "EPSG:4326",
        "urn:ogc:def:crs:EPSG::4326",
        "http://www.opengis.net/def/crs/EPSG/0/4326",
    ] {
        let crs = format!(r#""crs":{{"type":"name","properties":{{"name":"{name}"}}}},"#);
        let text = collection(&crs, &[feature(r#""id":"a","#, "{}", SQUARE)]);
        assert!(
            loaded(&text, &IdProperties::default()).warnings.is_empty(),
            "{name}"
        );
    }
    let none = collection(r#""crs":null,"#, &[feature(r#""id":"a","#, "{}", SQUARE)]);
    assert_eq!(loaded(&none, &IdProperties::default()).map.areas().len(), 1);
}

#[test]
fn too_much_of_anything_is_refused() {
    let two = collection("", &[feature("", "{}", SQUARE), feature("", "{}", SQUARE)]);
    let within = |features, positions| {
        let limits = Limits {
            features,
            positions,
        };
        read(&two, &IdProperties::default(), limits).map_err(|refusal| refusal.to_string())
    };
    assert!(within(2, 10).is_ok());
    assert!(within(1, 10).unwrap_err().contains("over 1 features"));
    assert!(within(2, 9).unwrap_err().contains("over 9 positions"));
    let deep = format!(
        r#"{{"type":"FeatureCollection","features":[{}{}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let error = load(&deep, "map.geojson", &IdProperties::default()).unwrap_err();
    assert!(error.to_string().contains("feature 1 is not"), "{error}");
}

#[test]
fn neighbours_of_a_repaired_area_keep_their_lines() {
    // The western one crosses itself far from the line that they share.
    let west = polygon(
        "[[[126.1,37.1],[127.3,37.2],[127.2,37.7],[126.2,37.8],[125.9,37.4],[126.4,37.45],[126.1,37.1]],[[0,0],[0,0]]]",
    );
    let east = polygon("[[[127.3,37.2],[128.4,37.3],[127.2,37.7],[127.3,37.2]]]");
    let crossed = west.replace("[126.4,37.45]", "[126.25,37.85]");
    let text = collection(
        "",
        &[
            feature("", r#"{"id":"w"}"#, &crossed),
            feature("", r#"{"id":"e"}"#, &east),
        ],
    );
    let map = loaded(&text, &IdProperties::default()).map;
    let lines = |id: &str| -> Vec<_> {
        let area = map.area(&JurisdictionId::new(id)).unwrap();
        area.polygons
            .iter()
            .flat_map(|part| part.exterior().lines())
            .collect()
    };
    let shared = |line: &geo::Line<f64>| [line.start, line.end].iter().all(|end| end.x >= 127.2);
    let mut west: Vec<_> = lines("w").into_iter().filter(shared).collect();
    west.retain(|line| {
        lines("e").contains(line) || lines("e").contains(&geo::Line::new(line.end, line.start))
    });
    assert_eq!(west.len(), 1);
}

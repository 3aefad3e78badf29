use super::*;

mod dirty;

const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}"#;

fn feature(members: &str, properties: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature",{members}"properties":{properties},"geometry":{geometry}}}"#)
}

fn collection(members: &str, features: &[String]) -> String {
    let features = features.join(",");
    format!(r#"{{"type":"FeatureCollection",{members}"features":[{features}]}}"#)
}

fn loaded(text: &str, ids: &IdProperties) -> Loaded {
    load(text, "map.geojson", ids).unwrap()
}

fn ids_of(text: &str, ids: &IdProperties) -> Vec<String> {
    loaded(text, ids)
        .map
        .areas()
        .iter()
        .map(|area| area.id.to_string())
        .collect()
}

fn refusal_of_geometry(geometry: &str) -> String {
    let text = collection("", &[feature("", r#"{"name":"강릉"}"#, geometry)]);
    load(&text, "map.geojson", &IdProperties::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn an_id_is_the_property_as_written() {
    for (written, id) in [
        ("1", "1"),
        ("1.0", "1.0"),
        ("1e2", "1e2"),
        (r#""가/b""#, "가/b"),
    ] {
        let text = collection("", &[feature("", &format!(r#"{{"P":{written}}}"#), SQUARE)]);
        assert_eq!(ids_of(&text, &IdProperties::from_list("P")), [id]);
        assert!(
            loaded(&text, &IdProperties::from_list("P"))
                .warnings
                .is_empty()
        );
    }
}

#[test]
fn several_properties_are_joined() {
    let text = collection("", &[feature("", r#"{"hq":"서울","n":7}"#, SQUARE)]);
    assert_eq!(ids_of(&text, &IdProperties::from_list("hq,n")), ["서울/7"]);
    let incomplete = loaded(&text, &IdProperties::from_list("hq,absent"));
    assert_eq!(incomplete.map.areas()[0].id.as_str(), "#1");
    assert!(matches!(
        &incomplete.warnings[..],
        [MapWarning::MissingId { .. }]
    ));
}

#[test]
fn without_the_option_the_property_goes_before_the_member() {
    let text = collection(
        "",
        &[
            feature(r#""id":"member","#, r#"{"id":"property"}"#, SQUARE),
            feature(r#""id":12,"#, "{}", SQUARE),
            feature("", "null", SQUARE),
        ],
    );
    assert_eq!(
        ids_of(&text, &IdProperties::default()),
        ["#3", "12", "property"]
    );
    let warnings = loaded(&text, &IdProperties::default()).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().contains("feature 3 has no id"));
}

#[test]
fn equal_ids_are_one_jurisdiction_with_a_warning() {
    let text = collection(
        "",
        &[
            feature(r#""id":1,"#, "{}", SQUARE),
            feature(r#""id":1,"#, "{}", SQUARE),
        ],
    );
    let loaded = loaded(&text, &IdProperties::default());
    assert_eq!(loaded.map.areas().len(), 1);
    assert_eq!(loaded.map.areas()[0].polygons.len(), 2);
    assert_eq!(
        loaded.warnings,
        [MapWarning::EqualIds {
            id: JurisdictionId::new("1"),
            features: 2
        }]
    );
}

#[test]
fn a_map_says_what_it_is() {
    let members = r#""version":"v1","authority":"official","label":"by the police","#;
    let properties = r#"{"id":"a","name":"A","agency":"North","station":{"lat":1.5,"lon":2.5,"name":"A station"}}"#;
    let map = loaded(
        &collection(members, &[feature("", properties, SQUARE)]),
        &IdProperties::default(),
    )
    .map;
    assert_eq!(map.authority(), Authority::Official);
    assert_eq!(map.label(), Some("by the police"));
    assert!(map.version().as_str().starts_with("v1@"));
    assert_eq!(map.agency(&JurisdictionId::new("a")), Some("North"));
    assert_eq!(map.stations()[0].name, "A station");
    assert_eq!(map.stations()[0].at.lon_deg(), 2.5);

    let silent = loaded(
        &collection("", &[feature("", r#"{"id":"a"}"#, SQUARE)]),
        &IdProperties::default(),
    );
    assert_eq!(silent.map.authority(), Authority::Approximate);

    let lying = collection(r#""authority":"divine","#, &[feature("", "{}", SQUARE)]);
    let error = load(&lying, "map.geojson", &IdProperties::default()).unwrap_err();
    assert!(error.to_string().contains("\"divine\""), "{error}");
}

#[test]
fn what_is_no_map_is_refused_with_the_file() {
    for (text, why) in [
        ("", "not JSON"),
        ("{\"type\":", "not JSON"),
        ("[1,2]", "not a GeoJSON FeatureCollection"),
        (
            r#"{"type":"FeatureCollection"}"#,
            "not a GeoJSON FeatureCollection",
        ),
        (r#"{"type":"Topology","features":[]}"#, "`Topology`"),
        (SQUARE, "a bare Polygon; put it into"),
        (
            r#"{"type":"Feature","properties":{},"geometry":null}"#,
            "a bare Feature",
        ),
        (
            r#"{"type":"FeatureCollection","features":7}"#,
            "a list of features",
        ),
        (
            r#"{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::5179"}},"features":[]}"#,
            "`crs` is `urn:ogc:def:crs:EPSG::5179`",
        ),
        (
            r#"{"type":"FeatureCollection","crs":{"type":"link","properties":{"href":"x"}},"features":[]}"#,
            "`crs` is not given by a name",
        ),
        (
            r#"{"type":"FeatureCollection","features":[]}"#,
            "no polygon",
        ),
        (
            r#"{"type":"FeatureCollection","features":[3]}"#,
            "feature 1 is not",
        ),
        (
            r#"{"type":"FeatureCollection","features":[{"type":"Fog"}]}"#,
            "`Fog`",
        ),
    ] {
        let error = load(text, "map.geojson", &IdProperties::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("map.geojson: ") && error.contains(why),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_broken_polygon_is_refused_with_the_feature() {
    for (coordinates, why) in [
        ("[[[0,0],[1,0],[0,0]]]", "enclose nothing"),
        ("[[]]", "enclose nothing"),
        ("[[[0,0],[1,1],[3,3],[2,2],[0,0]]]", "enclose nothing"),
        (
            "[[[0,0],[0,1],[1,1],[1,0]],[[0,0],[0,1],[1,1],[1,0]]]",
            "enclose nothing",
        ),
        ("[[[0,0],[181,0],[1,1],[0,0]]]", "longitude 181"),
        ("[[[0,0],[91,-90.5],[1,1],[0,0]]]", "latitude -90.5"),
        (
            "[[[37,127],[37,128],[38,128],[37,127]]]",
            "[37, 127], which looks like latitude first",
        ),
        (
            "[[[953901.2,1952032.1],[953902,1952032],[953901,1952033]]]",
            "look projected (metres)",
        ),
        (
            r#"[[["127","37"],[1,0],[1,1],[0,0]]]"#,
            "invalid type: string",
        ),
        ("[[[NaN,0],[1,0],[1,1],[0,0]]]", "not JSON"),
        ("[[[0,0],[1e999,0],[1,1],[0,0]]]", "cannot be read"),
        ("[[[0,0],[null,0],[1,1],[0,0]]]", "cannot be read"),
        ("[[[0],[1,0],[1,1],[0,0]]]", "cannot be read"),
        ("7", "cannot be read"),
    ] {
        let geometry = format!(r#"{{"type":"Polygon","coordinates":{coordinates}}}"#);
        let error = refusal_of_geometry(&geometry);
        let named = error.contains("feature 1 (강릉)")
            || error.contains("not JSON: expected value at line 1");
        assert!(named && error.contains(why), "{coordinates}: {error}");
    }
    assert!(refusal_of_geometry(r#"{"type":"Circle"}"#).contains("`Circle`"));
    let nested = (0..20).fold(SQUARE.to_owned(), |inner, _| {
        format!(r#"{{"type":"GeometryCollection","geometries":[{inner}]}}"#)
    });
    assert!(refusal_of_geometry(&nested).contains("nested"));
}

#[test]
fn what_can_be_read_all_the_same_is_a_warning() {
    let open = r#"{"type":"Polygon","coordinates":[[[0,0,9],[1,0,9],[1,1,9]]]}"#;
    let mixed = format!(
        r#"{{"type":"GeometryCollection","geometries":[{SQUARE},{{"type":"LineString","coordinates":[[0,0],[1,1]]}}]}}"#
    );
    let point = r#"{"type":"Point","coordinates":[5,5]}"#;
    let text = collection(
        "",
        &[
            feature(r#""id":"open","#, "{}", open),
            feature(r#""id":"mixed","#, "{}", &mixed),
            feature(r#""id":"point","#, "{}", point),
            feature(r#""id":"nothing","#, "{}", "null"),
            feature(
                r#""id":"empty","#,
                "{}",
                r#"{"type":"Polygon","coordinates":[]}"#,
            ),
        ],
    );
    let loaded = loaded(&text, &IdProperties::default());
    let said: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    for (said, expected) in said.iter().zip([
        "feature 1 (open) has 1 rings that do not end",
        "feature 2 (mixed) has a LineString",
        "feature 3 (point) has a Point",
        "feature 4 (nothing) has no geometry",
        "feature 5 (empty) has no geometry",
    ]) {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(said.len(), 5);
    assert_eq!(loaded.map.areas().len(), 2);
    assert_eq!(loaded.map.areas()[1].polygons[0].exterior().0.len(), 4);
    assert!(loaded.map.stations().is_empty());
}

#[test]
fn a_map_without_areas_is_one_of_stations() {
    let text = collection(
        "",
        &[
            feature(
                r#""id":"b","#,
                r#"{"name":"B"}"#,
                r#"{"type":"Point","coordinates":[127,37]}"#,
            ),
            feature(
                r#""id":"a","#,
                r#"{"station":{"lat":36,"lon":128}}"#,
                "null",
            ),
        ],
    );
    let loaded = loaded(&text, &IdProperties::default());
    assert!(loaded.warnings.is_empty());
    let names: Vec<_> = loaded
        .map
        .stations()
        .iter()
        .map(|station| station.name.as_str())
        .collect();
    assert_eq!(names, ["a", "B"]);
}

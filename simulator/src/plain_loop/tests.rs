mod circles;

use dispatcher::jurisdiction::{IdProperties, load};

use super::*;

const MAP: &str = r#"{"type":"FeatureCollection","authority":"invented","features":[
    {"type":"Feature","properties":{"id":"west"},"geometry":{"type":"Polygon","coordinates":[
        [[127.0,37.0],[127.5,37.0],[127.5,37.5],[127.0,37.5],[127.0,37.0]],
        [[127.1,37.1],[127.2,37.1],[127.2,37.2],[127.1,37.2],[127.1,37.1]]]}},
    {"type":"Feature","properties":{"id":"east"},"geometry":{"type":"Polygon","coordinates":[
        [[127.4,37.0],[128.0,37.0],[128.0,37.5],[127.4,37.5],[127.4,37.0]]]}}]}"#;

fn owners(lat_deg: f64, lon_deg: f64) -> Vec<String> {
    owners_on(MAP, lat_deg, lon_deg)
}

fn owners_on(map: &str, lat_deg: f64, lon_deg: f64) -> Vec<String> {
    let map = load(map, "test", &IdProperties::default()).unwrap().map;
    let plain = PlainMap::new(&map);
    let at = LatLon::new(lat_deg, lon_deg).unwrap();
    plain
        .owners(at)
        .into_iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn inside_hole_overlap_shore_and_far_out() {
    assert_eq!(owners(37.3, 127.05), ["west"]);
    assert_eq!(
        owners(37.15, 127.15),
        ["west"],
        "the nearest to a hole is its rim"
    );
    assert_eq!(
        owners(37.3, 127.45),
        ["east"],
        "the smallest id owns an overlap"
    );
    assert_eq!(owners(37.3, 128.5), ["east"]);
    assert_eq!(owners(37.3, 130.5), Vec::<String>::new());
}

#[test]
fn equally_near_is_undecided() {
    let apart = MAP.replace("127.4", "127.6");
    assert_eq!(owners_on(&apart, 37.25, 127.55), ["east", "west"]);
    assert_eq!(owners_on(&apart, 37.25, 127.551), ["east"]);
}

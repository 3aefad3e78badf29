use geo::Contains as _;
use protocol::JurisdictionId;

use super::*;
use crate::jurisdiction::{IdProperties, load};

const TABLE: &str = "\
agency,station,lat,lon,district_codes,people,station_en
North,West,37.001,127.002,10001,900,West
North,East,37.001,127.007,10001,1000,East
South,Harbour,36.990,127.005,10002;10003,50,
";

/// Two squares that share a whole edge, and an island with its own code.
fn districts() -> String {
    let square = |code: &str, lon: f64, lat: f64| {
        let (east, north) = (lon + 0.01, lat + 0.01);
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"sig_cd\":\"{code}\",\"sig_kor_nm\":\"D{code}\"}},\
             \"geometry\":{{\"type\":\"Polygon\",\"coordinates\":[[[{lon},{lat}],[{lon},{north}],\
             [{east},{north}],[{east},{lat}],[{lon},{lat}]]]}}}}"
        )
    };
    format!(
        "\"use strict\";\nexports.geoData = void 0;\nexports.geoData = {{\"type\":\"FeatureCollection\",\
         \"features\":[{},{},{}]}};\n//# sourceMappingURL=geoData.js.map",
        square("10001", 127.0, 37.0),
        square("10002", 127.0, 36.99),
        square("10003", 127.5, 36.5),
    )
}

fn message(districts: &str, table: &str) -> String {
    build(districts, table).unwrap_err().to_string()
}

#[test]
fn what_is_built_is_a_map_without_warnings() {
    let text = build(&districts(), TABLE).unwrap();
    let loaded = load(&text, "built", &IdProperties::default()).unwrap();
    assert_eq!(loaded.warnings, []);
    let map = loaded.map;
    assert_eq!(map.authority(), Authority::Approximate);
    assert_eq!(map.label(), Some(KOREA_LABEL));
    let ids: Vec<_> = map
        .jurisdictions()
        .into_iter()
        .map(JurisdictionId::as_str)
        .collect();
    assert_eq!(ids, ["North/East", "North/West", "South/Harbour"]);
    assert_eq!(
        map.area(&JurisdictionId::new("South/Harbour"))
            .unwrap()
            .polygons
            .len(),
        2
    );
    assert_eq!(
        map.agency(&JurisdictionId::new("South/Harbour")),
        Some("South")
    );
    assert_eq!(map.stations().len(), 3);
    assert_eq!(text, build(&districts(), TABLE).unwrap());
}

#[test]
fn plain_geojson_does_as_well_as_the_package() {
    let js = districts();
    let json = js[js.find('{').unwrap()..].rsplit_once(';').unwrap().0;
    assert_eq!(build(json, TABLE), build(&js, TABLE));
}

#[test]
fn the_neighbour_gets_the_corner_where_a_cut_ends() {
    let text = build(&districts(), TABLE).unwrap();
    let map = load(&text, "built", &IdProperties::default()).unwrap().map;
    let has_corner = |id: &str| {
        let area = map.area(&JurisdictionId::new(id)).unwrap();
        let mut corners = area
            .polygons
            .iter()
            .flat_map(|polygon| &polygon.exterior().0);
        corners.any(|corner| (corner.x, corner.y) == (127.0045, 37.0))
    };
    for id in ["North/West", "North/East", "South/Harbour"] {
        assert!(has_corner(id), "{id}");
    }
    let west = map.area(&JurisdictionId::new("North/West")).unwrap();
    assert!(west.polygons[0].contains(&geo::Point::new(127.0044, 37.005)));
    assert!(!west.polygons[0].contains(&geo::Point::new(127.0046, 37.005)));
}

#[test]
fn a_broken_text_is_refused_with_what_to_give() {
    assert!(message("exports.geoData = [1", TABLE).contains("dist/geoData.js"));
    let none = "{\"type\":\"FeatureCollection\",\"features\":[]}";
    assert!(message(none, TABLE).contains("no feature"));
}

#[test]
fn a_broken_district_is_named() {
    let broken = |from: &str, to: &str| message(&districts().replacen(from, to, 1), TABLE);
    assert!(broken("\"sig_cd\":\"10001\",", "").contains("feature 1 (? D10001)"));
    assert!(broken("10001", "10002").contains("feature 2 (10002 D10002)"));
    let no_place = broken("[127.5,36.5]", "[127.5,96.5]");
    assert!(no_place.contains("feature 3 (10003 D10003): ring 0 has no place on Earth in it"));
    let flat = districts().replace("36.51", "36.5");
    assert!(message(&flat, TABLE).contains("(10003 D10003): its polygons have no area"));
    let line = districts().replacen(
        "\"Polygon\",\"coordinates\":[[",
        "\"LineString\",\"coordinates\":[",
        1,
    );
    assert!(message(&line.replacen("]]]}", "]]}", 1), TABLE).contains("neither a Polygon"));
}

#[test]
fn a_broken_line_of_the_table_is_named() {
    let broken = |from: &str, to: &str| message(&districts(), &TABLE.replacen(from, to, 1));
    assert_eq!(
        broken("lat,", "latitude,"),
        "stations, line 1: the header has no column `lat`"
    );
    assert_eq!(
        broken("37.001", "north"),
        "stations, line 2: `lat` is `north`, not a number of degrees"
    );
    assert!(broken("36.990", "99.0").starts_with("stations, line 4: latitude must lie"));
    assert!(broken("East,37", "West,37").contains("line 3: the station North/West is there twice"));
    assert_eq!(
        broken("Harbour", ""),
        "stations, line 4: `station` is empty"
    );
    assert!(broken("10002;10003", "10002;10002").contains("`10002` twice"));
    assert!(broken(",900,", ",many,").contains("line 2: `people` is `many`"));
    assert!(broken(",50,", ",50").starts_with("stations, line 4: "));
    assert!(message(&districts(), TABLE.lines().next().unwrap()).contains("no station"));
}

#[test]
fn a_table_from_a_spreadsheet_is_read() {
    let excel = format!(
        "\u{feff}{}",
        TABLE
            .replace('\n', "\r\n")
            .replace("Harbour", "\"Harbour, old\"")
    );
    let rows = stations(&excel).unwrap();
    assert_eq!(rows[2].id(), JurisdictionId::new("South/Harbour, old"));
    assert_eq!(
        (rows[2].line, rows[2].people, rows[2].name_latin.as_deref()),
        (4, Some(50), None)
    );
}

#[test]
fn districts_and_stations_answer_for_each_other() {
    let broken = |from: &str, to: &str| message(&districts(), &TABLE.replacen(from, to, 1));
    assert_eq!(
        broken("10002;10003", "10002;10004"),
        "stations, line 4: South/Harbour answers for district 10004, which does not exist"
    );
    assert!(broken("10002;10003", "10002").contains("district 10003 (D10003)"));
    let far = broken("37.001,127.007", "37.001,128.007");
    assert!(
        far.starts_with("stations, line 3: no place of district 10001 is nearest to North/East")
    );
}

#[test]
fn the_table_of_korea_is_whole() {
    const KOREA_LAT: std::ops::Range<f64> = 33.0..38.7;
    const KOREA_LON: std::ops::Range<f64> = 124.5..132.0;
    let rows = stations(KOREA_STATIONS_CSV).unwrap();
    assert_eq!(rows.len(), 262);
    let agencies: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.agency).collect();
    assert_eq!(agencies.len(), 18);
    for row in &rows {
        assert!(KOREA_LAT.contains(&row.at.lat_deg()), "{}", row.id());
        assert!(KOREA_LON.contains(&row.at.lon_deg()), "{}", row.id());
        let codes = &row.district_codes;
        assert!(
            codes
                .iter()
                .all(|code| code.len() == 5 && code.parse::<u32>().is_ok()),
            "{}",
            row.id()
        );
        assert!(
            row.people.is_some_and(|people| people > 1_000),
            "{}",
            row.id()
        );
        assert!(row.name_latin.is_some(), "{}", row.id());
    }
    let answering = table::by_district(&rows);
    assert_eq!(answering.len(), 252);
    assert_eq!(answering.values().filter(|rows| rows.len() > 1).count(), 18);
}

#[test]
fn without_districts_the_stations_are_the_map() {
    let map = stations_only(KOREA_STATIONS_CSV).unwrap();
    assert_eq!((map.areas().len(), map.stations().len()), (0, 262));
    assert_eq!(map.authority(), Authority::Approximate);
    assert!(
        map.label()
            .is_some_and(|label| label.contains("not official"))
    );
}

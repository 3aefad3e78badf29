//! The areas that are built from the districts of Korea and the project's table of stations,
//! compared with plain loops over the package's own polygons.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, StationRow, build, stations};
use dispatcher::jurisdiction::{Area, IdProperties, JurisdictionMap, load};
use protocol::JurisdictionId;
use serde_json::Value;

use crate::support::in_checkout;
use crate::support::require::{Need, require};

type Ring = Vec<[f64; 2]>;

/// What the built areas are compared with; read without the code that builds them.
struct Korea {
    rings: BTreeMap<String, Vec<Ring>>,
    rows: Vec<StationRow>,
    map: JurisdictionMap,
}

impl Korea {
    /// Built once for all tests of this program.
    fn get() -> Option<&'static Self> {
        static KOREA: OnceLock<Korea> = OnceLock::new();
        let districts = require(Need::Districts)?;
        Some(KOREA.get_or_init(|| Self::read(&districts)))
    }

    fn read(districts: &Path) -> Self {
        let js = std::fs::read_to_string(districts).unwrap();
        let json = js.split_once("exports.geoData = {").unwrap().1;
        let json = format!("{{{}", json.rsplit_once(';').unwrap().0);
        let districts: Value = serde_json::from_str(&json).unwrap();
        let rings = districts["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| {
                let code = feature["properties"]["sig_cd"].as_str().unwrap();
                (code.to_owned(), rings(&feature["geometry"]["coordinates"]))
            });
        let text = build(&js, KOREA_STATIONS_CSV).unwrap();
        let loaded = load(&text, "built", &IdProperties::default()).unwrap();
        assert_eq!(loaded.warnings, []);
        Self {
            rings: rings.collect(),
            rows: stations(KOREA_STATIONS_CSV).unwrap(),
            map: loaded.map,
        }
    }

    fn answering(&self, code: &str) -> Vec<&StationRow> {
        let names = |row: &&StationRow| row.district_codes.iter().any(|named| named == code);
        self.rows.iter().filter(names).collect()
    }
}

/// The rings in nested lists of positions.
fn rings(lists: &Value) -> Vec<Ring> {
    let list = lists.as_array().unwrap();
    if list[0][0].is_number() {
        let position = |at: &Value| [at[0].as_f64().unwrap(), at[1].as_f64().unwrap()];
        vec![list.iter().map(position).collect()]
    } else {
        list.iter().flat_map(rings).collect()
    }
}

fn rings_of(area: &Area) -> Vec<Ring> {
    let rings = area
        .polygons
        .iter()
        .flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    rings
        .map(|ring| ring.0.iter().map(|at| [at.x, at.y]).collect())
        .collect()
}

/// The even-odd rule; what lies exactly on a border may fall on either side.
fn holds(rings: &[Ring], [x, y]: [f64; 2]) -> bool {
    let edges = rings.iter().flat_map(|ring| ring.windows(2));
    let crossed = edges.filter(|edge| {
        let [[ax, ay], [bx, by]] = [edge[0], edge[1]];
        (ay > y) != (by > y) && x < ax + (bx - ax) * (y - ay) / (by - ay)
    });
    crossed.count() % 2 == 1
}

/// In square degrees. All borders run one way, and holes the other, in the package as in the result.
fn area(rings: &[Ring]) -> f64 {
    let signed = |ring: &Ring| {
        let [ox, oy] = ring[0];
        let doubled: f64 = ring
            .windows(2)
            .map(|edge| {
                (edge[0][0] - ox) * (edge[1][1] - oy) - (edge[1][0] - ox) * (edge[0][1] - oy)
            })
            .sum();
        doubled / 2.0
    };
    rings.iter().map(signed).sum::<f64>().abs()
}

/// In degrees.
fn length(rings: &[Ring]) -> f64 {
    let edges = rings.iter().flat_map(|ring| ring.windows(2));
    edges
        .map(|edge| (edge[1][0] - edge[0][0]).hypot(edge[1][1] - edge[0][1]))
        .sum()
}

fn haversine_m(row: &StationRow, [lon, lat]: [f64; 2]) -> f64 {
    const EARTH_M: f64 = 6_371_008.8;
    let [lon, lat, own_lon, own_lat] =
        [lon, lat, row.at.lon_deg(), row.at.lat_deg()].map(f64::to_radians);
    let square = ((lat - own_lat) / 2.0).sin().powi(2)
        + lat.cos() * own_lat.cos() * ((lon - own_lon) / 2.0).sin().powi(2);
    2.0 * EARTH_M * square.sqrt().asin()
}

#[test]
fn every_district_is_answered_for_and_every_station_has_an_area() {
    let Some(korea) = Korea::get() else { return };
    assert_eq!(korea.rings.len(), 252);
    for code in korea.rings.keys() {
        assert!(!korea.answering(code).is_empty(), "{code}");
    }
    let ids: BTreeSet<_> = korea
        .map
        .areas()
        .iter()
        .map(|area| area.id.clone())
        .collect();
    let stations: BTreeSet<_> = korea
        .map
        .stations()
        .iter()
        .map(|station| station.jurisdiction.clone())
        .collect();
    assert_eq!(
        (
            ids.len(),
            korea.map.areas().len(),
            korea.map.stations().len()
        ),
        (262, 262, 262)
    );
    assert_eq!(ids, stations);
    assert_eq!(ids, korea.rows.iter().map(StationRow::id).collect());
}

#[test]
fn a_station_is_inside_its_area_or_beside_it() {
    // Coordinates are rounded to about 100 m, and two stations stand across the street from their
    // district.
    const BESIDE_DEG: f64 = 0.003;
    let Some(korea) = Korea::get() else { return };
    let outside = korea.rows.iter().filter(|row| {
        let rings = rings_of(korea.map.area(&row.id()).unwrap());
        !holds(&rings, [row.at.lon_deg(), row.at.lat_deg()])
    });
    let mut count = 0;
    for row in outside {
        let rings = rings_of(korea.map.area(&row.id()).unwrap());
        let [lon, lat] = [row.at.lon_deg(), row.at.lat_deg()];
        let beside = (-3..=3)
            .flat_map(|x| (-3..=3).map(move |y| [x, y]))
            .any(|[x, y]| {
                let step = BESIDE_DEG / 3.0;
                holds(
                    &rings,
                    [lon + f64::from(x) * step, lat + f64::from(y) * step],
                )
            });
        assert!(beside, "{}", row.id());
        count += 1;
    }
    println!("{count} of 262 stations stand just outside of their area");
    assert!(count <= 3, "{count}");
}

/// Stations and districts fall into groups that share nothing; most have one of each.
#[test]
fn the_pieces_of_districts_add_up_to_the_districts() {
    let Some(korea) = Korea::get() else { return };
    let mut left: BTreeSet<JurisdictionId> = korea.rows.iter().map(StationRow::id).collect();
    let mut groups = 0;
    while let Some(first) = left.first().cloned() {
        let (mut ids, mut codes) = (BTreeSet::from([first]), BTreeSet::new());
        loop {
            let before = ids.len();
            for row in korea.rows.iter().filter(|row| ids.contains(&row.id())) {
                codes.extend(row.district_codes.iter().map(String::as_str));
            }
            ids.extend(
                codes
                    .iter()
                    .flat_map(|code| korea.answering(code))
                    .map(StationRow::id),
            );
            if ids.len() == before {
                break;
            }
        }
        let pieces: f64 = ids
            .iter()
            .map(|id| area(&rings_of(korea.map.area(id).unwrap())))
            .sum();
        let whole: f64 = codes.iter().map(|code| area(&korea.rings[*code])).sum();
        // A corner moves by at most 0.71 units of 10⁻⁷ degree when it is put on the grid.
        let border: f64 = codes.iter().map(|code| length(&korea.rings[*code])).sum();
        assert!(
            (pieces - whole).abs() < border * 1e-7,
            "{ids:?}: {pieces} of {whole}"
        );
        left.retain(|id| !ids.contains(id));
        groups += 1;
    }
    assert!(groups > 230, "{groups}");
}

#[test]
fn a_place_in_a_shared_district_belongs_to_its_nearest_station() {
    // The cut is straight on the map and the nearest is measured on the globe.
    const STRAIGHT_M: f64 = 60.0;
    const PLACES: u32 = 400;
    let Some(korea) = Korea::get() else { return };
    let mut seed = 0x0a25_1300_u64;
    let mut random = move || {
        // Knuth's MMIX generator: the same places in every run.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut shared, mut places, mut close) = (0, 0, 0);
    for (code, rings) in &korea.rings {
        let mut answering = korea.answering(code);
        if answering.len() == 1 {
            continue;
        }
        shared += 1;
        let areas: BTreeMap<_, _> = answering
            .iter()
            .map(|row| (row.id(), rings_of(korea.map.area(&row.id()).unwrap())))
            .collect();
        let bound = |axis: usize, pick: fn(f64, f64) -> f64| {
            rings
                .iter()
                .flatten()
                .map(|at| at[axis])
                .reduce(pick)
                .unwrap()
        };
        let [west, east] = [bound(0, f64::min), bound(0, f64::max)];
        let [south, north] = [bound(1, f64::min), bound(1, f64::max)];
        for _ in 0..PLACES {
            let at = [
                west + (east - west) * random(),
                south + (north - south) * random(),
            ];
            if !holds(rings, at) {
                continue;
            }
            answering.sort_by(|a, b| haversine_m(a, at).total_cmp(&haversine_m(b, at)));
            if haversine_m(answering[1], at) - haversine_m(answering[0], at) < STRAIGHT_M {
                close += 1;
                continue;
            }
            places += 1;
            for row in &answering {
                let expected = row.id() == answering[0].id();
                assert_eq!(
                    holds(&areas[&row.id()], at),
                    expected,
                    "{code}: {}",
                    row.id()
                );
            }
        }
    }
    println!("{places} places in {shared} shared districts; {close} too close to a cut to judge");
    assert_eq!(shared, 18);
    assert!(places > 1_500 && close * 20 < places, "{places}, {close}");
}

/// The landmarks' stations come from another approximation, which follows neighbourhoods.
#[test]
fn landmarks_agree_with_another_approximation() {
    const DIFFER_AT_MOST: usize = 5;
    let (Some(korea), Some(data)) = (Korea::get(), require(Need::Data)) else {
        return;
    };
    let text = std::fs::read_to_string(data.join("points/landmarks_korea.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|known| *known == name).unwrap();
    let (lat, lon) = (column("lat"), column("lon"));
    let (name, station) = (column("name_en"), column("police_station_approx"));
    let areas: Vec<_> = korea
        .map
        .areas()
        .iter()
        .map(|area| (area, rings_of(area)))
        .collect();
    let (mut count, mut differ) = (0, Vec::new());
    for fields in lines.filter(|fields| fields.len() == header.len()) {
        let at = [lon, lat].map(|column| fields[column].parse::<f64>().unwrap());
        let found: Vec<&str> = areas
            .iter()
            .filter(|(_, rings)| holds(rings, at))
            .map(|(area, _)| area.name.as_str())
            .collect();
        let agrees = found.iter().any(|found| *found == fields[station])
            || (found.is_empty() && fields[station].is_empty());
        count += 1;
        if !agrees {
            differ.push(format!(
                "{}: {found:?}, not {:?}",
                fields[name], fields[station]
            ));
        }
    }
    println!(
        "{} of {count} landmarks agree; others: {differ:#?}",
        count - differ.len()
    );
    assert!(
        count > 60 && differ.len() <= DIFFER_AT_MOST,
        "{count}: {differ:#?}"
    );
}

/// Runs `ansim jurisdictions build` and returns its exit code and standard error.
fn jurisdictions_build(arguments: &[&std::ffi::OsStr]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(["jurisdictions", "build"])
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_command_writes_the_map_and_says_what_it_is() {
    let Some(districts) = require(Need::Districts) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("korea.geojson");
    let (code, said) = jurisdictions_build(&[
        "--districts".as_ref(),
        districts.as_ref(),
        "--stations".as_ref(),
        in_checkout("data/korea/stations.csv").as_ref(),
        "--out".as_ref(),
        out.as_ref(),
    ]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("262 areas") && said.contains("approximate"),
        "{said}"
    );
    let js = std::fs::read_to_string(districts).unwrap();
    let written = std::fs::read_to_string(out).unwrap();
    assert_eq!(written, build(&js, KOREA_STATIONS_CSV).unwrap());
}

#[test]
fn the_command_refuses_a_broken_table_with_its_line_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [districts, stations, out] =
        ["districts.js", "stations.csv", "korea.geojson"].map(|name| folder.path().join(name));
    std::fs::write(&districts, "exports.geoData = {}").unwrap();
    std::fs::write(
        &stations,
        "agency,station,lat,lon,district_codes\nA,B,north,127,1\n",
    )
    .unwrap();
    let (code, said) = jurisdictions_build(&[
        "--districts".as_ref(),
        districts.as_ref(),
        "--stations".as_ref(),
        stations.as_ref(),
        "--out".as_ref(),
        out.as_ref(),
    ]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("line 2: `lat` is `north`"), "{said}");
    assert!(!out.exists());
}

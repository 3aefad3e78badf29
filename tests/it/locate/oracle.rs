//! The program agrees point for point with answers that another program computed (GEOS, by shapely).

use std::path::Path;

use csv::StringRecord;
use dispatcher::jurisdiction::{Area, IdProperties, JurisdictionMap, load};

use super::{ansim, stderr, stdout};
use crate::support::require::{Need, require};

/// So close to a line the two programs may differ: the answers were rounded on their way.
const BORDER_M: f64 = 1e-3;

/// Metres of a degree of latitude; for what is within millimetres of a line, roughly is enough.
const DEGREE_M: f64 = 111_320.0;

/// A map and places, with the answer in one of the columns.
struct Oracle<'a> {
    map: &'a str,
    id_property: &'a str,
    points: &'a str,
    /// The column of the answer; empty where no area holds the place.
    column: &'a str,
    /// The part of an id that the column has.
    part: fn(&str) -> &str,
    rows: usize,
}

impl Oracle<'_> {
    fn check(&self) {
        let Some(data) = require(Need::Data) else {
            return;
        };
        let points = std::fs::read_to_string(data.join(self.points)).unwrap();
        let map = data.join(self.map);
        let arguments = [
            "locate",
            "--id-property",
            self.id_property,
            "--csv",
            "--jurisdictions",
        ];
        let output = ansim(
            &[&arguments[..], &[map.to_str().unwrap()]].concat(),
            &points,
        );
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        println!("{}", stderr(&output));

        let (header, asked) = rows(&points);
        let (_, answered) = rows(&stdout(&output));
        assert_eq!((asked.len(), answered.len()), (self.rows, self.rows));
        let column = |name| header.iter().position(|column| column == name).unwrap();
        let (lat, lon, answer) = (column("lat"), column("lon"), column(self.column));
        let map = self.read(&map);
        let mut beside_a_line = Vec::new();
        for (asked, answered) in asked.iter().zip(&answered) {
            assert_eq!(
                asked.iter().collect::<Vec<_>>(),
                answered.iter().take(asked.len()).collect::<Vec<_>>()
            );
            let (id, reason) = (&answered[asked.len()], &answered[asked.len() + 1]);
            let outside = matches!(reason, "nearest" | "none");
            let ours = if outside { "" } else { (self.part)(id) };
            if ours != &asked[answer] {
                let place = (asked[lat].parse().unwrap(), asked[lon].parse().unwrap());
                let either = [ours, &asked[answer]];
                let near_m = map
                    .areas()
                    .iter()
                    .filter(|area| either.contains(&(self.part)(area.id.as_str())))
                    .map(|area| metres_to_lines(area, place))
                    .fold(f64::INFINITY, f64::min);
                assert!(
                    near_m <= BORDER_M,
                    "{asked:?}: we say `{ours}` ({reason}), {near_m} m from a line"
                );
                beside_a_line.push(format!("{asked:?}: we say `{ours}`"));
            }
        }
        println!(
            "{}: {} rows, {} differ on a line",
            self.points,
            self.rows,
            beside_a_line.len()
        );
        beside_a_line.iter().for_each(|row| println!("  {row}"));
    }

    fn read(&self, map: &Path) -> JurisdictionMap {
        let text = std::fs::read_to_string(map).unwrap();
        load(&text, self.map, &IdProperties::from_list(self.id_property))
            .unwrap()
            .map
    }
}

fn rows(text: &str) -> (StringRecord, Vec<StringRecord>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    (
        reader.headers().unwrap().clone(),
        reader.records().map(Result::unwrap).collect(),
    )
}

fn metres_to_lines(area: &Area, (lat, lon): (f64, f64)) -> f64 {
    let scale = lat.to_radians().cos();
    let mut nearest_m = f64::INFINITY;
    for polygon in &area.polygons {
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            for line in ring.lines() {
                let (ax, ay) = ((line.start.x - lon) * scale, line.start.y - lat);
                let (dx, dy) = (
                    (line.end.x - line.start.x) * scale,
                    line.end.y - line.start.y,
                );
                let share = (-(ax * dx + ay * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
                let degrees = (ax + share * dx).hypot(ay + share * dy);
                nearest_m = nearest_m.min(degrees * DEGREE_M);
            }
        }
    }
    nearest_m
}

#[test]
fn the_stations_of_korea() {
    Oracle {
        map: "korea/station_jurisdictions_approx.geojson",
        id_property: "hq,station",
        points: "points/oracle_stations.csv",
        column: "station",
        part: |id| id,
        rows: 10_000,
    }
    .check();
}

#[test]
fn the_precincts_of_new_york() {
    Oracle {
        map: "nyc/precincts_2013.geojson",
        id_property: "Precinct",
        points: "points/oracle_nyc_precincts.csv",
        column: "id",
        part: |id| id,
        rows: 4_000,
    }
    .check();
}

#[test]
fn the_landmarks_of_korea() {
    Oracle {
        map: "korea/station_jurisdictions_approx.geojson",
        id_property: "hq,station",
        points: "points/landmarks_korea.csv",
        column: "police_station_approx",
        part: |id| id.rsplit('/').next().unwrap_or(id),
        rows: 68,
    }
    .check();
}

#[test]
fn a_place_outside_is_the_nearest_areas_or_the_nations() {
    let Some(data) = require(Need::Data) else {
        return;
    };
    let points = std::fs::read_to_string(data.join("points/outside_korea.csv")).unwrap();
    let map = data.join("korea/station_jurisdictions_approx.geojson");
    let arguments = [
        "locate",
        "--id-property",
        "hq,station",
        "--csv",
        "--jurisdictions",
    ];
    let output = ansim(
        &[&arguments[..], &[map.to_str().unwrap()]].concat(),
        &points,
    );
    let (header, answered) = rows(&stdout(&output));
    assert_eq!(answered.len(), 12);
    let column = |name| header.iter().position(|column| column == name).unwrap();
    for row in &answered {
        // The table took degrees for 111 km in every direction: east and west it is too far.
        let number = |name| row[column(name)].parse::<f64>().unwrap();
        let table_km = number("approx_km_to_nearest_kostat2018_polygon");
        match &row[column("reason")] {
            "nearest" => {
                let ours_km = number("distance_m") / 1_000.0;
                let least_km = table_km * number("lat").to_radians().cos();
                assert!(
                    (0.99 * least_km..1.01 * table_km + 0.2).contains(&ours_km),
                    "{row:?}"
                );
            }
            "none" => assert!(table_km > 99.0, "{row:?}"),
            other => panic!("{other}: {row:?}"),
        }
    }
}

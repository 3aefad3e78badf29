//! The map as consoles draw it: GeoJSON (RFC 7946), written once for each map in force.

use std::fmt::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use geo::{Area as _, LineString, Polygon, Simplify as _};
use protocol::{DeskId, JurisdictionId};
use serde::Serialize;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::SignedIn;
use crate::desk::Desk;
use crate::jurisdiction::JurisdictionMap;

/// Decimals of a degree that are written: 5 are 1.1 m, less than a border is known to.
const DECIMALS: usize = 5;

/// What the background's lines may be off, in degrees: some 100 m, a pixel with a province on the
/// screen (Douglas and Peucker).
const SIMPLIFY_DEG: f64 = 0.001;

/// The background leaves out islands smaller than this, in square degrees: some 10 hectares. The
/// largest part of an area is always drawn.
const SMALLEST_ISLAND_DEG2: f64 = 1e-5;

/// The map, written once.
pub(super) struct Areas {
    areas: Vec<Written>,
    /// The members of the collection before its features.
    head: String,
    version: String,
    all: Bytes,
    basemap: Bytes,
}

struct Written {
    owner: DeskId,
    feature: String,
}

#[derive(Serialize)]
struct Properties<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<Place>,
}

#[derive(Serialize)]
struct Place {
    lat: f64,
    lon: f64,
}

impl Areas {
    /// Writes a map. Takes a second of one core for Korea.
    pub(super) fn write(map: &JurisdictionMap) -> Self {
        let mut head = String::from("{\"type\":\"FeatureCollection\"");
        let label = map.label();
        let members = [
            ("version", Some(map.version().as_str())),
            ("authority", Some(map.authority().as_str())),
            ("label", label),
        ];
        for (key, value) in members {
            if let Some(value) = value {
                let _ = write!(head, ",\"{key}\":{}", json(value));
            }
        }
        head.push_str(",\"features\":[");
        let ids = map.jurisdictions();
        let areas: Vec<Written> = ids
            .iter()
            .map(|id| Written {
                owner: DeskId::station(id),
                feature: feature(map, id, false),
            })
            .collect();
        let simple: Vec<String> = ids.iter().map(|id| feature(map, id, true)).collect();
        Self {
            all: collection(&head, areas.iter().map(|area| area.feature.as_str())),
            basemap: collection(&head, simple.iter().map(String::as_str)),
            version: map.version().as_str().to_owned(),
            areas,
            head,
        }
    }

    /// Whether this is how the map is written.
    pub(super) fn are_of(&self, map: &JurisdictionMap) -> bool {
        self.version == map.version().as_str()
    }

    fn of(&self, desk: &Desk, map: &JurisdictionMap) -> Bytes {
        if *desk == Desk::National {
            return self.all.clone();
        }
        let seen = self
            .areas
            .iter()
            .filter(|area| desk.covers(Some(&area.owner), map));
        collection(&self.head, seen.map(|area| area.feature.as_str()))
    }

    /// Another map, and another desk at the same browser, is another answer.
    fn etag(&self, of: &str) -> String {
        let hash = digest::digest(
            &digest::SHA256,
            format!("{}\n{of}", self.version).as_bytes(),
        );
        hash.as_ref()[..8]
            .iter()
            .fold(String::from("\""), |mut tag, byte| {
                let _ = write!(tag, "{byte:02x}");
                tag
            })
            + "\""
    }
}

fn collection<'a>(head: &str, features: impl Iterator<Item = &'a str>) -> Bytes {
    let mut text = String::from(head);
    for (n, feature) in features.enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(feature);
    }
    text.push_str("]}");
    text.into()
}

fn feature(map: &JurisdictionMap, id: &JurisdictionId, simple: bool) -> String {
    let properties = Properties {
        id: id.as_str(),
        name: map.name(id).unwrap_or(id.as_str()),
        agency: map.agency(id),
        station: map.station(id).map(|station| Place {
            lat: station.at.lat_deg(),
            lon: station.at.lon_deg(),
        }),
    };
    let properties = serde_json::to_string(&properties).unwrap_or_else(|_| "{}".to_owned());
    let mut text = format!("{{\"type\":\"Feature\",\"properties\":{properties},\"geometry\":");
    match map.area(id).map(|area| &area.polygons) {
        // A station without an area: GeoJSON's place for it is null (section 3.2).
        None => text.push_str("null"),
        Some(polygons) if simple => write_geometry(&mut text, &simplified(polygons)),
        Some(polygons) => write_geometry(&mut text, polygons),
    }
    text.push('}');
    text
}

fn simplified(polygons: &[Polygon<f64>]) -> Vec<Polygon<f64>> {
    let size = Polygon::unsigned_area;
    let largest = polygons.iter().map(size).fold(0.0, f64::max);
    polygons
        .iter()
        .filter(|polygon| size(polygon) >= SMALLEST_ISLAND_DEG2.min(largest))
        .map(|polygon| polygon.simplify(SIMPLIFY_DEG))
        .collect()
}

fn write_geometry(text: &mut String, polygons: &[Polygon<f64>]) {
    text.push_str("{\"type\":\"MultiPolygon\",\"coordinates\":[");
    for (n, polygon) in polygons.iter().enumerate() {
        text.push_str(if n == 0 { "[" } else { ",[" });
        write_ring(text, polygon.exterior());
        for hole in polygon.interiors() {
            text.push(',');
            write_ring(text, hole);
        }
        text.push(']');
    }
    text.push_str("]}");
}

fn write_ring(text: &mut String, ring: &LineString<f64>) {
    text.push('[');
    for (n, corner) in ring.0.iter().enumerate() {
        text.push_str(if n == 0 { "[" } else { ",[" });
        write_degrees(text, corner.x);
        text.push(',');
        write_degrees(text, corner.y);
        text.push(']');
    }
    text.push(']');
}

fn write_degrees(text: &mut String, degrees: f64) {
    let start = text.len();
    let _ = write!(text, "{degrees:.DECIMALS$}");
    let kept = text[start..]
        .trim_end_matches('0')
        .trim_end_matches('.')
        .len();
    text.truncate(start + kept);
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The areas of the officer's desk, as precise as the map.
#[utoipa::path(get, path = "/api/map", tag = "map", responses(
    (status = 200, content_type = "application/geo+json", description = "a FeatureCollection"),
    (status = 304, description = "as the ETag says"),
    (status = 401, body = Problem),
))]
pub(super) async fn map(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let desk = &session.officer.desk;
    let (map, areas) = door.areas().await?;
    let etag = areas.etag(desk.id().as_str());
    answer(&headers, &etag, || areas.of(desk, &map))
}

/// All areas, simplified, for the background.
#[utoipa::path(get, path = "/api/basemap", tag = "map", responses(
    (status = 200, content_type = "application/geo+json", description = "a FeatureCollection"),
    (status = 304, description = "as the ETag says"),
    (status = 401, body = Problem),
))]
pub(super) async fn basemap(
    State(door): State<Arc<Door>>,
    SignedIn(_session): SignedIn,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (_, areas) = door.areas().await?;
    answer(&headers, &areas.etag(""), || areas.basemap.clone())
}

fn answer(
    headers: &HeaderMap,
    etag: &str,
    body: impl FnOnce() -> Bytes,
) -> Result<Response, ApiError> {
    let mut response = if is_known(headers, etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, "application/geo+json")];
        (kind, body()).into_response()
    };
    let etag = HeaderValue::try_from(etag).map_err(|_| ApiError::internal())?;
    response.headers_mut().insert(header::ETAG, etag);
    let kept = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}

/// Whether the browser has it already (RFC 9110, section 13.1.2).
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use geo::polygon;
    use protocol::LatLon;
    use serde_json::Value;

    use super::*;
    use crate::jurisdiction::{Area, Authority, DEFAULT_REACH_M, MapParts, Station};

    fn map() -> JurisdictionMap {
        // A square of a degree with a corner every 0.01 degrees that is off by a metre, and an islet.
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for n in 0..100_i32 {
            let along = f64::from(n) / 100.0;
            corners.push((127.0 + along, 37.0 + f64::from(n % 2) * 1e-5));
        }
        corners.extend([(128.0, 37.0), (128.0, 38.0), (127.0, 38.0)]);
        let islet = polygon![(x: 130.0, y: 37.0), (x: 130.001, y: 37.0), (x: 130.0, y: 37.001)];
        let area = |id: &str, polygons| Area {
            id: JurisdictionId::new(id),
            name: format!("\"{id}\""),
            agency: Some("North".to_owned()),
            polygons,
        };
        JurisdictionMap::new(MapParts {
            name: "test".to_owned(),
            authority: Authority::Approximate,
            label: Some("a \"label\"".to_owned()),
            areas: vec![
                area(
                    "a",
                    vec![Polygon::new(corners.into(), vec![]), islet.clone()],
                ),
                area("b", vec![islet]),
            ],
            stations: vec![Station {
                jurisdiction: JurisdictionId::new("c"),
                name: "C".to_owned(),
                agency: None,
                at: LatLon::new(37.5, 127.5).unwrap(),
            }],
            reach_m: DEFAULT_REACH_M,
        })
    }

    fn read(bytes: &Bytes) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn a_map_is_geojson_that_says_what_it_is() {
        let map = map();
        let areas = Areas::write(&map);
        let all = read(&areas.of(&Desk::National, &map));
        assert_eq!(all["authority"], "approximate");
        assert_eq!(all["label"], "a \"label\"");
        assert_eq!(all["version"], map.version().as_str());
        let features = all["features"].as_array().unwrap();
        assert_eq!(features.len(), 3);
        assert_eq!(features[0]["properties"]["name"], "\"a\"");
        assert_eq!(features[0]["properties"]["agency"], "North");
        assert_eq!(features[2]["geometry"], Value::Null);
        assert_eq!(features[2]["properties"]["station"]["lat"], 37.5);
        let ring = &features[0]["geometry"]["coordinates"][0][0];
        assert_eq!(ring[1], serde_json::json!([127.01, 37.00001]));
        assert_eq!(
            ring[0],
            ring[ring.as_array().unwrap().len() - 1],
            "a ring is closed"
        );
    }

    #[test]
    fn a_desk_gets_its_own_areas() {
        let map = map();
        let areas = Areas::write(&map);
        let ids = |desk: &str| -> Vec<String> {
            let collection = read(&areas.of(&Desk::parse(desk).unwrap(), &map));
            let features = collection["features"].as_array().unwrap().clone();
            features
                .iter()
                .map(|one| one["properties"]["id"].as_str().unwrap().into())
                .collect()
        };
        assert_eq!(ids("station:b"), ["b"]);
        assert_eq!(ids("province:North"), ["a", "b"]);
        assert_eq!(ids("station:nowhere"), [""; 0]);
    }

    #[test]
    fn the_background_is_coarse_and_leaves_no_area_out() {
        let areas = Areas::write(&map());
        let basemap = read(&areas.basemap);
        let coordinates = |n: usize| basemap["features"][n]["geometry"]["coordinates"].clone();
        assert_eq!(
            coordinates(0).as_array().unwrap().len(),
            1,
            "the islet is left out"
        );
        assert_eq!(coordinates(0)[0][0].as_array().unwrap().len(), 5);
        assert_eq!(
            coordinates(1).as_array().unwrap().len(),
            1,
            "the islet is all of b"
        );
    }

    #[test]
    fn the_tag_differs_by_map_and_by_desk() {
        let areas = Areas::write(&map());
        let other = Areas::write(&map().with_reach_m(1.0));
        assert_ne!(areas.etag("station:a"), areas.etag("station:b"));
        assert_ne!(areas.etag(""), other.etag(""));
        let mut headers = HeaderMap::new();
        let both = format!("\"x\", W/{}", areas.etag(""));
        headers.insert(header::IF_NONE_MATCH, both.parse().unwrap());
        assert!(is_known(&headers, &areas.etag("")));
        assert!(!is_known(&headers, &other.etag("")));
    }
}

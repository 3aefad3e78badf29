//! A line on the ground and a walk along it.

use std::f64::consts::TAU;

use protocol::LatLon;
use serde_json::Value;

/// Mean radius of the Earth in metres (IUGG 1980, R₁). A tool for developers needs no ellipsoid.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Points of a route. A day's track at one a second is below it; a larger file is a mistake.
const MAX_POINTS: usize = 100_000;

/// The line that a file draws: GPX (`trkpt`, or `rtept` where there is none) or the first
/// `LineString` of a GeoJSON.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Route {
    /// Each point with its distance from the start in metres.
    points: Vec<(f64, LatLon)>,
}

/// A file that draws no line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BadRoute {
    /// Neither format.
    #[error("neither GPX with trkpt or rtept nor GeoJSON with a LineString was found")]
    NoLine,
    /// A coordinate is none.
    #[error("point {0} of the line has no latitude and longitude within ±90 and ±180 degrees")]
    BadPoint(usize),
    /// Too long a line.
    #[error("the line has more than {MAX_POINTS} points; thin it out")]
    TooManyPoints,
}

impl Route {
    /// Reads either format.
    pub(crate) fn read(text: &str) -> Result<Self, BadRoute> {
        let pairs = match serde_json::from_str(text) {
            Ok(value) => line_string(&value).ok_or(BadRoute::NoLine)?,
            Err(_) => gpx_points(text),
        };
        match pairs.len() {
            0 => return Err(BadRoute::NoLine),
            many if many > MAX_POINTS => return Err(BadRoute::TooManyPoints),
            _ => {}
        }
        let points: Result<Vec<_>, _> = pairs
            .into_iter()
            .enumerate()
            .map(|(at, pair)| {
                pair.and_then(|(lat, lon)| LatLon::new(lat, lon).ok())
                    .ok_or(BadRoute::BadPoint(at + 1))
            })
            .collect();
        Ok(Self::through(&points?))
    }

    /// The line through these points.
    pub(crate) fn through(points: &[LatLon]) -> Self {
        let mut walked_m = 0.0;
        let mut last: Option<LatLon> = None;
        let mut measured = Vec::with_capacity(points.len());
        for point in points {
            walked_m += last.map_or(0.0, |last| distance_m(last, *point));
            last = Some(*point);
            measured.push((walked_m, *point));
        }
        Self { points: measured }
    }

    /// Where somebody is after so many metres; `None` beyond the end.
    pub(crate) fn at(&self, metres: f64) -> Option<LatLon> {
        let after = self
            .points
            .partition_point(|(from_start, _)| *from_start < metres);
        let (to_m, to) = *self.points.get(after)?;
        let Some((from_m, from)) = after.checked_sub(1).map(|before| self.points[before]) else {
            return Some(to);
        };
        let share = (metres - from_m) / (to_m - from_m);
        let lat_deg = from.lat_deg() + share * (to.lat_deg() - from.lat_deg());
        let lon_deg = from.lon_deg() + share * turn_deg(from, to);
        LatLon::new(lat_deg, wrapped(lon_deg)).ok()
    }
}

/// Longitude from one point to the other by the shorter way round.
fn turn_deg(from: LatLon, to: LatLon) -> f64 {
    wrapped(to.lon_deg() - from.lon_deg())
}

fn wrapped(lon_deg: f64) -> f64 {
    (lon_deg + 180.0).rem_euclid(360.0) - 180.0
}

/// Great-circle distance by the haversine formula (R. W. Sinnott, Sky and Telescope 68, 1984).
fn distance_m(from: LatLon, to: LatLon) -> f64 {
    let radians = |degrees: f64| degrees * TAU / 360.0;
    let half_lat = radians(to.lat_deg() - from.lat_deg()) / 2.0;
    let half_lon = radians(turn_deg(from, to)) / 2.0;
    let squeezed = radians(from.lat_deg()).cos() * radians(to.lat_deg()).cos();
    let chord = half_lat.sin().powi(2) + squeezed * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS_M * chord.sqrt().min(1.0).asin()
}

type Pair = Option<(f64, f64)>;

fn line_string(value: &Value) -> Option<Vec<Pair>> {
    match value.get("type")?.as_str()? {
        "FeatureCollection" => value
            .get("features")?
            .as_array()?
            .iter()
            .find_map(line_string),
        "Feature" => line_string(value.get("geometry")?),
        "LineString" => {
            let pair = |place: &Value| Some((place.get(1)?.as_f64()?, place.get(0)?.as_f64()?));
            Some(
                value
                    .get("coordinates")?
                    .as_array()?
                    .iter()
                    .map(pair)
                    .collect(),
            )
        }
        _ => None,
    }
}

fn gpx_points(text: &str) -> Vec<Pair> {
    let text = without_comments(text);
    let points = |name| tags(&text, name).map(attributes).collect::<Vec<_>>();
    let track = points("trkpt");
    if track.is_empty() {
        points("rtept")
    } else {
        track
    }
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("<!--");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once("-->").map_or("", |(_, after)| after));
    }
    kept
}

/// What stands within each start tag of this name.
fn tags<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.split('<').filter_map(move |tag| {
        let inside = tag.strip_prefix(name)?.split('>').next()?;
        inside.starts_with(char::is_whitespace).then_some(inside)
    })
}

fn attributes(tag: &str) -> Pair {
    let value = |name: &str| {
        let (_, after) = tag.split_once(name)?;
        let quoted = after.trim_start().strip_prefix('=')?.trim_start();
        let quote = quoted
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))?;
        quoted[1..].split(quote).next()?.trim().parse().ok()
    };
    Some((value("lat")?, value("lon")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GPX: &str = r#"<?xml version="1.0"?><gpx><!-- <trkpt lat="1" lon="1"/> --><trk><trkseg>
        <trkpt lat="37.0" lon="127.0"><ele>30</ele></trkpt>
        <trkpt lon='127.0' lat='37.001'/></trkseg></trk></gpx>"#;

    #[test]
    fn gpx_and_geojson_draw_the_same_line() {
        let gpx = Route::read(GPX).unwrap();
        let json = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},
            "geometry":{"type":"LineString","coordinates":[[127.0,37.0],[127.0,37.001]]}}]}"#;
        assert_eq!(Route::read(json), Ok(gpx));
    }

    #[test]
    fn a_walk_goes_from_point_to_point_and_ends() {
        let route = Route::read(GPX).unwrap();
        // A thousandth of a degree of a meridian is 111.195 m on this sphere.
        let middle = route.at(55.597_5).unwrap();
        assert!((middle.lat_deg() - 37.000_5).abs() < 1e-7);
        assert!(route.at(0.0).is_some() && route.at(111.0).is_some());
        assert_eq!(route.at(112.0), None);
    }

    #[test]
    fn a_walk_crosses_the_date_line_the_short_way() {
        let place = |lon| LatLon::new(0.0, lon).unwrap();
        let route = Route::through(&[place(179.999), place(-179.999)]);
        let middle = route.at(111.195).unwrap();
        assert!(middle.lon_deg().abs() > 179.999_9);
        assert_eq!(route.at(300.0), None);
    }

    #[test]
    fn what_draws_no_line_is_refused_with_the_point() {
        assert_eq!(Route::read("hello"), Err(BadRoute::NoLine));
        assert_eq!(Route::read(r#"{"type":"Point"}"#), Err(BadRoute::NoLine));
        let beyond = r#"{"type":"LineString","coordinates":[[127.0,37.0],[127.0,97.0]]}"#;
        assert_eq!(Route::read(beyond), Err(BadRoute::BadPoint(2)));
        assert_eq!(
            Route::read(r#"<trkpt lat="1"/>"#),
            Err(BadRoute::BadPoint(1))
        );
    }
}

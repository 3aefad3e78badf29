//! Longitude and latitude in degrees of WGS84, or what a map has instead.

use protocol::LatLon;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FeatureLabel, Refusal};

/// No angle of a map is wider than once around, in degrees: whatever has larger coordinates does not
/// mean degrees.
const FULL_CIRCLE_DEG: f64 = 360.0;

/// The largest latitude, in degrees.
const POLE_DEG: f64 = 90.0;

/// The place of a position as written.
pub(super) fn place(first: f64, second: f64, feature: &FeatureLabel) -> Result<LatLon, Refusal> {
    LatLon::new(second, first).map_err(|why| {
        let feature = feature.clone();
        if first.abs() > FULL_CIRCLE_DEG || second.abs() > FULL_CIRCLE_DEG {
            return Refusal::Projected {
                feature,
                first,
                second,
            };
        }
        if first.abs() <= POLE_DEG && second.abs() > POLE_DEG {
            return Refusal::Swapped {
                feature,
                first,
                second,
            };
        }
        Refusal::Place {
            feature,
            lon_deg: first,
            lat_deg: second,
            why,
        }
    })
}

/// The member `crs` of the format before RFC 7946 (GeoJSON 2008, section 3).
#[derive(Deserialize)]
struct NamedCrs {
    properties: CrsProperties,
}

#[derive(Deserialize)]
struct CrsProperties {
    name: String,
}

/// Accepts the names of longitude and latitude on WGS84. EPSG:4326 means the same here: in GeoJSON
/// longitude always was the first.
pub(super) fn check_crs(crs: Option<&RawValue>) -> Result<(), Refusal> {
    let Some(raw) = crs else {
        return Ok(());
    };
    let Ok(named) = serde_json::from_str::<NamedCrs>(raw.get()) else {
        return Err(Refusal::Crs("not given by a name".to_owned()));
    };
    let name = named.properties.name;
    let capitals = name.to_ascii_uppercase();
    let code = capitals.rsplit([':', '/']).next();
    let is_wgs84 = match code {
        Some("CRS84") => true,
        Some("4326") => capitals.contains("EPSG"),
        _ => false,
    };
    if is_wgs84 {
        Ok(())
    } else {
        Err(Refusal::Crs(format!("`{name}`")))
    }
}

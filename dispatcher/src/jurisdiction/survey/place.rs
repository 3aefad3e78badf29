//! Where overlaps and gaps are, for people and for programs.

use geo::{InteriorPoint as _, LineString, Polygon};
use protocol::LatLon;
use serde_json::{Value, json};

use super::super::surface::surface_m2;
use super::{Gap, Overlap, rings};

impl Overlap {
    /// A place that both areas hold, in the largest piece.
    #[must_use]
    pub fn somewhere(&self) -> Option<LatLon> {
        somewhere(&self.pieces)
    }

    /// All pieces as a GeoJSON geometry, a MultiPolygon (RFC 7946, section 3.1.7).
    #[must_use]
    pub fn geometry(&self) -> Value {
        geometry(&self.pieces)
    }
}

impl Gap {
    /// A place that nobody holds, in the largest piece.
    #[must_use]
    pub fn somewhere(&self) -> Option<LatLon> {
        somewhere(&self.pieces)
    }

    /// All pieces as a GeoJSON geometry, a MultiPolygon (RFC 7946, section 3.1.7).
    #[must_use]
    pub fn geometry(&self) -> Value {
        geometry(&self.pieces)
    }
}

fn somewhere(pieces: &[Polygon<f64>]) -> Option<LatLon> {
    let largest = pieces
        .iter()
        .max_by(|a, b| surface_m2([*a]).total_cmp(&surface_m2([*b])))?;
    let point = largest.interior_point()?;
    LatLon::new(point.y(), point.x()).ok()
}

fn geometry(pieces: &[Polygon<f64>]) -> Value {
    let ring = |ring: &LineString<f64>| -> Vec<[f64; 2]> {
        ring.coords().map(|corner| [corner.x, corner.y]).collect()
    };
    let polygons: Vec<Vec<_>> = pieces
        .iter()
        .map(|piece| rings(piece).map(ring).collect())
        .collect();
    json!({ "type": "MultiPolygon", "coordinates": polygons })
}

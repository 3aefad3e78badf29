//! The polygons of a feature, checked.

use std::fmt;

use geo::{Coord, LineString, Polygon};
use protocol::LatLon;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::coordinates;
use super::raw::without_position;
use super::repair::{Tangled, repair};
use super::{FeatureLabel, MapWarning, Refusal};

/// Collections within collections: deeper than any tool writes, and a bound for the stack.
const MAX_DEPTH: usize = 8;

/// Positions of the smallest ring, a triangle with its closing one (RFC 7946, section 3.1.6).
const MIN_RING_POSITIONS: usize = 4;

/// Below this many degrees, a tenth of a nanometre, a coordinate is 0: so that no product of lengths
/// is too small for a number, and there is one 0.
const ZERO_BELOW_DEG: f64 = 1e-15;

/// What a geometry holds.
#[derive(Default)]
pub(super) struct ReadGeometry {
    pub(super) polygons: Vec<Polygon<f64>>,
    /// The first point that is not part of a polygon.
    pub(super) point: Option<LatLon>,
    /// Types of what is not an area.
    pub(super) left_out: Vec<String>,
    /// How many rings were closed.
    pub(super) unclosed: usize,
    /// How many rings have fewer than three corners and are left out.
    pub(super) flat: usize,
    /// How many positions were read.
    pub(super) positions: usize,
}

impl ReadGeometry {
    /// Its polygons, repaired where that is needed, and what was done.
    ///
    /// # Errors
    /// When there were polygons and nothing is left of them.
    pub(super) fn sound_polygons(
        &mut self,
        feature: &FeatureLabel,
    ) -> Result<(Vec<Polygon<f64>>, Vec<MapWarning>), Refusal> {
        let was_drawn = !self.polygons.is_empty() || self.flat > 0;
        let repaired =
            repair(std::mem::take(&mut self.polygons)).map_err(|Tangled| Refusal::Tangled {
                feature: feature.clone(),
            })?;
        if was_drawn && repaired.polygons.is_empty() {
            return Err(Refusal::NoArea {
                feature: feature.clone(),
            });
        }
        let left_out = self.left_out.iter().map(|kind| MapWarning::BesideTheArea {
            feature: feature.clone(),
            kind: kind.clone(),
        });
        let mut warnings: Vec<_> = left_out.collect();
        if self.unclosed > 0 {
            warnings.push(MapWarning::UnclosedRings {
                feature: feature.clone(),
                rings: self.unclosed,
            });
        }
        if self.flat > 0 {
            warnings.push(MapWarning::FlatRings {
                feature: feature.clone(),
                rings: self.flat,
            });
        }
        if let Some(at) = repaired.at {
            warnings.push(MapWarning::CutAnew {
                feature: feature.clone(),
                crossings: repaired.crossings,
                at: LatLon::new(at.y, at.x).ok(),
            });
        }
        Ok((repaired.polygons, warnings))
    }

    /// What is said of a feature without a polygon.
    pub(super) fn no_area(&self, feature: FeatureLabel) -> MapWarning {
        let point = self.point.map(|_| "Point".to_owned());
        match point.or_else(|| self.left_out.first().cloned()) {
            Some(kind) => MapWarning::NotAnArea { feature, kind },
            None => MapWarning::NoGeometry { feature },
        }
    }
}

#[derive(Deserialize)]
struct RawGeometry<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    coordinates: Option<&'a RawValue>,
    #[serde(borrow)]
    geometries: Option<Vec<&'a RawValue>>,
}

/// Longitude and latitude; an altitude behind them is passed over.
struct RawPosition(f64, f64);

type RawPolygon = Vec<Vec<RawPosition>>;

impl<'de> Deserialize<'de> for RawPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Numbers;
        impl<'de> Visitor<'de> for Numbers {
            type Value = RawPosition;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a position: longitude and latitude")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawPosition, A::Error> {
                let lon = seq
                    .next_element()?
                    .ok_or_else(|| A::Error::invalid_length(0, &self))?;
                let lat = seq
                    .next_element()?
                    .ok_or_else(|| A::Error::invalid_length(1, &self))?;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(RawPosition(lon, lat))
            }
        }
        deserializer.deserialize_seq(Numbers)
    }
}

pub(super) fn read(raw: &RawValue, feature: &FeatureLabel) -> Result<ReadGeometry, Refusal> {
    let mut read = ReadGeometry::default();
    Reader {
        feature,
        read: &mut read,
    }
    .geometry(raw, 0)?;
    Ok(read)
}

struct Reader<'a> {
    feature: &'a FeatureLabel,
    read: &'a mut ReadGeometry,
}

impl Reader<'_> {
    fn geometry(&mut self, raw: &RawValue, depth: usize) -> Result<(), Refusal> {
        if depth > MAX_DEPTH {
            return Err(self.unreadable(&format!("collections are nested over {MAX_DEPTH} deep")));
        }
        let geometry: RawGeometry<'_> = self.parse(raw)?;
        match (
            geometry.kind.as_str(),
            geometry.coordinates,
            geometry.geometries,
        ) {
            ("Polygon", Some(coordinates), _) => {
                let rings: RawPolygon = self.parse(coordinates)?;
                self.polygon(rings)
            }
            ("MultiPolygon", Some(coordinates), _) => {
                let polygons: Vec<RawPolygon> = self.parse(coordinates)?;
                polygons
                    .into_iter()
                    .try_for_each(|rings| self.polygon(rings))
            }
            ("GeometryCollection", _, Some(parts)) => parts
                .into_iter()
                .try_for_each(|part| self.geometry(part, depth + 1)),
            ("Point", Some(coordinates), _) => {
                let position: RawPosition = self.parse(coordinates)?;
                let at = self.place(&position)?;
                // The first one is where the station is.
                match self.read.point {
                    None => self.read.point = Some(at),
                    Some(_) => self.read.left_out.push(geometry.kind),
                }
                Ok(())
            }
            ("MultiPoint" | "LineString" | "MultiLineString", Some(_), _) => {
                self.read.left_out.push(geometry.kind);
                Ok(())
            }
            (kind, _, _) => Err(self.unreadable(&format!(
                "`{kind}` is no GeoJSON type, or lacks its content"
            ))),
        }
    }

    /// An empty polygon is none (RFC 7946, section 3.1).
    fn polygon(&mut self, rings: RawPolygon) -> Result<(), Refusal> {
        let count = rings.len();
        let mut rings = rings.into_iter();
        let Some(exterior) = rings.next() else {
            return Ok(());
        };
        let exterior = self.ring(exterior)?;
        let mut interiors = Vec::with_capacity(rings.len());
        for ring in rings {
            interiors.extend(self.ring(ring)?);
        }
        match exterior {
            Some(exterior) => {
                self.read.flat += count - 1 - interiors.len();
                self.read.polygons.push(Polygon::new(exterior, interiors));
            }
            // Holes in nothing.
            None => self.read.flat += count,
        }
        Ok(())
    }

    /// None when it has no three corners.
    fn ring(&mut self, positions: Vec<RawPosition>) -> Result<Option<LineString<f64>>, Refusal> {
        self.read.positions += positions.len();
        let mut ring = Vec::with_capacity(positions.len() + 1);
        for position in &positions {
            let at = self.place(position)?;
            ring.push(Coord {
                x: settled(at.lon_deg()),
                y: settled(at.lat_deg()),
            });
        }
        let open = ring.first() != ring.last();
        ring.dedup();
        if open {
            ring.extend(ring.first().copied());
        }
        if ring.len() < MIN_RING_POSITIONS {
            return Ok(None);
        }
        self.read.unclosed += usize::from(open);
        Ok(Some(LineString::new(ring)))
    }

    fn place(&self, &RawPosition(first, second): &RawPosition) -> Result<LatLon, Refusal> {
        coordinates::place(first, second, self.feature)
    }

    fn parse<'a, T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, Refusal> {
        serde_json::from_str(raw.get()).map_err(|error| self.unreadable(&without_position(&error)))
    }

    fn unreadable(&self, why: &str) -> Refusal {
        Refusal::Geometry {
            feature: self.feature.clone(),
            why: why.to_owned(),
        }
    }
}

fn settled(degrees: f64) -> f64 {
    if degrees.abs() < ZERO_BELOW_DEG {
        0.0
    } else {
        degrees
    }
}

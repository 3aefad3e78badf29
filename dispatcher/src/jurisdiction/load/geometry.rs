//! The polygons of a feature, checked.

use std::fmt;

use geo::{Coord, LineString, Polygon};
use protocol::LatLon;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{FeatureLabel, Refusal};

/// Collections within collections: deeper than any tool writes, and a bound for the stack.
const MAX_DEPTH: usize = 8;

/// Positions of the smallest ring, a triangle with its closing one (RFC 7946, section 3.1.6).
const MIN_RING_POSITIONS: usize = 4;

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
                self.read.point.get_or_insert(at);
                self.read.left_out.push(geometry.kind);
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
        let mut rings = rings.into_iter();
        let Some(exterior) = rings.next() else {
            return Ok(());
        };
        let exterior = self.ring(exterior)?;
        let interiors = rings
            .map(|ring| self.ring(ring))
            .collect::<Result<_, _>>()?;
        self.read.polygons.push(Polygon::new(exterior, interiors));
        Ok(())
    }

    fn ring(&mut self, positions: Vec<RawPosition>) -> Result<LineString<f64>, Refusal> {
        let mut ring = Vec::with_capacity(positions.len() + 1);
        for position in &positions {
            let at = self.place(position)?;
            ring.push(Coord {
                x: at.lon_deg(),
                y: at.lat_deg(),
            });
        }
        if ring.first() != ring.last() {
            ring.extend(ring.first().copied());
            self.read.unclosed += 1;
        }
        if ring.len() < MIN_RING_POSITIONS {
            let positions = ring.len();
            return Err(Refusal::ShortRing {
                feature: self.feature.clone(),
                positions,
            });
        }
        Ok(LineString::new(ring))
    }

    fn place(&self, &RawPosition(lon_deg, lat_deg): &RawPosition) -> Result<LatLon, Refusal> {
        LatLon::new(lat_deg, lon_deg).map_err(|why| Refusal::Place {
            feature: self.feature.clone(),
            lon_deg,
            lat_deg,
            why,
        })
    }

    fn parse<'a, T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, Refusal> {
        serde_json::from_str(raw.get()).map_err(|error| self.unreadable(&error.to_string()))
    }

    fn unreadable(&self, why: &str) -> Refusal {
        Refusal::Geometry {
            feature: self.feature.clone(),
            why: why.to_owned(),
        }
    }
}

//! One feature: its id, its name, its station.

use std::collections::BTreeMap;

use geo::Polygon;
use protocol::{JurisdictionId, LatLon};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::map::{Area, Station};
use super::geometry::{self, ReadGeometry};
use super::raw::without_position;
use super::{FeatureLabel, Refusal};

/// What one or many features hold.
#[derive(Default)]
pub(super) struct Content {
    pub(super) areas: Vec<Area>,
    pub(super) stations: Vec<Station>,
}

impl Content {
    pub(super) fn append(&mut self, mut other: Self) {
        self.areas.append(&mut other.areas);
        self.stations.append(&mut other.stations);
    }
}

/// A feature whose values are still text, so that a number can be kept as written.
pub(super) struct RawFeature<'a> {
    number: usize,
    members: Members<'a>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow)]
    geometry: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawStation {
    lat: f64,
    lon: f64,
    name: Option<String>,
}

impl<'a> RawFeature<'a> {
    pub(super) fn read(number: usize, raw: &'a RawValue) -> Result<Self, Refusal> {
        let refuse = |why| Refusal::NotAFeature {
            feature: FeatureLabel { number, name: None },
            why,
        };
        let members: Members<'a> =
            serde_json::from_str(raw.get()).map_err(|error| refuse(without_position(&error)))?;
        if members.kind != "Feature" {
            return Err(refuse(format!("its type is `{}`", members.kind)));
        }
        Ok(Self { number, members })
    }

    pub(super) fn label(&self) -> FeatureLabel {
        let id = || self.id(&[]).map(|id| id.as_str().to_owned());
        FeatureLabel {
            number: self.number,
            name: self.text("name").or_else(id),
        }
    }

    pub(super) fn geometry(&self) -> Result<ReadGeometry, Refusal> {
        match self.members.geometry {
            Some(raw) => geometry::read(raw, &self.label()),
            None => Ok(ReadGeometry::default()),
        }
    }

    /// The id by the named properties, or by the property `id` and the feature's `id`.
    pub(super) fn id(&self, properties: &[String]) -> Option<JurisdictionId> {
        let text = if properties.is_empty() {
            self.property("id").or(self.members.id).and_then(as_written)
        } else {
            let parts: Option<Vec<_>> = properties
                .iter()
                .map(|name| self.property(name).and_then(as_written))
                .collect();
            parts.map(|parts| parts.join("/"))
        };
        text.map(JurisdictionId::new)
    }

    pub(super) fn content(
        &self,
        id: &JurisdictionId,
        polygons: Vec<Polygon<f64>>,
        point: Option<LatLon>,
    ) -> Result<Content, Refusal> {
        let name = self.text("name").unwrap_or_else(|| id.as_str().to_owned());
        let agency = self.text("agency");
        let station = self.station()?.or_else(|| point.map(|at| (at, None)));
        let stations = station.map(|(at, own_name)| Station {
            jurisdiction: id.clone(),
            name: own_name.unwrap_or_else(|| name.clone()),
            agency: agency.clone(),
            at,
        });
        let area = (!polygons.is_empty()).then(|| Area {
            id: id.clone(),
            name,
            agency,
            polygons,
        });
        Ok(Content {
            areas: area.into_iter().collect(),
            stations: stations.into_iter().collect(),
        })
    }

    /// The property `station`, when it is an object: other maps have a mere name there.
    fn station(&self) -> Result<Option<(LatLon, Option<String>)>, Refusal> {
        let Some(raw) = self
            .property("station")
            .filter(|raw| raw.get().starts_with('{'))
        else {
            return Ok(None);
        };
        let station: RawStation =
            serde_json::from_str(raw.get()).map_err(|error| Refusal::NotAFeature {
                feature: self.label(),
                why: format!("`station`: {}", without_position(&error)),
            })?;
        let at = LatLon::new(station.lat, station.lon).map_err(|why| Refusal::Place {
            feature: self.label(),
            lon_deg: station.lon,
            lat_deg: station.lat,
            why,
        })?;
        Ok(Some((at, station.name)))
    }

    fn property(&self, name: &str) -> Option<&'a RawValue> {
        self.members.properties.as_ref()?.get(name).copied()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.property(name).and_then(as_written)
    }
}

/// A string's content, a number's or truth value's own text; nothing for anything else.
fn as_written(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text)
            .ok()
            .filter(|text: &String| !text.is_empty()),
        b'{' | b'[' | b'n' => None,
        _ => Some(text.to_owned()),
    }
}

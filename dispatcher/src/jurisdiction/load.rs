//! From the text of a GeoJSON file to a map.
//!
//! The format is RFC 7946, with these members:
//!
//! - at the top, all optional: `version` (the readable name of the version), `authority`
//!   (`official`, `approximate` or `invented`; a map that does not say is approximate), `label`
//!   (what is shown beside the map);
//! - in `properties` of a feature, all optional: `name`, `agency` (the provincial agency), `station`
//!   (`{"lat": …, "lon": …, "name": …}`), and whatever names the jurisdiction (see [`IdProperties`]).
//!
//! A feature with a polygon is an area. In a file without any area, a feature with a point, or with
//! no geometry and a `station`, is a station, and the nearest station answers for a place.

mod feature;
mod geometry;

use std::collections::BTreeMap;
use std::fmt;

use protocol::{JurisdictionId, Unusable};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::map::{Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts};
use feature::{Content, RawFeature};

/// Which properties name a jurisdiction: their values joined by `/`, numbers as written. None: the
/// property `id`, else the feature's `id`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IdProperties(Vec<String>);

impl IdProperties {
    /// Reads names with commas between, such as `hq,station`.
    #[must_use]
    pub fn from_list(names: &str) -> Self {
        Self(
            names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
        )
    }
}

/// A map, and what was doubtful about its file.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The map, usable whatever the warnings say.
    pub map: JurisdictionMap,
    /// In the order of the features. A service refuses a map with any.
    pub warnings: Vec<MapWarning>,
}

/// A feature as messages call it: its number, counted from 1, and its name or id where it has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FeatureLabel {
    /// Counted from 1.
    pub number: usize,
    /// Its `name`, or else its id.
    pub name: Option<String>,
}

impl fmt::Display for FeatureLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "feature {} ({name})", self.number),
            None => write!(f, "feature {}", self.number),
        }
    }
}

/// Something doubtful in a map's file that did not keep it from being read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MapWarning {
    /// It has no id of its own.
    #[error("{feature} has no id; it is called `{id}`: name the property with --id-property")]
    MissingId {
        /// Which one.
        feature: FeatureLabel,
        /// What it is called now.
        id: JurisdictionId,
    },
    /// Several features have one id.
    #[error("{features} features have the id `{id}`; they are taken as one jurisdiction")]
    EqualIds {
        /// The id.
        id: JurisdictionId,
        /// How many features have it.
        features: usize,
    },
    /// It has no geometry.
    #[error("{feature} has no geometry and is left out")]
    NoGeometry {
        /// Which one.
        feature: FeatureLabel,
    },
    /// Some of it is not a polygon.
    #[error("{feature} has a {kind}, which is no area and is left out")]
    NotAnArea {
        /// Which one.
        feature: FeatureLabel,
        /// The GeoJSON type.
        kind: String,
    },
    /// A ring does not end where it begins.
    #[error("{feature} has a ring that does not end where it begins; it was closed")]
    UnclosedRing {
        /// Which one.
        feature: FeatureLabel,
    },
}

/// A map's file that is refused.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {refusal}")]
pub struct LoadError {
    /// The file, as the caller named it.
    pub file: String,
    /// Why.
    #[source]
    pub refusal: Refusal,
}

/// Why a map's file is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not JSON at all; the cause has line and column.
    #[error("this is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// JSON, and not what a map is.
    #[error("this is not a GeoJSON FeatureCollection: {0}")]
    NotACollection(String),
    /// Neither an area nor a station.
    #[error("there is no polygon in this map, and no station: every alert would be the nation's")]
    Empty,
    /// The map says an unknown word about itself.
    #[error("`authority` is {0}; write \"official\", \"approximate\" or \"invented\"")]
    Authority(String),
    /// A feature is not what RFC 7946 calls one.
    #[error("{feature} is not a GeoJSON feature: {why}")]
    NotAFeature {
        /// Which one.
        feature: FeatureLabel,
        /// What the reader says.
        why: String,
    },
    /// A geometry that cannot be read.
    #[error("{feature} has a geometry that cannot be read: {why}")]
    Geometry {
        /// Which one.
        feature: FeatureLabel,
        /// What the reader says.
        why: String,
    },
    /// A ring that encloses nothing.
    #[error("{feature} has a ring of {positions} positions; a ring has four or more")]
    ShortRing {
        /// Which one.
        feature: FeatureLabel,
        /// How many there are, with the closing one.
        positions: usize,
    },
    /// A place that is not on Earth.
    #[error("{feature} has the place longitude {lon_deg}, latitude {lat_deg}: {why}")]
    Place {
        /// Which one.
        feature: FeatureLabel,
        /// In degrees.
        lon_deg: f64,
        /// In degrees.
        lat_deg: f64,
        /// What is wrong.
        why: Unusable,
    },
}

/// Reads a map. `file` is only for messages.
///
/// # Errors
/// When the text is not a map, with the file and the feature; see [`Refusal`].
pub fn load(text: &str, file: &str, ids: &IdProperties) -> Result<Loaded, LoadError> {
    read(text, ids).map_err(|refusal| LoadError {
        file: file.to_owned(),
        refusal,
    })
}

#[derive(Deserialize)]
struct RawCollection<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    features: Vec<&'a RawValue>,
    #[serde(borrow)]
    authority: Option<&'a RawValue>,
    label: Option<String>,
    version: Option<String>,
}

fn read(text: &str, ids: &IdProperties) -> Result<Loaded, Refusal> {
    const BYTE_ORDER_MARK: char = '\u{feff}';
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let json: &RawValue = serde_json::from_str(text).map_err(Refusal::NotJson)?;
    let collection: RawCollection<'_> = serde_json::from_str(json.get())
        .map_err(|error| Refusal::NotACollection(error.to_string()))?;
    if collection.kind != "FeatureCollection" {
        return Err(Refusal::NotACollection(format!(
            "its type is `{}`",
            collection.kind
        )));
    }
    let authority = authority(collection.authority)?;
    let mut gathered = Gathered::default();
    for (index, raw) in collection.features.iter().enumerate() {
        gathered.take(RawFeature::read(index + 1, raw)?, ids)?;
    }
    let (parts, warnings) = gathered.finish()?;
    let map = JurisdictionMap::new(MapParts {
        name: collection.version.unwrap_or_else(|| "unnamed".to_owned()),
        authority,
        label: collection.label,
        areas: parts.areas,
        stations: parts.stations,
        reach_m: DEFAULT_REACH_M,
    });
    Ok(Loaded { map, warnings })
}

/// A map that says nothing is not the police's own.
fn authority(raw: Option<&RawValue>) -> Result<Authority, Refusal> {
    let Some(raw) = raw else {
        return Ok(Authority::Approximate);
    };
    let word: Option<String> = serde_json::from_str(raw.get()).ok();
    word.as_deref()
        .and_then(Authority::from_word)
        .ok_or_else(|| Refusal::Authority(raw.get().to_owned()))
}

/// What the features of a file come to.
#[derive(Default)]
struct Gathered {
    content: Content,
    /// Features without an area, which are stations only where no feature has one.
    without_area: Vec<(Content, MapWarning)>,
    warnings: Vec<MapWarning>,
    features_by_id: BTreeMap<JurisdictionId, usize>,
}

impl Gathered {
    fn take(&mut self, feature: RawFeature<'_>, ids: &IdProperties) -> Result<(), Refusal> {
        let label = feature.label();
        let geometry = feature.geometry()?;
        let own_id = feature.id(&ids.0);
        let id = own_id
            .clone()
            .unwrap_or_else(|| JurisdictionId::new(format!("#{}", label.number)));
        let content = feature.content(&id, geometry.polygons, geometry.point)?;
        if content.areas.is_empty() {
            let warning = match geometry.left_out.into_iter().next() {
                Some(kind) => MapWarning::NotAnArea {
                    feature: label,
                    kind,
                },
                None => MapWarning::NoGeometry { feature: label },
            };
            self.without_area.push((content, warning));
            return Ok(());
        }
        for kind in geometry.left_out {
            self.warnings.push(MapWarning::NotAnArea {
                feature: label.clone(),
                kind,
            });
        }
        for _ in 0..geometry.unclosed {
            self.warnings.push(MapWarning::UnclosedRing {
                feature: label.clone(),
            });
        }
        if own_id.is_none() {
            self.warnings.push(MapWarning::MissingId {
                feature: label,
                id: id.clone(),
            });
        }
        *self.features_by_id.entry(id).or_default() += 1;
        self.content.append(content);
        Ok(())
    }

    fn finish(mut self) -> Result<(Content, Vec<MapWarning>), Refusal> {
        let only_stations = self.content.areas.is_empty();
        for (content, warning) in self.without_area {
            if only_stations && !content.stations.is_empty() {
                self.content.append(content);
            } else {
                self.warnings.push(warning);
            }
        }
        if self.content.areas.is_empty() && self.content.stations.is_empty() {
            return Err(Refusal::Empty);
        }
        let repeated = self
            .features_by_id
            .into_iter()
            .filter(|(_, features)| *features > 1);
        self.warnings
            .extend(repeated.map(|(id, features)| MapWarning::EqualIds { id, features }));
        Ok((self.content, self.warnings))
    }
}

#[cfg(test)]
mod tests;

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

mod coordinates;
mod feature;
mod geometry;
mod raw;
mod repair;
mod said;

use std::collections::BTreeMap;

use protocol::JurisdictionId;
use serde_json::value::RawValue;

use super::map::{Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts};
use feature::{Content, RawFeature};
use raw::RawCollection;

pub use said::{FeatureLabel, LoadError, MapWarning, Refusal};

/// The largest file that is read, in bytes. The borders of a nation drawn to the metre are some tens
/// of MB; a larger file has something else in it, and twice its size is needed to read it.
pub const MAX_MAP_BYTES: usize = 256 << 20;

/// What a map may have of each.
#[derive(Clone, Copy)]
struct Limits {
    /// The address of each is kept while the file is read. The largest nations have ten thousand
    /// stations.
    features: usize,
    /// 16 bytes each, and ten times that when the map is asked: 50 times what a nation's coast has
    /// when it is drawn to the metre.
    positions: usize,
}

const LIMITS: Limits = Limits {
    features: 1_000_000,
    positions: 16_000_000,
};

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
    /// In the order of the features. A service refuses a map with any that is not a repair.
    pub warnings: Vec<MapWarning>,
    /// Whether the map says who stands behind its lines; one that does not is approximate.
    pub says_authority: bool,
}

impl Loaded {
    /// The warnings that keep a service from starting with the map.
    pub fn doubts(&self) -> impl Iterator<Item = &MapWarning> {
        self.warnings.iter().filter(|warning| !warning.is_repair())
    }
}

/// Reads a map. `file` is only for messages.
///
/// # Errors
/// When the text is not a map, with the file and the feature; see [`Refusal`].
pub fn load(text: &str, file: &str, ids: &IdProperties) -> Result<Loaded, LoadError> {
    read(text, ids, LIMITS).map_err(|refusal| LoadError {
        file: file.to_owned(),
        refusal,
    })
}

fn read(text: &str, ids: &IdProperties, limits: Limits) -> Result<Loaded, Refusal> {
    let collection = RawCollection::read(text, limits.features)?;
    coordinates::check_crs(collection.crs)?;
    let authority = authority(collection.authority)?;
    let mut gathered = Gathered::new(limits);
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
    Ok(Loaded {
        map,
        warnings,
        says_authority: collection.authority.is_some(),
    })
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
struct Gathered {
    content: Content,
    /// Features without an area, which are stations only where no feature has one.
    without_area: Vec<(Content, MapWarning)>,
    warnings: Vec<MapWarning>,
    features_by_id: BTreeMap<JurisdictionId, usize>,
    limits: Limits,
    positions: usize,
}

impl Gathered {
    fn new(limits: Limits) -> Self {
        Self {
            content: Content::default(),
            without_area: Vec::new(),
            warnings: Vec::new(),
            features_by_id: BTreeMap::new(),
            limits,
            positions: 0,
        }
    }

    fn take(&mut self, feature: RawFeature<'_>, ids: &IdProperties) -> Result<(), Refusal> {
        let label = feature.label();
        let mut geometry = feature.geometry()?;
        self.positions += geometry.positions;
        if self.positions > self.limits.positions {
            return Err(Refusal::TooLarge {
                what: "positions",
                limit: self.limits.positions,
            });
        }
        let own_id = feature.id(&ids.0);
        let id = own_id
            .clone()
            .unwrap_or_else(|| JurisdictionId::new(format!("#{}", label.number)));
        let (polygons, mut warnings) = geometry.sound_polygons(&label)?;
        let content = feature.content(&id, polygons, geometry.point)?;
        if content.areas.is_empty() {
            let warning = geometry.no_area(label);
            self.without_area.push((content, warning));
            return Ok(());
        }
        if own_id.is_none() {
            warnings.push(MapWarning::MissingId {
                feature: label,
                id: id.clone(),
            });
        }
        self.warnings.append(&mut warnings);
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

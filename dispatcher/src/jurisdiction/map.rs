//! A map of jurisdictions: areas, stations, and what the map says about itself.

use std::collections::BTreeMap;
use std::fmt;

use geo::Polygon;
use protocol::{DeskId, JurisdictionId, LatLon, MapVersion};
use serde::{Deserialize, Serialize};

/// How far outside of every area a place is still given to the nearest one, in metres.
///
/// The widest cell of a mobile network is 100 km (the end of LTE's timing advance): a phone farther
/// out hears no mast of that shore.
pub const DEFAULT_REACH_M: f64 = 100_000.0;

/// Who stands behind the lines of a map. Anything but official is labelled wherever it is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The police drew or confirmed the areas.
    Official,
    /// Derived from other data; the lines are not the police's own.
    Approximate,
    /// Made up, for tests and shows.
    Invented,
}

impl Authority {
    /// The word that maps, consoles and reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Official => "official",
            Self::Approximate => "approximate",
            Self::Invented => "invented",
        }
    }

    /// Reads the word that a map uses.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Official, Self::Approximate, Self::Invented]
            .into_iter()
            .find(|authority| authority.as_str() == word)
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one station answers for.
#[derive(Clone, PartialEq, Debug)]
pub struct Area {
    /// The name by which everything else knows it.
    pub id: JurisdictionId,
    /// What an officer reads.
    pub name: String,
    /// The provincial agency that its station belongs to, where the map knows it.
    pub agency: Option<String>,
    /// Closed rings in degrees, longitude then latitude (RFC 7946, section 3.1). A ring encloses by
    /// the even-odd rule, so one that crosses itself has a definite inside too.
    pub polygons: Vec<Polygon<f64>>,
}

/// Where the officers of a jurisdiction are.
#[derive(Clone, PartialEq, Debug)]
pub struct Station {
    /// What it answers for.
    pub jurisdiction: JurisdictionId,
    /// What an officer reads.
    pub name: String,
    /// The provincial agency that it belongs to, where the map knows it.
    pub agency: Option<String>,
    /// Where it is.
    pub at: LatLon,
}

/// What a map is made from; see [`JurisdictionMap::new`].
#[derive(Clone, PartialEq, Debug)]
pub struct MapParts {
    /// Readable name of the version, such as `korea-2024`.
    pub name: String,
    /// Who stands behind the lines.
    pub authority: Authority,
    /// What the map wants to be shown beside it, such as its source.
    pub label: Option<String>,
    /// In any order; equal ids become one area.
    pub areas: Vec<Area>,
    /// In any order.
    pub stations: Vec<Station>,
    /// How far outside of every area the nearest is still responsible, in metres.
    pub reach_m: f64,
}

/// A map of jurisdictions, the same for the same content in whatever order it was given.
#[derive(Clone, PartialEq, Debug)]
pub struct JurisdictionMap {
    name: String,
    version: MapVersion,
    authority: Authority,
    label: Option<String>,
    areas: Vec<Area>,
    stations: Vec<Station>,
    reach_m: f64,
}

impl JurisdictionMap {
    /// Puts the parts in order by id, joins areas of one id, and names the version.
    #[must_use]
    pub fn new(parts: MapParts) -> Self {
        let mut areas: BTreeMap<JurisdictionId, Area> = BTreeMap::new();
        for area in parts.areas {
            match areas.get_mut(&area.id) {
                Some(known) => {
                    known.polygons.extend(area.polygons);
                    known.name = std::mem::take(&mut known.name).min(area.name);
                    known.agency = known.agency.take().into_iter().chain(area.agency).min();
                }
                None => {
                    areas.insert(area.id.clone(), area);
                }
            }
        }
        let mut stations = parts.stations;
        stations.sort_by(|a, b| {
            let names = (&a.jurisdiction, &a.name).cmp(&(&b.jurisdiction, &b.name));
            names
                .then(a.at.lat_deg().total_cmp(&b.at.lat_deg()))
                .then(a.at.lon_deg().total_cmp(&b.at.lon_deg()))
        });
        let mut map = Self {
            name: parts.name,
            version: MapVersion::new(""),
            authority: parts.authority,
            label: parts.label,
            areas: areas.into_values().collect(),
            stations,
            reach_m: parts.reach_m,
        };
        map.version = MapVersion::new(format!("{}@{}", map.name, map.content_hash()));
        map
    }

    /// The same map with another reach, in metres; another version.
    #[must_use]
    pub fn with_reach_m(mut self, reach_m: f64) -> Self {
        self.reach_m = reach_m;
        self.version = MapVersion::new(format!("{}@{}", self.name, self.content_hash()));
        self
    }

    /// `name@hash`: a readable name and the first 48 bits of SHA-256 over the content.
    #[must_use]
    pub fn version(&self) -> &MapVersion {
        &self.version
    }

    /// Who stands behind the lines.
    #[must_use]
    pub fn authority(&self) -> Authority {
        self.authority
    }

    /// What the map wants to be shown beside it.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// All areas, by id, each id once.
    #[must_use]
    pub fn areas(&self) -> &[Area] {
        &self.areas
    }

    /// All stations, by jurisdiction and name.
    #[must_use]
    pub fn stations(&self) -> &[Station] {
        &self.stations
    }

    /// How far outside of every area the nearest is still responsible, in metres.
    #[must_use]
    pub fn reach_m(&self) -> f64 {
        self.reach_m
    }

    /// The area of this id.
    #[must_use]
    pub fn area(&self, id: &JurisdictionId) -> Option<&Area> {
        self.areas
            .binary_search_by(|area| area.id.cmp(id))
            .ok()
            .map(|at| &self.areas[at])
    }

    /// The first station of this jurisdiction.
    #[must_use]
    pub fn station(&self, id: &JurisdictionId) -> Option<&Station> {
        let first = self
            .stations
            .partition_point(|station| station.jurisdiction < *id);
        self.stations
            .get(first)
            .filter(|station| station.jurisdiction == *id)
    }

    /// What an officer reads for this jurisdiction.
    #[must_use]
    pub fn name(&self, id: &JurisdictionId) -> Option<&str> {
        let area = self.area(id).map(|area| area.name.as_str());
        area.or_else(|| self.station(id).map(|station| station.name.as_str()))
    }

    /// The provincial agency of this jurisdiction.
    #[must_use]
    pub fn agency(&self, id: &JurisdictionId) -> Option<&str> {
        let area = self.area(id).and_then(|area| area.agency.as_deref());
        area.or_else(|| {
            self.station(id)
                .and_then(|station| station.agency.as_deref())
        })
    }

    /// Every jurisdiction, with an area or with a station alone, by id, each once.
    #[must_use]
    pub fn jurisdictions(&self) -> Vec<&JurisdictionId> {
        let areas = self.areas.iter().map(|area| &area.id);
        let mut ids: Vec<_> = areas
            .chain(self.stations.iter().map(|station| &station.jurisdiction))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The desks that answer for a jurisdiction, the nearest first: its station, the room of its
    /// provincial agency, the national desk. The national desk alone for no jurisdiction.
    #[must_use]
    pub fn desks(&self, id: Option<&JurisdictionId>) -> Vec<DeskId> {
        let station = id.map(DeskId::station);
        let province = id.and_then(|id| self.agency(id)).map(DeskId::province);
        station
            .into_iter()
            .chain(province)
            .chain([DeskId::national()])
            .collect()
    }

    fn content_hash(&self) -> String {
        const SHOWN_BYTES: usize = 6;
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.canonical_content());
        digest.as_ref()[..SHOWN_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Every text with its length before it, every list with its count: no two maps write the same.
    fn canonical_content(&self) -> Vec<u8> {
        let mut content = Canonical(Vec::new());
        content.text(Some(self.authority.as_str()));
        content.text(self.label.as_deref());
        content.number(self.reach_m);
        content.count(self.areas.len());
        for area in &self.areas {
            content.text(Some(area.id.as_str()));
            content.text(Some(&area.name));
            content.text(area.agency.as_deref());
            content.count(area.polygons.len());
            // The parts of one jurisdiction may come from several features, in any order.
            let mut polygons: Vec<_> = area.polygons.iter().map(Canonical::polygon).collect();
            polygons.sort_unstable();
            content.0.extend(polygons.into_iter().flatten());
        }
        content.count(self.stations.len());
        for station in &self.stations {
            content.text(Some(station.jurisdiction.as_str()));
            content.text(Some(&station.name));
            content.text(station.agency.as_deref());
            content.number(station.at.lat_deg());
            content.number(station.at.lon_deg());
        }
        content.0
    }
}

/// What is hashed for the version of a map.
struct Canonical(Vec<u8>);

impl Canonical {
    fn text(&mut self, text: Option<&str>) {
        self.count(text.map_or(0, |text| text.len() + 1));
        self.0
            .extend_from_slice(text.unwrap_or_default().as_bytes());
    }

    fn number(&mut self, number: f64) {
        self.0.extend_from_slice(&number.to_bits().to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }

    fn polygon(polygon: &Polygon<f64>) -> Vec<u8> {
        let mut content = Self(Vec::new());
        content.count(polygon.interiors().len());
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            content.count(ring.0.len());
            for corner in &ring.0 {
                content.number(corner.x);
                content.number(corner.y);
            }
        }
        content.0
    }
}

#[cfg(test)]
mod tests {
    use geo::polygon;

    use super::*;

    fn area(id: &str, x: f64) -> Area {
        Area {
            id: JurisdictionId::new(id),
            name: format!("{id} station"),
            agency: Some("North".to_owned()),
            polygons: vec![polygon![(x: x, y: 0.0), (x: x + 1.0, y: 0.0), (x: x, y: 1.0)]],
        }
    }

    fn map(areas: Vec<Area>) -> JurisdictionMap {
        JurisdictionMap::new(MapParts {
            name: "test".to_owned(),
            authority: Authority::Invented,
            label: None,
            areas,
            stations: Vec::new(),
            reach_m: DEFAULT_REACH_M,
        })
    }

    #[test]
    fn the_order_of_features_changes_nothing_and_the_content_everything() {
        let one = map(vec![area("a", 1.0), area("b", 2.0), area("a", 5.0)]);
        let other = map(vec![area("a", 5.0), area("b", 2.0), area("a", 1.0)]);
        assert_eq!(one.version(), other.version());
        assert_eq!(one.areas().len(), 2);
        assert_eq!(one.areas()[0].polygons.len(), 2);
        assert!(one.version().as_str().starts_with("test@"));
        let moved = map(vec![area("a", 1.0), area("b", 2.5), area("a", 5.0)]);
        assert_ne!(one.version(), moved.version());
    }

    #[test]
    fn the_desks_go_from_the_station_to_the_nation() {
        let map = map(vec![area("a", 1.0)]);
        let desks = map.desks(Some(&JurisdictionId::new("a")));
        let names: Vec<_> = desks.iter().map(DeskId::as_str).collect();
        assert_eq!(names, ["station:a", "province:North", "national"]);
        assert_eq!(map.desks(None), [DeskId::national()]);
    }

    #[test]
    fn a_jurisdiction_may_have_a_station_alone() {
        let map = JurisdictionMap::new(MapParts {
            name: "stations".to_owned(),
            authority: Authority::Approximate,
            label: None,
            areas: Vec::new(),
            stations: ["b", "a"]
                .map(|id| Station {
                    jurisdiction: JurisdictionId::new(id),
                    name: format!("{id} station"),
                    agency: None,
                    at: LatLon::new(37.0, 127.0).unwrap(),
                })
                .to_vec(),
            reach_m: DEFAULT_REACH_M,
        });
        let b = JurisdictionId::new("b");
        assert_eq!(map.name(&b), Some("b station"));
        assert_eq!(map.agency(&b), None);
        assert_eq!(map.station(&JurisdictionId::new("c")), None);
        assert_eq!(map.jurisdictions(), [&JurisdictionId::new("a"), &b]);
    }
}

//! What is said about a map's file: warnings, and why it is refused.

use std::fmt;

use protocol::{JurisdictionId, LatLon, Unusable};

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

/// Something in a map's file that is not as it should be and did not keep it from being read.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
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
    /// It is not an area.
    #[error("{feature} has a {kind}, which is no area and is left out")]
    NotAnArea {
        /// Which one.
        feature: FeatureLabel,
        /// The GeoJSON type.
        kind: String,
    },
    /// It is an area, with something beside it that is none.
    #[error("{feature} has a {kind} beside its polygons; the {kind} is left out")]
    BesideTheArea {
        /// Which one.
        feature: FeatureLabel,
        /// The GeoJSON type.
        kind: String,
    },
    /// Rings do not end where they begin.
    #[error("{feature} has {rings} rings that do not end where they begin; they were closed")]
    UnclosedRings {
        /// Which one.
        feature: FeatureLabel,
        /// How many.
        rings: usize,
    },
    /// Rings have fewer than three different corners.
    #[error("{feature} has {rings} rings of fewer than three corners; they are left out")]
    FlatRings {
        /// Which one.
        feature: FeatureLabel,
        /// How many, the holes of a polygon without an exterior among them.
        rings: usize,
    },
    /// Rings cross, run over each other, or lie in each other as they should not.
    #[error(
        "{feature} has {}, first{}; it was cut anew by the even-odd rule and holds the same places",
        crossed(*crossings), place(at.as_ref())
    )]
    CutAnew {
        /// Which one.
        feature: FeatureLabel,
        /// How often lines cross; 0 where they run over each other only, or holes are misplaced.
        crossings: usize,
        /// A place where it was wrong.
        at: Option<LatLon>,
    },
}

impl MapWarning {
    /// Whether nothing was lost: areas, ids and names are what the file means, so that a service may
    /// start with the map. After any other warning somebody has to look whose places are whose.
    #[must_use]
    pub fn is_repair(&self) -> bool {
        match self {
            Self::MissingId { .. }
            | Self::EqualIds { .. }
            | Self::NoGeometry { .. }
            | Self::NotAnArea { .. } => false,
            Self::BesideTheArea { .. }
            | Self::UnclosedRings { .. }
            | Self::FlatRings { .. }
            | Self::CutAnew { .. } => true,
        }
    }
}

fn crossed(crossings: usize) -> String {
    match crossings {
        0 => "rings that run over each other or lie in each other".to_owned(),
        1 => "lines that cross once".to_owned(),
        _ => format!("lines that cross {crossings} times"),
    }
}

fn place(at: Option<&LatLon>) -> String {
    at.map(|at| {
        format!(
            " near longitude {:.7}, latitude {:.7}",
            at.lon_deg(),
            at.lat_deg()
        )
    })
    .unwrap_or_default()
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
    /// More than a map can have.
    #[error(
        "the map has over {limit} {what}: leave out what is no jurisdiction, or simplify its lines"
    )]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// Not JSON at all; the cause has line and column.
    #[error("this is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// JSON, and not what a map is.
    #[error("this is not a GeoJSON FeatureCollection: {0}")]
    NotACollection(String),
    /// The map says that its coordinates are not WGS84.
    #[error(
        "`crs` is {0}; a map has WGS84, longitude then latitude: convert it, for instance with \
         ogr2ogr -t_srs EPSG:4326"
    )]
    Crs(String),
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
    /// Polygons that enclose nothing.
    #[error("{feature} has polygons that enclose nothing: draw its area, or leave it out")]
    NoArea {
        /// Which one.
        feature: FeatureLabel,
    },
    /// Polygons that cannot be checked in bounded time.
    #[error(
        "{feature} has lines that cross too often, or too close together, to be told apart: \
         repair its polygons with another program"
    )]
    Tangled {
        /// Which one.
        feature: FeatureLabel,
    },
    /// Coordinates in degrees, the other way round.
    #[error(
        "{feature} has the place [{first}, {second}], which looks like latitude first: GeoJSON has \
         longitude, then latitude; swap them"
    )]
    Swapped {
        /// Which one.
        feature: FeatureLabel,
        /// As written.
        first: f64,
        /// As written.
        second: f64,
    },
    /// Coordinates that are no degrees.
    #[error(
        "{feature} has the place [{first}, {second}]: coordinates look projected (metres); convert \
         to WGS84 (EPSG:4326), longitude then latitude, for instance with ogr2ogr -t_srs EPSG:4326"
    )]
    Projected {
        /// Which one.
        feature: FeatureLabel,
        /// As written.
        first: f64,
        /// As written.
        second: f64,
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

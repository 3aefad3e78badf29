//! The map that a command is told to use.

use std::path::PathBuf;

use ansim::map_text;
use clap::Args;
use dispatcher::jurisdiction::{IdProperties, JurisdictionMap, Loaded, load};

use super::WrongUsage;

#[derive(Debug, Args)]
pub(crate) struct MapFile {
    /// The map: GeoJSON with polygons, or with stations alone
    #[arg(long, value_name = "GEOJSON")]
    jurisdictions: PathBuf,

    /// The properties that name a jurisdiction, their values joined by `/`; without it the property
    /// `id`, then the feature's `id`, then `#n`, the feature's number counted from 1
    #[arg(long, value_name = "P[,Q]")]
    id_property: Option<String>,
}

impl MapFile {
    /// Only `jurisdictions` commands name the map by position.
    pub(crate) fn new(jurisdictions: PathBuf, id_property: Option<String>) -> Self {
        Self {
            jurisdictions,
            id_property,
        }
    }

    pub(crate) fn read(&self) -> Result<Loaded, WrongUsage> {
        let file = self.jurisdictions.display().to_string();
        let text =
            map_text::read(&self.jurisdictions).map_err(|error| WrongUsage(error.to_string()))?;
        let ids = self
            .id_property
            .as_deref()
            .map(IdProperties::from_list)
            .unwrap_or_default();
        load(&text, &file, &ids).map_err(|error| WrongUsage(error.to_string()))
    }
}

/// The map in one line: its version, and what it says about itself.
pub(crate) fn summary(map: &JurisdictionMap) -> String {
    let polygons: usize = map.areas().iter().map(|area| area.polygons.len()).sum();
    let label = map
        .label()
        .map(|label| format!(" ({label})"))
        .unwrap_or_default();
    format!(
        "map {}: {}{label}; {} areas in {polygons} polygons, {} stations",
        map.version().as_str(),
        map.authority(),
        map.areas().len(),
        map.stations().len(),
    )
}

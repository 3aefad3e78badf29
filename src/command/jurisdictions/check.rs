//! `ansim jurisdictions check`: what is wrong with a map, before a service starts with it.

use std::path::PathBuf;

use clap::Args;

use crate::command::NotMet;
use crate::command::map_file::{MapFile, summary};

/// Says whether a service would start with a map; exit code 3 when it would not for a warning, 2 when
/// the file is no map at all.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The map
    #[arg(value_name = "GEOJSON")]
    map: PathBuf,

    /// As for `ansim locate`
    #[arg(long, value_name = "P[,Q]")]
    id_property: Option<String>,
}

impl Check {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let loaded = MapFile::new(self.map.clone(), self.id_property.clone()).read()?;
        for warning in &loaded.warnings {
            eprintln!("{warning}");
        }
        eprintln!("{}", summary(&loaded.map));
        match loaded.warnings.len() {
            0 => Ok(()),
            count => Err(NotMet(format!(
                "{}: {count} to be mended before a service starts with it",
                self.map.display()
            ))
            .into()),
        }
    }
}

//! `ansim jurisdictions`: maps, made and checked.

mod build;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::NotMet;
use super::map_file::{MapFile, summary};

/// Makes and checks maps of jurisdictions.
#[derive(Debug, Args)]
pub(crate) struct Jurisdictions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Build),
    Check(Check),
}

impl Jurisdictions {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Build(build) => build.run(),
            Command::Check(check) => check.run(),
        }
    }
}

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
    fn run(&self) -> anyhow::Result<()> {
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

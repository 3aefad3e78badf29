//! `ansim jurisdictions compare`: what another map would change.

mod positions;
mod words;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use dispatcher::jurisdiction::{JurisdictionIndex, JurisdictionMap, MapChange, Orphan};

use crate::command::WrongUsage;
use crate::command::map_file::MapFile;

/// Says what differs between two maps: areas added, gone or redrawn, what is covered no more and
/// what is covered anew, in square metres of the WGS84 ellipsoid, and whom a running service would
/// refuse to leave out.
///
/// With --positions every row of a CSV file is asked of both maps, and those whose owner changes are
/// written to standard output: the columns of the input, then old_id, old_reason, new_id and
/// new_reason; the id is empty for the national desk. What differs then goes to standard error, with
/// the counts. Exit code 0, also when owners differ; 2 when a file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The map in force
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The map that would take its place
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// As for `ansim locate`, for both maps
    #[arg(long, value_name = "P[,Q]")]
    id_property: Option<String>,

    /// Positions to ask of both: a header and rows with lon and lat, and where known radius_m in
    /// metres and confidence in percent
    #[arg(long, value_name = "CSV")]
    positions: Option<PathBuf>,

    /// Say what differs in one line of JSON
    #[arg(long)]
    json: bool,
}

/// Two maps, and what is between them.
struct Compared {
    old: JurisdictionIndex,
    new: JurisdictionIndex,
    change: MapChange,
    orphans: Vec<Orphan>,
}

impl Compare {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let (old, new) = (self.read(&self.old)?, self.read(&self.new)?);
        let change = MapChange::between(&old, &new);
        let (old, new) = (JurisdictionIndex::new(old), JurisdictionIndex::new(new));
        let compared = Compared {
            orphans: change.orphans(&new),
            change,
            old,
            new,
        };
        let tally = match &self.positions {
            Some(path) => Some(positions::replay(
                &compared,
                path,
                std::io::stdout().lock(),
            )?),
            None => None,
        };
        let answer = if self.json {
            format!("{}\n", words::json(&compared, tally))
        } else {
            words::of(&compared, tally)
        };
        match tally {
            Some(_) => std::io::stderr().write_all(answer.as_bytes())?,
            None => std::io::stdout().write_all(answer.as_bytes())?,
        }
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<JurisdictionMap, WrongUsage> {
        let loaded = MapFile::new(path.to_owned(), self.id_property.clone()).read()?;
        for warning in &loaded.warnings {
            eprintln!("warning: {}: {warning}", path.display());
        }
        Ok(loaded.map)
    }
}

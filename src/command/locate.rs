//! `ansim locate`: whose place is it?

mod rows;

use std::io::Write as _;

use clap::Args;
use dispatcher::jurisdiction::{JurisdictionIndex, JurisdictionMap};
use protocol::{Assignment, ConfidencePercent, LatLon, RadiusMetres};
use serde_json::{Value, json};

use super::WrongUsage;
use super::map_file::{MapFile, summary};

/// Names the jurisdiction that is responsible for a place, and why.
///
/// With --csv, rows come from standard input with a header that names `lon` and `lat`, and go to
/// standard output in the same order with `id,reason,distance_m,probability` behind their own
/// columns. A row whose coordinates are no place on Earth gets the reason `none` and no id; how many
/// there were is said on standard error, and the exit code is 0 all the same.
#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Locate {
    #[command(flatten)]
    map: MapFile,

    /// Latitude in degrees, north positive
    #[arg(
        required_unless_present = "csv",
        conflicts_with = "csv",
        requires = "lon"
    )]
    lat: Option<f64>,

    /// Longitude in degrees, east positive
    #[arg(required_unless_present = "csv")]
    lon: Option<f64>,

    /// Radius in metres of the circle that the phone is in
    #[arg(long, value_name = "M")]
    radius: Option<f64>,

    /// With what confidence in percent it is in there, above 0 and below 100
    #[arg(long, value_name = "C", requires = "radius")]
    confidence: Option<f64>,

    /// Answer with one line of JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Answer for each row of standard input
    #[arg(long)]
    csv: bool,
}

/// How uncertain a fix is.
#[derive(Clone, Copy)]
struct Uncertainty {
    radius: Option<RadiusMetres>,
    confidence: Option<ConfidencePercent>,
}

impl Locate {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let uncertainty = self.uncertainty()?;
        let place = self
            .lat
            .zip(self.lon)
            .map(|(lat, lon)| place(lat, lon))
            .transpose()?;
        let loaded = self.map.read()?;
        for warning in &loaded.warnings {
            eprintln!("warning: {warning}");
        }
        eprintln!("{}", summary(&loaded.map));
        let index = JurisdictionIndex::new(loaded.map);
        let Some(place) = place else {
            let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
            let tally = rows::answer(&index, uncertainty, input, output)?;
            eprintln!("{tally}");
            return Ok(());
        };
        let assignment = index.locate(place, uncertainty.radius, uncertainty.confidence);
        let answer = if self.json {
            in_json(&assignment, index.map()).to_string()
        } else {
            in_words(&assignment, index.map())
        };
        Ok(writeln!(std::io::stdout(), "{answer}")?)
    }

    fn uncertainty(&self) -> Result<Uncertainty, WrongUsage> {
        let radius = self.radius.map(|metres| {
            RadiusMetres::new(metres)
                .map_err(|_| WrongUsage(format!("--radius {metres}: metres, zero or more")))
        });
        let confidence = self.confidence.map(|percent| {
            ConfidencePercent::new(percent).ok_or_else(|| {
                WrongUsage(format!(
                    "--confidence {percent}: percent, above 0 and below 100"
                ))
            })
        });
        Ok(Uncertainty {
            radius: radius.transpose()?,
            confidence: confidence.transpose()?,
        })
    }
}

fn place(lat: f64, lon: f64) -> Result<LatLon, WrongUsage> {
    LatLon::new(lat, lon).map_err(|why| WrongUsage(format!("{lat} {lon} is no place: {why}")))
}

fn in_json(assignment: &Assignment, map: &JurisdictionMap) -> Value {
    let runners_up: Vec<_> = assignment
        .runners_up
        .iter()
        .map(|other| {
            json!({
                "id": other.jurisdiction,
                "distance_m": other.distance_m,
                "probability": other.probability,
            })
        })
        .collect();
    let id = assignment.jurisdiction.as_ref();
    json!({
        "id": id,
        "name": id.and_then(|id| map.name(id)),
        "agency": id.and_then(|id| map.agency(id)),
        "reason": assignment.reason,
        "distance_m": assignment.distance_m,
        "probability": assignment.probability,
        "runners_up": runners_up,
        "map": map.version(),
        "authority": map.authority(),
    })
}

fn in_words(assignment: &Assignment, map: &JurisdictionMap) -> String {
    let mut words = vec![match &assignment.jurisdiction {
        Some(id) => format!("{id}: {}", assignment.reason),
        None => format!("national desk: {}", assignment.reason),
    }];
    words.extend(
        assignment
            .distance_m
            .map(|metres| format!("distance {metres:.1} m")),
    );
    let id = assignment.jurisdiction.as_ref();
    words.extend(
        id.and_then(|id| map.agency(id))
            .map(|agency| format!("agency {agency}")),
    );
    for other in &assignment.runners_up {
        words.push(format!(
            "runner-up {}, {:.1} m away",
            other.jurisdiction, other.distance_m
        ));
    }
    words.join("\n")
}

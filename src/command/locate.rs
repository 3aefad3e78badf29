//! `ansim locate`: whose place is it?

mod rows;
mod shape;

use std::io::Write as _;

use clap::Args;
use dispatcher::jurisdiction::{Answer, JurisdictionIndex, JurisdictionMap, Shape};
use protocol::{Assignment, ConfidencePercent, RadiusMetres};

use super::WrongUsage;
use super::map_file::{MapFile, summary};

/// Names the jurisdiction that is responsible for a place, and why.
///
/// A phone that is somewhere within a radius, an ellipse or a polygon is given to the jurisdiction that
/// holds most of it; `probability` says how likely the phone is there.
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
        required_unless_present_any = ["csv", "polygon"],
        conflicts_with_all = ["csv", "polygon"],
        requires = "lon"
    )]
    lat: Option<f64>,

    /// Longitude in degrees, east positive
    #[arg(required_unless_present_any = ["csv", "polygon"])]
    lon: Option<f64>,

    /// Radius in metres of the circle that the phone is in
    #[arg(long, value_name = "M")]
    radius: Option<f64>,

    /// Half axes in metres of the ellipse that the phone is in, and the direction of the first one in
    /// degrees, clockwise from the north
    #[arg(long, value_name = "M,M,DEG", allow_hyphen_values = true, conflicts_with_all = ["radius", "csv"])]
    ellipse: Option<String>,

    /// Corners of the polygon that the phone is in, each latitude and longitude, with blanks between
    #[arg(long, value_name = "LAT,LON …", allow_hyphen_values = true, conflicts_with_all = ["radius", "ellipse", "csv"])]
    polygon: Option<String>,

    /// With what confidence in percent it is in there, above 0 and below 100; 95 if not given
    #[arg(long, value_name = "C")]
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
        let shape = self.shape(uncertainty)?;
        let loaded = self.map.read()?;
        for warning in &loaded.warnings {
            eprintln!("warning: {warning}");
        }
        eprintln!("{}", summary(&loaded.map));
        let index = JurisdictionIndex::new(loaded.map);
        let Some(shape) = shape else {
            let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
            let tally = rows::answer(&index, uncertainty, input, output)?;
            eprintln!("{tally}");
            return Ok(());
        };
        let assignment = index.locate_shape(&shape, uncertainty.confidence);
        let answer = if self.json {
            serde_json::to_string(&Answer::new(&assignment, index.map()))?
        } else {
            in_words(&assignment, index.map())
        };
        Ok(writeln!(std::io::stdout(), "{answer}")?)
    }

    fn uncertainty(&self) -> Result<Uncertainty, WrongUsage> {
        let radius = self.radius.map(|metres| shape::radius("--radius", metres));
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

    /// `None` when rows are to be read.
    fn shape(&self, uncertainty: Uncertainty) -> Result<Option<Shape>, WrongUsage> {
        if let Some(polygon) = &self.polygon {
            return shape::polygon(polygon).map(Some);
        }
        let Some((lat, lon)) = self.lat.zip(self.lon) else {
            return Ok(None);
        };
        let middle = shape::place(lat, lon)?;
        let shape = match (&self.ellipse, uncertainty.radius) {
            (Some(ellipse), _) => shape::ellipse(middle, ellipse)?,
            (None, Some(radius)) => Shape::Circle { middle, radius },
            (None, None) => Shape::Point(middle),
        };
        Ok(Some(shape))
    }
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
    words.extend(assignment.probability.map(in_percent));
    let id = assignment.jurisdiction.as_ref();
    words.extend(
        id.and_then(|id| map.agency(id))
            .map(|agency| format!("agency {agency}")),
    );
    for other in &assignment.runners_up {
        let mut runner_up = vec![format!("runner-up {}", other.jurisdiction)];
        runner_up.extend(other.probability.map(in_percent));
        runner_up.push(format!("{:.1} m away", other.distance_m));
        words.push(runner_up.join(", "));
    }
    words.join("\n")
}

fn in_percent(probability: f64) -> String {
    format!("probability {:.1} %", probability * 100.0)
}

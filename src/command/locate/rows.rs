//! Places in, answers out: one row each, in order, none kept.

use std::fmt;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use csv::{ByteRecord, ReaderBuilder, Writer};
use dispatcher::jurisdiction::JurisdictionIndex;
use protocol::{Assignment, LatLon};

use super::Uncertainty;
use crate::command::WrongUsage;

/// What is appended to each row.
const ANSWER_COLUMNS: [&str; 4] = ["id", "reason", "distance_m", "probability"];

/// How many rows there were, and how long their lookups took.
pub(super) struct Tally {
    rows: u64,
    without_place: u64,
    looking_up: Duration,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lookups = self.rows - self.without_place;
        let per_second = lookups as f64 / self.looking_up.as_secs_f64().max(f64::MIN_POSITIVE);
        write!(f, "{lookups} lookups, {per_second:.0} lookups per second")?;
        if self.without_place > 0 {
            write!(
                f,
                "; {} rows have no place on Earth and got none",
                self.without_place
            )?;
        }
        Ok(())
    }
}

/// Reads rows with a header, and writes them with the answers appended.
pub(super) fn answer(
    index: &JurisdictionIndex,
    uncertainty: Uncertainty,
    input: impl Read,
    output: impl Write,
) -> anyhow::Result<Tally> {
    let mut reader = ReaderBuilder::new().from_reader(input);
    let mut writer = Writer::from_writer(output);
    let mut row = reader
        .byte_headers()
        .context("the header cannot be read")?
        .clone();
    let (lat, lon) = (column(&row, "lat")?, column(&row, "lon")?);
    row.extend(ANSWER_COLUMNS);
    writer.write_byte_record(&row)?;
    let mut tally = Tally {
        rows: 0,
        without_place: 0,
        looking_up: Duration::ZERO,
    };
    while reader
        .read_byte_record(&mut row)
        .context("a row cannot be read")?
    {
        tally.rows += 1;
        let assignment = match place(&row, lat, lon) {
            Some(place) => {
                let began = Instant::now();
                let assignment = index.locate(place, uncertainty.radius, uncertainty.confidence);
                tally.looking_up += began.elapsed();
                assignment
            }
            None => {
                tally.without_place += 1;
                Assignment::national()
            }
        };
        append(&mut row, &assignment);
        writer.write_byte_record(&row)?;
    }
    writer.flush()?;
    Ok(tally)
}

fn column(header: &ByteRecord, name: &str) -> Result<usize, WrongUsage> {
    header
        .iter()
        .position(|field| field == name.as_bytes())
        .ok_or_else(|| {
            WrongUsage(format!(
                "standard input has no column `{name}`; its first row is the header"
            ))
        })
}

fn place(row: &ByteRecord, lat: usize, lon: usize) -> Option<LatLon> {
    let degrees = |column| -> Option<f64> {
        std::str::from_utf8(row.get(column)?)
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    LatLon::new(degrees(lat)?, degrees(lon)?).ok()
}

fn append(row: &mut ByteRecord, assignment: &Assignment) {
    row.push_field(
        assignment
            .jurisdiction
            .as_ref()
            .map_or("", |id| id.as_str())
            .as_bytes(),
    );
    row.push_field(assignment.reason.as_str().as_bytes());
    let millimetres = assignment.distance_m.map(|metres| format!("{metres:.3}"));
    row.push_field(millimetres.unwrap_or_default().as_bytes());
    let millionths = assignment
        .probability
        .map(|probability| format!("{probability:.6}"));
    row.push_field(millionths.unwrap_or_default().as_bytes());
}

//! Positions in, those whose owner changes out: in order, none kept.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use csv::{ByteRecord, ReaderBuilder, Writer};
use protocol::{Assignment, ConfidencePercent, LatLon, RadiusMetres};

use super::Compared;
use crate::command::WrongUsage;

/// What is appended to each row.
const ANSWER_COLUMNS: [&str; 4] = ["old_id", "old_reason", "new_id", "new_reason"];

/// How many rows there were.
#[derive(Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    /// Rows whose coordinates are no place on Earth: the national desk's on every map.
    pub(super) without_place: u64,
    /// Rows with a radius or a confidence that is none, taken without it.
    pub(super) without_radius: u64,
    pub(super) changed: u64,
}

/// Where a row has its position.
struct Columns {
    lat: usize,
    lon: usize,
    radius_m: Option<usize>,
    confidence: Option<usize>,
}

struct Fix {
    at: LatLon,
    radius: Option<RadiusMetres>,
    confidence: Option<ConfidencePercent>,
    /// Something stands where a radius or a confidence should.
    is_odd: bool,
}

/// Asks both maps about every row, and writes those whose owner changes.
pub(super) fn replay(
    compared: &Compared,
    path: &Path,
    output: impl Write,
) -> anyhow::Result<Tally> {
    let wrong = |what: String| WrongUsage(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut reader = ReaderBuilder::new().from_reader(file);
    let header = reader.byte_headers();
    let mut row = header
        .map_err(|error| wrong(format!("the header cannot be read: {error}")))?
        .clone();
    let columns = Columns::of(&row).map_err(wrong)?;
    let mut writer = Writer::from_writer(output);
    row.extend(ANSWER_COLUMNS);
    writer.write_byte_record(&row)?;
    let mut tally = Tally::default();
    while reader
        .read_byte_record(&mut row)
        .map_err(|error| wrong(format!("a row cannot be read: {error}")))?
    {
        tally.rows += 1;
        let Some(fix) = columns.fix(&row) else {
            tally.without_place += 1;
            continue;
        };
        tally.without_radius += u64::from(fix.is_odd);
        let [old, new] = [&compared.old, &compared.new]
            .map(|index| index.locate(fix.at, fix.radius, fix.confidence));
        if old.jurisdiction != new.jurisdiction {
            tally.changed += 1;
            append(&mut row, &old);
            append(&mut row, &new);
            writer.write_byte_record(&row)?;
        }
    }
    writer.flush().context("standard output is closed")?;
    Ok(tally)
}

fn append(row: &mut ByteRecord, assignment: &Assignment) {
    let id = assignment.jurisdiction.as_ref();
    row.push_field(id.map_or("", |id| id.as_str()).as_bytes());
    row.push_field(assignment.reason.as_str().as_bytes());
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, String> {
        let find = |name: &str| header.iter().position(|field| field == name.as_bytes());
        let needed = |name: &str| {
            find(name).ok_or(format!("no column `{name}`; the first row is the header"))
        };
        Ok(Self {
            lat: needed("lat")?,
            lon: needed("lon")?,
            radius_m: find("radius_m"),
            confidence: find("confidence"),
        })
    }

    fn fix(&self, row: &ByteRecord) -> Option<Fix> {
        let at = LatLon::new(number(row, self.lat)?, number(row, self.lon)?).ok()?;
        let given = |column: Option<usize>| column.filter(|column| !is_empty(row, *column));
        let (radius_given, confidence_given) = (given(self.radius_m), given(self.confidence));
        let radius = radius_given
            .and_then(|column| number(row, column))
            .and_then(|metres| RadiusMetres::new(metres).ok());
        let confidence = confidence_given
            .and_then(|column| number(row, column))
            .and_then(ConfidencePercent::new);
        Some(Fix {
            at,
            radius,
            confidence,
            is_odd: radius_given.is_some() != radius.is_some()
                || confidence_given.is_some() != confidence.is_some(),
        })
    }
}

fn text(row: &ByteRecord, column: usize) -> Option<&str> {
    std::str::from_utf8(row.get(column)?).ok().map(str::trim)
}

fn number(row: &ByteRecord, column: usize) -> Option<f64> {
    text(row, column)?.parse().ok()
}

fn is_empty(row: &ByteRecord, column: usize) -> bool {
    text(row, column).is_some_and(str::is_empty)
}

//! The table of stations: who they are, where, and for which districts they answer.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{JurisdictionId, LatLon};

use super::BuildError;

/// One line of the table.
#[derive(Clone, PartialEq, Debug)]
pub struct StationRow {
    /// Line of the table, counted from 1, the header being 1.
    pub line: u64,
    /// The provincial agency that the station belongs to.
    pub agency: String,
    /// Its name, unique within the agency.
    pub name: String,
    /// The name in Latin letters, where the table has it.
    pub name_latin: Option<String>,
    /// Where the building is.
    pub at: LatLon,
    /// Codes of the districts that it answers for, in the table's order; at least one.
    pub district_codes: Vec<String>,
    /// People in its area, as the table counts them.
    pub people: Option<u64>,
}

impl StationRow {
    /// `agency/name`.
    #[must_use]
    pub fn id(&self) -> JurisdictionId {
        JurisdictionId::new(format!("{}/{}", self.agency, self.name))
    }
}

/// Reads a table with the columns `agency, station, lat, lon, district_codes` (codes joined by `;`)
/// and, where it has them, `station_en` and `people`; in any order, others are ignored. Coordinates
/// are degrees on WGS84.
///
/// # Errors
/// [`BuildError::Table`] with the line, for a missing column, an empty or unreadable value, a
/// station that is there twice, or a table without any.
pub fn stations(csv_text: &str) -> Result<Vec<StationRow>, BuildError> {
    // Spreadsheets write a byte order mark, and ends of line by which the reader miscounts lines.
    let text = csv_text
        .strip_prefix('\u{feff}')
        .unwrap_or(csv_text)
        .replace("\r\n", "\n");
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| wrong(1, error.to_string()))?;
    let columns = Columns::find(header)?;
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            wrong(
                error.position().map_or(0, csv::Position::line),
                error.to_string(),
            )
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = columns
            .row(line, &record)
            .map_err(|what| wrong(line, what))?;
        if !seen.insert(row.id()) {
            return Err(wrong(
                line,
                format!("the station {} is there twice", row.id()),
            ));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(wrong(1, "there is no station in it".to_owned()));
    }
    Ok(rows)
}

/// For each district code the rows that answer for it, in the table's order.
pub(crate) fn by_district(rows: &[StationRow]) -> BTreeMap<&str, Vec<usize>> {
    let mut answering: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, row) in rows.iter().enumerate() {
        for code in &row.district_codes {
            answering.entry(code).or_default().push(n);
        }
    }
    answering
}

fn wrong(line: u64, what: String) -> BuildError {
    BuildError::Table { line, what }
}

/// Where each column is.
struct Columns(BTreeMap<String, usize>);

impl Columns {
    const NEEDED: [&str; 5] = ["agency", "station", "lat", "lon", "district_codes"];

    fn find(header: &csv::StringRecord) -> Result<Self, BuildError> {
        let columns: BTreeMap<_, _> = header
            .iter()
            .enumerate()
            .map(|(n, name)| (name.to_owned(), n))
            .collect();
        match Self::NEEDED
            .iter()
            .find(|name| !columns.contains_key(**name))
        {
            Some(missing) => Err(wrong(1, format!("the header has no column `{missing}`"))),
            None => Ok(Self(columns)),
        }
    }

    fn optional<'a>(&self, record: &'a csv::StringRecord, column: &str) -> Option<&'a str> {
        let value = record.get(*self.0.get(column)?)?;
        (!value.is_empty()).then_some(value)
    }

    fn needed<'a>(&self, record: &'a csv::StringRecord, column: &str) -> Result<&'a str, String> {
        self.optional(record, column)
            .ok_or_else(|| format!("`{column}` is empty"))
    }

    fn degrees(&self, record: &csv::StringRecord, column: &str) -> Result<f64, String> {
        let value = self.needed(record, column)?;
        value
            .parse()
            .map_err(|_| format!("`{column}` is `{value}`, not a number of degrees"))
    }

    fn row(&self, line: u64, record: &csv::StringRecord) -> Result<StationRow, String> {
        let at = LatLon::new(self.degrees(record, "lat")?, self.degrees(record, "lon")?)
            .map_err(|error| error.to_string())?;
        let people = self.optional(record, "people").map(|value| {
            value
                .parse()
                .map_err(|_| format!("`people` is `{value}`, not a whole number"))
        });
        Ok(StationRow {
            line,
            agency: self.needed(record, "agency")?.to_owned(),
            name: self.needed(record, "station")?.to_owned(),
            name_latin: self.optional(record, "station_en").map(str::to_owned),
            at,
            district_codes: codes(self.needed(record, "district_codes")?)?,
            people: people.transpose()?,
        })
    }
}

fn codes(joined: &str) -> Result<Vec<String>, String> {
    let mut seen = BTreeSet::new();
    let codes: Vec<String> = joined
        .split(';')
        .map(|code| code.trim().to_owned())
        .collect();
    match codes
        .iter()
        .find(|code| code.is_empty() || !seen.insert(code.as_str()))
    {
        Some(code) => Err(format!(
            "`district_codes` names `{code}` twice or has an empty code"
        )),
        None => Ok(codes),
    }
}

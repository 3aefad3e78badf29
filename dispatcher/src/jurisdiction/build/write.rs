//! The map as GeoJSON, the same bytes for the same input: one feature a line, seven decimals.

use std::fmt::Write;

use super::corner::Corner;
use super::cut::{Patch, corners};
use super::table::StationRow;
use super::{KOREA_LABEL, KOREA_VERSION};

/// Writes the map; `areas` are in the order of `rows`.
pub(crate) fn map(rows: &[StationRow], areas: &[Vec<Patch>]) -> String {
    let features: Vec<String> = rows
        .iter()
        .zip(areas)
        .map(|(row, area)| feature(row, area))
        .collect();
    format!(
        "{{\"type\":\"FeatureCollection\",\"authority\":\"approximate\",\"label\":{},\
         \"version\":{},\"features\":[\n{}\n]}}\n",
        quoted(KOREA_LABEL),
        quoted(KOREA_VERSION),
        features.join(",\n"),
    )
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn feature(row: &StationRow, area: &[Patch]) -> String {
    let mut text = format!(
        "{{\"type\":\"Feature\",\"id\":{},\"properties\":{{\"id\":{},\"name\":{},",
        quoted(row.id().as_str()),
        quoted(row.id().as_str()),
        quoted(&row.name),
    );
    let optional = [
        row.name_latin
            .as_ref()
            .map(|name| format!("\"name_latin\":{},", quoted(name))),
        row.people.map(|people| format!("\"people\":{people},")),
    ];
    text.extend(optional.into_iter().flatten());
    text += &format!(
        "\"agency\":{},\"station\":{{\"lat\":{},\"lon\":{},\"name\":{}}}}},",
        quoted(&row.agency),
        row.at.lat_deg(),
        row.at.lon_deg(),
        quoted(&row.name),
    );
    text += "\"geometry\":{\"type\":\"MultiPolygon\",\"coordinates\":[";
    for (n, patch) in area.iter().enumerate() {
        text += if n == 0 { "[" } else { ",[" };
        polygon(&mut text, patch);
        text.push(']');
    }
    text += "]}}";
    text
}

fn polygon(text: &mut String, patch: &Patch) {
    for (n, ring) in patch.rings.iter().enumerate() {
        text.push_str(if n == 0 { "[" } else { ",[" });
        let corners = corners(ring);
        for (n, corner) in corners.iter().chain(corners.first()).enumerate() {
            if n > 0 {
                text.push(',');
            }
            position(text, *corner);
        }
        text.push(']');
    }
}

fn position(text: &mut String, corner: Corner) {
    // Writing to a string cannot fail.
    let _ = write!(text, "[{},{}]", Degrees(corner.x), Degrees(corner.y));
}

/// Grid units, written in degrees.
struct Degrees(i64);

impl std::fmt::Display for Degrees {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: u64 = super::corner::UNITS_PER_DEG as u64;
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:07}", units / UNITS, units % UNITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_have_seven_decimals_and_a_sign() {
        assert_eq!(Degrees(1_270_000_001).to_string(), "127.0000001");
        assert_eq!(Degrees(-5).to_string(), "-0.0000005");
        assert_eq!(Degrees(0).to_string(), "0.0000000");
    }
}

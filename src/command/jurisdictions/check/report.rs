//! What was found, for programs: GeoJSON with the places, JSON with the figures.

use dispatcher::jurisdiction::{Gap, JurisdictionMap, Notice, Overlap, Small};
use protocol::{JurisdictionId, LatLon};
use serde_json::{Value, json};

use super::{Checked, OWNERSHIP};

/// Every overlap and gap as a feature: the overlaps first, and of either the largest.
pub(super) fn geojson(checked: &Checked) -> Value {
    let (map, survey) = (&checked.loaded.map, &checked.survey);
    let feature = |properties: Value, geometry: Value| json!({ "type": "Feature", "properties": properties, "geometry": geometry });
    let overlaps = survey.overlaps.iter();
    let overlaps = overlaps.map(|found| feature(of_overlap(found, map), found.geometry()));
    let gaps = survey.gaps.iter();
    let gaps = gaps.map(|found| feature(of_gap(found, map), found.geometry()));
    json!({
        "type": "FeatureCollection",
        "map": map.version(),
        "least_m2": checked.least_m2,
        "ownership": OWNERSHIP,
        "features": overlaps.chain(gaps).collect::<Vec<_>>(),
    })
}

/// Everything but the places' outlines.
pub(super) fn json(checked: &Checked) -> Value {
    let (map, survey) = (&checked.loaded.map, &checked.survey);
    let doubts: Vec<_> = checked.loaded.doubts().map(ToString::to_string).collect();
    let warnings = checked.loaded.warnings.iter();
    let repairs = warnings
        .filter(|warning| warning.is_repair())
        .map(ToString::to_string);
    let list = |found: Vec<Value>, areas_m2: Vec<f64>, small: Small| {
        json!({
            "count": found.len(),
            "area_m2": areas_m2.iter().sum::<f64>(),
            "list": found,
            "small": { "pieces": small.pieces, "area_m2": small.area_m2 },
        })
    };
    let overlaps = survey.overlaps.iter().map(|found| {
        with_place(
            of_overlap(found, map),
            found.somewhere(),
            found.pieces.len(),
        )
    });
    let gaps = survey
        .gaps
        .iter()
        .map(|found| with_place(of_gap(found, map), found.somewhere(), found.pieces.len()));
    json!({
        "map": map.version(),
        "authority": map.authority(),
        "authority_in_file": checked.loaded.says_authority,
        "areas": map.areas().len(),
        "stations": map.stations().len(),
        "starts": doubts.is_empty(),
        "refused_for": doubts,
        "repaired": repairs.collect::<Vec<_>>(),
        "least_m2": checked.least_m2,
        "ownership": OWNERSHIP,
        "overlaps": list(
            overlaps.collect(),
            survey.overlaps.iter().map(|found| found.area_m2).collect(),
            survey.small_overlaps,
        ),
        "gaps": list(
            gaps.collect(),
            survey.gaps.iter().map(|found| found.area_m2).collect(),
            survey.small_gaps,
        ),
        "notices": survey.notices.iter().map(of_notice).collect::<Vec<_>>(),
    })
}

fn of_overlap(found: &Overlap, map: &JurisdictionMap) -> Value {
    let ids = [&found.owner, &found.other];
    json!({
        "kind": "overlap",
        "ids": ids,
        "names": ids.map(|id| map.name(id)),
        "owner": found.owner,
        "area_m2": found.area_m2,
    })
}

fn of_gap(found: &Gap, map: &JurisdictionMap) -> Value {
    let names = found
        .neighbours
        .iter()
        .map(|id: &JurisdictionId| map.name(id));
    json!({
        "kind": "gap",
        "ids": found.neighbours,
        "names": names.collect::<Vec<_>>(),
        "owner": null,
        "area_m2": found.area_m2,
    })
}

fn with_place(mut found: Value, at: Option<LatLon>, pieces: usize) -> Value {
    found["pieces"] = json!(pieces);
    found["lat"] = json!(at.map(LatLon::lat_deg));
    found["lon"] = json!(at.map(LatLon::lon_deg));
    found
}

fn of_notice(notice: &Notice) -> Value {
    json!({ "kind": notice.kind(), "ids": notice.ids(), "says": notice.to_string() })
}

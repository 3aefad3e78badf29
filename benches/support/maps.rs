//! The maps whose index is measured, and how long they took to read.

use std::path::Path;
use std::time::Instant;

use ansim::demo::find_districts;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, build, exported_json};
use dispatcher::jurisdiction::{IdProperties, JurisdictionMap, load};
use serde_json::{Value, json};
use simulator::tiling::{Tiling, TilingPlan};

use crate::support::rounded;

pub(crate) const BUILT: &str = "station areas built from districts";
pub(crate) const DISTRICTS: &str = "npm districts";
pub(crate) const STATIONS: &str = "station areas of ANSIM_TEST_DATA";
pub(crate) const PRECINCTS: &str = "New York's precincts";
pub(crate) const TILING: &str = "generated tiling";

/// A map under the name that rows call it by.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) map: JurisdictionMap,
    /// Columns about the text that it was read from.
    pub(crate) text: Option<Value>,
}

/// Those whose data is on this machine, and the one that is made up.
pub(crate) fn all() -> Vec<Named> {
    let mut maps = Vec::new();
    if let Some(path) = find_districts() {
        let text = read(&path);
        let begun = Instant::now();
        let built = build(&text, KOREA_STATIONS_CSV).unwrap();
        let made_ms = milliseconds(begun);
        let mut stations = from_text(BUILT, &built, "id");
        if let Some(text) = &mut stations.text {
            text["made from districts ms"] = json!(made_ms);
        }
        maps.push(stations);
        maps.push(from_text(
            DISTRICTS,
            exported_json(&text).unwrap(),
            "sig_cd",
        ));
    }
    if let Some(data) = std::env::var_os("ANSIM_TEST_DATA") {
        let data = Path::new(&data);
        let text = read(&data.join("korea/station_jurisdictions_approx.geojson"));
        maps.push(from_text(STATIONS, &text, "hq,station"));
        let text = read(&data.join("nyc/precincts_2013.geojson"));
        maps.push(from_text(PRECINCTS, &text, "Precinct"));
    }
    maps.push(Named {
        name: TILING,
        map: Tiling::new(TilingPlan::NATION, 1).map,
        text: None,
    });
    maps
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn from_text(name: &'static str, text: &str, ids: &str) -> Named {
    let begun = Instant::now();
    let map = load(text, name, &IdProperties::from_list(ids)).unwrap().map;
    let columns = json!({ "read ms": milliseconds(begun), "bytes of text": text.len() });
    Named {
        name,
        map,
        text: Some(columns),
    }
}

pub(crate) fn milliseconds(since: Instant) -> f64 {
    rounded(since.elapsed().as_secs_f64() * 1e3)
}

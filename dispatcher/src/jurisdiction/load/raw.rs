//! The file as JSON, its features still text.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{MAX_MAP_BYTES, Refusal};

/// The members of a map.
pub(super) struct RawCollection<'a> {
    pub(super) features: Vec<&'a RawValue>,
    pub(super) authority: Option<&'a RawValue>,
    pub(super) crs: Option<&'a RawValue>,
    pub(super) label: Option<String>,
    pub(super) version: Option<String>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    features: Option<&'a RawValue>,
    #[serde(borrow)]
    authority: Option<&'a RawValue>,
    #[serde(borrow)]
    crs: Option<&'a RawValue>,
    label: Option<String>,
    version: Option<String>,
}

impl<'a> RawCollection<'a> {
    pub(super) fn read(text: &'a str, max_features: usize) -> Result<Self, Refusal> {
        const BYTE_ORDER_MARK: char = '\u{feff}';
        if text.len() > MAX_MAP_BYTES {
            return Err(Refusal::TooLarge {
                what: "bytes",
                limit: MAX_MAP_BYTES,
            });
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let json: &RawValue = serde_json::from_str(text).map_err(Refusal::NotJson)?;
        let members: Members<'a> = serde_json::from_str(json.get())
            .map_err(|error| Refusal::NotACollection(without_position(&error)))?;
        if members.kind != "FeatureCollection" {
            return Err(Refusal::NotACollection(not_a_collection(&members.kind)));
        }
        let features = members
            .features
            .ok_or_else(|| Refusal::NotACollection("it has no list `features`".to_owned()))?;
        let features: AtMost<'a> = AtMost::read(features, max_features)
            .map_err(|error| Refusal::NotACollection(without_position(&error)))?;
        if features.there > max_features {
            return Err(Refusal::TooLarge {
                what: "features",
                limit: max_features,
            });
        }
        Ok(Self {
            features: features.first,
            authority: members.authority,
            crs: members.crs,
            label: members.label,
            version: members.version,
        })
    }
}

fn not_a_collection(kind: &str) -> String {
    match kind {
        "Feature" | "Point" | "MultiPoint" | "LineString" | "MultiLineString" | "Polygon"
        | "MultiPolygon" | "GeometryCollection" => format!(
            "it is a bare {kind}; put it into {{\"type\":\"FeatureCollection\",\"features\":[…]}}"
        ),
        "Topology" => {
            "its type is `Topology`; convert TopoJSON to GeoJSON, for instance with topo2geo"
                .to_owned()
        }
        kind => format!("its type is `{kind}`"),
    }
}

/// The reader's words without line and column: those would count from the part that was read.
pub(super) fn without_position(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rfind(" at line ") {
        Some(end) => words[..end].to_owned(),
        None => words,
    }
}

/// The first items of a list, and how many there are.
struct AtMost<'a> {
    first: Vec<&'a RawValue>,
    there: usize,
}

impl<'a> AtMost<'a> {
    fn read(list: &'a RawValue, limit: usize) -> serde_json::Result<Self> {
        struct Items(usize);
        impl<'de> Visitor<'de> for Items {
            type Value = AtMost<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of features")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<AtMost<'de>, A::Error> {
                let mut first = Vec::new();
                while first.len() < self.0 {
                    match list.next_element()? {
                        Some(item) => first.push(item),
                        None => break,
                    }
                }
                let mut there = first.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    there += 1;
                }
                Ok(AtMost { first, there })
            }
        }
        let mut reader = serde_json::Deserializer::from_str(list.get());
        reader.deserialize_seq(Items(limit))
    }
}

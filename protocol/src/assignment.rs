//! Which jurisdiction an alert is given to, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::JurisdictionId;

/// Why a place belongs to the jurisdiction that it was given to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// In the interior of exactly one area.
    Inside,
    /// On a line that areas share; the rule of the map says whose it is.
    Border,
    /// Areas of the map lie on top of each other here; the rule of the map says whose it is.
    Overlap,
    /// The fix is uncertain; the phone is in this area with a probability of a half or more.
    Majority,
    /// The fix is uncertain; the phone is in no area with a probability of a half, in this one with
    /// the largest. The runners-up are told as well.
    Split,
    /// In no area; this one is the nearest within reach.
    Nearest,
    /// In no area and none is within reach, or there is no usable position: the national desk's.
    None,
}

impl Reason {
    /// All reasons, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Inside,
        Self::Border,
        Self::Overlap,
        Self::Majority,
        Self::Split,
        Self::Nearest,
        Self::None,
    ];

    /// The word that command line, log and page use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Border => "border",
            Self::Overlap => "overlap",
            Self::Majority => "majority",
            Self::Split => "split",
            Self::Nearest => "nearest",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A jurisdiction that might have been the owner.
#[derive(Clone, PartialEq, Debug)]
pub struct RunnerUp {
    /// Which one.
    pub jurisdiction: JurisdictionId,
    /// Probability between 0 and 1 that the phone is there, where it is known.
    pub probability: Option<f64>,
    /// Metres from the middle of the fix to the area; zero when it is within.
    pub distance_m: f64,
}

/// The answer to "whose is this place?"; there always is one.
#[derive(Clone, PartialEq, Debug)]
pub struct Assignment {
    /// The responsible jurisdiction; `None` is the national desk.
    pub jurisdiction: Option<JurisdictionId>,
    /// Why it is that one.
    pub reason: Reason,
    /// Metres from the place to the area, or to the station where the map has no areas; given for
    /// [`Reason::Nearest`].
    pub distance_m: Option<f64>,
    /// Probability between 0 and 1 that the phone is in the area, where it is known.
    pub probability: Option<f64>,
    /// Who else might be responsible, the likeliest first.
    pub runners_up: Vec<RunnerUp>,
}

impl Assignment {
    /// Who is told besides the owner: the runners-up of a split.
    pub fn also_told(&self) -> impl Iterator<Item = &JurisdictionId> {
        let told = match self.reason {
            Reason::Split => self.runners_up.as_slice(),
            _ => &[],
        };
        told.iter().map(|other| &other.jurisdiction)
    }

    /// What holds when nothing is known about the place, or nobody is near: the national desk.
    #[must_use]
    pub fn national() -> Self {
        Self {
            jurisdiction: None,
            reason: Reason::None,
            distance_m: None,
            probability: None,
            runners_up: Vec::new(),
        }
    }
}

/// Names one version of a map: a readable name and a hash of its content.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MapVersion(std::sync::Arc<str>);

impl MapVersion {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<std::sync::Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text of the version.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MapVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

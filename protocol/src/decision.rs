//! The content of decisions: what is sealed in the body of a decision's entry.

use prost::Message as _;

use crate::generated::log as pb;
use crate::limit::{MAX_TEXT_BYTES, shorten};
use crate::{
    Assignment, DecisionKind, DeskId, JurisdictionId, LatLon, MapVersion, Reason, RunnerUp,
};

/// What a decision says.
#[derive(Clone, PartialEq, Debug)]
pub enum Decision {
    /// The incident was given to a desk.
    Assigned(Assigned),
    /// A console has drawn or sounded it.
    Delivered {
        /// The desk of the console.
        desk: DeskId,
        /// Heard, not only drawn.
        sounded: bool,
    },
    /// An officer has taken it.
    Acknowledged,
    /// An officer wrote to the phone.
    Message(String),
    /// An officer wrote for officers.
    Note(String),
    /// An officer ended it.
    Closed {
        /// How it ended.
        outcome: Outcome,
        /// In the officer's words; may be empty.
        note: String,
    },
    /// An officer looked into it.
    Viewed,
}

/// An assignment with what it was made on.
#[derive(Clone, PartialEq, Debug)]
pub struct Assigned {
    /// Who answers for it, and why.
    pub assignment: Assignment,
    /// The map it was made with.
    pub map: MapVersion,
    /// The place it was made on; absent when there was none.
    pub at: Option<LatLon>,
}

/// How an incident ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// Help reached the person.
    Helped,
    /// Nobody was in danger.
    FalsePress,
    /// Another incident is about the same.
    Duplicate,
    /// The person could not be found.
    Unreachable,
    /// See the note.
    Other,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 5] = [
        Self::Helped,
        Self::FalsePress,
        Self::Duplicate,
        Self::Unreachable,
        Self::Other,
    ];

    /// The word in log and page.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Helped => "helped",
            Self::FalsePress => "false_press",
            Self::Duplicate => "duplicate",
            Self::Unreachable => "unreachable",
            Self::Other => "other",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// The body of a decision does not decode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the body of the decision does not decode")]
pub struct BadDecision;

impl Decision {
    /// Its kind, for the header.
    #[must_use]
    pub fn kind(&self) -> DecisionKind {
        match self {
            Self::Assigned(_) => DecisionKind::Assigned,
            Self::Delivered { .. } => DecisionKind::Delivered,
            Self::Acknowledged => DecisionKind::Acknowledged,
            Self::Message(_) => DecisionKind::Message,
            Self::Note(_) => DecisionKind::Note,
            Self::Closed { .. } => DecisionKind::Closed,
            Self::Viewed => DecisionKind::Viewed,
        }
    }

    /// The bytes to seal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Assigned(assigned) => assigned.encode(),
            Self::Delivered { desk, sounded } => pb::Delivered {
                how: if *sounded { "sounded" } else { "drawn" }.to_owned(),
                desk: desk.to_string(),
            }
            .encode_to_vec(),
            Self::Message(text) | Self::Note(text) => pb::Words {
                text: shorten(text, MAX_TEXT_BYTES).to_owned(),
            }
            .encode_to_vec(),
            Self::Closed { outcome, note } => pb::Closed {
                outcome: outcome.as_str().to_owned(),
                note: shorten(note, MAX_TEXT_BYTES).to_owned(),
            }
            .encode_to_vec(),
            Self::Acknowledged | Self::Viewed => Vec::new(),
        }
    }

    /// Reads what [`Decision::encode`] wrote.
    ///
    /// # Errors
    /// When the bytes are no body of this kind.
    pub fn decode(kind: DecisionKind, bytes: &[u8]) -> Result<Self, BadDecision> {
        Ok(match kind {
            DecisionKind::Assigned => Self::Assigned(Assigned::decode(bytes)?),
            DecisionKind::Delivered => {
                let delivered = pb::Delivered::decode(bytes).map_err(|_| BadDecision)?;
                Self::Delivered {
                    desk: DeskId::new(delivered.desk),
                    sounded: delivered.how == "sounded",
                }
            }
            DecisionKind::Message => Self::Message(words(bytes)?),
            DecisionKind::Note => Self::Note(words(bytes)?),
            DecisionKind::Closed => {
                let closed = pb::Closed::decode(bytes).map_err(|_| BadDecision)?;
                Self::Closed {
                    outcome: Outcome::parse(&closed.outcome).unwrap_or(Outcome::Other),
                    note: closed.note,
                }
            }
            DecisionKind::Acknowledged => Self::Acknowledged,
            DecisionKind::Viewed => Self::Viewed,
        })
    }
}

fn words(bytes: &[u8]) -> Result<String, BadDecision> {
    Ok(pb::Words::decode(bytes).map_err(|_| BadDecision)?.text)
}

impl Assigned {
    fn encode(&self) -> Vec<u8> {
        let assignment = &self.assignment;
        let at = self.at.map(LatLon::to_e7);
        pb::Assigned {
            jurisdiction: assignment
                .jurisdiction
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            reason: assignment.reason.as_str().to_owned(),
            distance_m: assignment.distance_m,
            probability: assignment.probability,
            runners_up: assignment
                .runners_up
                .iter()
                .map(|other| pb::RunnerUp {
                    jurisdiction: other.jurisdiction.to_string(),
                    probability: other.probability,
                    distance_m: other.distance_m,
                })
                .collect(),
            map_version: self.map.as_str().to_owned(),
            lat_e7: at.map(|(lat, _)| lat),
            lon_e7: at.map(|(_, lon)| lon),
        }
        .encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, BadDecision> {
        let assigned = pb::Assigned::decode(bytes).map_err(|_| BadDecision)?;
        let reason = Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == assigned.reason)
            .ok_or(BadDecision)?;
        Ok(Self {
            assignment: Assignment {
                jurisdiction: (!assigned.jurisdiction.is_empty())
                    .then(|| JurisdictionId::new(assigned.jurisdiction)),
                reason,
                distance_m: assigned.distance_m,
                probability: assigned.probability,
                runners_up: assigned
                    .runners_up
                    .into_iter()
                    .map(|other| RunnerUp {
                        jurisdiction: JurisdictionId::new(other.jurisdiction),
                        probability: other.probability,
                        distance_m: other.distance_m,
                    })
                    .collect(),
            },
            map: MapVersion::new(assigned.map_version),
            at: match (assigned.lat_e7, assigned.lon_e7) {
                (Some(lat), Some(lon)) => LatLon::from_e7(lat, lon).ok(),
                _ => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decision_comes_back() {
        let assigned = Assigned {
            assignment: Assignment {
                jurisdiction: Some(JurisdictionId::new("부산광역시경찰청/부산해운대경찰서")),
                reason: Reason::Nearest,
                distance_m: Some(840.0),
                probability: None,
                runners_up: vec![RunnerUp {
                    jurisdiction: JurisdictionId::new("b"),
                    probability: Some(0.25),
                    distance_m: 1_200.0,
                }],
            },
            map: MapVersion::new("korea-2024#1f"),
            at: LatLon::new(35.15, 129.2).ok(),
        };
        let all = [
            Decision::Assigned(assigned),
            Decision::Delivered {
                desk: DeskId::national(),
                sounded: true,
            },
            Decision::Acknowledged,
            Decision::Message("곧 도착합니다".to_owned()),
            Decision::Note("door code 4711".to_owned()),
            Decision::Closed {
                outcome: Outcome::Helped,
                note: String::new(),
            },
            Decision::Viewed,
        ];
        for decision in all {
            assert_eq!(
                Decision::decode(decision.kind(), &decision.encode()),
                Ok(decision)
            );
        }
    }
}

//! Beside the board, with map and policy: what a dispatcher proposes. It only proposes; the first
//! decision in the log on a revision takes effect.

use protocol::{
    Assigned, Decision, DecisionHeader, DecisionId, DecisionKind, MapVersion, Millis, Reason,
    State, UnixMillis,
};

use crate::board::Incident;
use crate::card::owner_of;
use crate::jurisdiction::JurisdictionIndex;

/// What holds at a site besides its map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Within what time after an assignment an officer must have acknowledged.
    pub acknowledge_within: Millis,
}

impl Default for Policy {
    /// 15 s: nine of ten emergency calls are to be answered within it (NENA-STA-020.1).
    fn default() -> Self {
        Self {
            acknowledge_within: Millis::from_secs(15),
        }
    }
}

/// A decision to append.
#[derive(Clone, PartialEq, Debug)]
pub struct Proposal {
    /// Its header.
    pub header: DecisionHeader,
    /// Its content.
    pub decision: Decision,
}

/// Who answers for an incident, and until when somebody must have acknowledged, when that is to be
/// decided now.
///
/// That is so when nobody has decided yet; when the button was pressed again after somebody had
/// acknowledged or closed, for that is a fresh alarm at the place where the person is now; and when
/// the national desk has the incident for want of a place and a usable fix has come since.
#[must_use]
pub fn propose_assignment(
    incident: &Incident,
    index: &JurisdictionIndex,
    map: &MapVersion,
    policy: Policy,
    now: UnixMillis,
) -> Option<Proposal> {
    let lifecycle = incident.lifecycle();
    let known = incident.assigned().map(|(assigned, _)| assigned);
    let has_found_a_place = incident.position().is_some() && known.is_some_and(lacks_a_place);
    let is_due = match lifecycle.state() {
        State::New => true,
        State::Assigned => lifecycle.due_at().is_none() || has_found_a_place,
        State::Acknowledged => has_found_a_place,
        State::Closed => false,
    };
    if !is_due {
        return None;
    }
    let assigned = match (incident.position(), known) {
        (None, Some(known)) => known.clone(),
        (position, _) => Assigned {
            assignment: index.locate_position(position),
            map: map.clone(),
            at: position.map(|position| position.at),
        },
    };
    let revision = lifecycle.revision();
    let is_unseen = lifecycle.state() != State::Acknowledged;
    Some(Proposal {
        header: DecisionHeader {
            id: DecisionId::of_proposal(&incident.id(), DecisionKind::Assigned.as_str(), revision),
            incident: incident.id(),
            device: incident.device(),
            alert: incident.alert(),
            kind: DecisionKind::Assigned,
            revision,
            officer: None,
            owner_desk: Some(owner_of(&assigned)),
            due_at: is_unseen.then(|| now.plus(policy.acknowledge_within)),
        },
        decision: Decision::Assigned(assigned),
    })
}

fn lacks_a_place(assigned: &Assigned) -> bool {
    assigned.at.is_none() && assigned.assignment.reason == Reason::None
}

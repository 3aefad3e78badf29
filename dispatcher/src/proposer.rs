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

/// Who answers for an incident, when that is to be decided now.
///
/// That is so when nobody has decided yet, and when the national desk has it for want of a place
/// and a usable fix has come since.
#[must_use]
pub fn propose_assignment(
    incident: &Incident,
    index: &JurisdictionIndex,
    map: &MapVersion,
    policy: Policy,
    now: UnixMillis,
) -> Option<Proposal> {
    let lifecycle = incident.lifecycle();
    let lacks_a_place = incident.assigned().is_some_and(|(assigned, _)| {
        assigned.at.is_none() && assigned.assignment.reason == Reason::None
    });
    let due = match lifecycle.state() {
        State::New => true,
        State::Assigned | State::Acknowledged => lacks_a_place && incident.position().is_some(),
        State::Closed => false,
    };
    if !due {
        return None;
    }
    let assigned = Assigned {
        assignment: index.locate_position(incident.position()),
        map: map.clone(),
        at: incident.position().map(|position| position.at),
    };
    let revision = lifecycle.revision();
    let due_at =
        (lifecycle.state() != State::Acknowledged).then(|| now.plus(policy.acknowledge_within));
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
            due_at,
        },
        decision: Decision::Assigned(assigned),
    })
}

/// Until when an officer must acknowledge a press that follows an assignment.
///
/// A further press withdraws an acknowledgement and clears the deadline; without a new one nothing
/// would be running, so the owner is confirmed with a new deadline.
#[must_use]
pub fn propose_deadline(incident: &Incident, policy: Policy, now: UnixMillis) -> Option<Proposal> {
    let lifecycle = incident.lifecycle();
    let (assigned, _) = incident.assigned()?;
    if lifecycle.state() != State::Assigned || lifecycle.due_at().is_some() {
        return None;
    }
    let revision = lifecycle.revision();
    Some(Proposal {
        header: DecisionHeader {
            id: DecisionId::of_proposal(&incident.id(), "deadline", revision),
            incident: incident.id(),
            device: incident.device(),
            alert: incident.alert(),
            kind: DecisionKind::Assigned,
            revision,
            officer: None,
            owner_desk: lifecycle.owner_desk().cloned(),
            due_at: Some(now.plus(policy.acknowledge_within)),
        },
        decision: Decision::Assigned(assigned.clone()),
    })
}

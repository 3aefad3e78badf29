//! From what an officer wants to what is appended.

use protocol::{Decision, DecisionHeader, DecisionKind};

use super::{Command, Wish};
use crate::board::Incident;
use crate::desk::Officer;
use crate::proposer::Proposal;

/// Makes a decision out of a wish.
pub(super) fn decide(incident: &Incident, officer: &Officer, command: &Command) -> Proposal {
    let lifecycle = incident.lifecycle();
    let (decision, revision) = match &command.wish {
        Wish::Acknowledge(revision) => (Decision::Acknowledged, *revision),
        Wish::Message(text) => (Decision::Message(text.clone()), lifecycle.revision()),
        Wish::Note(text) => (Decision::Note(text.clone()), lifecycle.revision()),
        Wish::Close {
            revision,
            outcome,
            note,
        } => (
            Decision::Closed {
                outcome: *outcome,
                note: note.clone(),
            },
            *revision,
        ),
        Wish::Delivered { sounded } => (
            Decision::Delivered {
                desk: officer.desk.id(),
                sounded: *sounded,
            },
            lifecycle.revision(),
        ),
        Wish::View => (Decision::Viewed, lifecycle.revision()),
    };
    let kind = decision.kind();
    Proposal {
        header: DecisionHeader {
            id: command.id,
            incident: incident.id(),
            device: incident.device(),
            alert: incident.alert(),
            kind,
            revision,
            officer: Some(officer.id.clone()),
            owner_desk: (kind == DecisionKind::Assigned)
                .then(|| lifecycle.owner_desk().cloned())
                .flatten(),
            due_at: None,
        },
        decision,
    }
}

//! What decisions do to an incident, and the lines of its history.

use journal::Offset;
use protocol::{
    Content, Decision, DecisionHeader, DecisionKind, DeskId, Effect, Report, ReportHeader,
    UnixMillis,
};

use super::{Incident, MAX_HISTORY, Speaker, Spoken};
use crate::board::{By, HistoryItem, HistoryKind};
use crate::opened::Body;

impl Incident {
    /// Folds a decision.
    pub fn decision(
        &mut self,
        offset: Offset,
        decision: &DecisionHeader,
        body: &Body,
        time: UnixMillis,
    ) -> Effect {
        let effect = self.lifecycle.decide(decision, time);
        if effect == Effect::Duplicate {
            return effect;
        }
        if effect != Effect::Superseded {
            self.desks.extend(decision.owner_desk.clone());
            self.take_decision(decision, body, time);
        }
        self.note(HistoryItem {
            offset,
            time,
            kind: HistoryKind::Decision(decision.kind),
            by: decision.officer.clone().map_or(By::Dispatcher, By::Officer),
            effect,
            text: match body {
                Body::Decision(Decision::Message(text) | Decision::Note(text)) => text.clone(),
                Body::Decision(Decision::Closed { note, .. }) => note.clone(),
                _ => String::new(),
            },
            decision: Some((decision.id, decision.revision)),
        });
        effect
    }

    fn take_decision(&mut self, decision: &DecisionHeader, body: &Body, time: UnixMillis) {
        match body {
            Body::Decision(Decision::Assigned(assigned)) => {
                let also_told = assigned.assignment.also_told();
                self.desks.extend(also_told.map(DeskId::station));
                self.assigned = Some((assigned.clone(), time));
            }
            Body::Decision(Decision::Delivered { desk, .. }) => {
                self.delivered.entry(desk.clone()).or_insert(time);
            }
            Body::Decision(Decision::Message(text)) => {
                if let Some(officer) = &decision.officer {
                    let speaker = Speaker::Officer(officer.clone());
                    self.say(Spoken {
                        speaker,
                        text: text.clone(),
                        time,
                    });
                }
            }
            Body::Decision(Decision::Closed { outcome, .. }) => self.outcome = Some(*outcome),
            // The header has changed the state; what its body would add is gone.
            Body::Gone => self.raw |= decision.kind == DecisionKind::Assigned,
            _ => {}
        }
    }

    pub(super) fn note_report(
        &mut self,
        offset: Offset,
        report: &ReportHeader,
        body: &Body,
        time: UnixMillis,
        kind: HistoryKind,
    ) {
        let (kind, text) = match body {
            Body::Cancel(_, meaning) => (HistoryKind::Cancel(*meaning), String::new()),
            Body::Report(Report {
                content: Content::Text(text),
                ..
            }) => (kind, text.clone()),
            Body::Report(Report {
                content: Content::Position(Err(reason)),
                ..
            }) => (HistoryKind::PositionUnusable, reason.to_string()),
            _ => (kind, String::new()),
        };
        debug_assert_eq!(report.device, self.device);
        self.note(HistoryItem {
            offset,
            time,
            kind,
            by: By::Phone,
            effect: Effect::Added,
            text,
            decision: None,
        });
    }

    fn note(&mut self, item: HistoryItem) {
        if self.history.len() == MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(item);
    }
}

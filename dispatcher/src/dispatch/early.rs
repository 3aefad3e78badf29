//! Decisions that stand in the log before what they are about.
//!
//! A failover takes back reports and decisions together, and their authors put them in again, each by itself. A
//! decision that comes first finds no incident, or one that is not as far: the board passes it over, and it is said again
//! when the report has come. Without that an officer's acknowledgement, close or words would be gone.

use std::collections::BTreeMap;

use protocol::{DecisionHeader, IncidentId, Revision};

use crate::opened::Body;
use crate::proposer::Proposal;

/// Decisions that wait, a kilobyte each at the most: four seconds of a nation in trouble. Of more the alert rings
/// again, as one about which nobody has decided.
pub(super) const MAX_EARLY: usize = 16_384;

/// Those that wait, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Early {
    waiting: BTreeMap<IncidentId, Vec<Proposal>>,
    count: usize,
}

impl Early {
    /// Keeps a decision. One whose body cannot be read cannot be said again.
    pub(super) fn keep(&mut self, header: &DecisionHeader, body: &Body) {
        let Body::Decision(decision) = body else {
            return;
        };
        if self.count >= MAX_EARLY {
            return;
        }
        let waiting = self.waiting.entry(header.incident).or_default();
        if waiting.iter().any(|known| known.header.id == header.id) {
            return;
        }
        waiting.push(Proposal {
            header: header.clone(),
            decision: decision.clone(),
        });
        self.count += 1;
    }

    /// The decision has come again, behind what it is about.
    pub(super) fn forget(&mut self, header: &DecisionHeader) {
        self.take_if(&header.incident, |waiting| waiting.header.id == header.id);
    }

    /// What can be said again of an incident that is at this revision.
    pub(super) fn take(&mut self, incident: &IncidentId, revision: Revision) -> Vec<Proposal> {
        self.take_if(incident, |waiting| {
            !waiting.header.kind.changes_state() || waiting.header.revision <= revision
        })
    }

    fn take_if(
        &mut self,
        incident: &IncidentId,
        is_wanted: impl Fn(&Proposal) -> bool,
    ) -> Vec<Proposal> {
        let Some(waiting) = self.waiting.get_mut(incident) else {
            return Vec::new();
        };
        let taken: Vec<Proposal> = waiting.extract_if(.., |one| is_wanted(one)).collect();
        if waiting.is_empty() {
            self.waiting.remove(incident);
        }
        self.count -= taken.len();
        taken
    }
}

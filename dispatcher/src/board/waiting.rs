//! Incidents that no officer has acknowledged, by how long they wait.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{IncidentId, State, UnixMillis};

use super::Incident;

/// Kept with each change, because a nation's board is too long to be searched for it every second.
#[derive(Debug, Default)]
pub struct Waiting {
    since: BTreeMap<IncidentId, UnixMillis>,
    oldest_first: BTreeSet<(UnixMillis, IncidentId)>,
}

impl Waiting {
    /// How many incidents wait.
    #[must_use]
    pub fn count(&self) -> usize {
        self.since.len()
    }

    /// Since when the one waits that waits longest: from its first press, or from the press that
    /// rang again after an officer had acknowledged.
    #[must_use]
    pub fn since(&self) -> Option<UnixMillis> {
        self.oldest_first.first().map(|(since, _)| *since)
    }

    /// Notes where an incident stands now.
    pub(super) fn note(&mut self, incident: &Incident) {
        let id = incident.id();
        let lifecycle = incident.lifecycle();
        match lifecycle.state() {
            // A further press while it waits does not begin the waiting anew.
            State::New | State::Assigned => {
                let since = *self.since.entry(id).or_insert(lifecycle.last_press_at());
                self.oldest_first.insert((since, id));
            }
            State::Acknowledged | State::Closed => {
                if let Some(since) = self.since.remove(&id) {
                    self.oldest_first.remove(&(since, id));
                }
            }
        }
    }
}

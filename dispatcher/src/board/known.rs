//! What the board knows of whom an entry is about, for an own journal that keeps what is open.

use journal::kept::{Known, Whose};

use super::Board;

impl Board {
    /// What the log has said of the incident that an entry is about, for as long as the board remembers it.
    #[must_use]
    pub fn known(&self, whose: &Whose) -> Known {
        let id = match whose {
            Whose::Report(device, alert) => self.alerts.get(&(*device, *alert)).copied(),
            Whose::Decision(_, incident) => Some(*incident),
        };
        let Some(id) = id else { return Known::Nothing };
        match (self.incidents.get(&id), self.tombstones.get(&id)) {
            (Some(incident), _) => incident.closed_at().map_or(Known::Open, Known::Closed),
            (None, Some(tombstone)) => Known::Closed(tombstone.closed_at),
            (None, None) => Known::Nothing,
        }
    }
}

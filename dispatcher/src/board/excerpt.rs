//! What a board knows of one phone, by itself.

use journal::{Offset, Partition};
use protocol::{AlertId, DeviceId};

use super::Board;

impl Board {
    /// A board with this phone's incidents and alerts and nobody else's, to fold on what is not in the log.
    #[must_use]
    pub fn excerpt(&self, device: &DeviceId) -> Self {
        let first = (*device, AlertId::from_bytes([0; 16]));
        let mut excerpt = Self {
            cursors: self.cursors.clone(),
            log_time: self.log_time,
            ..Self::default()
        };
        let of_device = self.alerts.range(first..);
        for (key, id) in of_device.take_while(|((holder, _), _)| holder == device) {
            excerpt.alerts.insert(*key, *id);
            // What has left the board is known by its alerts alone.
            if let Some(incident) = self.incidents.get(id) {
                excerpt
                    .incidents
                    .entry(*id)
                    .or_insert_with(|| incident.clone());
            }
        }
        if let Some(newest) = self.newest.get(device) {
            excerpt.newest.insert(*device, *newest);
        }
        excerpt
    }

    /// Where what this phone says next will come to stand at the earliest. Of a phone of which the log has nothing, the
    /// board does not know the partition, and there is nothing that it could come before.
    #[must_use]
    pub fn next_place(&self, device: &DeviceId) -> (Partition, Offset) {
        let newest = self
            .newest
            .get(device)
            .and_then(|id| self.incidents.get(id));
        let partition = newest.map_or(Partition::ZERO, |incident| incident.changed_at().partition);
        (partition, self.cursors.of(partition).alerts)
    }
}

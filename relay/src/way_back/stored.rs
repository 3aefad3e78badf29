//! What a phone hears while the log takes nothing: that the relay has its alert, and nobody else.

use protocol::wire::Status;
use protocol::{AlertId, DeviceId, Progress, UnixMillis};

use super::{Delivery, Notice, WayBack};

impl WayBack {
    /// The log takes nothing, or takes what comes again.
    pub fn handle_stuck(&mut self, is_stuck: bool) {
        self.is_stuck = is_stuck;
        self.untold.clear();
        if is_stuck {
            let unknown = self.unfolded.keys();
            let unknown =
                unknown.filter(|(device, alert)| self.incident_of(device, alert).is_none());
            self.untold = unknown.copied().collect();
        }
    }

    /// An alert is durable here, or a phone has begun to listen to it.
    pub(super) fn note_stored(&mut self, key: (DeviceId, AlertId)) {
        // Of an alert that is known more has been told.
        if self.is_stuck
            && self.unfolded.contains_key(&key)
            && self.incident_of(&key.0, &key.1).is_none()
        {
            self.untold.insert(key);
        }
    }

    /// Tells phones that their alerts are stored and not forwarded, once for each that listens.
    pub fn tell_stored(&mut self, at: UnixMillis) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        for (device, alert) in std::mem::take(&mut self.untold) {
            let status = Status {
                alert,
                progress: Progress::Stored,
                at,
            };
            deliveries.extend(self.listeners(device, alert).map(|session| Delivery {
                session,
                notice: Notice::Status(status),
            }));
        }
        deliveries
    }
}

//! Positions whose alert the board has not heard of yet. Positions and alerts travel in logs of their own, and an
//! author that catches up may bring a position before its alert; dropped, it would be missing on this board and
//! stand on the next.

use std::collections::{BTreeMap, VecDeque};

use protocol::{AlertId, DeviceId, Millis, UnixMillis};

/// Positions that wait, a megabyte of them; beyond, the oldest are dropped, as positions are promised to nobody. Twice
/// what one shipment takes.
pub const MAX_ORPHANS: usize = 4_096;

/// How long one waits for its alert: authors that catch up bring alerts in thousands a second.
pub const WAIT_FOR: Millis = Millis::from_secs(60);

type Key = (DeviceId, AlertId);

/// Those positions, in the order in which they came.
#[derive(Debug)]
pub struct Orphans<T> {
    waiting: VecDeque<(Key, UnixMillis, T)>,
    /// How many wait for which alert.
    counts: BTreeMap<Key, usize>,
}

impl<T> Default for Orphans<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            counts: BTreeMap::new(),
        }
    }
}

impl<T> Orphans<T> {
    /// Keeps a position of an alert that nobody has heard of.
    pub fn keep(&mut self, now: UnixMillis, alert: (DeviceId, AlertId), position: T) {
        if self.waiting.len() >= MAX_ORPHANS {
            self.drop_oldest();
        }
        self.waiting.push_back((alert, now, position));
        *self.counts.entry(alert).or_default() += 1;
    }

    /// Whether a position waits for this alert.
    #[must_use]
    pub fn wait_for(&self, alert: &(DeviceId, AlertId)) -> bool {
        self.counts.contains_key(alert)
    }

    /// The alert has come: its positions, in order.
    pub fn take(&mut self, alert: &(DeviceId, AlertId)) -> Vec<T> {
        if self.counts.remove(alert).is_none() {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for (key, since, position) in std::mem::take(&mut self.waiting) {
            if key == *alert {
                taken.push(position);
            } else {
                self.waiting.push_back((key, since, position));
            }
        }
        taken
    }

    /// Drops those that have waited for too long.
    pub fn expire(&mut self, now: UnixMillis) {
        while let Some((_, since, _)) = self.waiting.front()
            && now.since(*since) > WAIT_FOR
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((key, ..)) = self.waiting.pop_front() else {
            return;
        };
        if let Some(count) = self.counts.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_000_000);

    fn alert(number: u8) -> Key {
        (
            DeviceId::Enrolled([number; 16]),
            AlertId::from_bytes([number; 16]),
        )
    }

    #[test]
    fn an_alert_that_comes_takes_its_own_in_order_and_once() {
        let mut orphans = Orphans::default();
        for (of, position) in [(1, 10), (2, 20), (1, 11)] {
            orphans.keep(NOW, alert(of), position);
        }
        assert!(orphans.wait_for(&alert(1)));
        assert_eq!(orphans.take(&alert(1)), [10, 11]);
        assert!(!orphans.wait_for(&alert(1)));
        assert!(orphans.take(&alert(1)).is_empty());
        assert_eq!(orphans.take(&alert(2)), [20]);
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_have_waited_too_long() {
        let mut orphans = Orphans::default();
        orphans.keep(NOW, alert(1), 0);
        for position in 1..=MAX_ORPHANS {
            orphans.keep(NOW.plus(Millis(1)), alert(2), position);
        }
        assert!(!orphans.wait_for(&alert(1)));
        orphans.expire(NOW.plus(WAIT_FOR).plus(Millis(1)));
        assert!(orphans.wait_for(&alert(2)));
        orphans.expire(NOW.plus(WAIT_FOR).plus(Millis(2)));
        assert!(!orphans.wait_for(&alert(2)));
    }
}

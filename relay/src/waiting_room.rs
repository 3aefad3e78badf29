//! Attempts to connect that wait until the relay has a hand free.
//!
//! While it keeps up, nobody waits. When more come than it can answer and all are taken in turn, all are
//! answered too late: the phone has given up and begun anew, and the work on its first attempt was in
//! vain. So the newest is taken first, and whoever waited too long is told to go to another relay, which
//! costs next to nothing; it comes back as one of the newest.

use std::collections::VecDeque;

use protocol::Millis;

use crate::limits::WAITING_ATTEMPTS_MAX;

/// Attempts in the order in which they came, each with whatever the shell needs to go on with it.
#[derive(Debug)]
pub struct WaitingRoom<T> {
    patience: Millis,
    waiting: VecDeque<(Millis, T)>,
}

impl<T> WaitingRoom<T> {
    /// An empty room, in which nobody waits for longer.
    #[must_use]
    pub fn new(patience: Millis) -> Self {
        Self {
            patience,
            waiting: VecDeque::new(),
        }
    }

    /// Somebody came.
    pub fn handle_came(&mut self, now: Millis, attempt: T) {
        self.waiting.push_back((now, attempt));
    }

    /// Who is to be sent away now, if anybody: the one who came first, when the wait has been too long or
    /// too many are there.
    pub fn poll_turned_away(&mut self, now: Millis) -> Option<T> {
        let is_crowd = self.waiting.len() > WAITING_ATTEMPTS_MAX;
        let (came, _) = self.waiting.front()?;
        let is_late = now.0 >= came.0.saturating_add(self.patience.0);
        let first = (is_crowd || is_late).then(|| self.waiting.pop_front());
        first.flatten().map(|(_, attempt)| attempt)
    }

    /// Who is to be taken when a hand is free: the one who came last.
    pub fn poll_next(&mut self) -> Option<T> {
        self.waiting.pop_back().map(|(_, attempt)| attempt)
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the next one will have waited too long.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let (came, _) = self.waiting.front()?;
        Some(Millis(came.0.saturating_add(self.patience.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Millis = Millis(2_000);

    fn room(came_ms: impl IntoIterator<Item = u64>) -> WaitingRoom<u64> {
        let mut room = WaitingRoom::new(PATIENCE);
        for ms in came_ms {
            room.handle_came(Millis(ms), ms);
        }
        room
    }

    #[test]
    fn the_newest_is_taken_first_and_the_oldest_is_turned_away() {
        let mut room = room([0, 10, 20]);
        assert_eq!(room.poll_next(), Some(20));
        let late = room.next_deadline().unwrap();
        assert_eq!(late, PATIENCE);
        assert_eq!(room.poll_turned_away(Millis(late.0 - 1)), None);
        assert_eq!(room.poll_turned_away(late), Some(0));
        assert_eq!(room.poll_turned_away(late), None);
        assert_eq!(room.next_deadline(), Some(Millis(late.0 + 10)));
        assert_eq!(room.poll_next(), Some(10));
        assert!(room.is_empty());
        assert_eq!((room.poll_next(), room.next_deadline()), (None, None));
    }

    #[test]
    fn no_more_than_the_limit_wait() {
        let most = WAITING_ATTEMPTS_MAX as u64;
        let mut room = room(0..=most);
        assert_eq!(room.poll_turned_away(Millis(0)), Some(0));
        assert_eq!(room.poll_turned_away(Millis(0)), None);
        assert_eq!(room.poll_next(), Some(most));
    }

    /// A relay that answers `per_s` attempts a second while twice as many come: phones that give up after
    /// three seconds. Of those that are taken each is answered in time, and no hand is ever idle.
    #[test]
    fn at_twice_the_load_all_work_is_done_for_phones_that_still_wait() {
        const PER_S: u64 = 100;
        const GIVES_UP_MS: u64 = 3_000;
        let mut room = WaitingRoom::new(PATIENCE);
        let (mut taken, mut turned_away) = (0, 0);
        for ms in (0..60_000).step_by(1_000 / PER_S as usize / 2) {
            room.handle_came(Millis(ms), ms);
            while room.poll_turned_away(Millis(ms)).is_some() {
                turned_away += 1;
            }
            if ms % (1_000 / PER_S) == 0 {
                let came = room.poll_next().unwrap();
                assert!(ms - came < GIVES_UP_MS);
                taken += 1;
            }
        }
        assert_eq!(taken, 60 * PER_S);
        assert!(turned_away > 55 * PER_S, "{turned_away}");
    }
}

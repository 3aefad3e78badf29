//! The alerts that are offered: the oldest of those that wait for the log.
//!
//! Partitions of the log are on several servers, and one may be away while the others take everything. So what the log
//! has is not in here, and takes nobody's place. The own journal is read once, a piece at each look, and what waits is kept
//! in memory, so that a dispatcher which is told again costs no reading.
//!
//! The oldest stay: nothing can be decided about what the log does not have, so an alert that made room for newer
//! ones would be gone from the officer's list before anybody has answered it, while its person has waited longest. What comes when the
//! window is full is counted, and comes in as soon as the log has taken of what is before it.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use journal::{Offset, Partition, Unshipped, Waiting};

/// Alerts that are offered of all that wait: as many as a dispatcher keeps.
pub const WINDOW_ENTRIES: usize = 16_384;

/// Bytes of them: a thousand for each, twice what a long text takes.
pub const WINDOW_BYTES: usize = 16 << 20;

/// Alerts of a partition that wait behind the window.
#[derive(Clone, Copy, Debug)]
struct LeftOut {
    count: u64,
    last: Offset,
}

/// The alerts that are offered.
#[derive(Debug, Default)]
pub struct Window {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Up to here the own journal was read.
    read_to: Offset,
    left_out: BTreeMap<Partition, LeftOut>,
    /// As it was at the last look.
    shipped: Vec<Offset>,
}

impl Window {
    /// How far the log is now: what it has goes. Returns where the own journal is to be read on.
    pub fn handle_look(&mut self, unshipped: &Unshipped) -> Offset {
        let mut pairs = unshipped.shipped.iter().zip(&self.shipped);
        if pairs.any(|(now, before)| now < before) {
            // It has lost what was passed over here.
            *self = Self::default();
        }
        self.shipped.clone_from(&unshipped.shipped);
        self.waiting
            .retain(|one| unshipped.lacks(one.partition, one.at));
        self.bytes = self.waiting.iter().map(|one| one.entry.len()).sum();
        self.left_out
            .retain(|partition, left_out| unshipped.lacks(*partition, left_out.last));
        // Not for each place that becomes free: everything behind the window is read and counted anew.
        let is_half_full = self.waiting.len() > WINDOW_ENTRIES / 2 || self.bytes > WINDOW_BYTES / 2;
        if !self.left_out.is_empty() && !is_half_full {
            self.left_out.clear();
            self.read_to = self.end();
        }
        self.read_to.max(unshipped.first)
    }

    /// What waits from there on, and up to where that was read.
    pub fn handle_read(&mut self, waiting: Vec<Waiting>, read_to: Offset) {
        for one in waiting {
            let has_room = self.left_out.is_empty()
                && self.waiting.len() < WINDOW_ENTRIES
                && self.bytes < WINDOW_BYTES;
            if has_room {
                self.bytes += one.entry.len();
                self.waiting.push_back(one);
            } else {
                let none = LeftOut {
                    count: 0,
                    last: one.at,
                };
                let left_out = self.left_out.entry(one.partition).or_insert(none);
                left_out.count += 1;
                left_out.last = one.at;
            }
        }
        self.read_to = read_to;
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> Option<Offset> {
        self.waiting.front().map(|one| one.at)
    }

    /// Behind the last of them.
    #[must_use]
    pub fn end(&self) -> Offset {
        let last = self.waiting.back();
        last.map_or(Offset::ZERO, |last| last.at.plus(1))
    }

    /// Those from an offset on, the oldest first.
    pub fn entries_from(&self, from: Offset) -> impl Iterator<Item = (Offset, Bytes)> {
        let place = self.waiting.partition_point(|one| one.at < from);
        let rest = self.waiting.range(place..);
        rest.map(|one| (one.at, one.entry.clone()))
    }

    /// How many wait behind the window, as far as the own journal was read, and are offered to nobody.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out.values().map(|one| one.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AWAY: u64 = 3;

    /// Of sixteen partitions, by turns, and one of them is so far.
    fn looks(end: u64, away_at: u64) -> Unshipped {
        let shipped = (0..16).map(|one| Offset(if one == AWAY { away_at } else { end }));
        Unshipped {
            first: Offset(away_at),
            end: Offset(end),
            shipped: shipped.collect(),
        }
    }

    fn one(at: u64) -> Waiting {
        Waiting {
            at: Offset(at),
            partition: Partition((at % 16) as u16),
            entry: Bytes::from_static(b"sealed"),
        }
    }

    /// Reads everything, so many entries at each look.
    fn follow(window: &mut Window, unshipped: &Unshipped, piece: u64) {
        loop {
            let from = window.handle_look(unshipped);
            let to = unshipped.end.min(from.plus(piece));
            let all = (from.0..to.0).map(one);
            let waits = all.filter(|one| unshipped.lacks(one.partition, one.at));
            window.handle_read(waits.collect(), to);
            if to == unshipped.end {
                return;
            }
        }
    }

    fn offered(window: &Window) -> Vec<u64> {
        window
            .entries_from(Offset::ZERO)
            .map(|(at, _)| at.0)
            .collect()
    }

    #[test]
    fn with_one_server_away_for_an_hour_the_oldest_of_its_alerts_are_offered_and_the_rest_is_counted()
     {
        let mut window = Window::default();
        // A minute: none is left out, however many others took theirs.
        follow(&mut window, &looks(60_000, 0), 1 << 14);
        let its = |end: u64| (0..end).filter(|at| at % 16 == AWAY);
        assert_eq!(offered(&window), its(60_000).collect::<Vec<_>>());
        assert_eq!(window.left_out(), 0);
        let hour = 3_600_000;
        follow(&mut window, &looks(hour, 0), 1 << 14);
        let oldest: Vec<u64> = its(hour).take(WINDOW_ENTRIES).collect();
        assert_eq!(offered(&window), oldest);
        let count = its(hour).count() as u64;
        assert_eq!(window.left_out(), count - WINDOW_ENTRIES as u64);
        // It is back, and takes them in order.
        let half = its(hour).nth(count as usize / 2).unwrap();
        follow(&mut window, &looks(hour, half), 1 << 14);
        let rest = its(hour).skip_while(|at| *at < half);
        assert_eq!(
            offered(&window),
            rest.take(WINDOW_ENTRIES).collect::<Vec<_>>()
        );
        follow(&mut window, &looks(hour, hour), 1 << 14);
        assert_eq!((window.first(), window.left_out()), (None, 0));
    }

    #[test]
    fn what_is_only_on_its_way_behind_a_full_window_is_not_counted_for_long() {
        let mut window = Window::default();
        let end = 16 * (WINDOW_ENTRIES as u64 + 3);
        follow(&mut window, &looks(end, 0), 1 << 14);
        assert_eq!(window.left_out(), 3);
        // Another is shipped a moment after this look.
        let mut slow = looks(end + 16, 0);
        slow.shipped[7] = Offset(end);
        follow(&mut window, &slow, 1 << 14);
        assert_eq!(window.left_out(), 5);
        follow(&mut window, &looks(end + 16, 0), 1 << 14);
        assert_eq!(window.left_out(), 4);
    }

    #[test]
    fn nothing_newer_goes_before_what_was_left_out() {
        let mut window = Window::default();
        let end = 16 * (WINDOW_ENTRIES as u64 + 3);
        follow(&mut window, &looks(end, 0), 1 << 14);
        let before = window.end();
        // Five places are free, and one more comes.
        follow(&mut window, &looks(end + 16, 16 * 5), 1 << 14);
        assert_eq!(offered(&window).len(), WINDOW_ENTRIES - 5);
        assert_eq!((window.end(), window.left_out()), (before, 4));
    }

    #[test]
    fn what_the_log_has_lost_waits_again() {
        let mut window = Window::default();
        follow(&mut window, &looks(64, 0), 100);
        assert_eq!(offered(&window), [3, 19, 35, 51]);
        let mut lost = looks(64, 0);
        lost.shipped[5] = Offset(30);
        follow(&mut window, &lost, 100);
        assert_eq!(offered(&window), [3, 19, 35, 37, 51, 53]);
    }

    #[test]
    fn long_entries_fill_it_as_well() {
        let mut window = Window::default();
        let long = Bytes::from(vec![0; 16 << 10]);
        let waiting = (0..2_000).map(|at| Waiting {
            entry: long.clone(),
            ..one(at)
        });
        window.handle_read(waiting.collect(), Offset(2_000));
        assert_eq!(offered(&window).len(), WINDOW_BYTES / long.len());
        assert_eq!(window.left_out(), 2_000 - 1_024);
    }

    proptest! {
        /// Against a list of all: it offers what the log lacks, and nothing else, wherever partitions go.
        #[test]
        fn it_has_what_the_log_lacks(
            steps in prop::collection::vec((0_u64..50, prop::collection::vec(0_u64..400, 16), 1_u64..40), 1..20),
        ) {
            let mut window = Window::default();
            let mut end = 0;
            for (more, shipped, piece) in steps {
                end += more;
                let shipped: Vec<_> = shipped.into_iter().map(|at| Offset(at.min(end))).collect();
                let first = shipped.iter().min().copied().unwrap_or_default();
                let unshipped = Unshipped { first, end: Offset(end), shipped };
                follow(&mut window, &unshipped, piece);
                let lacks = (0..end).filter(|at| unshipped.lacks(one(*at).partition, Offset(*at)));
                prop_assert_eq!(offered(&window), lacks.collect::<Vec<_>>());
            }
        }
    }
}

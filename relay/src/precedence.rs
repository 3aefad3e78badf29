//! Who goes first while the journal has no room, and who has to leave when there is no room to wait either: raises of
//! people whom the site knows last, texts and the like first.

use std::collections::VecDeque;

use protocol::{ReportKind, Subject};

use crate::append::Append;

/// How important it is that an alert gets into the journal now; the order of the variants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rank {
    /// What follows a raise: texts, cancel claims, the state of a phone.
    Further,
    /// A raise of somebody whom the site does not know.
    UnverifiedRaise,
    /// A raise under a token of the site, also an expired one.
    VerifiedRaise,
}

impl Rank {
    const COUNT: usize = 3;

    /// The rank of what one connection wants appended together: that of its most important part.
    #[must_use]
    pub fn of(appends: &[Append]) -> Self {
        let ranks = appends.iter().map(|append| match &append.header.subject {
            Subject::Report(report) if append.kind == ReportKind::Raise => {
                if report.verification.is_of_site() {
                    Self::VerifiedRaise
                } else {
                    Self::UnverifiedRaise
                }
            }
            _ => Self::Further,
        });
        ranks.max().unwrap_or(Self::Further)
    }
}

/// Those who wait: the highest rank first, and in order within it. What one person says stays in order, as nothing of
/// theirs is above their raise.
#[derive(Debug)]
pub struct Queue<T> {
    ranks: [VecDeque<(usize, T)>; Rank::COUNT],
    entries: usize,
    entries_max: usize,
}

impl<T> Queue<T> {
    /// A queue for so many entries.
    #[must_use]
    pub const fn new(entries_max: usize) -> Self {
        Self {
            ranks: [const { VecDeque::new() }; Rank::COUNT],
            entries: 0,
            entries_max,
        }
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranks.iter().all(VecDeque::is_empty)
    }

    /// Lets `item` wait, which has so many entries. Returns who has to leave for it: the newest of the lowest ranks below
    /// its own, or it itself when those have not the room.
    pub fn push(&mut self, rank: Rank, entries: usize, item: T) -> Vec<T> {
        let below = &self.ranks[..rank as usize];
        let yielding: usize = below.iter().flatten().map(|(entries, _)| entries).sum();
        if self.entries - yielding + entries > self.entries_max {
            return vec![item];
        }
        let mut left = Vec::new();
        for below in &mut self.ranks[..rank as usize] {
            while self.entries + entries > self.entries_max
                && let Some((freed, item)) = below.pop_back()
            {
                self.entries -= freed;
                left.push(item);
            }
        }
        self.entries += entries;
        self.ranks[rank as usize].push_back((entries, item));
        left
    }

    /// Who goes next.
    pub fn pop(&mut self) -> Option<(Rank, T)> {
        for rank in [Rank::VerifiedRaise, Rank::UnverifiedRaise, Rank::Further] {
            if let Some((entries, item)) = self.ranks[rank as usize].pop_front() {
                self.entries -= entries;
                return Some((rank, item));
            }
        }
        None
    }

    /// Puts back whom [`Self::pop`] gave, to the front of their rank.
    pub fn put_back(&mut self, rank: Rank, entries: usize, item: T) {
        self.entries += entries;
        self.ranks[rank as usize].push_front((entries, item));
    }

    /// Takes out who has waited for too long, by a rule that holds for whoever came before as well.
    pub fn take_expired(&mut self, is_expired: impl Fn(&T) -> bool) -> Vec<T> {
        let mut expired = Vec::new();
        for rank in &mut self.ranks {
            while let Some((entries, item)) = rank.pop_front_if(|(_, item)| is_expired(item)) {
                self.entries -= entries;
                expired.push(item);
            }
        }
        expired
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RANKS: [Rank; Rank::COUNT] = [Rank::Further, Rank::UnverifiedRaise, Rank::VerifiedRaise];

    fn drain<T>(queue: &mut Queue<T>) -> Vec<T> {
        std::iter::from_fn(|| queue.pop())
            .map(|(_, item)| item)
            .collect()
    }

    #[test]
    fn raises_of_known_people_go_first_and_leave_last() {
        let mut queue = Queue::new(3);
        assert!(queue.push(Rank::Further, 1, "text").is_empty());
        assert!(queue.push(Rank::UnverifiedRaise, 1, "unknown 1").is_empty());
        assert!(queue.push(Rank::UnverifiedRaise, 1, "unknown 2").is_empty());
        assert_eq!(queue.push(Rank::Further, 1, "late text"), ["late text"]);
        assert_eq!(queue.push(Rank::VerifiedRaise, 1, "known 1"), ["text"]);
        assert_eq!(queue.push(Rank::VerifiedRaise, 1, "known 2"), ["unknown 2"]);
        assert_eq!(
            queue.push(Rank::UnverifiedRaise, 1, "unknown 3"),
            ["unknown 3"]
        );
        assert_eq!(drain(&mut queue), ["known 1", "known 2", "unknown 1"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn nobody_leaves_for_one_who_cannot_come_in_even_so() {
        let mut queue = Queue::new(3);
        queue.push(Rank::Further, 1, "text");
        queue.push(Rank::VerifiedRaise, 2, "known");
        assert_eq!(queue.push(Rank::VerifiedRaise, 2, "two"), ["two"]);
        assert_eq!(drain(&mut queue), ["known", "text"]);
    }

    #[test]
    fn who_was_put_back_is_next_and_who_waited_too_long_is_taken_out_of_each_rank() {
        let mut queue = Queue::new(9);
        for (rank, since) in [(0, 1), (0, 5), (1, 2), (2, 3), (2, 4)] {
            queue.push(RANKS[rank], 1, since);
        }
        let (rank, first) = queue.pop().unwrap();
        assert_eq!((rank, first), (Rank::VerifiedRaise, 3));
        queue.put_back(rank, 1, first);
        assert_eq!(queue.take_expired(|&since| since < 4), [1, 2, 3]);
        assert_eq!(drain(&mut queue), [4, 5]);
    }

    proptest! {
        /// Against a plain list.
        #[test]
        fn keeps_the_highest_ranks_of_all_and_the_oldest_of_those(
            pushes in prop::collection::vec((0usize..Rank::COUNT, 1usize..4), 0..60),
            entries_max in 1usize..30,
        ) {
            let mut queue = Queue::new(entries_max);
            let mut list: Vec<(Rank, usize, usize)> = Vec::new();
            for (n, (rank, entries)) in pushes.into_iter().enumerate() {
                let rank = RANKS[rank];
                let left = queue.push(rank, entries, n);
                let held = |list: &[(Rank, usize, usize)]| list.iter().map(|(_, entries, _)| entries).sum::<usize>();
                let firm: Vec<_> = list.iter().copied().filter(|(other, ..)| *other >= rank).collect();
                if held(&firm) + entries > entries_max {
                    prop_assert_eq!(left, vec![n]);
                    continue;
                }
                let mut expected = Vec::new();
                while held(&list) + entries > entries_max {
                    let lowest = list.iter().map(|(rank, ..)| *rank).min().unwrap();
                    let newest = list.iter().rposition(|(rank, ..)| *rank == lowest).unwrap();
                    expected.push(list.remove(newest).2);
                }
                list.push((rank, entries, n));
                prop_assert_eq!(left, expected);
            }
            list.sort_by_key(|(rank, _, n)| (std::cmp::Reverse(*rank), *n));
            let expected: Vec<usize> = list.into_iter().map(|(_, _, n)| n).collect();
            prop_assert_eq!(drain(&mut queue), expected);
        }
    }
}

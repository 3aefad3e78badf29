//! How far an author is with the whole of its own journal, when each partition of the shared log is
//! shipped into by itself.
//!
//! The own journal is one log; entries of all partitions stand in it in the order in which they were
//! receipted. It is read once and dealt out. A partition for which nothing was dealt is as far as the
//! dealing; one that has not shipped, or confirmed, the last that was dealt to it, holds the whole
//! back.

use crate::offset::{LogName, Offset, Partition, PerLog};
use crate::shipping::Progress;

/// What was dealt out, and how far each partition is with it.
#[derive(Clone, Debug)]
pub struct Dealing {
    /// The own offsets before which everything was dealt out.
    dealt: PerLog<Offset>,
    shares: Vec<Share>,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    /// The own offsets after the last entry that was dealt to it.
    due: PerLog<Offset>,
    /// Stretches without its entries: from the first offset on there is nothing before the second.
    empty: PerLog<(Offset, Offset)>,
    progress: Progress,
}

impl Dealing {
    /// Begins where the hindmost of the partitions is. What they have shipped, they need not be dealt,
    /// but may have to ship again.
    #[must_use]
    pub fn new(partitions: Vec<Progress>) -> Self {
        let hindmost = |log: LogName| {
            let shipped = partitions.iter().map(|one| *one.shipped.get(log));
            shipped.min().unwrap_or_default()
        };
        let share = |progress: &Progress| Share {
            due: progress.shipped,
            empty: PerLog::default(),
            progress: *progress,
        };
        Self {
            dealt: PerLog {
                alerts: hindmost(LogName::Alerts),
                tracks: hindmost(LogName::Tracks),
            },
            shares: partitions.iter().map(share).collect(),
        }
    }

    /// The own offsets before which everything was dealt out.
    #[must_use]
    pub const fn dealt(&self) -> PerLog<Offset> {
        self.dealt
    }

    /// The own offsets up to which a partition has something to ship.
    #[must_use]
    pub fn due(&self, partition: Partition) -> PerLog<Offset> {
        let share = self.shares.get(usize::from(partition.0));
        share.map_or(self.dealt, |share| share.due)
    }

    /// Where a partition that has shipped everything before `from` finds its next entry, at the earliest:
    /// what was dealt to others in between need not be there any more.
    #[must_use]
    pub fn begin(&self, partition: Partition, log: LogName, from: Offset) -> Offset {
        let share = self.shares.get(usize::from(partition.0));
        let (first, end) = share.map_or_else(Default::default, |share| *share.empty.get(log));
        if (first..end).contains(&from) {
            end
        } else {
            from
        }
    }

    /// Deals out the entries of a log from `first` on, each to its partition.
    pub fn deal(&mut self, log: LogName, first: Offset, partitions: &[Partition]) {
        for (offset, partition) in (first.0..).map(Offset).zip(partitions) {
            if let Some(share) = self.shares.get_mut(usize::from(partition.0)) {
                let due = share.due.get_mut(log);
                if *share.progress.shipped.get(log) >= *due {
                    *share.empty.get_mut(log) = (*due, offset);
                }
                *due = offset.plus(1).max(*due);
            }
        }
        self.pass(log, first.plus(partitions.len() as u64));
    }

    /// There is nothing to be dealt out before this offset.
    pub fn pass(&mut self, log: LogName, to: Offset) {
        let dealt = self.dealt.get_mut(log);
        *dealt = to.max(*dealt);
    }

    /// Takes note of how far a partition is.
    pub fn note(&mut self, partition: Partition, progress: Progress) {
        if let Some(share) = self.shares.get_mut(usize::from(partition.0)) {
            share.progress = progress;
        }
    }

    /// By partition: the own offset before which all of its alerts were shipped.
    #[must_use]
    pub fn shipped_alerts(&self) -> Vec<Offset> {
        let shipped = self.shares.iter().map(|one| one.progress.shipped.alerts);
        shipped.collect()
    }

    /// How far the whole is: each offset, and the question that was answered, is that of the hindmost partition.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let rounds = self.shares.iter().map(|share| share.progress.round);
        let mut whole = Progress {
            confirmed: self.dealt.alerts,
            shipped: self.dealt,
            round: rounds.min().unwrap_or_default(),
            ..Progress::default()
        };
        for Share { due, progress, .. } in &self.shares {
            for log in LogName::ALL {
                let (shipped, due) = (*progress.shipped.get(log), *due.get(log));
                if shipped < due {
                    let hindmost = whole.shipped.get_mut(log);
                    *hindmost = shipped.min(*hindmost);
                }
            }
            if progress.confirmed < due.alerts {
                whole.confirmed = progress.confirmed.min(whole.confirmed);
            }
            whole.shipped_again += progress.shipped_again;
            whole.rewinds += progress.rewinds;
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COUNT: u16 = 3;

    fn alerts(offset: u64) -> PerLog<Offset> {
        PerLog {
            alerts: Offset(offset),
            tracks: Offset::ZERO,
        }
    }

    fn reached(confirmed: u64, shipped: u64) -> Progress {
        Progress {
            confirmed: Offset(confirmed),
            shipped: alerts(shipped),
            ..Progress::default()
        }
    }

    #[test]
    fn a_partition_without_entries_holds_nobody_back() {
        let mut dealing = Dealing::new(vec![reached(0, 0); 3]);
        dealing.deal(
            LogName::Alerts,
            Offset(0),
            &[Partition(1), Partition(2), Partition(1)],
        );
        assert_eq!(dealing.progress(), reached(0, 0));
        dealing.note(Partition(1), reached(0, 3));
        dealing.note(Partition(2), reached(2, 2));
        assert_eq!(dealing.progress(), reached(0, 3));
        dealing.note(Partition(1), reached(3, 3));
        assert_eq!(dealing.progress(), reached(3, 3));
        dealing.pass(LogName::Alerts, Offset(9));
        assert_eq!(
            dealing.progress(),
            reached(9, 9),
            "a stretch without entries"
        );
    }

    #[test]
    fn a_question_is_answered_when_it_is_in_every_partition_though_one_has_nothing() {
        let mut dealing = Dealing::new(vec![reached(0, 0); 3]);
        dealing.deal(LogName::Alerts, Offset(0), &[Partition(1)]);
        let answered = |round, shipped| Progress {
            round,
            ..reached(shipped, shipped)
        };
        dealing.note(Partition(0), answered(5, 0));
        dealing.note(Partition(1), answered(4, 1));
        assert_eq!(dealing.progress().round, 0);
        dealing.note(Partition(2), answered(3, 0));
        assert_eq!(dealing.progress(), answered(3, 1));
    }

    #[test]
    fn after_a_restart_it_begins_where_the_hindmost_is() {
        let mut dealing = Dealing::new(vec![reached(7, 8), reached(4, 5)]);
        assert_eq!(dealing.dealt(), alerts(5));
        assert_eq!(dealing.progress(), reached(4, 5), "one was not confirmed");
        // Both have shipped that.
        dealing.deal(LogName::Alerts, Offset(5), &[Partition(0); 3]);
        assert_eq!(dealing.progress(), reached(4, 8));
        dealing.note(Partition(1), reached(5, 5));
        assert_eq!(dealing.progress(), reached(7, 8));
    }

    #[test]
    fn a_partition_that_goes_back_takes_the_whole_with_it() {
        let mut dealing = Dealing::new(vec![reached(9, 9); 2]);
        dealing.note(
            Partition(1),
            Progress {
                rewinds: 1,
                ..reached(2, 2)
            },
        );
        let expected = Progress {
            rewinds: 1,
            ..reached(2, 2)
        };
        assert_eq!(dealing.progress(), expected);
    }

    #[test]
    fn a_stretch_of_others_entries_is_not_looked_through() {
        let mut dealing = Dealing::new(vec![reached(0, 0); 2]);
        let begin =
            |dealing: &Dealing, from| dealing.begin(Partition(1), LogName::Alerts, Offset(from)).0;
        dealing.deal(LogName::Alerts, Offset(0), &[Partition(1)]);
        dealing.note(Partition(1), reached(1, 1));
        dealing.deal(LogName::Alerts, Offset(1), &[Partition(0); 8]);
        assert_eq!(begin(&dealing, 1), 1, "there is nothing yet");
        dealing.deal(
            LogName::Alerts,
            Offset(9),
            &[Partition(1), Partition(0), Partition(1)],
        );
        assert_eq!(begin(&dealing, 1), 9);
        assert_eq!(begin(&dealing, 5), 9);
        assert_eq!(begin(&dealing, 0), 0, "one that goes back");
        assert_eq!(begin(&dealing, 9), 9);
        assert_eq!(begin(&dealing, 10), 10, "one that goes on");
    }

    proptest! {
        /// Against a list of all entries: the whole is before the first that is not there.
        #[test]
        fn the_whole_is_where_the_first_entry_that_is_missing_is(
            of in prop::collection::vec(0..COUNT, 0..40),
            reach in prop::collection::vec((0_u64..41, 0_u64..41), usize::from(COUNT)),
            cut in 0_usize..41,
        ) {
            let entries: Vec<Partition> = of.into_iter().map(Partition).collect();
            let mut dealing = Dealing::new(vec![reached(0, 0); usize::from(COUNT)]);
            let (one, other) = entries.split_at(cut.min(entries.len()));
            dealing.deal(LogName::Alerts, Offset(0), one);
            dealing.deal(LogName::Alerts, Offset(one.len() as u64), other);
            let reach: Vec<(u64, u64)> = reach
                .into_iter()
                .map(|(confirmed, shipped)| (confirmed.min(shipped), shipped))
                .collect();
            for (number, &(confirmed, shipped)) in (0..).zip(&reach) {
                dealing.note(Partition(number), reached(confirmed, shipped));
            }
            let first_missing = |is_there: &dyn Fn(u64, (u64, u64)) -> bool| {
                let all = (0_u64..).zip(&entries);
                let mut missing = all
                    .filter(|(own, of)| !is_there(*own, reach[usize::from(of.0)]))
                    .map(|(own, _)| own);
                missing.next().unwrap_or(entries.len() as u64)
            };
            let whole = dealing.progress();
            let shipped = first_missing(&|own, (_, shipped)| own < shipped);
            let confirmed = first_missing(&|own, (confirmed, _)| own < confirmed);
            // Never too far, and at the first that is missing but for others' entries before it.
            prop_assert!(whole.shipped.alerts.0 <= shipped);
            prop_assert!(whole.confirmed.0 <= confirmed);
            prop_assert!(whole.confirmed <= whole.shipped.alerts);
            let all = entries.len() as u64;
            prop_assert_eq!(whole.shipped.alerts.0 == all, shipped == all);
            prop_assert_eq!(whole.confirmed.0 == all, confirmed == all);
        }
    }
}

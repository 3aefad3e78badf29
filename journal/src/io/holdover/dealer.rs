//! Reads the own journal once and deals its entries out to those who ship them, each into its
//! partition.
//!
//! What was dealt last is kept in memory; who is far behind, or goes back, reads the own journal
//! itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::batcher::Limits;
use crate::dealing::Dealing;
use crate::error::{StoreError, TailError};
use crate::io::store::{ReadAt, Store};
use crate::io::tail::{Tail, Tailed};
use crate::io::writer::Writer;
use crate::offset::{LogName, Offset, Partition, PerLog};
use crate::partitions::PartitionCount;
use crate::shipping::Progress;

/// Bytes of each log that are kept in memory for those who ship: what a nation's busiest relay takes
/// in two seconds.
const WINDOW_BYTES_MAX: usize = 8 << 20;

/// Times that the own journal is read to fill one shipment of one who is behind: with sixteen
/// partitions every sixteenth entry is theirs.
const READS_MAX: usize = 16;

/// What is dealt out, and to whom.
pub(super) struct Dealer {
    own: Arc<Writer>,
    store: Arc<Store>,
    partitions: PartitionCount,
    windows: Mutex<PerLog<Window>>,
    dealing: Mutex<Dealing>,
    due: Vec<watch::Sender<PerLog<Offset>>>,
    progress: watch::Sender<Progress>,
}

/// The newest entries of a log, and where they belong.
#[derive(Debug, Default)]
struct Window {
    first: Offset,
    entries: VecDeque<(Partition, Bytes)>,
    bytes: usize,
}

/// What is in the own journal for one partition.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// Where each of them stands.
    pub(super) offsets: Vec<Offset>,
    pub(super) entries: Vec<Bytes>,
    bytes: usize,
    /// Up to here there is nothing else for this partition.
    pub(super) end: Offset,
    /// Entries that the own journal has no more, or that nobody can read.
    pub(super) missing: u64,
}

impl Share {
    fn new(from: Offset) -> Self {
        Self {
            end: from,
            ..Self::default()
        }
    }

    fn is_full(&self) -> bool {
        let limits = Limits::default();
        self.entries.len() >= limits.batch_entries_max || self.bytes >= limits.batch_bytes_max
    }

    /// Takes what belongs to a partition of the entries from its end on, until it is full.
    fn take<'a>(
        &mut self,
        partition: Partition,
        entries: impl Iterator<Item = (Partition, &'a Bytes)>,
    ) {
        for (of, entry) in entries {
            if self.is_full() {
                return;
            }
            if of == partition {
                self.offsets.push(self.end);
                self.bytes += entry.len();
                self.entries.push(entry.clone());
            }
            self.end = self.end.plus(1);
        }
    }
}

impl Window {
    fn end(&self) -> Offset {
        self.first.plus(self.entries.len() as u64)
    }

    fn push(&mut self, first: Offset, entries: impl Iterator<Item = (Partition, Bytes)>) {
        if first != self.end() {
            *self = Self {
                first,
                ..Self::default()
            };
        }
        for (partition, entry) in entries {
            self.bytes += entry.len();
            self.entries.push_back((partition, entry));
        }
        while self.bytes > WINDOW_BYTES_MAX
            && let Some((_, oldest)) = self.entries.pop_front()
        {
            self.bytes -= oldest.len();
            self.first = self.first.plus(1);
        }
    }

    /// What is here for a partition; `None` when that begins before or behind the window.
    fn share(&self, partition: Partition, from: Offset) -> Option<Share> {
        if from < self.first || from >= self.end() {
            return None;
        }
        let skip = usize::try_from(from.since(self.first)).ok()?;
        let mut share = Share::new(from);
        let entries = self.entries.range(skip..);
        share.take(partition, entries.map(|(of, entry)| (*of, entry)));
        Some(share)
    }
}

impl Dealer {
    /// For partitions that are so far.
    pub(super) fn new(
        own: &Arc<Writer>,
        partitions: PartitionCount,
        reached: Vec<Progress>,
    ) -> Self {
        let dealing = Dealing::new(reached);
        let due = partitions
            .all()
            .map(|one| watch::Sender::new(dealing.due(one)));
        Self {
            own: Arc::clone(own),
            store: Arc::clone(&own.store),
            partitions,
            windows: Mutex::default(),
            due: due.collect(),
            progress: watch::Sender::new(dealing.progress()),
            dealing: Mutex::new(dealing),
        }
    }

    /// How far the whole is.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// By partition: the own offset before which all of its alerts were shipped. And how far the whole is.
    pub(super) fn shipped_alerts(&self) -> (Vec<Offset>, Progress) {
        let dealing = self.dealing();
        (dealing.shipped_alerts(), dealing.progress())
    }

    /// Up to where a partition has something to ship.
    pub(super) fn due(&self, partition: Partition) -> watch::Receiver<PerLog<Offset>> {
        self.due[usize::from(partition.0)].subscribe()
    }

    /// Where the dealing begins.
    pub(super) fn begin(&self) -> PerLog<Offset> {
        self.dealing().dealt()
    }

    /// Deals out what these tails give, until the own journal ends. What is on its disk when that fails is
    /// dealt out all the same.
    pub(super) async fn run(self: Arc<Self>, tails: PerLog<Tail>) {
        tokio::join!(
            self.follow(LogName::Alerts, tails.alerts),
            self.follow(LogName::Tracks, tails.tracks),
        );
    }

    async fn follow(&self, log: LogName, mut tail: Tail) {
        loop {
            match tail.next().await {
                Ok(Tailed::Entries { first, entries }) => self.deal(log, first, entries),
                Ok(Tailed::Gap { first_available }) => {
                    self.change(|dealing| dealing.pass(log, first_available));
                }
                // Nobody rewinds a file.
                Ok(Tailed::Rewound) | Err(TailError::Closed) => return,
                Err(TailError::Failed { why }) => {
                    // What cannot be read is not shipped, and whoever gives receipts has to know.
                    let doing = "dealing out the own journal";
                    let failed = Err::<(), _>(StoreError::Storage { doing, why });
                    return self.own.look_at(&failed);
                }
            }
        }
    }

    fn deal(&self, log: LogName, first: Offset, entries: Vec<Bytes>) {
        let of: Vec<Partition> = entries
            .iter()
            .map(|entry| self.partitions.of_entry(entry))
            .collect();
        // In this order: who is told that something is due finds it.
        let known = of.iter().copied().zip(entries);
        self.windows().get_mut(log).push(first, known);
        self.change(|dealing| dealing.deal(log, first, &of));
    }

    /// Takes note of how far a partition is.
    pub(super) fn note(&self, partition: Partition, progress: Progress) {
        self.change(|dealing| dealing.note(partition, progress));
    }

    /// Up to where there is nothing for a partition that has shipped everything which was dealt to it.
    pub(super) fn passed_by(
        &self,
        partition: Partition,
        shipped: PerLog<Offset>,
    ) -> Option<PerLog<Offset>> {
        let dealing = self.dealing();
        let due = dealing.due(partition);
        let has_all = shipped.alerts >= due.alerts && shipped.tracks >= due.tracks;
        has_all.then(|| dealing.dealt())
    }

    /// Changes what was dealt or how far somebody is, and tells who has to know.
    fn change(&self, change: impl FnOnce(&mut Dealing)) {
        let mut dealing = self.dealing();
        change(&mut dealing);
        for (partition, told) in self.partitions.all().zip(&self.due) {
            let due = dealing.due(partition);
            told.send_if_modified(|told| std::mem::replace(told, due) != due);
        }
        // Under the lock, or an older word would follow a newer one.
        let now = dealing.progress();
        self.progress
            .send_if_modified(|known| std::mem::replace(known, now) != now);
    }

    /// What a partition has to ship next of both logs, as much as one batch takes.
    pub(super) async fn read(
        &self,
        partition: Partition,
        from: PerLog<Offset>,
        due: PerLog<Offset>,
    ) -> Result<PerLog<Share>, StoreError> {
        let mut shares = PerLog::<Share>::default();
        for log in LogName::ALL {
            let due = *due.get(log);
            let from = self.dealing().begin(partition, log, *from.get(log));
            *shares.get_mut(log) = self.read_log(partition, log, from, due).await?;
        }
        Ok(shares)
    }

    async fn read_log(
        &self,
        partition: Partition,
        log: LogName,
        from: Offset,
        due: Offset,
    ) -> Result<Share, StoreError> {
        if from >= due {
            return Ok(Share::new(from));
        }
        // Positions that were dropped, for their age or for others' room, are not shipped from memory.
        let is_kept = log == LogName::Alerts || self.store.first(log)? <= from;
        let near = self.windows().get(log).share(partition, from);
        if let Some(share) = near.filter(|_| is_kept) {
            return Ok(share);
        }
        let (store, partitions) = (Arc::clone(&self.store), self.partitions);
        let reading = tokio::task::spawn_blocking(move || {
            read_store(&store, log, partitions, partition, from, due)
        });
        reading.await.map_err(|error| StoreError::Storage {
            doing: "reading what is to be shipped",
            why: error.to_string(),
        })?
    }

    fn windows(&self) -> MutexGuard<'_, PerLog<Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dealing(&self) -> MutexGuard<'_, Dealing> {
        self.dealing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From the disk, for one who is far behind or goes back.
fn read_store(
    store: &Store,
    log: LogName,
    partitions: PartitionCount,
    partition: Partition,
    from: Offset,
    due: Offset,
) -> Result<Share, StoreError> {
    let mut share = Share::new(from);
    for _ in 0..READS_MAX {
        if share.end >= due || share.is_full() {
            break;
        }
        match store.read_at(log, share.end, Limits::default().batch_bytes_max)? {
            ReadAt::Entries(entries) => {
                let entries = entries
                    .iter()
                    .map(|entry| (partitions.of_entry(entry), entry));
                share.take(partition, entries);
            }
            ReadAt::Gap { first_available } => {
                share.missing += first_available.since(share.end);
                share.end = first_available;
            }
            ReadAt::End | ReadAt::Beyond { .. } => break,
        }
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(range: std::ops::Range<u64>) -> Vec<(Partition, Bytes)> {
        let entry = |own: u64| (Partition((own % 3) as u16), Bytes::from(own.to_string()));
        range.map(entry).collect()
    }

    #[test]
    fn a_share_is_what_belongs_to_a_partition_and_says_how_far_it_reaches() {
        let mut window = Window::default();
        window.push(Offset(4), known(4..8).into_iter());
        window.push(Offset(8), known(8..10).into_iter());
        let share = window.share(Partition(2), Offset(5)).unwrap();
        assert_eq!(share.offsets, [Offset(5), Offset(8)]);
        assert_eq!(share.entries, ["5", "8"]);
        assert_eq!(share.end, Offset(10));
        assert!(window.share(Partition(2), Offset(3)).is_none(), "before it");
        assert!(
            window.share(Partition(2), Offset(10)).is_none(),
            "behind it"
        );
        // Behind a gap it begins anew.
        window.push(Offset(20), known(20..21).into_iter());
        assert!(window.share(Partition(2), Offset(8)).is_none());
        assert_eq!(
            window.share(Partition(0), Offset(20)).unwrap().end,
            Offset(21)
        );
    }

    #[test]
    fn a_share_is_no_more_than_one_batch_takes() {
        let max = Limits::default().batch_entries_max as u64;
        let mut window = Window::default();
        window.push(Offset(0), known(0..max * 3 + 30).into_iter());
        let share = window.share(Partition(1), Offset(0)).unwrap();
        assert_eq!(share.entries.len() as u64, max);
        let rest = window.share(Partition(1), share.end).unwrap();
        assert_eq!(rest.offsets.first(), Some(&Offset(max * 3 + 1)));
        assert_eq!(rest.entries.len(), 10);
    }

    #[test]
    fn a_window_keeps_the_newest() {
        let mut window = Window::default();
        let large = Bytes::from(vec![0; 1 << 20]);
        let entries = (0..12).map(|_| (Partition::ZERO, large.clone()));
        window.push(Offset(0), entries);
        assert_eq!(window.end(), Offset(12));
        assert_eq!(window.first, Offset(4));
        assert_eq!(window.bytes, WINDOW_BYTES_MAX);
    }
}

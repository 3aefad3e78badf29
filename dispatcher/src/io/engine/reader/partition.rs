//! One partition of the log, as the reader follows it.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::future::select_all;
use journal::incident_rows::Kept;
use journal::{
    Journal, LogName, Offset, Partition, SnapshotSlice, StoreError, Tail, TailError, Tailed,
};

use crate::io::engine::snapshots::Snapshots;

/// A partition and where in it the board is.
pub(in crate::io::engine) struct Followed {
    /// Reads this partition.
    pub(in crate::io::engine) journal: Journal,
    pub(in crate::io::engine) snapshots: Snapshots,
    pub(super) alerts: Tail,
    pub(super) tracks: Tail,
    pub(super) held: Option<Held>,
    /// Where both logs ended when the board was begun.
    end: (Offset, Offset),
}

/// Tracks that wait: whatever alert they belong to lies before this offset of the alert log.
pub(super) struct Held {
    pub(super) entries: Vec<(Offset, Bytes)>,
    alerts_end: Offset,
}

/// What a log gave.
pub(super) struct Given {
    pub(super) log: LogName,
    /// Where its tail stood before.
    pub(super) cursor: Offset,
    pub(super) tailed: Result<Tailed, TailError>,
}

impl Followed {
    pub(super) fn new(journal: Journal) -> Self {
        Self {
            snapshots: Snapshots::default(),
            alerts: journal.tail(LogName::Alerts, Offset::ZERO),
            tracks: journal.tail(LogName::Tracks, Offset::ZERO),
            held: None,
            end: (Offset::ZERO, Offset::ZERO),
            journal,
        }
    }

    pub(in crate::io::engine) fn partition(&self) -> Partition {
        self.journal.partition()
    }

    /// Places the tails behind the newest snapshot; returns what that keeps, and whether the log begins
    /// behind it.
    pub(super) async fn begin(&mut self) -> Result<(Kept, bool), StoreError> {
        self.held = None;
        let (kept, resume_at, behind) = self.snapshots.load(&self.journal).await?;
        let first = self.journal.first(LogName::Alerts).await?;
        let is_gap = first > resume_at;
        if is_gap {
            let partition = self.partition().0;
            tracing::error!(partition, %resume_at, %first, "the log begins behind its snapshot");
        }
        self.alerts = match behind.filter(|_| !is_gap) {
            // The server may have become another one since it told the snapshot.
            Some(behind) => self.journal.tail_behind(LogName::Alerts, behind),
            None => self.journal.tail(LogName::Alerts, resume_at.max(first)),
        };
        let first_track = self.journal.first(LogName::Tracks).await?;
        self.tracks = self.journal.tail(LogName::Tracks, first_track);
        // After both logs were asked, which tells where they end.
        self.end = (
            self.journal.end(LogName::Alerts),
            self.journal.end(LogName::Tracks),
        );
        Ok((kept, is_gap))
    }

    /// What to write of the snapshot: nothing of it, should the log be another one than was folded.
    pub(super) fn slices(&mut self) -> Vec<SnapshotSlice> {
        let (resume_at, behind) = (self.alerts.cursor(), self.alerts.proof());
        let slices = self.snapshots.slices(resume_at).into_iter();
        slices
            .map(|slice| SnapshotSlice { behind, ..slice })
            .collect()
    }

    /// Waits for what comes next. Cancelling it loses nothing.
    async fn next(&mut self) -> Given {
        // Before the alerts and one run at a time: neither log starves the other.
        tokio::select! {
            biased;
            tailed = self.tracks.next(), if self.held.is_none() => Given {
                log: LogName::Tracks,
                cursor: Offset::ZERO,
                tailed,
            },
            given = next_alerts(&mut self.alerts) => given,
        }
    }

    /// Keeps tracks until the alerts that they may belong to are folded.
    pub(super) fn hold(&mut self, first: Offset, entries: Vec<Bytes>) {
        self.held = Some(Held {
            entries: numbered(first, entries),
            alerts_end: self.journal.end(LogName::Alerts),
        });
    }

    /// Tracks that have waited long enough.
    pub(super) fn take_held(&mut self) -> Option<Held> {
        let cursor = self.alerts.cursor();
        let end = self.journal.end(LogName::Alerts);
        self.held.take_if(|held| held.alerts_end.min(end) <= cursor)
    }

    /// Whether something is not folded that was there when the board was begun. What a failover has taken since, before it was
    /// read, is not waited for: positions never come again, and alerts come as new ones.
    pub(super) fn is_behind(&self) -> bool {
        let alerts = self.end.0.min(self.journal.end(LogName::Alerts));
        let tracks = self.end.1.min(self.journal.end(LogName::Tracks));
        self.alerts.cursor() < alerts || self.tracks.cursor() < tracks || self.held.is_some()
    }

    pub(super) fn lag_entries(&self) -> u64 {
        let end = self.journal.end(LogName::Alerts);
        end.since(self.alerts.cursor())
    }
}

async fn next_alerts(alerts: &mut Tail) -> Given {
    let cursor = alerts.cursor();
    Given {
        log: LogName::Alerts,
        cursor,
        tailed: alerts.next().await,
    }
}

/// Waits for what any of them gives next, and says which; the one after `last` is asked first, so that
/// none starves the others.
pub(super) async fn next_of(followed: &mut [Followed], last: usize) -> (usize, Given) {
    let count = followed.len();
    let mut waiting: Vec<_> = followed
        .iter_mut()
        .enumerate()
        .map(|(at, one)| Box::pin(async move { (at, one.next().await) }) as Waiting<'_>)
        .collect();
    waiting.rotate_left((last + 1) % count.max(1));
    if waiting.is_empty() {
        return std::future::pending().await;
    }
    select_all(waiting).await.0
}

type Waiting<'a> = Pin<Box<dyn Future<Output = (usize, Given)> + Send + 'a>>;

pub(super) fn numbered(first: Offset, entries: Vec<Bytes>) -> Vec<(Offset, Bytes)> {
    (0..).map(|n| first.plus(n)).zip(entries).collect()
}

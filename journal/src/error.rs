//! What can go wrong, in words for the one who has to act.

use std::path::PathBuf;

use crate::offset::LogName;

/// An append that is not durable, or of which nobody can say whether it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The queue of this log is full: more arrives than the disk or the server takes, or the server
    /// is away. Nothing of the offer was stored.
    #[error(
        "the {log} has no room: {queued_entries} entries wait for their commit; offer again later"
    )]
    Busy {
        /// The log whose queue is full.
        log: LogName,
        /// Entries that wait for their commit.
        queued_entries: usize,
    },
    /// The live journal is at its bound and even a few seconds of positions have no room, so positions
    /// are shed; alerts are still taken.
    #[error(
        "the journal holds {live_bytes} bytes, its bound: positions are shed; trim or look why snapshots stopped"
    )]
    Full {
        /// Bytes of live entries and snapshot rows; of a server, all the memory that it uses.
        live_bytes: u64,
    },
    /// The server of the log has answered that it does not take the entries now. Nothing of the
    /// offer was stored.
    #[error("the log's server took nothing: {why}; see to it and offer again")]
    Rejected {
        /// What the server answered.
        why: String,
    },
    /// The server of the log did not answer in time or the connection broke: nobody can say
    /// whether the entries are in the log, or still come into it behind others that were offered
    /// later.
    #[error(
        "nobody can say whether the entries are in the log: {why}; keep them and offer them again, \
         readers take each once"
    )]
    Unknown {
        /// What happened to the connection.
        why: String,
    },
    /// One offer is larger than one batch may be; it would never fit.
    #[error(
        "{entries} entries of {bytes} bytes in one offer are more than a batch takes \
         ({entries_max} entries, {bytes_max} bytes); offer fewer"
    )]
    TooLarge {
        /// Entries in the offer.
        entries: usize,
        /// Their bytes.
        bytes: usize,
        /// Entries that a batch takes.
        entries_max: usize,
        /// Bytes that a batch takes.
        bytes_max: usize,
    },
    /// The offer had no entries: there is nothing to promise.
    #[error("an offer without entries; offer at least one")]
    Empty,
    /// A commit has failed, so this process gives no receipt ever again. Entries whose commit was
    /// under way may or may not be there after a restart.
    #[error(
        "the journal has failed and takes nothing more in this process: {why}; restart after the disk is well"
    )]
    Failed {
        /// The first error of the store.
        why: String,
    },
    /// The journal is closing or closed.
    #[error("the journal is closed")]
    Closed,
}

/// An error of the store beneath the journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The disk or the database said no.
    #[error("{doing}: {why}")]
    Storage {
        /// What was being done.
        doing: &'static str,
        /// What the database or the system answered.
        why: String,
    },
    /// The store has been closed.
    #[error("the journal is closed")]
    Closed,
    /// An earlier commit has failed; the store takes nothing more in this process.
    #[error("the journal has failed and takes nothing more in this process: {why}")]
    Failed {
        /// The first error of the store.
        why: String,
    },
    /// The server of the log cannot be asked, or did not answer; whether what was to be written is
    /// there is not known. It may be tried again.
    #[error("{doing}: {why}; try again when the log's server is back")]
    Unreachable {
        /// What was being done.
        doing: &'static str,
        /// What happened.
        why: String,
    },
    /// Too many snapshot slices or trims wait already.
    #[error("{waiting} snapshot slices or trims wait already; await them first")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// A slice of a snapshot is larger than one transaction may be.
    #[error("a snapshot slice of {bytes} bytes; at most {bytes_max} go into one, cut it")]
    SliceTooLarge {
        /// Bytes of keys and values offered.
        bytes: usize,
        /// Bytes that a slice takes.
        bytes_max: usize,
    },
    /// A snapshot of what the log has no more: it was rewound, and the reader was not told yet.
    #[error(
        "a snapshot behind the entry at offset {behind}, which the alert log does not have any more; \
         fold the log anew"
    )]
    SnapshotRewound {
        /// Where the last entry was that the snapshot has folded.
        behind: u64,
    },
    /// A snapshot that goes on where an earlier one ended, which the server does not have any more.
    #[error(
        "a snapshot behind one up to offset {after}, and the server has one up to {found}: it has lost \
         what came between; fold the log anew"
    )]
    SnapshotLost {
        /// Where the earlier one ended.
        after: u64,
        /// Where the one that is there ends.
        found: u64,
    },
    /// A snapshot that claims entries which the log does not have.
    #[error(
        "a snapshot up to offset {resume_at}, but the alert log ends at {end}; fold the log anew"
    )]
    SnapshotAhead {
        /// The offset that the snapshot claims.
        resume_at: u64,
        /// The end of the alert log.
        end: u64,
    },
}

/// The journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has it.
    #[error("the journal {} is held by {}; stop it, or give this one another path", path.display(), holder(*pid))]
    Held {
        /// The journal's file.
        path: PathBuf,
        /// The process that holds it, as far as its pid file tells.
        pid: Option<u32>,
    },
    /// The file was written by a newer release.
    #[error(
        "the journal {} has format {found}, this release reads up to {known}; start the newer one",
        path.display()
    )]
    NewerFormat {
        /// The journal's file, or `memory` for a test backend.
        path: PathBuf,
        /// The version in the file.
        found: u64,
        /// The newest version that this release reads.
        known: u64,
    },
    /// The log's server cannot be used.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Server(#[from] crate::io::redis::ConnectError),
    /// The database could not be opened or repaired.
    #[error("the journal {} cannot be opened: {why}", path.display())]
    Storage {
        /// The journal's file, or `memory` for a test backend.
        path: PathBuf,
        /// What the database or the system answered.
        why: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// A tail has nothing more to give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TailError {
    /// The journal was closed in good order.
    #[error("the journal is closed")]
    Closed,
    /// The journal has failed; nothing more is read in this process.
    #[error("the journal has failed: {why}; restart after the disk is well")]
    Failed {
        /// The first error of the store.
        why: String,
    },
}

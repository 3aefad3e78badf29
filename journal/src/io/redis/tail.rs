//! A tail over a connection of its own. On each turn it reads what comes next and, behind that, what
//! it read last: the log that has both is the one that it has been reading.

use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::connect::{self, Link};
use super::failure::Failure;
use super::lead::Lead;
use super::probe;
use super::reply::{self, Record};
use super::shared::Shared;
use crate::error::TailError;
use crate::io::journal::Health;
use crate::io::tail::Tailed;
use crate::offset::{LogName, Offset};
use crate::proof::{Conclusion, Digest, Proof, Seen, conclude};
use crate::stream_id;

/// How long the server keeps a read that has nothing to give, and so how long a reader may sit ahead
/// of a log that was rewound: half a second is nothing beside the failover that did it.
const BLOCK: Duration = Duration::from_millis(500);

/// How often a reader asks whether the server is still master, and which history it has. Once a
/// second, as it costs the server more than a read; what was read last is proven on each turn.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Entries that are read at once. With what waits for the reader this is some megabytes.
const READ_ENTRIES_MAX: usize = 1_024;

/// Steps that are read ahead of the reader.
const AHEAD: usize = 1;

/// Where a reader is, and by what it knows the log.
#[derive(Clone, Copy, Debug)]
struct Place {
    cursor: Offset,
    known: Option<Proof>,
}

/// What a reader is told, and where it is then.
struct Step {
    tailed: Tailed,
    then: Place,
}

/// The reader's end. Cancelling [`Self::next`] loses nothing: a task does the reading.
#[derive(Debug)]
pub(crate) struct RedisTail {
    steps: mpsc::Receiver<Step>,
    place: Place,
    health: watch::Receiver<Health>,
    task: AbortHandle,
}

impl Drop for RedisTail {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Step")
    }
}

impl RedisTail {
    pub(super) fn begin(
        shared: Arc<Shared>,
        log: LogName,
        from: Offset,
        known: Option<Proof>,
    ) -> Self {
        let place = Place {
            cursor: from,
            known,
        };
        let (sender, steps) = mpsc::channel(AHEAD);
        let health = shared.health.subscribe();
        let runtime = shared.runtime.clone();
        let follower = Follower {
            lead: shared.lead(),
            shared,
            log,
            place,
            sender,
            replication_id: String::new(),
        };
        let task = runtime.spawn(follower.run()).abort_handle();
        Self {
            steps,
            place,
            health,
            task,
        }
    }

    pub(crate) const fn cursor(&self) -> Offset {
        self.place.cursor
    }

    pub(crate) const fn proof(&self) -> Option<Proof> {
        self.place.known
    }

    pub(crate) async fn next(&mut self) -> Result<Tailed, TailError> {
        match self.steps.recv().await {
            Some(Step { tailed, then }) => {
                self.place = then;
                Ok(tailed)
            }
            None => Err(match &*self.health.borrow() {
                Health::Failed { why } => TailError::Failed { why: why.clone() },
                _ => TailError::Closed,
            }),
        }
    }
}

/// What came of comparing the log with what was read of it.
enum Proved {
    /// It is the same log; the reader goes on.
    Holds,
    /// It is not, and the reader has been told; what was read beside this is not what comes next.
    Told,
    /// The reader is there no more.
    Gone,
}

/// The task that reads.
struct Follower {
    shared: Arc<Shared>,
    lead: Lead,
    log: LogName,
    place: Place,
    sender: mpsc::Sender<Step>,
    /// The history that the server said it has.
    replication_id: String,
}

impl Follower {
    /// Until the journal is closed or the reader has gone.
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            biased;
            () = shared.closed() => {}
            () = self.follow_for_ever() => {}
        }
    }

    async fn follow_for_ever(&mut self) {
        let mut backoff = Backoff::new();
        let mut said = String::new();
        while !self.sender.is_closed() {
            let why = match self.follow(&mut backoff).await {
                Ok(()) => return,
                Err(why) => why,
            };
            // Once for each reason, however often it is tried.
            if backoff.is_fresh() || why != said {
                let partition = self.shared.settings.partition.0;
                tracing::warn!(log = %self.log, partition, why, "the log cannot be followed now");
                said = why;
            }
            self.lead.rest(&mut backoff).await;
        }
    }

    /// Follows the log over one connection; returns when the reader has gone, or says what broke.
    async fn follow(&mut self, backoff: &mut Backoff) -> Result<(), String> {
        let link = self.lead.connect(&self.shared.settings).await;
        let mut link = link.map_err(|error| error.to_string())?;
        self.note_history(link.info.replication_id().to_owned());
        let mut asked_at = Instant::now();
        if let Proved::Gone = self.prove(&mut link).await? {
            return Ok(());
        }
        loop {
            // The answer comes when the read is over.
            let ask = asked_at.elapsed() + BLOCK >= ASK_EVERY;
            if !self.turn(&mut link, ask).await? {
                return Ok(());
            }
            backoff.reset();
            if self.lead.has_left(&link.at) {
                return Err("the log is at another server now".to_owned());
            }
            if ask {
                asked_at = Instant::now();
            }
        }
    }

    /// Reads once and hands it on; false when the reader has gone.
    async fn turn(&mut self, link: &mut Link, ask: bool) -> Result<bool, String> {
        let mut questions = vec![self.read_from(self.place.cursor)];
        // In this order: an entry that is there after the read was there during it, or the read
        // was of a log that the next turn disproves.
        questions.extend(self.place.cursor.previous().map(|last| self.read_one(last)));
        if ask {
            questions.push(connect::info(&["replication"]));
        }
        let known_end = self.shared.known_end(self.log);
        let answers = link.ask_patiently(questions, BLOCK).await?;
        let mut answers = answers.into_iter();
        let records = reply::read(answers.next().unwrap_or_default())?;
        let mut holds = true;
        if let Some(last) = self.place.cursor.previous() {
            let found = reply::range(answers.next().unwrap_or_default())?;
            holds = self.recognise(last, found.first());
        }
        if let Some(answer) = answers.next() {
            let info = reply::info(answer)?;
            if !info.is_master() {
                return Err("the server is master no more".to_owned());
            }
            holds &= self.note_history(info.replication_id().to_owned());
        }
        if !holds {
            match self.prove(link).await? {
                Proved::Holds => {}
                Proved::Told => return Ok(true),
                Proved::Gone => return Ok(false),
            }
        }
        if holds && records.is_empty() {
            self.shared.note_end(self.log, known_end, self.place.cursor);
        }
        Ok(self.hand_on(records).await)
    }

    /// Whether this is the entry that was read last. Who has read none takes it for that.
    fn recognise(&mut self, last: Offset, found: Option<&Record>) -> bool {
        let Some(found) = found.filter(|found| found.offset == last) else {
            return false;
        };
        let digest = Digest::of(found.at_ms, &found.entry);
        let known = self.place.known.filter(|known| known.offset == last);
        self.place.known.get_or_insert(Proof {
            offset: last,
            digest,
        });
        known.is_none_or(|known| known.digest == digest)
    }

    /// Takes note of which history the server has; false when it is another one than before.
    fn note_history(&mut self, replication_id: String) -> bool {
        let same = self.replication_id == replication_id;
        if !same && !self.replication_id.is_empty() {
            tracing::info!(log = %self.log, replication_id, "the log's server has another history");
        }
        self.replication_id = replication_id;
        same
    }

    /// Compares the log with what was read of it, and tells the reader when it is not the same.
    async fn prove(&mut self, link: &mut Link) -> Result<Proved, String> {
        let Place { cursor, known } = self.place;
        // The entry first: what is trimmed in between is then seen to be trimmed.
        let answers = link
            .ask(vec![
                self.read_one(cursor.previous().unwrap_or_default()),
                probe::extent_of(&self.shared.keys, self.log),
            ])
            .await?;
        let mut answers = answers.into_iter();
        let found = reply::range(answers.next().unwrap_or_default())?;
        let extent = reply::extent(&answers.next().unwrap_or_default())?;
        let last = cursor.previous();
        let found = found.first().filter(|found| Some(found.offset) == last);
        let seen = Seen {
            first: extent.first,
            end: extent.end,
            last: found.map(|found| Digest::of(found.at_ms, &found.entry)),
        };
        let (tailed, goes_on_at) = match conclude(cursor, known, seen) {
            Conclusion::Holds => {
                if let (Some(last), Some(found)) = (last, found) {
                    self.recognise(last, Some(found));
                }
                return Ok(Proved::Holds);
            }
            Conclusion::Gap { first_available } => {
                (Tailed::Gap { first_available }, first_available)
            }
            Conclusion::Rewound => {
                self.shared.set_end(self.log, extent.end);
                (Tailed::Rewound, extent.end)
            }
        };
        Ok(match self.tell(tailed, goes_on_at, None).await {
            true => Proved::Told,
            false => Proved::Gone,
        })
    }

    /// Hands on entries that begin at the cursor; false when the reader has gone.
    async fn hand_on(&mut self, records: Vec<Record>) -> bool {
        let first = self.place.cursor;
        match records.first() {
            Some(record) if record.offset == first => {}
            Some(record) if record.offset > first => {
                // Trimmed since; nothing else makes a hole.
                let first_available = record.offset;
                return self
                    .tell(Tailed::Gap { first_available }, first_available, None)
                    .await;
            }
            _ => return true,
        }
        let mut known = None;
        let mut entries = Vec::with_capacity(records.len());
        let mut end = first;
        for record in records {
            if record.offset != end {
                break;
            }
            known = Some((record.at_ms, record.entry.clone()));
            end = end.plus(1);
            entries.push(record.entry);
        }
        let known = known.zip(end.previous());
        let known = known.map(|((at_ms, entry), offset)| Proof {
            offset,
            digest: Digest::of(at_ms, &entry),
        });
        self.shared.raise_end(self.log, end);
        self.tell(Tailed::Entries { first, entries }, end, known)
            .await
    }

    /// False when the reader has gone.
    async fn tell(&mut self, tailed: Tailed, cursor: Offset, known: Option<Proof>) -> bool {
        self.place = Place { cursor, known };
        let then = self.place;
        self.sender.send(Step { tailed, then }).await.is_ok()
    }

    fn read_from(&self, cursor: Offset) -> Cmd {
        let mut command = redis::cmd("XREAD");
        command.arg("COUNT").arg(READ_ENTRIES_MAX);
        command.arg("BLOCK").arg(BLOCK.as_millis() as u64);
        command
            .arg("STREAMS")
            .arg(self.shared.keys.stream(self.log));
        command.arg(stream_id::before(cursor));
        command
    }

    fn read_one(&self, offset: Offset) -> Cmd {
        let id = stream_id::of(offset);
        let mut command = redis::cmd("XRANGE");
        command
            .arg(self.shared.keys.stream(self.log))
            .arg(&id)
            .arg(&id);
        command
    }
}

impl From<Failure> for String {
    fn from(failure: Failure) -> Self {
        failure.why().to_owned()
    }
}

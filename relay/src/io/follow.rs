//! The way back: tails the alert log, each partition by itself, and puts what it says into the mailboxes of the phones concerned. What was
//! trimmed is in the snapshot, which is where it begins.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use journal::{Journal, LogName, Offset, Snapshot, StoreError, Tail, Tailed, incident_rows};
use protocol::wire::Message;
use protocol::{AlertId, Decision, DecisionKind, Entry};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::hub::Hub;
use super::problems::Problem;
use crate::session::Word;
use crate::way_back::{Delivery, Notice, SealedMessage};

/// Failures in a row after which the log is taken to be unreadable.
const FAILURES_MAX: u32 = 5;

/// How long a failed read waits for the next.
const RETRY: Duration = Duration::from_millis(200);

/// What became of reading the log so far.
#[derive(Debug, Default)]
struct Attempts {
    /// Failures in a row: none got further than one before it.
    failures: u32,
    /// The furthest cursor of all attempts.
    furthest: Option<Offset>,
}

impl Attempts {
    /// Reading what was read before is no progress: one batch that cannot be read would be tried for ever.
    fn reach(&mut self, cursor: Offset) {
        if Some(cursor) > self.furthest {
            *self = Self {
                failures: 0,
                furthest: Some(cursor),
            };
        }
    }

    fn fail(&mut self) {
        self.failures += 1;
    }

    /// The log is another one now.
    fn rewind(&mut self) {
        self.furthest = None;
    }

    fn are_over(&self) -> bool {
        self.failures >= FAILURES_MAX
    }
}

/// Whatever ends the fold, a panic too, ends it aloud.
struct Following(Arc<Hub>);

impl Drop for Following {
    fn drop(&mut self) {
        if self.0.is_stopping() {
            return;
        }
        let words = "the alert log cannot be followed: phones get receipts and hear nothing else; restart the relay";
        self.0.problems.begin(Problem::Deaf, words.to_owned());
        tracing::error!("{words}");
    }
}

impl Hub {
    /// Follows the alert log of one partition for the phones of this relay until the journal ends.
    pub(crate) async fn follow_log(self: Arc<Self>, journal: Journal) {
        let following = Following(self);
        let hub = &following.0;
        let mut attempts = Attempts::default();
        while !attempts.are_over() {
            let error = hub.follow(&journal, &mut attempts).await;
            if journal.health().borrow().is_over() {
                tracing::info!(error, "the way back has ended with the journal");
                return hub.stop_all(super::mailbox::Stop::NotDurable);
            }
            attempts.fail();
            let partition = journal.partition().0;
            tracing::warn!(
                partition,
                error,
                attempts.failures,
                "the way back is begun again"
            );
            sleep(RETRY).await;
        }
    }

    /// Until reading fails; says why it did.
    async fn follow(self: &Arc<Self>, journal: &Journal, attempts: &mut Attempts) -> String {
        let partition = journal.partition().0;
        let mut tail = match self.begin(journal, None).await {
            Ok(Some(tail)) => tail,
            Ok(None) => return "the snapshot has no place in the log".to_owned(),
            Err(error) => return error.to_string(),
        };
        loop {
            let cursor = tail.cursor();
            let again = match tail.next().await {
                Ok(Tailed::Entries { entries, .. }) => {
                    self.fold(&entries);
                    Ok(None)
                }
                Ok(Tailed::Gap { first_available }) => {
                    tracing::warn!(partition, %cursor, %first_available, "a part of the log cannot be read any more");
                    self.begin(journal, Some(cursor)).await
                }
                Ok(Tailed::Rewound) => {
                    tracing::warn!(partition, "the log was rewound; the way back folds it anew");
                    self.forget_log(|device| journal.has(device));
                    attempts.rewind();
                    self.begin(journal, None).await
                }
                Err(error) => return error.to_string(),
            };
            match again {
                Ok(None) => attempts.reach(tail.cursor()),
                Ok(Some(newer)) => tail = newer,
                Err(error) => return error.to_string(),
            }
        }
    }

    /// Folds the newest snapshot, and tails the log behind it; waits while the log's server is away. `None` when the
    /// snapshot does not reach beyond a cursor: a batch that nobody can read is skipped, and not asked for again for ever.
    async fn begin(
        self: &Arc<Self>,
        journal: &Journal,
        beyond: Option<Offset>,
    ) -> Result<Option<Tail>, StoreError> {
        loop {
            match self.try_begin(journal, beyond).await {
                Err(StoreError::Unreachable { .. }) => sleep(RETRY).await,
                begun => return begun,
            }
        }
    }

    async fn try_begin(
        self: &Arc<Self>,
        journal: &Journal,
        beyond: Option<Offset>,
    ) -> Result<Option<Tail>, StoreError> {
        let hub = Arc::clone(self);
        let first = journal.first(LogName::Alerts).await?;
        let snapshot = journal.snapshot_read().await?;
        let end = journal.end(LogName::Alerts);
        let behind = snapshot.behind;
        let folding = move || hub.fold_snapshot(snapshot, (first, end), beyond);
        let reading = spawn_blocking(folding).await;
        let from = reading.map_err(|error| StoreError::Storage {
            doing: "folding the snapshot",
            why: error.to_string(),
        })??;
        // The server may have become another one since it told the snapshot.
        let behind = behind.filter(|behind| Some(behind.offset.plus(1)) == from);
        Ok(from.map(|from| match behind {
            Some(behind) => journal.tail_behind(LogName::Alerts, behind),
            None => journal.tail(LogName::Alerts, from),
        }))
    }

    /// Where the log goes on behind the snapshot. What was folded before changes nothing the second time.
    fn fold_snapshot(
        &self,
        snapshot: Snapshot,
        (first, end): (Offset, Offset),
        beyond: Option<Offset>,
    ) -> Result<Option<Offset>, StoreError> {
        let Some((entries, from)) = read_snapshot(snapshot, first, end, beyond)? else {
            return Ok(None);
        };
        for (_, entry) in entries.iter().filter(|(offset, _)| *offset < from) {
            let _ = self.fold_one(entry);
        }
        // Who was here before is told where things stand, and not how they came there.
        let deliveries = self.ledger().tell_all();
        self.deliver(deliveries);
        self.count_incidents();
        Ok(Some(from))
    }

    fn fold(&self, entries: &[Bytes]) {
        for entry in entries {
            let deliveries = self.fold_one(entry);
            self.deliver(deliveries);
        }
        self.count_incidents();
    }

    fn fold_one(&self, entry: &Bytes) -> Vec<Delivery> {
        let Ok(entry) = Entry::decode(entry) else {
            self.metrics.entries_undecodable.inc();
            return Vec::new();
        };
        self.ledger().fold(&entry)
    }

    pub(crate) fn deliver(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            let Some(word) = self.word(delivery.notice) else {
                continue;
            };
            if let Some(mailbox) = self.mailboxes.pin().get(&delivery.session) {
                mailbox.put_word(word);
            }
        }
    }

    fn count_incidents(&self) {
        let incidents = self.ledger().incidents();
        let incidents = i64::try_from(incidents).unwrap_or(i64::MAX);
        self.metrics.incidents.set(incidents);
    }

    pub(crate) fn word(&self, notice: Notice) -> Option<Word> {
        match notice {
            Notice::Status(status) => Some(Word::Status(status)),
            Notice::Message(alert, message) => {
                let word = self.open(alert, &message);
                if word.is_none() {
                    self.metrics.words_lost.inc();
                }
                word
            }
        }
    }

    fn open(&self, alert: AlertId, message: &SealedMessage) -> Option<Word> {
        let day_key = self.day_keys.get(journal::Day(message.day.0)).ok()??;
        let body = journal::open(
            &day_key,
            &message.device.to_bytes(),
            message.alert.as_bytes(),
            &message.header_bytes,
            &message.sealed,
        )
        .ok()?;
        match Decision::decode(DecisionKind::Message, &body) {
            Ok(Decision::Message(text)) => Some(Word::Message(Message {
                alert,
                id: message.id,
                text,
                at: message.at,
            })),
            _ => None,
        }
    }
}

/// Entries in the order of the log.
type Entries = Vec<(Offset, Bytes)>;

/// The entries that the newest snapshot keeps, and where the log goes on; `None` when that is not beyond a cursor.
/// Blocks.
fn read_snapshot(
    snapshot: Snapshot,
    first: Offset,
    end: Offset,
    beyond: Option<Offset>,
) -> Result<Option<(Entries, Offset)>, StoreError> {
    // One that claims more than the log has is of another log.
    let resume_at = snapshot.resume_at.filter(|resume_at| *resume_at <= end);
    let from = resume_at.map_or(first, |resume_at| resume_at.max(first));
    if beyond.is_some_and(|cursor| resume_at.is_none_or(|resume_at| resume_at <= cursor)) {
        return Ok(None);
    }
    if resume_at.is_none() {
        return Ok(Some((Vec::new(), from)));
    }
    let readable = snapshot.rows.map_while(|row| match row {
        Ok(row) => Some(Ok(row)),
        Err(error) => {
            tracing::error!(%error, "the snapshot ends early; some alerts are not known");
            None
        }
    });
    let kept = incident_rows::read_rows::<StoreError>(readable)?;
    Ok(Some((kept.alerts, from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_read_as_far_as_before_and_no_further_is_given_up() {
        let mut attempts = Attempts::default();
        for attempt in 0..FAILURES_MAX {
            assert!(!attempts.are_over(), "after {attempt} failures");
            for cursor in 1..=7 {
                attempts.reach(Offset(cursor));
            }
            attempts.fail();
        }
        assert!(attempts.are_over());
    }

    #[test]
    fn who_gets_further_or_reads_another_log_has_all_attempts_again() {
        let mut attempts = Attempts::default();
        for cursor in 1..=20 {
            attempts.reach(Offset(cursor));
            attempts.fail();
            assert!(!attempts.are_over());
        }
        attempts.rewind();
        attempts.reach(Offset(1));
        assert_eq!(attempts.failures, 0);
    }
}

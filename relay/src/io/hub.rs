//! Where connections and log meet: appends go in batches to the journal, answers and the log's words to mailboxes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use journal::{AppendError, Appended, Clock, DayKeys, Health, Journal, LogName, Offset};
use protocol::token::Authority;
use protocol::{Millis, UnixMillis};
use tokio::time::Instant;

use super::held::{Held, Refused, Run, Waiting};
use super::mailbox::{Mailbox, Stop};
use super::metrics::Metrics;
use super::problems::{Problem, Problems};
use super::rng::SystemRng;
use crate::append::{Append, Fate, Outcome, ReportKey};
use crate::ledger::{Ledger, Standing};
use crate::limits::Patience;
use crate::precedence::Rank;
use crate::session::{Now, Session};
use crate::way_back::SessionId;

/// What all connections of a relay share.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) journal: Journal,
    /// It is this relay that says to the own journal what need not be kept.
    pub(crate) is_keeper: bool,
    pub(crate) day_keys: Arc<DayKeys>,
    authority: Arc<Authority>,
    clock: Clock,
    started: Instant,
    pub(crate) patience: Patience,
    pub(crate) metrics: Metrics,
    ledger: Mutex<Ledger>,
    pub(crate) mailboxes: papaya::HashMap<SessionId, Arc<Mailbox>>,
    next_session: AtomicU64,
    shutting_down: AtomicBool,
    not_durable: AtomicBool,
    /// Until when the processors count as busy, as a tick.
    pub(crate) problems: Problems,
    pub(crate) held: Held,
}

/// A connection's end of the hub; dropping it forgets the connection.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) hub: Arc<Hub>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) id: SessionId,
}

impl Hub {
    pub(crate) fn new(
        journal: Journal,
        day_keys: Arc<DayKeys>,
        authority: Arc<Authority>,
        clock: Clock,
        patience: Patience,
        metrics: Metrics,
    ) -> Self {
        Self {
            is_keeper: journal.keep(),
            journal,
            day_keys,
            authority,
            clock,
            started: Instant::now(),
            patience,
            metrics,
            ledger: Mutex::default(),
            mailboxes: papaya::HashMap::new(),
            next_session: AtomicU64::new(1),
            shutting_down: AtomicBool::new(false),
            not_durable: AtomicBool::new(false),
            problems: Problems::default(),
            held: Held::default(),
        }
    }

    /// Milliseconds since the Unix epoch by the site's clock.
    pub(crate) fn unix_ms(&self) -> u64 {
        self.clock.unix_ms()
    }

    pub(crate) fn now(&self) -> Now {
        let stamp = i64::try_from(self.unix_ms()).unwrap_or(i64::MAX);
        Now {
            stamp: UnixMillis::new(stamp),
            tick: self.tick(),
        }
    }

    /// Milliseconds since the relay was started.
    pub(crate) fn tick(&self) -> Millis {
        Millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// When a tick of [`Hub::now`] comes.
    pub(crate) fn instant(&self, tick: Millis) -> Instant {
        self.started + tick.to_duration()
    }

    /// Whether phones are best off here.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_stopping() && self.problems.allow_readiness()
    }

    /// What somebody has to look at.
    pub(crate) fn problems(&self) -> Vec<String> {
        let stop = match self.stop() {
            Some(Stop::NotDurable) => Some("the journal makes nothing durable any more; restart"),
            Some(Stop::ShuttingDown) => Some("the relay is being shut down"),
            None => None,
        };
        let stop = stop.map(str::to_owned);
        let of_log = log_problem(&self.journal.health().borrow());
        let replicas = self.journal.replicas_missing();
        let of_log = of_log.or(replicas.map(|missing| missing.to_string()));
        let own = self.problems.words();
        stop.into_iter().chain(own).chain(of_log).collect()
    }

    /// Whether connections are no longer taken. A relay that is not ready for another reason still takes them: what
    /// it cannot do it says, and nobody knows whether there is another relay.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shutting_down.load(Ordering::SeqCst) || self.not_durable.load(Ordering::SeqCst)
    }

    pub(crate) fn seat(self: &Arc<Self>) -> Seat {
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let mailbox = Arc::new(Mailbox::default());
        self.mailboxes.pin().insert(id, Arc::clone(&mailbox));
        // Whoever stops all looks at the mailboxes after it has set its mark, so one of both sees the other.
        if let Some(stop) = self.stop() {
            mailbox.put_stop(stop);
        }
        self.metrics.connections.inc();
        Seat {
            hub: Arc::clone(self),
            mailbox,
            id,
        }
    }

    fn stop(&self) -> Option<Stop> {
        if self.not_durable.load(Ordering::SeqCst) {
            Some(Stop::NotDurable)
        } else if self.shutting_down.load(Ordering::SeqCst) {
            Some(Stop::ShuttingDown)
        } else {
            None
        }
    }

    /// Ends all connections, and those to come.
    pub(crate) fn stop_all(&self, stop: Stop) {
        match stop {
            Stop::ShuttingDown => self.shutting_down.store(true, Ordering::SeqCst),
            Stop::NotDurable => self.not_durable.store(true, Ordering::SeqCst),
        }
        for mailbox in self.mailboxes.pin().values() {
            mailbox.put_stop(stop);
        }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives fresh reports to the journal without waiting; the answer comes by mail.
    fn append(self: &Arc<Self>, seat: &Seat, fresh: Vec<Append>) {
        let mut alerts = Run::default();
        let mut tracks = Run::default();
        for append in &fresh {
            let run = if append.is_promised() {
                &mut alerts
            } else {
                &mut tracks
            };
            match self.seal(append) {
                Some(entry) => {
                    run.entries.push(entry);
                    run.keys.push(append.key);
                }
                None => run.unsealed.push(append.key),
            }
        }
        self.append_tracks(tracks);
        self.append_alerts(seat, alerts, Rank::of(&fresh));
    }

    fn seal(&self, append: &Append) -> Option<Bytes> {
        let day = journal::Day(append.header.day.0);
        let sealed = self
            .day_keys
            .get_or_create(day, &mut SystemRng)
            .map_err(|error| error.to_string())
            .and_then(|key| {
                append
                    .entry(&key, &mut SystemRng)
                    .map_err(|error| error.to_string())
            });
        match sealed {
            Ok(entry) => {
                if self.problems.end(Problem::NotSealed) {
                    tracing::info!("reports can be sealed again");
                }
                Some(entry)
            }
            Err(error) => {
                self.cannot_seal(&error);
                None
            }
        }
    }

    pub(crate) fn cannot_seal(&self, why: &str) {
        self.metrics.seal_failures.inc();
        let words = format!("reports cannot be sealed and get no receipt: {why}");
        if self.problems.begin(Problem::NotSealed, words.clone()) {
            tracing::error!("{words}");
        }
    }

    fn append_tracks(&self, run: Run) {
        let mut dropped = run.unsealed.len();
        if !run.entries.is_empty() {
            let count = run.entries.len();
            let counter = self.metrics.datagrams_dropped.clone();
            let offered = self
                .journal
                .offer_with(LogName::Tracks, run.entries, move |result| {
                    if result.is_err() {
                        counter.inc_by(count as u64);
                    }
                });
            if offered.is_err() {
                dropped += count;
            }
        }
        self.metrics.datagrams_dropped.inc_by(dropped as u64);
    }

    fn append_alerts(self: &Arc<Self>, seat: &Seat, run: Run, rank: Rank) {
        if !run.unsealed.is_empty() {
            self.answer(seat.id, &seat.mailbox, &run.unsealed, None);
        }
        if run.entries.is_empty() {
            return;
        }
        let fresh = Waiting::new(run, rank, seat);
        // Whoever comes later waits with those who wait.
        let refused = if self.held.is_empty() {
            self.offer(&fresh).err()
        } else {
            Some(Refused::Busy)
        };
        match refused {
            None => {}
            Some(Refused::Busy) => {
                self.metrics.held.inc();
                for left in self.held.push(fresh) {
                    self.refuse(&left);
                }
            }
            Some(Refused::ForGood) => self.refuse(&fresh),
        }
    }

    /// Puts alerts into the journal's queue, from where they are answered.
    pub(crate) fn offer(self: &Arc<Self>, waiting: &Waiting) -> Result<(), Refused> {
        let hub = Arc::clone(self);
        let (session, mailbox) = (waiting.session, Arc::clone(&waiting.mailbox));
        let keys = Arc::clone(&waiting.keys);
        let reply = move |result: Result<Appended, AppendError>| {
            let first = result.ok().map(|appended| appended.first);
            hub.answer(session, &mailbox, &keys, first);
        };
        let offered = self
            .journal
            .offer_with(LogName::Alerts, waiting.entries.clone(), reply);
        offered.map_err(|error| match error {
            AppendError::Busy { .. } => Refused::Busy,
            error => {
                tracing::warn!(%error, "the journal did not take reports");
                Refused::ForGood
            }
        })
    }

    pub(crate) fn refuse(&self, waiting: &Waiting) {
        self.answer(waiting.session, &waiting.mailbox, &waiting.keys, None);
    }

    /// Tells the connection that appended, and all that wait for the same reports. `first` is where they are in a row,
    /// if they are durable. Runs on the commit thread.
    fn answer(
        &self,
        session: SessionId,
        mailbox: &Mailbox,
        keys: &[ReportKey],
        first: Option<Offset>,
    ) {
        if first.is_none() {
            self.metrics.not_durable.inc_by(keys.len() as u64);
        }
        // Held to the end, so that nobody hears of replicas before the first receipt.
        let mut ledger = self.ledger();
        let answers = ledger.committed(session, keys, first);
        mailbox.put_outcomes(answers.own);
        let mailboxes = self.mailboxes.pin();
        for (session, outcome) in answers.others {
            if let Some(mailbox) = mailboxes.get(&session) {
                mailbox.put_outcomes([outcome]);
            }
        }
    }
}

/// What a shared log that takes nothing means here: receipts go on, so that the relay stays ready.
fn log_problem(health: &Health) -> Option<String> {
    match health {
        Health::Troubled { why } => Some(format!(
            "the shared log takes nothing from here: what is receipted is on this disk and nobody sees it yet: {why}"
        )),
        _ => None,
    }
}

impl Seat {
    pub(crate) fn session(&self) -> Session {
        Session::new(
            Arc::clone(&self.hub.authority),
            self.hub.patience,
            self.hub.now(),
        )
    }

    /// Takes all that a session wants appended, and answers at once what needs no commit.
    pub(crate) fn append(&self, session: &mut Session) {
        let mut fresh = Vec::new();
        let mut answered = Vec::new();
        let mut notices = Vec::new();
        {
            let mut ledger = None;
            while let Some(append) = session.poll_append() {
                let key = append.key;
                // Beside a raise the ledger is asked about positions as well: it may know the alert as closed, which
                // the session does not yet.
                if !append.is_promised() && !append.needs_open && ledger.is_none() {
                    answered.push((key, Fate::Unpromised));
                    fresh.push(append);
                    continue;
                }
                let ledger = ledger.get_or_insert_with(|| self.hub.ledger());
                let standing = ledger.offer(self.id, &append);
                self.count(&append, standing);
                if append.is_promised() {
                    notices.append(&mut ledger.listen(self.id, &key));
                }
                match standing {
                    Standing::Fresh if append.is_promised() => fresh.push(append),
                    Standing::Fresh => {
                        answered.push((key, Fate::Unpromised));
                        fresh.push(append);
                    }
                    Standing::UnderWay => {}
                    Standing::Durable(grade) => answered.push((key, Fate::Durable(grade))),
                    Standing::NoOpenAlert => answered.push((key, Fate::NoOpenAlert)),
                }
            }
        }
        if !fresh.is_empty() {
            self.hub.append(self, fresh);
        }
        let now = self.hub.now();
        for (key, fate) in answered {
            session.handle_committed(now, &[Outcome { key, fate }]);
        }
        for notice in notices {
            if let Some(word) = self.hub.word(notice) {
                session.handle_way_back(now, &word);
            }
        }
    }

    fn count(&self, append: &Append, standing: Standing) {
        if matches!(standing, Standing::UnderWay | Standing::Durable(_)) {
            self.hub.metrics.duplicates.inc();
            if append.is_early {
                self.hub.metrics.early_data_replayed.inc();
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.mailboxes.pin().remove(&self.id);
        self.hub.ledger().forget_session(self.id);
        self.hub.metrics.connections.dec();
    }
}

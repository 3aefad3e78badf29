//! A run: the plan's people press against a service that listens, and the books are kept.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use client::io::{BadEnrolment, Endpoint, EndpointOptions};
use dispatcher::jurisdiction::JurisdictionMap;
use protocol::token::{Claims, Issuer, TokenError};
use protocol::{Enrolment, hex};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::console_client::{ConsoleClient, ConsoleError, Heard};
use super::phone::live;
use crate::books::{Books, Counts, Times};
use crate::judge::right_desks;
use crate::plain_loop::PlainMap;
use crate::plan::Plan;

/// Nobody presses so long before the end, so that everything can drain; in a short run, nobody
/// presses in its second half.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How often it is looked at whether everything has drained.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long phones may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(3);

/// Phones in one run: the books keep each of them.
const MAX_PHONES: u64 = 1_000_000;

/// Seed of an issuer that no site trusts.
pub(super) const FOREIGN_SEED: [u8; 32] = [0xf0; 32];

/// Signs a token.
pub type Sign = Arc<dyn Fn(&Claims) -> Result<Vec<u8>, TokenError> + Send + Sync>;

/// A service that listens, as phones and officers know it.
#[derive(Clone)]
pub struct Site {
    /// The console's URL without a slash at its end.
    pub console: String,
    /// Who the run's own console signs in as: somebody who sees everything.
    pub user: String,
    /// Their password.
    pub password: String,
    /// What phones know of the site, without a token.
    pub enrolment: Enrolment,
    /// Signs their tokens.
    pub sign: Sign,
    /// Their tokens are for practice only.
    pub drill: bool,
    /// The map by which the books judge.
    pub map: Arc<JurisdictionMap>,
}

/// How to run.
pub struct Run {
    /// Who presses, when and where.
    pub plan: Plan,
    /// For how long; without it until it is stopped.
    pub duration: Option<Duration>,
    /// How long a run may go on after its end when something has not drained. What is under way then
    /// is lost.
    pub patience: Duration,
    /// How often it says how it goes.
    pub tell_every: Duration,
    /// A folder that exists, for what phones keep on their disk.
    pub outboxes: PathBuf,
    /// Ends the raising; then everything drains.
    pub stop: CancellationToken,
}

/// What a run came to, or has come to so far.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outcome {
    /// Since the start.
    pub elapsed: Duration,
    /// What the books say.
    pub counts: Counts,
    /// From press to console.
    pub times: Times,
}

/// Why a run could not go on. It says nothing about the books.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No console.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// No socket for phones.
    #[error("no socket can be opened for phones: {0}")]
    Socket(#[source] std::io::Error),
    /// Phones cannot be enrolled.
    #[error(transparent)]
    Enrolment(#[from] BadEnrolment),
    /// Tokens cannot be signed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A task has panicked.
    #[error("a phone's task has ended in a panic: {0}")]
    Panicked(#[from] tokio::task::JoinError),
}

/// What everybody in a run shares.
pub(super) struct World {
    pub(super) site: Site,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) foreign_issuer: Issuer,
    /// Cancelled when nobody is to press any more.
    pub(super) raising: CancellationToken,
    /// Cancelled when the phones are to leave.
    pub(super) ended: CancellationToken,
    outboxes: PathBuf,
    judge: PlainMap,
    books: Mutex<Books>,
    start: Instant,
}

impl World {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the start of the run.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn outbox_of(&self, device: &[u8]) -> PathBuf {
        self.outboxes.join(format!("{}.json", hex::encode(device)))
    }

    /// Judges what phones say, for ever, one place after the other and on a thread where nobody's
    /// alert waits for it: a wide circle may take milliseconds.
    async fn keep_judging(self: Arc<Self>) -> Result<(), RunError> {
        loop {
            // A name of its own: the books are not held while others are waited for.
            let unjudged = self.books().poll_unjudged();
            let Some(unjudged) = unjudged else {
                sleep(LOOK_EVERY).await;
                continue;
            };
            let world = Arc::clone(&self);
            let right = spawn_blocking(move || right_desks(&world.judge, &unjudged.place)).await?;
            self.books().judged(unjudged, right);
        }
    }

    fn hear(&self, heard: Heard, at: Instant) {
        match heard {
            Heard::Card(sighting) => {
                self.books()
                    .shown(sighting.into(), at.saturating_duration_since(self.start));
            }
            Heard::Left(incident) => self.books().left(&incident),
        }
    }

    fn outcome(&self) -> Outcome {
        let elapsed = self.now();
        let books = self.books();
        Outcome {
            elapsed,
            counts: books.counts(),
            times: books.times(),
        }
    }
}

impl Run {
    /// Runs against a service, tells how it goes, and says what it came to.
    ///
    /// # Errors
    /// See [`RunError`]; what the books find is no error here.
    pub async fn against(
        mut self,
        site: Site,
        mut tell: impl FnMut(&Outcome),
    ) -> Result<Outcome, RunError> {
        let mut console = ConsoleClient::sign_in(&site.console, &site.user, &site.password).await?;
        let world = Arc::new(World {
            endpoint: Endpoint::bind(&EndpointOptions::default()).map_err(RunError::Socket)?,
            foreign_issuer: Issuer::from_seed(&FOREIGN_SEED)?,
            raising: self.stop.clone(),
            ended: CancellationToken::new(),
            outboxes: std::mem::take(&mut self.outboxes),
            judge: PlainMap::new(&site.map),
            books: Mutex::default(),
            start: Instant::now(),
            site,
        });
        console
            .read_board(|heard, at| world.hear(heard, at))
            .await?;
        let mut tasks = JoinSet::new();
        let (listener, ended) = (Arc::clone(&world), world.ended.clone());
        tasks.spawn(async move {
            let follow = console.follow(|heard, at| listener.hear(heard, at));
            ended.run_until_cancelled(follow).await;
            Ok(())
        });
        let (judge, ended) = (Arc::clone(&world), world.ended.clone());
        tasks.spawn(async move {
            let judging = ended.run_until_cancelled(judge.keep_judging()).await;
            judging.unwrap_or(Ok(()))
        });
        let done = self.raise_and_drain(&world, &mut tasks, &mut tell).await;
        let outcome = world.outcome();
        world.ended.cancel();
        // A phone that hangs is cut off with the tasks.
        let _ = timeout(FAREWELL, async {
            while tasks.join_next().await.is_some() {}
        })
        .await;
        done.map(|()| outcome)
    }

    /// Open loop: a press waits for its time and for nobody.
    async fn raise_and_drain(
        self,
        world: &Arc<World>,
        tasks: &mut JoinSet<Result<(), RunError>>,
        tell: &mut impl FnMut(&Outcome),
    ) -> Result<(), RunError> {
        let end = self
            .duration
            .map(|duration| (duration - DRAIN.min(duration / 2), duration));
        let mut plan = self.plan;
        let mut next = plan.next();
        let mut phones = 0;
        let first = tokio::time::Instant::now() + self.tell_every;
        let mut ticks = tokio::time::interval_at(first, self.tell_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // From when on everything drains, and from when on it is no longer waited for.
        let mut drains_until = None;
        loop {
            if drains_until.is_none() && self.stop.is_cancelled() {
                drains_until = Some((Duration::ZERO, world.now() + DRAIN + self.patience));
            }
            if drains_until.is_none()
                && end.is_some_and(|(quiet_from, _)| world.now() >= quiet_from)
            {
                self.stop.cancel();
                drains_until = end.map(|(_, end)| (end, end + self.patience));
            }
            if let Some((from, until)) = drains_until {
                let now = world.now();
                let settled = now >= from && world.books().counts().are_settled();
                if settled || now >= until {
                    return Ok(());
                }
            }
            let press_at = next
                .as_ref()
                .filter(|_| drains_until.is_none() && phones < MAX_PHONES);
            let press_at = press_at.map(|press| world.start + press.at);
            let quiet_at = end.map(|(quiet_from, _)| world.start + quiet_from);
            tokio::select! {
                () = pause(press_at), if press_at.is_some() => {
                    if let Some(press) = next.take() {
                        phones += 1;
                        tasks.spawn(live(Arc::clone(world), press.person));
                    }
                    next = plan.next();
                }
                () = pause(quiet_at), if drains_until.is_none() && end.is_some() => {}
                () = self.stop.cancelled(), if drains_until.is_none() => {}
                () = sleep(LOOK_EVERY), if drains_until.is_some() => {}
                _ = ticks.tick() => tell(&world.outcome()),
                Some(ended) = tasks.join_next() => ended??,
            }
        }
    }
}

async fn pause(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until.into()).await,
        None => std::future::pending().await,
    }
}

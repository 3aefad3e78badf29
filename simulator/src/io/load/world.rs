//! What everybody in a load shares.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::token::Issuer;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Load;
use super::networks::Networks;
use crate::io::console_client::Heard;
use crate::io::run::{FOREIGN_SEED, RunError};
use crate::measure::Measures;
use crate::plain_loop::PlainMap;

pub(super) struct World {
    pub(super) site: super::Site,
    pub(super) networks: Networks,
    pub(super) foreign_issuer: Issuer,
    pub(super) judge: PlainMap,
    /// Nobody presses at that time or later.
    pub(super) ends: Duration,
    /// Cancelled when nobody presses any more.
    pub(super) raised: CancellationToken,
    /// Cancelled when everybody is to leave.
    pub(super) ended: CancellationToken,
    pub(super) tasks: TaskTracker,
    measures: Mutex<Measures>,
    failure: Mutex<Option<RunError>>,
    start: Instant,
    connected: AtomicI64,
    away: AtomicI64,
    last_return_us: AtomicU64,
    dropped_before: u64,
}

impl World {
    pub(super) fn new(load: &Load, networks: Networks, start: Instant) -> Result<Self, RunError> {
        let ends = Duration::try_from_secs_f64(load.scenario.seconds);
        Ok(Self {
            dropped_before: networks.packets_dropped(),
            site: load.site.clone(),
            networks,
            foreign_issuer: Issuer::from_seed(&FOREIGN_SEED)?,
            judge: PlainMap::new(&load.site.map),
            ends: ends.unwrap_or(Duration::MAX),
            raised: CancellationToken::new(),
            ended: CancellationToken::new(),
            tasks: TaskTracker::new(),
            measures: Mutex::default(),
            failure: Mutex::default(),
            start,
            connected: AtomicI64::new(0),
            away: AtomicI64::new(0),
            last_return_us: AtomicU64::new(0),
        })
    }

    pub(super) fn measures(&self) -> MutexGuard<'_, Measures> {
        self.measures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_measures(&self) -> Measures {
        std::mem::take(&mut *self.measures())
    }

    /// Since the start; zero before.
    pub(super) fn now(&self) -> Duration {
        self.since_start(Instant::now())
    }

    pub(super) fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.start)
    }

    pub(super) fn at(&self, since_start: Duration) -> Instant {
        self.start + since_start
    }

    pub(super) fn hear(&self, heard: Heard, at: Instant) {
        let at = self.since_start(at);
        match heard {
            Heard::Card(sighting) => self.measures().seen(sighting, at),
            Heard::Left(incident) => self.measures().left(&incident),
        }
    }

    pub(super) fn pass_over(&self, heard: Heard) {
        if let Heard::Card(sighting) = heard {
            self.measures().ignore(sighting.incident);
        }
    }

    /// Runs a task until the load ends. Its error ends the load.
    pub(super) fn keep(
        self: &Arc<Self>,
        task: impl Future<Output = Result<(), RunError>> + Send + 'static,
    ) {
        self.tasks.spawn(self.guarded(task));
    }

    pub(super) fn guarded(
        self: &Arc<Self>,
        task: impl Future<Output = Result<(), RunError>> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let world = Arc::clone(self);
        async move {
            let done = world.ended.run_until_cancelled(task).await;
            if let Some(Err(error)) = done {
                world.fail(error);
            }
        }
    }

    pub(super) fn fail(&self, error: RunError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.is_some()
    }

    pub(super) fn take_failure(&self) -> Result<(), RunError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take().map_or(Ok(()), Err)
    }

    /// A phone has connected, or its connection has ended.
    pub(super) fn count_connected(&self, change: i64) {
        self.connected.fetch_add(change, Ordering::Relaxed);
    }

    pub(super) fn connected(&self) -> u64 {
        u64::try_from(self.connected.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// A phone that tracks was cut off.
    pub(super) fn count_cut_off(&self) {
        self.away.fetch_add(1, Ordering::Relaxed);
    }

    /// A phone that was cut off is connected again.
    pub(super) fn count_return(&self, at: Duration) {
        self.away.fetch_sub(1, Ordering::Relaxed);
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        self.last_return_us.fetch_max(at_us, Ordering::Relaxed);
    }

    pub(super) fn last_return(&self) -> Option<Instant> {
        let at_us = self.last_return_us.load(Ordering::Relaxed);
        (at_us > 0).then(|| self.at(Duration::from_micros(at_us)))
    }

    pub(super) fn still_away(&self) -> u64 {
        u64::try_from(self.away.load(Ordering::Relaxed)).unwrap_or(0)
    }

    pub(super) fn packets_dropped(&self) -> u64 {
        let dropped = self.networks.packets_dropped();
        dropped.saturating_sub(self.dropped_before)
    }
}

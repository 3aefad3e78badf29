//! The clock of a load: lets each press go at its time, whatever the service does.
//!
//! A thread of its own, since a runtime's timers have ticks of a millisecond. A phone is started a
//! moment before its press, as the app of a phone is there before somebody presses: what that costs
//! is no part of the press.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::LoadError;
use super::phone::{App, live};
use super::tickets::Prepared;
use super::world::World;
use crate::plan::{Plan, Press};

/// How long before its press a phone is started.
const LEAD: Duration = Duration::from_millis(250);

/// The pacer sleeps no longer without looking whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The thread that keeps the time.
#[derive(Clone)]
pub(super) struct Pacer {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
}

impl Pacer {
    /// Starts it. Must be called within a tokio runtime.
    pub(super) fn start(
        world: &Arc<World>,
        plan: Plan,
        prepared: Prepared,
    ) -> Result<Self, LoadError> {
        let pacer = Self {
            stop: Arc::default(),
            done: Arc::default(),
        };
        let pace = Pace {
            world: Arc::clone(world),
            runtime: Handle::current(),
            plan,
            prepared,
            waiting: VecDeque::new(),
        };
        let of_thread = pacer.clone();
        thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || {
                pace.run(&of_thread.stop);
                of_thread.done.store(true, Ordering::Relaxed);
            })
            .map_err(LoadError::Thread)?;
        Ok(pacer)
    }

    /// Nobody presses any more.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Everybody has pressed.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// A phone that has been started and is to press.
struct Waiting {
    at: Duration,
    redial_at: Option<Duration>,
    go: oneshot::Sender<()>,
}

struct Pace {
    world: Arc<World>,
    runtime: Handle,
    plan: Plan,
    prepared: Prepared,
    waiting: VecDeque<Waiting>,
}

impl Pace {
    fn run(mut self, stop: &AtomicBool) {
        let mut next = self.plan.next();
        while !stop.load(Ordering::Relaxed) && !self.world.ended.is_cancelled() {
            let now = self.world.now();
            while let Some(press) = next.take_if(|press| press.at <= now + LEAD) {
                self.start_phone(press);
                next = self.plan.next();
            }
            while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.at <= now) {
                self.let_go(waiting);
            }
            let starts_at = next.as_ref().map(|press| press.at.saturating_sub(LEAD));
            let goes_at = self.waiting.front().map(|waiting| waiting.at);
            let Some(at) = starts_at.into_iter().chain(goes_at).min() else {
                return;
            };
            let at = self.world.at(at);
            let pause = at.saturating_duration_since(Instant::now());
            thread::sleep(pause.min(LOOK_EVERY));
        }
    }

    fn start_phone(&mut self, press: Press) {
        let (go, went) = oneshot::channel();
        let app: Option<App> = self.prepared.of(&press);
        let redial_at = press.redial_after().map(|after| press.at + after);
        let redial_at = redial_at.filter(|at| *at < self.world.ends);
        self.waiting.push_back(Waiting {
            at: press.at,
            redial_at,
            go,
        });
        let life = live(Arc::clone(&self.world), press, redial_at, app, went);
        let life = self.world.guarded(life);
        self.world.tasks.spawn_on(life, &self.runtime);
    }

    fn let_go(&self, waiting: Waiting) {
        // A phone that could not be started ends the load by itself.
        let _ = waiting.go.send(());
        let mut measures = self.world.measures();
        measures.offered(waiting.at);
        if let Some(redial_at) = waiting.redial_at {
            measures.offered(redial_at);
        }
    }
}

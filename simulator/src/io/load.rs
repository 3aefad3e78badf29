//! A load: a scenario's people press against a service that listens, and everything is measured.
//!
//! An open loop: a press waits for its time and for nothing else ([`pacer`]). Each phone is the client's
//! own code over QUIC, several sockets for all of them.

mod abuse;
mod host;
mod judging;
mod networks;
mod pacer;
mod phone;
mod shed;
mod tickets;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dispatcher::jurisdiction::build::StationRow;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::console_client::ConsoleClient;
use super::run::{RunError, Site};
use crate::measure::{Measures, Progress, Sample};
use crate::plan::{Nuisances, Plan, PlanError};
use crate::report::Shed;
use crate::scenario::Scenario;
pub use host::{Host, ProcessUse};
pub use networks::ENDPOINTS;
use networks::Networks;
use pacer::Pacer;
use shed::ShedCounters;
use tickets::Prepared;
pub use tickets::{MAX_PREPARED, Tickets};
use world::World;

/// Something that comes late is waited for: a card too many would come after the right one.
const LINGER: Duration = Duration::from_secs(2);

/// How often it is looked at whether everything has arrived.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often a load is sampled, and told of.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// How long phones may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long what is left may be judged after the load, on a core of its own.
const JUDGING: Duration = Duration::from_secs(60);

/// Why a load could not be run. It says nothing about the service's promises.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The scenario has no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Phones or console cannot go on.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The thread that keeps the time cannot be started.
    #[error("the thread that keeps the time of the load cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// What is to be run.
pub struct Load {
    /// Who presses, and how phones behave.
    pub scenario: Scenario,
    /// Where people live.
    pub stations: Vec<StationRow>,
    /// The service.
    pub site: Site,
    /// For how long after the scenario's end phones go on with what has not arrived. What is under way
    /// then is lost.
    pub patience: Duration,
    /// Whose use of the machine is sampled: the service's process, if it is known.
    pub service_pid: Option<u32>,
    /// Ends the raising; then everything drains.
    pub stop: CancellationToken,
}

/// A load whose console is signed in, and whose phones with tickets have been at the relay.
pub struct Ready {
    load: Load,
    console: ConsoleClient,
    networks: Networks,
    prepared: Prepared,
}

/// How a load goes, told once a second.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SoFar {
    /// Since the start.
    pub elapsed: Duration,
    /// What was counted, and how fast it was.
    pub progress: Progress,
    /// Phones that are connected.
    pub connected: u64,
}

/// What was measured.
pub struct Loaded {
    /// Everything about alerts.
    pub measures: Measures,
    /// The whole run, draining included.
    pub elapsed: Duration,
    /// What was shed; empty where the service does not say.
    pub shed: Vec<Shed>,
    /// Phones that had been at the relay before.
    pub tickets: Tickets,
    /// What this process used while people pressed.
    pub generator: ProcessUse,
    /// What the service's process used in the whole run, where it is known.
    pub service: Option<ProcessUse>,
    /// Packets that the kernel dropped because this process did not read them in time.
    pub packets_dropped: u64,
    /// Pieces of traffic that was no emergency.
    pub nuisances: u64,
    /// The most phones that were connected at once.
    pub connected_max: u64,
    /// When the last of those that had been cut off was connected again, if anybody was cut off.
    pub last_return: Option<Instant>,
    /// Phones that were cut off and have not been connected since.
    pub still_away: u64,
}

impl Load {
    /// Signs in, reads the board, and lets the phones with tickets meet the relay.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn prepare(self, mut tell: impl FnMut(u64)) -> Result<Ready, LoadError> {
        let Site {
            console,
            user,
            password,
            ..
        } = &self.site;
        let console = ConsoleClient::sign_in(console, user, password).await;
        let console = console.map_err(RunError::from)?;
        let networks = Networks::of(&self.scenario).map_err(RunError::Socket)?;
        let plan = Plan::of(&self.scenario, &self.stations)?;
        let prepared = Prepared::meet(&self, &networks, plan, &mut tell).await?;
        Ok(Ready {
            load: self,
            console,
            networks,
            prepared,
        })
    }
}

impl Ready {
    /// Runs the scenario from `start` on, and tells how it goes every second.
    ///
    /// # Errors
    /// See [`LoadError`]; what is measured is no error here.
    pub async fn run(
        self,
        start: Instant,
        mut tell: impl FnMut(&SoFar),
    ) -> Result<Loaded, LoadError> {
        let Self {
            load,
            mut console,
            networks,
            prepared,
        } = self;
        let plan = Plan::of(&load.scenario, &load.stations)?;
        let tickets = prepared.tickets();
        let world = Arc::new(World::new(&load, networks, start)?);
        // What stands on the board before anybody presses is none of the load's.
        let before = |heard, _| world.pass_over(heard);
        console.read_board(before).await.map_err(RunError::from)?;
        let listener = Arc::clone(&world);
        world.keep(async move {
            console.follow(|heard, at| listener.hear(heard, at)).await;
            Ok(())
        });
        world.keep(judging::keep_judging(Arc::clone(&world)));
        let nuisances = Nuisances::of(&load.scenario, &load.stations)?;
        let came = Arc::new(AtomicU64::new(0));
        let abusing = abuse::keep_abusing(Arc::clone(&world), nuisances, Arc::clone(&came));
        world.keep(abusing);
        let mut watch = Watch::new(&load, &world);
        let pacer = Pacer::start(&world, plan, prepared)?;
        let generator = watch.until_raised(&pacer, &mut tell).await;
        watch.until_settled(load.patience, &mut tell).await;
        let elapsed = world.now();
        let shed = watch.shed.read().await;
        let left = timeout(JUDGING, judging::all_judged(&world)).await;
        if left.is_err() {
            tracing::warn!("not everything could be judged in {} s", JUDGING.as_secs());
        }
        world.ended.cancel();
        world.tasks.close();
        // A phone that hangs is left alone.
        let _ = timeout(FAREWELL, world.tasks.wait()).await;
        world.take_failure()?;
        Ok(Loaded {
            elapsed,
            shed,
            tickets,
            generator,
            service: watch.service.map(|mut host| host.used()),
            packets_dropped: world.packets_dropped(),
            nuisances: came.load(Ordering::Relaxed),
            connected_max: watch.connected_max,
            last_return: world.last_return(),
            still_away: world.still_away(),
            measures: world.take_measures(),
        })
    }
}

/// Looks at a load once a second.
struct Watch<'a> {
    world: &'a Arc<World>,
    stop: &'a CancellationToken,
    generator: Host,
    /// The service's process, else the generator's own, of which the service is a part.
    sampled: Host,
    service: Option<Host>,
    shed: ShedCounters,
    connected_max: u64,
    told_at: Duration,
}

impl<'a> Watch<'a> {
    fn new(load: &'a Load, world: &'a Arc<World>) -> Self {
        Self {
            world,
            stop: &load.stop,
            generator: Host::of(None),
            sampled: Host::of(load.service_pid),
            service: load.service_pid.map(|pid| Host::of(Some(pid))),
            shed: ShedCounters::of(&load.site.console),
            connected_max: 0,
            told_at: Duration::ZERO,
        }
    }

    /// Until nobody presses any more, and the scenario's time is over; returns what that cost.
    async fn until_raised(&mut self, pacer: &Pacer, tell: &mut impl FnMut(&SoFar)) -> ProcessUse {
        self.shed.look().await;
        let world = self.world;
        loop {
            let is_over = pacer.is_done() && world.now() >= world.ends;
            if is_over || world.has_failed() {
                break;
            }
            if self.stop.is_cancelled() {
                pacer.stop();
                break;
            }
            self.tick(tell).await;
        }
        world.raised.cancel();
        self.generator.used()
    }

    /// Until everything has arrived, whoever was cut off is back, and nothing came after it, or patience
    /// ends.
    async fn until_settled(&mut self, patience: Duration, tell: &mut impl FnMut(&SoFar)) {
        let world = self.world;
        let until = world.now() + patience;
        let mut settled_at = None;
        while world.now() < until && !world.has_failed() {
            let is_settled = world.measures().are_settled() && world.still_away() == 0;
            settled_at = settled_at.filter(|_| is_settled);
            let since = *settled_at.get_or_insert(world.now());
            if is_settled && world.now() >= since + LINGER {
                break;
            }
            self.tick(tell).await;
        }
    }

    async fn tick(&mut self, tell: &mut impl FnMut(&SoFar)) {
        sleep(LOOK_EVERY).await;
        let now = self.world.now();
        if now < self.told_at + SAMPLE_EVERY {
            return;
        }
        let over = now.saturating_sub(SAMPLE_EVERY);
        self.told_at = Duration::from_secs(now.as_secs());
        let connected = self.world.connected();
        self.connected_max = self.connected_max.max(connected);
        let (resident_bytes, cpu_s) = self.sampled.sample();
        let sample = Sample {
            connected,
            resident_bytes,
            cpu_s,
        };
        self.shed.look().await;
        let progress = {
            let mut measures = self.world.measures();
            measures.sampled(over, sample);
            measures.progress()
        };
        tell(&SoFar {
            elapsed: now,
            progress,
            connected,
        });
    }
}

//! The tasks behind a holdover: one that deals out, one that ships into each partition, one that writes
//! down how far they are, and those that look after health and room.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::dealer::Dealer;
use super::health::{self, Standing, Watched};
use super::notebook::Notebook;
use super::shipper::{self, Shipper};
use super::state::State;
use super::upkeep;
use crate::error::StoreError;
use crate::io::embedded::Embedded;
use crate::io::redis::Redis;
use crate::io::writer::Writer;
use crate::offset::{LogName, Offset, PerLog};
use crate::partitions::PartitionCount;
use crate::shipping::{Progress, Shipping};

/// Those tasks; they end with it.
pub(super) struct Crew {
    dealer: Arc<Dealer>,
    /// How each shipper gets on.
    standings: Vec<watch::Receiver<Standing>>,
    notebook: Arc<Notebook>,
    stop: watch::Sender<bool>,
    /// Each shipper has an end of it.
    running: watch::Receiver<()>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Crew {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Crew {
    /// Goes on where the own journal says that the last one was. `shared` is by partition.
    pub(super) fn start(
        own: &Embedded,
        partitions: PartitionCount,
        shared: &[Redis],
        state: &Arc<State>,
    ) -> Result<Self, StoreError> {
        let writer = own.writer();
        let reached = partitions
            .all()
            .map(|one| shipper::reached(writer, one, partitions));
        let reached: Vec<Shipping> = reached.collect::<Result<_, _>>()?;
        let progress = reached.iter().map(Shipping::progress).collect();
        let dealer = Arc::new(Dealer::new(writer, partitions, progress));
        let notebook = Arc::new(Notebook::new(partitions));
        let (running, ended) = watch::channel(());
        let mut crew = Self {
            dealer: Arc::clone(&dealer),
            standings: Vec::new(),
            notebook: Arc::clone(&notebook),
            stop: watch::Sender::new(false),
            running: ended,
            tasks: Vec::new(),
        };
        let running = Arc::new(running);
        for ((partition, shipping), redis) in partitions.all().zip(reached).zip(shared) {
            let shipper = Shipper::new(
                Arc::clone(writer),
                (Arc::clone(&dealer), Arc::clone(&notebook)),
                shipping,
                (partition, redis.delivery()),
                Arc::clone(state),
            );
            crew.standings.push(shipper.standing());
            let (stop, running) = (crew.stop.subscribe(), Arc::clone(&running));
            crew.run(async move {
                shipper.run(stop).await;
                drop(running);
            });
        }
        let begin = dealer.begin();
        crew.run(dealer.run(PerLog {
            alerts: own.tail(LogName::Alerts, begin.alerts).into(),
            tracks: own.tail(LogName::Tracks, begin.tracks).into(),
        }));
        let pages = Arc::clone(writer);
        crew.run(async move { notebook.run(&pages).await });
        crew.look_after(own, shared, state);
        Ok(crew)
    }

    fn look_after(&mut self, own: &Embedded, shared: &[Redis], state: &Arc<State>) {
        let watched = shared.iter().zip(&self.standings);
        let watched = watched.map(|(one, standing)| Watched {
            shared: one.health(),
            standing: standing.clone(),
        });
        let all: Vec<Watched> = watched.collect();
        for one in all.clone() {
            self.run(health::watch(
                own.health(),
                one,
                all.clone(),
                Arc::clone(state),
            ));
        }
        let (writer, state) = (Arc::clone(own.writer()), Arc::clone(state));
        self.run(upkeep::run(writer, state, self.progress()));
    }

    fn run(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(task).abort_handle());
    }

    /// How far the whole is.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.dealer.progress()
    }

    /// How far each partition is with the alerts, and the whole; see [`Dealer::shipped_alerts`].
    pub(super) fn shipped_alerts(&self) -> (Vec<Offset>, Progress) {
        self.dealer.shipped_alerts()
    }

    /// Since when the replicas confirm nothing in one of the partitions.
    pub(super) fn unconfirmed_since(&self) -> Option<Instant> {
        let standings = self.standings.iter();
        standings
            .filter_map(|standing| standing.borrow().unconfirmed_since)
            .min()
    }

    /// Ends those who ship, and writes down how far they are.
    pub(super) async fn stop_shipping(&self, own: &Writer) {
        self.stop.send_replace(true);
        // Returns when the last of them has dropped its end.
        let _ = self.running.clone().changed().await;
        self.notebook.write(own).await;
    }
}

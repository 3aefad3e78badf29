//! The loop that accepts: whoever comes is asked for a proof of address, waits, is taken or sent away.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use protocol::Millis;
use quinn::{Endpoint, Incoming};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use super::hub::Hub;
use super::problems::Problem;
use super::relay::RetryPolicy;
use crate::limits::{OVERLOAD_ENDS_AFTER, STARTING_MAX, WAITING_ATTEMPTS_MAX};
use crate::waiting_room::WaitingRoom;

/// Counts a handshake as under way as long as it lives.
#[derive(Debug)]
pub(crate) struct Handshaking(Arc<AtomicUsize>);

impl Handshaking {
    fn begin(under_way: &Arc<AtomicUsize>) -> Self {
        under_way.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(under_way))
    }
}

impl Drop for Handshaking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Connections that wait for their first turn.
#[derive(Debug, Default)]
struct Starts {
    waiting: AtomicUsize,
    one_has_begun: Notify,
}

/// A connection waits for its first turn as long as this lives.
#[derive(Debug)]
pub(crate) struct Starting(Arc<Starts>);

impl Starting {
    fn wait(starts: &Arc<Starts>) -> Self {
        starts.waiting.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(starts))
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        // Whoever accepts waits for this only when all hands are full.
        if self.0.waiting.fetch_sub(1, Ordering::Relaxed) == STARTING_MAX {
            self.0.one_has_begun.notify_one();
        }
    }
}

/// Accepts until cancelled.
pub(crate) struct Acceptor {
    endpoint: Endpoint,
    hub: Arc<Hub>,
    retry: RetryPolicy,
    /// Those of connections.
    tasks: TaskTracker,
    under_way: Arc<AtomicUsize>,
    starts: Arc<Starts>,
    room: WaitingRoom<Incoming>,
    /// When somebody was sent away for the last time, while that is a problem.
    overloaded_at: Option<Millis>,
}

/// Refuses whoever comes until the endpoint is closed.
pub(crate) async fn refuse_all(endpoint: &Endpoint, hub: &Hub) {
    while let Some(incoming) = endpoint.accept().await {
        hub.metrics.refused_connections.inc();
        incoming.refuse();
    }
}

impl Acceptor {
    pub(crate) fn new(
        endpoint: Endpoint,
        hub: Arc<Hub>,
        retry: RetryPolicy,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            room: WaitingRoom::new(hub.patience.waiting),
            endpoint,
            hub,
            retry,
            tasks,
            under_way: Arc::default(),
            starts: Arc::default(),
            overloaded_at: None,
        }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // Whoever still waits then is refused when the room is dropped.
        stop.run_until_cancelled(self.accept()).await;
    }

    async fn accept(&mut self) {
        let starts = Arc::clone(&self.starts);
        loop {
            let deadline = self.next_deadline();
            let incoming = tokio::select! {
                biased;
                incoming = self.endpoint.accept() => Some(incoming),
                () = ready(()), if self.can_take() => None,
                () = starts.one_has_begun.notified(), if !self.room.is_empty() => None,
                () = until(&self.hub, deadline) => None,
            };
            match incoming {
                Some(Some(incoming)) => self.handle_all_that_came(incoming).await,
                Some(None) => return,
                None => {}
            }
            self.turn_away();
            self.take();
            // Others have their turn, the endpoint among them, which reads the socket.
            yield_now().await;
        }
    }

    /// All are heard before anybody is taken: the newest is among the last.
    async fn handle_all_that_came(&mut self, first: Incoming) {
        self.handle_incoming(first);
        for _ in 0..WAITING_ATTEMPTS_MAX {
            let next = tokio::select! {
                biased;
                next = self.endpoint.accept() => next,
                () = ready(()) => None,
            };
            match next {
                Some(incoming) => self.handle_incoming(incoming),
                None => return,
            }
        }
    }

    fn handle_incoming(&mut self, incoming: Incoming) {
        if self.hub.is_stopping() {
            self.hub.metrics.refused_connections.inc();
            return incoming.refuse();
        }
        if self.wants_proof(&incoming) {
            self.hub.metrics.retries.inc();
            // Only an attempt that has proved its address cannot be asked again, and that was looked at.
            let _ = incoming.retry();
            return;
        }
        self.room.handle_came(self.hub.now().tick, incoming);
    }

    fn wants_proof(&self, incoming: &Incoming) -> bool {
        let asks = match self.retry {
            RetryPolicy::Always => true,
            RetryPolicy::AboveHandshakes(most) => self.under_way.load(Ordering::Relaxed) > most,
        };
        asks && !incoming.remote_address_validated() && incoming.may_retry()
    }

    fn can_take(&self) -> bool {
        !self.room.is_empty() && self.starts.waiting.load(Ordering::Relaxed) < STARTING_MAX
    }

    /// Takes as many as there are hands: the next turn comes when all tasks have had theirs.
    fn take(&mut self) {
        while self.can_take() {
            if let Some(incoming) = self.room.poll_next() {
                self.begin(incoming);
            }
        }
    }

    /// quinn computes the relay's part of the handshake meanwhile.
    fn begin(&self, incoming: Incoming) {
        let handshaking = Handshaking::begin(&self.under_way);
        let connecting = match incoming.accept() {
            Ok(connecting) => connecting,
            Err(error) => {
                self.hub.metrics.refused_connections.inc();
                tracing::debug!(%error, "a connection attempt failed");
                return;
            }
        };
        // On the server's side this always succeeds.
        if let Ok((connection, accepted)) = connecting.into_0rtt() {
            let (seat, starting) = (self.hub.seat(), Starting::wait(&self.starts));
            let connection = async move {
                drop(starting);
                connection::run(seat, connection, accepted, handshaking).await;
            };
            self.tasks.spawn(connection);
        }
    }

    fn turn_away(&mut self) {
        let now = self.hub.now().tick;
        while let Some(incoming) = self.room.poll_turned_away(now) {
            self.hub.metrics.turned_away.inc();
            incoming.refuse();
            self.overloaded_at = Some(now);
            let words = "more phones come than can be answered, and some are sent to other relays";
            if self
                .hub
                .problems
                .begin(Problem::Overloaded, words.to_owned())
            {
                tracing::error!("{words}");
            }
        }
        let is_over = |at: Millis| now.0 >= at.0.saturating_add(OVERLOAD_ENDS_AFTER.0);
        if self.overloaded_at.take_if(|at| is_over(*at)).is_some()
            && self.hub.problems.end(Problem::Overloaded)
        {
            tracing::info!("all phones that come are answered again");
        }
    }

    fn next_deadline(&self) -> Option<Millis> {
        let calm = self.overloaded_at;
        let calm = calm.map(|at| Millis(at.0.saturating_add(OVERLOAD_ENDS_AFTER.0)));
        [self.room.next_deadline(), calm]
            .into_iter()
            .flatten()
            .min()
    }
}

async fn until(hub: &Hub, deadline: Option<Millis>) {
    match deadline {
        Some(deadline) => sleep_until(hub.instant(deadline)).await,
        None => std::future::pending().await,
    }
}

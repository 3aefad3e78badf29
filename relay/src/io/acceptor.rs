//! The loop that accepts: whoever comes is taken, after a proof of address when too many are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::{Endpoint, Incoming};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use super::hub::Hub;
use super::relay::RetryPolicy;

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

/// Accepts until cancelled.
pub(crate) struct Acceptor {
    endpoint: Endpoint,
    hub: Arc<Hub>,
    retry: RetryPolicy,
    /// Those of connections.
    tasks: TaskTracker,
    under_way: Arc<AtomicUsize>,
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
            endpoint,
            hub,
            retry,
            tasks,
            under_way: Arc::default(),
        }
    }

    pub(crate) async fn run(self, stop: CancellationToken) {
        let accepting = async {
            while let Some(incoming) = self.endpoint.accept().await {
                self.handle_incoming(incoming);
            }
        };
        stop.run_until_cancelled(accepting).await;
    }

    fn handle_incoming(&self, incoming: Incoming) {
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
        self.begin(incoming);
    }

    fn wants_proof(&self, incoming: &Incoming) -> bool {
        let asks = match self.retry {
            RetryPolicy::Always => true,
            RetryPolicy::AboveHandshakes(most) => self.under_way.load(Ordering::Relaxed) > most,
        };
        asks && !incoming.remote_address_validated() && incoming.may_retry()
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
            let seat = self.hub.seat();
            let connection = connection::run(seat, connection, accepted, handshaking);
            self.tasks.spawn(connection);
        }
    }
}

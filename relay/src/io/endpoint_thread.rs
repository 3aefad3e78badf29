//! The endpoint has a thread of its own: it reads the socket and takes connections, whatever the tasks of those
//! connections have to do. As one task among thousands it would get its turn when they all had theirs, and meanwhile
//! the kernel would drop packets: the more there is to do, the more would be sent again.

use std::future::Future;
use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio::runtime::{Builder, Handle};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// For how long the socket is read after the relay has ended: the last packets of a farewell.
const FAREWELL: Duration = Duration::from_secs(3);

/// A thread with a runtime for one endpoint. It ends with the runtime that started it, or some seconds after this has
/// been dropped.
#[derive(Debug)]
pub(crate) struct EndpointThread {
    handle: Handle,
    dropped: CancellationToken,
}

impl EndpointThread {
    /// Must be called within a tokio runtime.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (dropped, ended) = (CancellationToken::new(), CancellationToken::new());
        let end = ended.clone();
        std::thread::Builder::new()
            .name("relay-endpoint".to_owned())
            .spawn(move || runtime.block_on(end.cancelled()))?;
        let (is_dropped, guard) = (dropped.clone(), ended.drop_guard());
        // The guard goes with this task, also when its runtime ends before.
        tokio::spawn(async move {
            let _guard = guard;
            is_dropped.cancelled().await;
            sleep(FAREWELL).await;
        });
        Ok(Self { handle, dropped })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// For [`quinn::Endpoint::new`]: the endpoint here, its connections in the runtime that calls.
    pub(crate) fn split(&self) -> Arc<dyn Runtime> {
        Arc::new(Split {
            endpoint: self.handle.clone(),
            connections: Handle::current(),
            has_endpoint: AtomicBool::new(false),
        })
    }
}

impl Drop for EndpointThread {
    fn drop(&mut self) {
        self.dropped.cancel();
    }
}

#[derive(Debug)]
struct Split {
    endpoint: Handle,
    connections: Handle,
    has_endpoint: AtomicBool,
}

impl Runtime for Split {
    /// Timers are those of connections.
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        let _context = self.connections.enter();
        TokioRuntime.new_timer(at)
    }

    /// The endpoint is the first to be spawned; all others are its connections.
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let is_endpoint = !self.has_endpoint.swap(true, Ordering::Relaxed);
        let runtime = if is_endpoint {
            &self.endpoint
        } else {
            &self.connections
        };
        drop(runtime.spawn(future));
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let _context = self.endpoint.enter();
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}

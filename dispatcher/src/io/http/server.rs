//! Building and running the door.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum_server::Handle as Listening;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::admit::Admit;
use super::areas::Areas;
use super::door::{Door, Parts};
use super::reload::MapReloader;
use super::routes;
use super::tls::{TlsError, TlsFiles, server_config};
use crate::io::Engine;
use crate::io::metrics::Registry;
use crate::io::users::Users;

/// After the word to stop, how long open requests may still take. Streams end at once; a command
/// waits for one commit.
pub const SHUTDOWN_WITHIN: Duration = Duration::from_secs(5);

/// A connection on which no request's head comes for so long is held for nothing. Longer than
/// browsers wait between two requests of a page in use.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// How often an HTTP/2 connection is asked whether somebody is there, and for how long.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// Streams of one HTTP/2 connection: a browser's tabs and their requests.
const MAX_HTTP2_STREAMS: u32 = 64;

/// How the door is set up.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Where to listen; port 0 is any.
    pub listen: SocketAddr,
    /// Without them the door speaks plain HTTP, on loopback alone.
    pub tls: Option<TlsFiles>,
    /// The name of this build, shown to operators and officers.
    pub build: String,
}

/// Why there is no door.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Officers' passwords and people's places would travel in clear.
    #[error(
        "the console would speak plain HTTP on {address}, which is not loopback: configure a \
         certificate and a key, or listen on 127.0.0.1 or [::1]"
    )]
    PlainOffLoopback {
        /// Where it would have listened.
        address: SocketAddr,
    },
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken, or not of this machine.
    #[error("the console cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A task of the start was broken off.
    #[error("the map could not be written for the console: {0}")]
    Areas(#[from] JoinError),
}

/// The console's door, built and not yet open.
pub struct Server {
    app: Router,
    door: Arc<Door>,
    tls: Option<RustlsConfig>,
    listen: SocketAddr,
}

/// An open door. Ends with the token that it was built with.
#[derive(Debug)]
pub struct ServerHandle {
    local_addr: SocketAddr,
    scheme: &'static str,
    reloader: MapReloader,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Builds the door and opens it where the configuration says.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn start(
        config: HttpConfig,
        engine: Engine,
        users: Users,
        registry: Arc<Mutex<Registry>>,
        shutdown: CancellationToken,
    ) -> Result<ServerHandle, HttpError> {
        Self::build(config, engine, users, registry, shutdown)
            .await?
            .listen()
    }

    /// Builds the door: reads certificate and key, writes the map, registers what is counted.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn build(
        config: HttpConfig,
        engine: Engine,
        users: Users,
        registry: Arc<Mutex<Registry>>,
        shutdown: CancellationToken,
    ) -> Result<Self, HttpError> {
        let tls = config.tls.as_ref().map(server_config).transpose()?;
        let tls = tls.map(RustlsConfig::from_config);
        refuse_plain_off_loopback(tls.is_some(), config.listen)?;
        let map = engine.read(|dispatch| Arc::clone(dispatch.map()));
        let areas = tokio::task::spawn_blocking(move || Areas::write(&map)).await?;
        let (routes, document) = routes::documented();
        let door = Arc::new(Door::new(Parts {
            engine,
            users: Arc::new(users),
            registry,
            areas,
            document,
            build: config.build,
            secure: tls.is_some(),
            shutdown,
        }));
        let app = routes::finish(routes, &door);
        Ok(Self {
            app,
            door,
            tls,
            listen: config.listen,
        })
    }

    /// Opens the door where the configuration says.
    ///
    /// # Errors
    /// [`HttpError::Listen`].
    pub fn listen(self) -> Result<ServerHandle, HttpError> {
        let address = self.listen;
        let listener =
            TcpListener::bind(address).map_err(|source| HttpError::Listen { address, source })?;
        self.serve(listener)
    }

    /// Opens the door on a listener that is there already.
    ///
    /// # Errors
    /// [`HttpError::PlainOffLoopback`] and [`HttpError::Listen`].
    pub fn serve(self, listener: TcpListener) -> Result<ServerHandle, HttpError> {
        let failed = |source| HttpError::Listen {
            address: self.listen,
            source,
        };
        let local_addr = listener.local_addr().map_err(failed)?;
        refuse_plain_off_loopback(self.tls.is_some(), local_addr)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listening = Listening::new();
        let mut server = axum_server::from_tcp(listener)
            .map_err(failed)?
            .handle(listening.clone());
        let builder = server.http_builder();
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_HTTP2_STREAMS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PONG_WITHIN);
        let refused = self.door.metrics.connections_refused.clone();
        let app = self.app.into_make_service_with_connect_info::<SocketAddr>();
        let reloader = MapReloader::new(Arc::clone(&self.door));
        let shutdown = self.door.shutdown.clone();
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let task = tokio::spawn(async move {
            let stop = async {
                shutdown.cancelled().await;
                listening.graceful_shutdown(Some(SHUTDOWN_WITHIN));
                std::future::pending().await
            };
            let serve = async {
                match self.tls {
                    Some(tls) => {
                        let acceptor = RustlsAcceptor::new(tls);
                        server
                            .map(|plain| Admit::new(acceptor.acceptor(plain), refused))
                            .serve(app)
                            .await
                    }
                    None => {
                        server
                            .map(|plain| Admit::new(plain, refused))
                            .serve(app)
                            .await
                    }
                }
            };
            tokio::select! {
                served = serve => served,
                never = stop => never,
            }
        });
        tracing::info!(%local_addr, scheme, "the console is open");
        Ok(ServerHandle {
            local_addr,
            scheme,
            reloader,
            task,
        })
    }
}

impl ServerHandle {
    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The address of the page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}/", self.scheme, self.local_addr)
    }

    /// Reads the map anew when it is asked to.
    #[must_use]
    pub fn reloader(&self) -> &MapReloader {
        &self.reloader
    }

    /// Waits until the door is closed: at most [`SHUTDOWN_WITHIN`] after its token was cancelled.
    ///
    /// # Errors
    /// When it closed for another reason.
    pub async fn closed(self) -> io::Result<()> {
        self.task.await.map_err(io::Error::other)?
    }
}

fn refuse_plain_off_loopback(is_tls: bool, address: SocketAddr) -> Result<(), HttpError> {
    if is_tls || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(HttpError::PlainOffLoopback { address })
}

/// An officer whose desk the map does not know sees nothing: better said at the start.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback() {
        for (address, allowed) in [
            ("127.0.0.1:0", true),
            ("127.9.9.9:1", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:0", true),
            ("0.0.0.0:0", false),
            ("[::]:0", false),
            ("192.0.2.1:443", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(
                refuse_plain_off_loopback(false, address).is_ok(),
                allowed,
                "{address}"
            );
            assert!(refuse_plain_off_loopback(true, address).is_ok());
        }
    }
}

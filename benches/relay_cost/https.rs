//! What one would write without QUIC: an HTTPS endpoint that answers when the alert is in the journal.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum_server::tls_rustls::RustlsConfig;
use bytes::Bytes;
use journal::{Journal, LogName, Options};

use crate::phones::Identity;

pub(crate) struct HttpsServer {
    address: SocketAddr,
    journal: Journal,
}

impl HttpsServer {
    pub(crate) fn start(folder: &Path) -> Self {
        let tls = Identity::read(folder).server(b"http/1.1");
        let journal =
            Journal::open_embedded(folder.join("https.redb"), Options::default()).unwrap();
        let app = Router::new()
            .route("/alerts", post(alert))
            .route("/positions", post(position))
            .with_state(journal.clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let tls = RustlsConfig::from_config(Arc::new(tls));
        let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
        tokio::spawn(server.serve(app.into_make_service()));
        Self { address, journal }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn positions(&self) -> u64 {
        self.journal.end(LogName::Tracks).0
    }

    pub(crate) async fn stop(self) {
        self.journal.close().await;
    }
}

async fn alert(State(journal): State<Journal>, body: Bytes) -> StatusCode {
    match journal.append(LogName::Alerts, vec![body]).await {
        Ok(_) => StatusCode::CREATED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn position(State(journal): State<Journal>, body: Bytes) -> StatusCode {
    match journal.offer(LogName::Tracks, vec![body]) {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

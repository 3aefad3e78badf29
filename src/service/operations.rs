//! The door for operators of a relay that runs without a dispatcher: is it alive, is it ready, what has it counted.
//! Beside a dispatcher the console's door answers for both.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::registry::Registry;
use relay::RelayHandle;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::build_name;

#[derive(Clone)]
struct Asked {
    relay: Weak<RelayHandle>,
    registry: Arc<Mutex<Registry>>,
}

/// An open door.
pub(super) struct Door {
    local_addr: SocketAddr,
    task: JoinHandle<std::io::Result<()>>,
}

impl Door {
    pub(super) async fn open(
        at: SocketAddr,
        relay: &Arc<RelayHandle>,
        registry: &Arc<Mutex<Registry>>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at)
            .await
            .with_context(|| format!("operators cannot be listened to at {at} (TCP)"))?;
        let local_addr = listener.local_addr()?;
        let asked = Asked {
            relay: Arc::downgrade(relay),
            registry: Arc::clone(registry),
        };
        let app = Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(asked);
        let serving = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        Ok(Self {
            local_addr,
            task: tokio::spawn(serving.into_future()),
        })
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// After the word to stop.
    pub(super) async fn closed(self) {
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the operators' door did not close in good order");
        }
    }
}

async fn healthz() -> Json<serde_json::Value> {
    Json(json!({ "alive": true, "build": build_name() }))
}

async fn readyz(State(asked): State<Asked>) -> (StatusCode, Json<serde_json::Value>) {
    let (ready, problems) = match asked.relay.upgrade() {
        Some(relay) => (relay.is_ready(), relay.problems()),
        None => (false, vec!["the relay has ended".to_owned()]),
    };
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let answer = json!({ "ready": ready, "problems": problems });
    (status, Json(answer))
}

async fn metrics(State(asked): State<Asked>) -> Response {
    let mut text = String::new();
    let registry = asked
        .registry
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let encoded = prometheus_client::encoding::text::encode(&mut text, &registry);
    drop(registry);
    if encoded.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

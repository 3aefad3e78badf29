//! What machines ask: is it alive, is it ready, what has it counted, what is there.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use crate::dispatch::Dispatch;
use crate::io::assets::page_hash;

/// The service answers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Alive {
    alive: bool,
    /// The build of the service.
    build: String,
    /// A hash over the officers' page; absent when the build has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'static str>,
    /// The newest format of the log that this release knows.
    format_known: u32,
    /// The format that the log is in, as far as it has been read.
    format_in_force: u32,
}

/// Whether consoles may rely on the service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ready {
    ready: bool,
    /// What is wrong, in words.
    problems: Vec<String>,
    /// What has to be looked at and keeps nobody from their work.
    warnings: Vec<String>,
}

/// Whether the service answers at all.
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Alive)))]
pub(super) async fn healthz(State(door): State<Arc<Door>>) -> Json<Alive> {
    let format = door.engine.read(Dispatch::format);
    Json(Alive {
        alive: true,
        build: door.build.clone(),
        page: page_hash(),
        format_known: format.known().0,
        format_in_force: format.in_force().0,
    })
}

/// Whether the board is as new as the log and decisions become durable.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = 200, body = Ready), (status = 503, body = Ready),
))]
pub(super) async fn readyz(State(door): State<Arc<Door>>) -> (StatusCode, Json<Ready>) {
    let state = door.engine.state();
    let status = if state.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Ready {
            ready: state.ready,
            problems: state.problems,
            warnings: state.warnings,
        }),
    )
}

/// Everything that is counted, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, content_type = "application/openmetrics-text", body = String),
    (status = 500, body = Problem),
))]
pub(super) async fn metrics(State(door): State<Arc<Door>>) -> Result<Response, ApiError> {
    let mut text = String::new();
    {
        let registry = door.registry.lock().unwrap_or_else(PoisonError::into_inner);
        prometheus_client::encoding::text::encode(&mut text, &registry)
            .map_err(|_| ApiError::internal())?;
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation", responses(
    (status = 200, content_type = "application/json"),
))]
pub(super) async fn openapi(State(door): State<Arc<Door>>) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        door.document.clone(),
    )
        .into_response()
}

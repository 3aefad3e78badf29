//! What happens to every request and answer.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::door::Door;
use super::error::ApiError;

/// What the page may do: nothing but load itself and talk to where it came from.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; \
    base-uri 'none'; form-action 'self'";

/// On every answer.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// The route of what no route matches, in metrics and traces.
const UNMATCHED: &str = "page";

/// Counts and traces a request by the template of its route: an address may tell who looks at what.
pub(super) async fn observe(
    State(door): State<Arc<Door>>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.run(request).await;
    let route = matched.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
    let status = response.status();
    door.metrics.request(route, status.as_u16());
    let took_us = started.elapsed().as_micros();
    if status.is_server_error() {
        tracing::warn!(%method, route, status = status.as_u16(), took_us, "answered");
    } else {
        tracing::debug!(%method, route, status = status.as_u16(), took_us, "answered");
    }
    response
}

/// Says how browsers are to treat an answer.
pub(super) async fn harden(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if door.secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if is_api && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// The answer to a request whose handler panicked. The panic's words stay inside.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> axum::http::Response<axum::body::Body> {
    tracing::error!("a handler panicked");
    ApiError::internal().into_response()
}

//! Where relays offer what the log does not take. Outside the officers' session: what an offer is worth, its entries
//! prove themselves, or nothing does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use protocol::side_door::{MAX_BYTES, PATH, decode_offer};

use super::door::Door;
use super::error::{ApiError, Problem};

/// What offers and answers are (RFC 2046, section 4.5.1).
const KIND: &str = "application/octet-stream";

/// A relay on a slow line sends an offer within this time.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// Show reports that a relay has receipted and the log does not have. For relays: the entries are sealed under the
/// site's day keys, and what does not open is refused.
#[utoipa::path(post, path = PATH, tag = "relays",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
    (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn side_door(
    State(door): State<Arc<Door>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, ApiError> {
    let (from, now) = (from.ip(), door.engine.now());
    let allowed = door.throttle().may_offer(from, now);
    allowed.map_err(|wait| ApiError::too_many_offers(wait.0.div_ceil(1_000)))?;
    let _turn = door.offers.try_acquire().map_err(|_| ApiError::busy())?;
    let worthless = |error: ApiError| {
        door.throttle().handle_worthless_offer(from, now);
        error
    };
    let body = axum::body::to_bytes(request.into_body(), MAX_BYTES);
    let body = tokio::time::timeout(BODY_WITHIN, body).await;
    let body = body.ok().and_then(Result::ok).ok_or_else(|| {
        let words = format!("the offer did not come, or is longer than {MAX_BYTES} bytes");
        worthless(ApiError::bad_input(words))
    })?;
    let entries =
        decode_offer(body).map_err(|error| worthless(ApiError::bad_input(error.to_string())))?;
    let answer = door.engine.offered(&entries);
    if answer.refused > 0 {
        tracing::warn!(%from, refused = answer.refused, "entries that do not open here were offered");
    }
    let was_of_use = answer.taken + answer.known + answer.left_out > 0;
    if !was_of_use && !entries.is_empty() {
        door.throttle().handle_worthless_offer(from, now);
    }
    Ok(([(header::CONTENT_TYPE, KIND)], answer.encode()).into_response())
}

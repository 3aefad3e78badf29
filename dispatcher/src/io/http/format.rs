//! The format of the log, raised by whoever has seen to it that all dispatchers know it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::FormatVersion;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{Body, SignedIn};
use crate::io::engine::FormatError;

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// The format that is to be in force.
    to: u32,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Raised {
    /// The format in force.
    format: u32,
    /// The format that was in force before; the same when nothing has changed.
    was: u32,
}

/// Raise the format of the log, once every dispatcher knows it. For supervisors of the national desk.
#[utoipa::path(post, path = "/api/format/raise", tag = "operation", request_body = Wish, responses(
    (status = 200, body = Raised), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem, description = "this release does not know it, or a newer one is in force"),
    (status = 422, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn raise(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
    Body(wish): Body<Wish>,
) -> Result<Json<Raised>, ApiError> {
    let officer = &session.officer;
    if !officer.may_change_site() {
        return Err(ApiError::may_not_raise());
    }
    let was = door.engine.raise_format(FormatVersion(wish.to)).await?;
    tracing::info!(officer = %officer.id, format = wish.to, was = was.0, "the format of the log was asked for");
    Ok(Json(Raised {
        format: wish.to,
        was: was.0,
    }))
}

impl From<FormatError> for ApiError {
    fn from(error: FormatError) -> Self {
        let words = error.to_string();
        tracing::error!(why = words, "the format of the log was not raised");
        match error {
            FormatError::Refused(_) => Self::format_not_raised(words),
            FormatError::CatchingUp | FormatError::Log(_) => Self::format_not_recorded(words),
        }
    }
}

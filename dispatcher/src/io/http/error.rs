//! What a request is told when it is not served.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::dispatch::Refused;
use crate::io::CommandError;

/// After how many seconds a board that was behind is asked again.
const RETRY_AFTER_S: u64 = 2;

/// The body of every answer that is no success.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// For programs.
    error: &'static str,
    /// What happened, where, what to do.
    message: String,
}

/// Why a request is not served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    retry_after_s: Option<u64>,
}

impl Problem {
    pub(super) fn new(error: &'static str, message: String) -> Self {
        Self { error, message }
    }
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            retry_after_s: None,
        }
    }

    pub(super) fn not_signed_in() -> Self {
        let words = "nobody is signed in here, or the session has ended; sign in";
        Self::new(StatusCode::UNAUTHORIZED, "not_signed_in", words)
    }

    pub(super) fn wrong_credentials() -> Self {
        let words = "user and password do not belong together; look at both and try again";
        Self::new(StatusCode::UNAUTHORIZED, "wrong_credentials", words)
    }

    pub(super) fn too_many_attempts(wait_s: u64) -> Self {
        let words = format!("too many attempts to sign in; try again in {wait_s} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", words).retry_after(wait_s)
    }

    pub(super) fn too_many_offers(wait_s: u64) -> Self {
        let words = format!(
            "nothing of what was offered from there could be used; try again in {wait_s} s"
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_offers", words).retry_after(wait_s)
    }

    /// Of incidents: absent and forbidden look the same.
    pub(super) fn not_found() -> Self {
        let words = "there is no such incident at your desk; look at the board again";
        Self::new(StatusCode::NOT_FOUND, "not_found", words)
    }

    pub(super) fn no_such_address() -> Self {
        let words = "there is nothing at this address; /openapi.json says what there is";
        Self::new(StatusCode::NOT_FOUND, "not_found", words)
    }

    pub(super) fn wrong_method() -> Self {
        let words = "this address is not used with this method; /openapi.json says how it is";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", words)
    }

    pub(super) fn bad_input(words: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_input", words)
    }

    pub(super) fn cross_site() -> Self {
        let words = "the request came from another site's page; use the console's own";
        Self::new(StatusCode::FORBIDDEN, "cross_site", words)
    }

    pub(super) fn busy() -> Self {
        let words = "more is asked than can be answered at once; try again in a moment";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", words).retry_after(1)
    }

    /// The board is not what an officer may rely on from the first look.
    pub(super) fn not_caught_up(problems: &[String]) -> Self {
        let why = problems.join("; ");
        let words = format!(
            "the board is not shown to anybody new, as it is not as new as the log: {why}; \
             use another dispatcher, or try again"
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_caught_up", words)
            .retry_after(RETRY_AFTER_S)
    }

    pub(super) fn may_not_reload() -> Self {
        let words = "a map is put in force by supervisors of the national desk; ask one of them";
        Self::new(StatusCode::FORBIDDEN, "may_not_reload", words)
    }

    pub(super) fn map_unusable(words: String) -> Self {
        Self::new(StatusCode::CONFLICT, "map_unusable", words)
    }

    pub(super) fn may_not_raise() -> Self {
        let words =
            "the format of the log is raised by supervisors of the national desk; ask one of them";
        Self::new(StatusCode::FORBIDDEN, "may_not_raise", words)
    }

    pub(super) fn format_not_raised(words: String) -> Self {
        Self::new(StatusCode::CONFLICT, "format_not_raised", words)
    }

    pub(super) fn format_not_recorded(words: String) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "format_not_recorded",
            words,
        )
        .retry_after(RETRY_AFTER_S)
    }

    pub(super) fn internal() -> Self {
        let words = "the service made a mistake with this request; it is logged, try again";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", words)
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        let words = error.to_string();
        match error {
            CommandError::Refused(Refused::NotFound) => Self::not_found(),
            CommandError::Refused(Refused::MayNotDecide) => {
                Self::new(StatusCode::FORBIDDEN, "may_not_decide", words)
            }
            CommandError::Refused(Refused::Busy) => Self::busy(),
            CommandError::Refused(Refused::Unlogged) => {
                Self::new(StatusCode::CONFLICT, "unlogged", words)
            }
            CommandError::NotReady => Self::new(StatusCode::CONFLICT, "not_ready", words),
            CommandError::NotDurable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_durable", words)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem::new(self.code, self.message);
        let mut response = (self.status, Json(problem)).into_response();
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

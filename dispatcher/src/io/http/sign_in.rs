//! Signing in and out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{Body, COOKIE, SignedIn};
use crate::desk::Officer;
use crate::io::sessions::{LIFETIME, SECRET_BYTES};

/// Bytes of a user's name that are looked at: 100 characters, as the users' file has them.
const MAX_USER_BYTES: usize = 400;

/// How long an attempt waits for its turn; a second costs less than a memory full of passwords.
const TURN_WITHIN: Duration = Duration::from_secs(5);

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// The name in the users' file.
    user: String,
    /// In clear; the door is TLS, or loopback.
    #[schema(format = Password)]
    password: String,
}

/// An officer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OfficerAnswer {
    /// The name under which they sign in.
    user: String,
    /// What others read.
    name: String,
    /// `officer`, `supervisor` or `viewer`.
    role: &'static str,
    /// Where they sit.
    desk: DeskAnswer,
}

/// A desk.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeskAnswer {
    /// `station:…`, `province:…` or `national`.
    id: String,
    /// `station`, `province` or `national`.
    kind: &'static str,
    /// What an officer reads.
    name: String,
}

impl OfficerAnswer {
    fn of(officer: &Officer, door: &Door) -> Self {
        let desk = &officer.desk;
        Self {
            user: officer.id.to_string(),
            name: officer.name.clone(),
            role: officer.role.as_str(),
            desk: DeskAnswer {
                id: desk.id().to_string(),
                kind: desk.kind(),
                name: door.engine.read(|dispatch| desk.name(dispatch.map())),
            },
        }
    }
}

/// Sign in.
#[utoipa::path(post, path = "/api/sign-in", tag = "session", request_body = Credentials, responses(
    (status = 200, body = OfficerAnswer), (status = 401, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn sign_in(
    State(door): State<Arc<Door>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Body(credentials): Body<Credentials>,
) -> Result<Response, ApiError> {
    if let Err(error) = door.take_console().await {
        door.metrics.sign_in("not_caught_up");
        return Err(error);
    }
    let Credentials { user, password } = credentials;
    if user.len() > MAX_USER_BYTES {
        door.metrics.sign_in("wrong");
        return Err(ApiError::wrong_credentials());
    }
    let attempt = door
        .throttle()
        .handle_attempt(&user, from.ip(), door.engine.now());
    if let Err(wait) = attempt {
        door.metrics.sign_in("too_many");
        tracing::warn!(from = %from.ip(), "too many attempts to sign in");
        return Err(ApiError::too_many_attempts(wait.0.div_ceil(1_000)));
    }
    let Some(officer) = verify(&door, user, password).await? else {
        door.metrics.sign_in("wrong");
        // Without the name: people type passwords into that field.
        tracing::warn!(from = %from.ip(), "sign-in with wrong user or password");
        return Err(ApiError::wrong_credentials());
    };
    let now = door.engine.now();
    door.throttle()
        .handle_success(officer.id.as_str(), from.ip(), now);
    door.metrics.sign_in("right");
    tracing::info!(officer = %officer.id, desk = %officer.desk.id(), from = %from.ip(), "signed in");
    if let Err(error) = door.engine.record_sign_in(officer.id.clone()).await {
        tracing::error!(officer = %officer.id, %error, "a sign-in could not be recorded");
    }
    let answer = OfficerAnswer::of(&officer, &door);
    let mut secret = [0; SECRET_BYTES];
    rand::rng().fill_bytes(&mut secret);
    let value = door.sessions.open(officer, secret, now);
    let mut response = Json(answer).into_response();
    set_cookie(
        &mut response,
        &value,
        LIFETIME.to_duration().as_secs(),
        door.secure,
    )?;
    Ok(response)
}

async fn verify(
    door: &Arc<Door>,
    user: String,
    password: String,
) -> Result<Option<Officer>, ApiError> {
    let turn = tokio::time::timeout(TURN_WITHIN, door.verifications.acquire());
    let Ok(Ok(_turn)) = turn.await else {
        door.metrics.sign_in("busy");
        return Err(ApiError::busy());
    };
    let users = Arc::clone(&door.users);
    tokio::task::spawn_blocking(move || users.verify(&user, &password))
        .await
        .map_err(|_| ApiError::internal())
}

/// Sign out: the session and its streams end.
#[utoipa::path(post, path = "/api/sign-out", tag = "session", responses(
    (status = 204), (status = 401, body = Problem),
))]
pub(super) async fn sign_out(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
) -> Result<Response, ApiError> {
    door.sessions.close(&session);
    tracing::info!(officer = %session.officer.id, "signed out");
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, "", 0, door.secure)?;
    Ok(response)
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/session", tag = "session", responses(
    (status = 200, body = OfficerAnswer), (status = 401, body = Problem),
))]
pub(super) async fn session(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
) -> Json<OfficerAnswer> {
    Json(OfficerAnswer::of(&session.officer, &door))
}

fn set_cookie(
    response: &mut Response,
    value: &str,
    max_age_s: u64,
    secure: bool,
) -> Result<(), ApiError> {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}");
    let cookie = HeaderValue::try_from(cookie).map_err(|_| ApiError::internal())?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(())
}

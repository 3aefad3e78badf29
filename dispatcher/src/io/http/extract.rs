//! What endpoints take from a request. Whoever answers about the board goes through [`SignedIn`],
//! whoever answers about one incident through [`InSight`]: no endpoint can forget who sees what.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use protocol::IncidentId;
use serde::de::DeserializeOwned;

use super::door::Door;
use super::error::ApiError;
use crate::io::sessions::Session;

/// The name of the session's cookie.
pub(super) const COOKIE: &str = "ansim_session";

/// Bytes of a request's body: 500 characters of six escaped bytes each, twice, and what is around.
pub(super) const MAX_BODY_BYTES: usize = 8 * 1024;

/// A body of 8 KiB that takes longer comes from nobody who is in a hurry.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// An officer who is signed in; anybody else is told to sign in.
pub(super) struct SignedIn(pub(super) Session);

impl FromRequestParts<Arc<Door>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, ApiError> {
        let now = door.engine.now();
        cookies(&parts.headers)
            .find_map(|cookie| door.sessions.find(cookie, now))
            .map(Self)
            .ok_or_else(ApiError::not_signed_in)
    }
}

/// The values of our cookie: a browser may send several of one name.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}

/// An officer, and the incident in the path, which they see. An incident of another desk, one that
/// is not there and an id that is none look the same.
pub(super) struct InSight {
    pub(super) session: Session,
    pub(super) incident: IncidentId,
}

impl FromRequestParts<Arc<Door>> for InSight {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, door: &Arc<Door>) -> Result<Self, ApiError> {
        let SignedIn(session) = SignedIn::from_request_parts(parts, door).await?;
        let Path(id) = Path::<String>::from_request_parts(parts, door)
            .await
            .map_err(|_| ApiError::not_found())?;
        let incident: IncidentId = id.parse().map_err(|_| ApiError::not_found())?;
        let desk = &session.officer.desk;
        let sees = door
            .engine
            .read(|dispatch| dispatch.visible(desk, &incident).is_some());
        if !sees {
            return Err(ApiError::not_found());
        }
        Ok(Self { session, incident })
    }
}

/// A bounded JSON body; anything else is said in words.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Door>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Door>) -> Result<Self, ApiError> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return Err(ApiError::bad_input(
                "send JSON, with content-type: application/json",
            ));
        }
        let read = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES);
        let bytes = tokio::time::timeout(BODY_WITHIN, read)
            .await
            .map_err(|_| ApiError::bad_input("the body did not come; send it again"))?
            .map_err(|_| {
                let words = format!("the body is cut off or longer than {MAX_BODY_BYTES} bytes");
                ApiError::bad_input(words)
            })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| ApiError::bad_input(format!("the body is not what is taken: {error}")))
    }
}

/// The query of a request, or what is wrong with it.
pub(super) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_input(error.body_text()))?;
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "a=1; ansim_session=one;b=2".parse().unwrap(),
        );
        headers.append(
            header::COOKIE,
            "ansim_session=two; ansim_sessions=three".parse().unwrap(),
        );
        assert_eq!(cookies(&headers).collect::<Vec<_>>(), ["one", "two"]);
    }
}

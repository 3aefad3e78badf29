//! The officers' page, for every address that is no endpoint.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::areas::is_known;
use super::door::Door;
use super::error::ApiError;
use super::extract::SignedIn;
use crate::io::assets::{Asset, find};

/// What stands in the page's place when this binary was built without one.
const NO_PAGE: &str = "This binary was built without the officers' page.\n\
    Build it with `cargo xtask demo`, or with `npm ci --ignore-scripts && npm run build` in \
    console/ (Node 20.19 or later) and `cargo build` after it.\n\
    The HTTP API is here; /openapi.json describes it.\n";

/// A file of the page, or that there is none.
pub(super) async fn page(
    State(door): State<Arc<Door>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path();
    if path.starts_with("/api/") {
        SignedIn::from_request_parts(&mut parts, &door).await?;
        return Err(ApiError::no_such_address());
    }
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(ApiError::wrong_method());
    }
    let name = path.trim_start_matches('/');
    let name = if name.is_empty() { "index.html" } else { name };
    let Some(asset) = find(name) else {
        if name != "index.html" {
            return Err(ApiError::no_such_address());
        }
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((StatusCode::SERVICE_UNAVAILABLE, kind, NO_PAGE).into_response());
    };
    let known = is_known(&parts.headers, &asset.etag);
    serve(asset, known)
}

fn serve(asset: Asset, known: bool) -> Result<Response, ApiError> {
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let bytes = match asset.bytes {
            std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => bytes.into(),
        };
        ([(header::CONTENT_TYPE, asset.content_type)], bytes).into_response()
    };
    let etag = HeaderValue::try_from(asset.etag).map_err(|_| ApiError::internal())?;
    let kept = if asset.immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    response.headers_mut().insert(header::ETAG, etag);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(response)
}

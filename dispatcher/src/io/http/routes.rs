//! All addresses, and the document that describes them.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::CsrfLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::door::Door;
use super::error::ApiError;
use super::{
    areas, board, commands, events, format, history, layers, locate, ops, page, reload, side_door,
    sign_in,
};

#[derive(OpenApi)]
#[openapi(info(
    title = "Ansim console",
    description = "What an officers' console asks. A session is the cookie `ansim_session`; \
        whoever has none is told 401. Incidents of other desks look like incidents that do not exist.",
))]
struct Document;

/// The routes, and what they say about themselves as JSON: nobody adds one without the other.
pub(super) fn documented() -> (Router<Arc<Door>>, String) {
    let (router, document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(sign_in::session))
        .routes(routes!(board::board))
        .routes(routes!(events::events))
        .routes(routes!(areas::map))
        .routes(routes!(areas::basemap))
        .routes(routes!(locate::locate))
        .routes(routes!(reload::reload))
        .routes(routes!(history::history))
        .routes(routes!(commands::acknowledge))
        .routes(routes!(commands::message))
        .routes(routes!(commands::note))
        .routes(routes!(commands::close))
        .routes(routes!(commands::delivered))
        .routes(routes!(side_door::side_door))
        .routes(routes!(format::raise))
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
        .routes(routes!(ops::openapi))
        .split_for_parts();
    let document = document.to_json().unwrap_or_else(|_| "{}".to_owned());
    (router, document)
}

/// Puts around the routes what happens to every request.
pub(super) fn finish(routes: Router<Arc<Door>>, door: &Arc<Door>) -> Router {
    routes
        .method_not_allowed_fallback(async || ApiError::wrong_method())
        .fallback(page::page)
        .layer(CsrfLayer::new().with_rejection_response(|_| {
            axum::response::IntoResponse::into_response(ApiError::cross_site())
        }))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn_with_state(Arc::clone(door), layers::harden))
        .layer(from_fn_with_state(Arc::clone(door), layers::observe))
        .with_state(Arc::clone(door))
}

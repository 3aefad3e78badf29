//! Whose place is it? Asked by officers; a place is in the body and never in an address.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::{ConfidencePercent, LatLon, RadiusMetres};
use serde::Deserialize;
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{Body, SignedIn};
use crate::jurisdiction::Answer;

/// A place, and how sure it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// WGS84 degrees, north positive.
    lat: f64,
    /// WGS84 degrees, east positive.
    lon: f64,
    /// Radius in metres of the circle that the phone is in.
    #[serde(default)]
    radius_m: Option<f64>,
    /// With what confidence in percent it is in there, above 0 and below 100; only with a radius.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Who answers for a place, by the map in force, and why. Nothing is kept of the question.
#[utoipa::path(post, path = "/api/locate", tag = "map", request_body = Place, responses(
    (status = 200, body = Answer), (status = 401, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn locate(
    State(door): State<Arc<Door>>,
    SignedIn(_session): SignedIn,
    Body(place): Body<Place>,
) -> Result<Json<Answer>, ApiError> {
    let at = LatLon::new(place.lat, place.lon)
        .map_err(|why| ApiError::bad_input(format!("`lat` and `lon` are no place: {why}")))?;
    let radius = place.radius_m.map(|metres| {
        RadiusMetres::new(metres)
            .map_err(|_| ApiError::bad_input("`radius_m` is no radius: metres, zero or more"))
    });
    let confidence = place.confidence.map(|percent| {
        ConfidencePercent::new(percent)
            .filter(|_| place.radius_m.is_some())
            .ok_or_else(|| {
                let words =
                    "`confidence` is none: percent, above 0 and below 100, with a `radius_m`";
                ApiError::bad_input(words)
            })
    });
    let index = door.engine.index();
    let assignment = index.locate(at, radius.transpose()?, confidence.transpose()?);
    Ok(Json(Answer::new(&assignment, index.map())))
}

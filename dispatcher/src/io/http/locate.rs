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
use crate::jurisdiction::{Answer, Shape};

/// Where a phone is, and how sure that is: a place with or without a radius or an ellipse, or a polygon.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// WGS84 degrees, north positive; of the middle.
    #[serde(default)]
    lat: Option<f64>,
    /// WGS84 degrees, east positive; of the middle.
    #[serde(default)]
    lon: Option<f64>,
    /// Radius in metres of the circle that the phone is in.
    #[serde(default)]
    radius_m: Option<f64>,
    /// The ellipse that the phone is in.
    #[serde(default)]
    ellipse: Option<EllipseAxes>,
    /// Corners of the polygon that the phone is in; instead of a middle.
    #[serde(default)]
    polygon: Option<Vec<Corner>>,
    /// With what confidence in percent it is in there, above 0 and below 100; not with a place alone.
    #[serde(default)]
    confidence: Option<f64>,
}

/// The form of an ellipse.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EllipseAxes {
    /// Half axis in metres.
    semi_major_m: f64,
    /// The other half axis in metres.
    semi_minor_m: f64,
    /// Direction of the first, in degrees clockwise from the north.
    orientation_deg: f64,
}

/// A corner of a polygon.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Corner {
    /// WGS84 degrees, north positive.
    lat: f64,
    /// WGS84 degrees, east positive.
    lon: f64,
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
    let shape = place.shape()?;
    let confidence = place.confidence.map(|percent| {
        ConfidencePercent::new(percent)
            .filter(|_| !matches!(shape, Shape::Point(_)))
            .ok_or_else(|| {
                let words = "`confidence` is none: percent, above 0 and below 100, with a \
                             `radius_m`, an `ellipse` or a `polygon`";
                ApiError::bad_input(words)
            })
    });
    let index = door.engine.index();
    let assignment = index.locate_shape(&shape, confidence.transpose()?);
    Ok(Json(Answer::new(&assignment, index.map())))
}

impl Place {
    fn shape(&self) -> Result<Shape, ApiError> {
        match (self.lat, self.lon, &self.polygon) {
            (Some(lat), Some(lon), None) => self.around(place(lat, lon)?),
            (None, None, Some(corners)) if self.radius_m.is_none() && self.ellipse.is_none() => {
                let corners: Result<Vec<_>, _> =
                    corners.iter().map(|at| place(at.lat, at.lon)).collect();
                Shape::polygon(corners?)
                    .map_err(|why| ApiError::bad_input(format!("`polygon`: {why}")))
            }
            _ => Err(ApiError::bad_input(
                "give `lat` and `lon`, or a `polygon` and neither `radius_m` nor `ellipse`",
            )),
        }
    }

    fn around(&self, middle: LatLon) -> Result<Shape, ApiError> {
        match (self.radius_m, &self.ellipse) {
            (None, None) => Ok(Shape::Point(middle)),
            (Some(metres), None) => {
                let radius = metres_of("radius_m", metres)?;
                Ok(Shape::Circle { middle, radius })
            }
            (None, Some(axes)) => {
                let major = metres_of("semi_major_m", axes.semi_major_m)?;
                let minor = metres_of("semi_minor_m", axes.semi_minor_m)?;
                Shape::ellipse(middle, major, minor, axes.orientation_deg)
                    .map_err(|why| ApiError::bad_input(format!("`ellipse`: {why}")))
            }
            (Some(_), Some(_)) => Err(ApiError::bad_input(
                "give a `radius_m` or an `ellipse`, and not both",
            )),
        }
    }
}

fn place(lat: f64, lon: f64) -> Result<LatLon, ApiError> {
    LatLon::new(lat, lon)
        .map_err(|why| ApiError::bad_input(format!("`lat` and `lon` are no place: {why}")))
}

fn metres_of(name: &str, metres: f64) -> Result<RadiusMetres, ApiError> {
    RadiusMetres::new(metres)
        .map_err(|_| ApiError::bad_input(format!("`{name}` is no length: metres, zero or more")))
}

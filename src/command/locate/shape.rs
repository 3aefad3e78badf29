//! Places and shapes as the command line writes them.

use dispatcher::jurisdiction::Shape;
use protocol::{LatLon, RadiusMetres};

use crate::command::WrongUsage;

pub(super) fn place(lat: f64, lon: f64) -> Result<LatLon, WrongUsage> {
    LatLon::new(lat, lon).map_err(|why| WrongUsage(format!("{lat} {lon} is no place: {why}")))
}

pub(super) fn radius(option: &str, metres: f64) -> Result<RadiusMetres, WrongUsage> {
    RadiusMetres::new(metres)
        .map_err(|_| WrongUsage(format!("{option} {metres}: metres, zero or more")))
}

/// Both half axes and the direction of the first, with commas between.
pub(super) fn ellipse(middle: LatLon, text: &str) -> Result<Shape, WrongUsage> {
    let refuse = |why: &str| WrongUsage(format!("--ellipse {text}: {why}"));
    let [major_m, minor_m, orientation_deg] = numbers(text).ok_or_else(|| {
        refuse("three numbers: both half axes in metres and the direction in degrees")
    })?;
    let (major, minor) = (radius("--ellipse", major_m)?, radius("--ellipse", minor_m)?);
    Shape::ellipse(middle, major, minor, orientation_deg).map_err(|why| refuse(&why.to_string()))
}

/// Corners with blanks between, each latitude, comma, longitude.
pub(super) fn polygon(text: &str) -> Result<Shape, WrongUsage> {
    let corner = |corner: &str| {
        let [lat, lon] = numbers(corner)
            .ok_or_else(|| WrongUsage(format!("--polygon: `{corner}` is not LAT,LON")))?;
        place(lat, lon)
    };
    let corners: Result<Vec<_>, _> = text.split_whitespace().map(corner).collect();
    Shape::polygon(corners?).map_err(|why| WrongUsage(format!("--polygon: {why}")))
}

fn numbers<const COUNT: usize>(text: &str) -> Option<[f64; COUNT]> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    numbers.ok()?.try_into().ok()
}

//! How much of the place where a phone may be lies in each area?

mod disc;
mod outline;
mod plane;
mod polygon;
mod scale;
mod shape;
mod shares;

pub(super) use scale::Certainty;
pub use shape::{Ellipse, MAX_SHAPE_CORNERS, Shape, ShapeError};
pub(super) use shares::{Region, Share, Shares};

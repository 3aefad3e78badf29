//! Where a phone may be: the shapes in which fixes come (RFC 5491, section 5.2).

use std::fmt;

use protocol::{LatLon, RadiusMetres};

/// Corners of a polygon in which a phone may be. Location servers send up to 16 (RFC 5491, section
/// 5.2.3); more than this is a map and not a fix, and one that crosses itself all over takes long.
pub const MAX_SHAPE_CORNERS: usize = 100;

/// Corners of the smallest polygon.
const MIN_SHAPE_CORNERS: usize = 3;

/// Where a phone may be, without its altitude.
#[derive(Clone, PartialEq)]
pub enum Shape {
    /// A place whose uncertainty is not known.
    Point(LatLon),
    /// All places within a radius of the middle.
    Circle {
        /// Its middle.
        middle: LatLon,
        /// In metres along the surface.
        radius: RadiusMetres,
    },
    /// All places within an ellipse.
    Ellipse(Ellipse),
    /// All places in a polygon; see [`Shape::polygon`].
    Polygon(ShapePolygon),
}

/// An ellipse on the ground.
#[derive(Clone, Copy, PartialEq)]
pub struct Ellipse {
    middle: LatLon,
    semi_major: RadiusMetres,
    semi_minor: RadiusMetres,
    orientation_deg: f64,
}

/// The corners of a polygon, checked.
#[derive(Clone, PartialEq)]
pub struct ShapePolygon(Vec<LatLon>);

/// A shape that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShapeError {
    /// Not 3 to [`MAX_SHAPE_CORNERS`] different corners.
    #[error("a polygon of {0} different corners: give 3 to {MAX_SHAPE_CORNERS}")]
    Corners(usize),
    /// An angle that is none.
    #[error("the orientation is not a finite number of degrees, clockwise from the north")]
    Orientation,
}

impl Shape {
    /// An ellipse by its half axes in metres, the longer one in the direction of `orientation_deg`,
    /// clockwise from the north (RFC 5491, section 5.2.4). Axes in the wrong order are exchanged.
    ///
    /// # Errors
    /// When the orientation is not finite.
    pub fn ellipse(
        middle: LatLon,
        semi_major: RadiusMetres,
        semi_minor: RadiusMetres,
        orientation_deg: f64,
    ) -> Result<Self, ShapeError> {
        const RIGHT_ANGLE_DEG: f64 = 90.0;
        if !orientation_deg.is_finite() {
            return Err(ShapeError::Orientation);
        }
        let is_exchanged = semi_minor > semi_major;
        let (semi_major, semi_minor, turn_deg) = if is_exchanged {
            (semi_minor, semi_major, RIGHT_ANGLE_DEG)
        } else {
            (semi_major, semi_minor, 0.0)
        };
        Ok(Self::Ellipse(Ellipse {
            middle,
            semi_major,
            semi_minor,
            orientation_deg: orientation_deg + turn_deg,
        }))
    }

    /// A polygon by its corners in either direction, the first one repeated at the end or not; its lines
    /// are straight on the ground.
    ///
    /// # Errors
    /// When it has too few or too many different corners.
    pub fn polygon(mut corners: Vec<LatLon>) -> Result<Self, ShapeError> {
        corners.dedup();
        if corners.first() == corners.last() {
            corners.pop();
        }
        match corners.len() {
            MIN_SHAPE_CORNERS..=MAX_SHAPE_CORNERS => Ok(Self::Polygon(ShapePolygon(corners))),
            count => Err(ShapeError::Corners(count)),
        }
    }
}

impl Shape {
    /// The middle; of a polygon one of its corners.
    pub(in super::super) fn middle(&self) -> LatLon {
        match self {
            Self::Point(at) | Self::Circle { middle: at, .. } => *at,
            Self::Ellipse(ellipse) => ellipse.middle,
            Self::Polygon(polygon) => polygon.first(),
        }
    }
}

impl Ellipse {
    pub(super) fn middle(&self) -> LatLon {
        self.middle
    }

    pub(super) fn axes_m(&self) -> (f64, f64) {
        (self.semi_major.metres(), self.semi_minor.metres())
    }

    pub(super) fn orientation_deg(&self) -> f64 {
        self.orientation_deg
    }
}

impl ShapePolygon {
    pub(super) fn first(&self) -> LatLon {
        self.0[0]
    }

    pub(super) fn corners(&self) -> &[LatLon] {
        &self.0
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Point(_) => "Point(…)",
            Self::Circle { .. } => "Circle(…)",
            Self::Ellipse(_) => "Ellipse(…)",
            Self::Polygon(_) => "Polygon(…)",
        })
    }
}

impl fmt::Debug for Ellipse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ellipse(…)")
    }
}

impl fmt::Debug for ShapePolygon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShapePolygon(…)")
    }
}

//! The rings of a polygon on the authalic sphere, in stretches that are far from a disc, within it, or
//! have to be looked into.

use geo::{Coord, LineString, Polygon};

use super::super::earth::deviation_m;
use super::disc;
use super::plane::{AUTHALIC_RADIUS_M, Flat, Unit, View, chord, dot, unit};

/// Lines in a stretch, and stretches in the next larger one.
const FAN: usize = 16;

/// A line that is straight in longitude and latitude is followed until it is known to this part of
/// the disc's radius: the error of a share is then below the border's length in the disc, in radii,
/// times this.
const TOLERANCE: f64 = 1e-6;
/// Halvings of a line; the deviation falls by four with each: enough for a line around the whole
/// Earth in a disc of ten metres.
const MAX_HALVINGS: u32 = 24;
/// A plane bends lines more than the sphere does, by less than this factor up to a quarter of the
/// Earth away.
const BENT_BY_PLANE: f64 = 3.0;

/// A ball on the sphere that holds a stretch of lines, with all that lies between their corners.
#[derive(Clone, Copy)]
struct Ball {
    middle: Unit,
    radius: f64,
    /// The most that one of its lines deviates from a straight one, as a part of the Earth's radius.
    deviation: f64,
}

impl Ball {
    fn around(corners: &[Unit], deviation: f64) -> Self {
        let first_and_last = [corners.first(), corners.last()];
        let mut lower = [f64::INFINITY; 3];
        let mut upper = [f64::NEG_INFINITY; 3];
        for corner in corners.iter().chain(first_and_last.into_iter().flatten()) {
            for axis in 0..3 {
                lower[axis] = lower[axis].min(corner[axis]);
                upper[axis] = upper[axis].max(corner[axis]);
            }
        }
        let middle: Unit = std::array::from_fn(|axis| f64::midpoint(lower[axis], upper[axis]));
        let reach = |corner: &Unit| chord(middle, *corner);
        let radius = corners.iter().map(reach).fold(0.0, f64::max);
        Self {
            middle,
            radius: radius + deviation,
            deviation,
        }
    }
}

/// A closed ring.
struct Ring {
    corners: Box<[Unit]>,
    /// Of [`FAN`] lines each, of [`FAN`] of these, and so on up to one or none.
    levels: Box<[Box<[Ball]>]>,
}

impl Ring {
    fn new(ring: &LineString<f64>) -> Self {
        let corners: Box<[Unit]> = ring.0.iter().map(|corner| unit(*corner)).collect();
        let lines = corners.len().saturating_sub(1);
        let mut levels = Vec::new();
        let mut width = FAN;
        loop {
            let balls = (0..lines).step_by(width).map(|first| {
                let last = lines.min(first + width);
                let pairs = ring.0[first..=last].windows(2);
                let bends = pairs.map(|pair| deviation_m(pair[0], pair[1]));
                let deviation = bends.fold(0.0, f64::max) / AUTHALIC_RADIUS_M;
                Ball::around(&corners[first..=last], deviation)
            });
            let balls: Box<[Ball]> = balls.collect();
            let done = balls.len() <= 1;
            levels.push(balls);
            if done {
                break;
            }
            width *= FAN;
        }
        Self {
            corners,
            levels: levels.into(),
        }
    }

    /// Surface of the part of the disc in the ring, of which the whole disc has [`disc::DISC`].
    fn within(&self, ring: &LineString<f64>, view: &View) -> f64 {
        let look = Look {
            ring: self,
            degrees: &ring.0,
            view,
        };
        let top = self.levels.len() - 1;
        let stretches = 0..self.levels[top].len();
        stretches
            .map(|stretch| look.stretch(top, stretch))
            .sum::<f64>()
            .abs()
    }
}

/// One ring in one view.
struct Look<'a> {
    ring: &'a Ring,
    degrees: &'a [Coord<f64>],
    view: &'a View,
}

impl Look<'_> {
    fn corner(&self, number: usize) -> Flat {
        self.view.show(self.ring.corners[number])
    }

    /// Signed surface of the disc between its middle and a stretch.
    fn stretch(&self, level: usize, number: usize) -> f64 {
        let ball = &self.ring.levels[level][number];
        let width = FAN.pow(level as u32 + 1);
        let first = number * width;
        let last = (first + width).min(self.ring.corners.len() - 1);
        let distance = chord(ball.middle, self.view.middle);
        if distance - ball.radius > self.view.outer {
            return disc::beside_arc(self.corner(first), self.corner(last));
        }
        if level > 0 {
            let below = self.ring.levels[level - 1].len();
            let children = number * FAN..below.min((number + 1) * FAN);
            return children.map(|child| self.stretch(level - 1, child)).sum();
        }
        let is_straight = ball.deviation * BENT_BY_PLANE <= TOLERANCE * self.view.inner;
        let is_within = distance + ball.radius < self.view.inner;
        let mut from = self.corner(first);
        let mut surface = 0.0;
        for number in first..last {
            let to = self.corner(number + 1);
            surface += match (is_straight, is_within) {
                (true, true) => disc::cross(from, to) / 2.0,
                (true, false) => disc::beside_line(from, to),
                (false, _) => {
                    let line = (self.degrees[number], self.degrees[number + 1]);
                    self.line(line, (from, to), MAX_HALVINGS)
                }
            };
            from = to;
        }
        surface
    }

    /// The same for one line that is not straight enough in this view.
    fn line(&self, degrees: (Coord<f64>, Coord<f64>), ends: (Flat, Flat), halvings: u32) -> f64 {
        let deviation_m = deviation_m(degrees.0, degrees.1) * BENT_BY_PLANE;
        let deviation = deviation_m / (AUTHALIC_RADIUS_M * self.view.inner);
        if deviation <= TOLERANCE || halvings == 0 {
            return disc::beside_line(ends.0, ends.1);
        }
        let clear = 1.0 + deviation;
        if disc::distance_2(ends.0, ends.1) > clear * clear {
            return disc::beside_arc(ends.0, ends.1);
        }
        let middle = Coord {
            x: f64::midpoint(degrees.0.x, degrees.1.x),
            y: f64::midpoint(degrees.0.y, degrees.1.y),
        };
        let through = self.view.show(unit(middle));
        self.line((degrees.0, middle), (ends.0, through), halvings - 1)
            + self.line((middle, degrees.1), (through, ends.1), halvings - 1)
    }
}

/// The rings of a polygon: the exterior, then the holes.
pub(super) struct Outline {
    rings: Box<[Ring]>,
    /// On the authalic sphere, whose radius is 1.
    surface: f64,
}

impl Outline {
    pub(super) fn new(polygon: &Polygon<f64>) -> Self {
        let mut outline = Self {
            rings: rings(polygon).map(Ring::new).collect(),
            surface: 0.0,
        };
        outline.surface = outline.own_surface(polygon);
        outline
    }

    /// Surface of the part of the view's unit disc in the polygon, which must be the one that this
    /// was made from.
    pub(super) fn within(&self, polygon: &Polygon<f64>, view: &View, disc_on_sphere: f64) -> f64 {
        if !self.touches(view) {
            return 0.0;
        }
        let (middle, radius) = self.ball();
        if chord(middle, view.middle) + radius < view.inner {
            return disc::DISC * self.surface / disc_on_sphere;
        }
        self.rings_within(polygon, view)
    }

    /// Whether it may have a part in what a view calls near.
    pub(super) fn touches(&self, view: &View) -> bool {
        let (middle, radius) = self.ball();
        chord(middle, view.middle) - radius <= view.outer
    }

    /// The corners of each ring, with those of the polygon that this was made from.
    pub(super) fn rings<'a>(
        &'a self,
        polygon: &'a Polygon<f64>,
    ) -> impl Iterator<Item = (&'a [Unit], &'a LineString<f64>)> {
        let corners = self.rings.iter().map(|ring| ring.corners.as_ref());
        corners.zip(rings(polygon))
    }

    /// A ball that holds the polygon's lines, on the sphere whose radius is 1: its middle and radius.
    pub(super) fn ball(&self) -> (Unit, f64) {
        let top = self
            .rings
            .first()
            .and_then(|ring| ring.levels.last()?.first());
        top.map_or(([0.0; 3], 0.0), |ball| (ball.middle, ball.radius))
    }

    fn rings_within(&self, polygon: &Polygon<f64>, view: &View) -> f64 {
        let mut surfaces = self
            .rings
            .iter()
            .zip(rings(polygon))
            .map(|(ring, content)| ring.within(content, view));
        let exterior = surfaces.next().unwrap_or_default();
        (exterior - surfaces.sum::<f64>()).max(0.0)
    }

    /// In a view around itself.
    fn own_surface(&self, polygon: &Polygon<f64>) -> f64 {
        let (middle, radius) = self.ball();
        if radius == 0.0 || dot(middle, middle) == 0.0 {
            return 0.0;
        }
        let view = View::around(middle, radius);
        self.rings_within(polygon, &view) * view.inner * view.inner
    }
}

fn rings(polygon: &Polygon<f64>) -> impl Iterator<Item = &LineString<f64>> {
    std::iter::once(polygon.exterior()).chain(polygon.interiors())
}

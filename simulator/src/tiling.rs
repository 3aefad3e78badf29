//! Tilings: maps that are made up from a seed, without gap or overlap.
//!
//! All of them are unions of cells of a lattice with bent, shaken or straight sides. Neighbours have
//! exactly the same corners on their common border, or, where a side is straight, one of them leaves
//! some out (a T junction); straight sides have coordinates of few binary digits, so that a corner
//! which is left out lies exactly on the line. Nothing crosses.

mod lattice;
mod trace;

use dispatcher::jurisdiction::{Area, Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts};
use geo::{Coord, LineString, Polygon};
use protocol::{JurisdictionId, LatLon};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt as _, SeedableRng as _};

use lattice::Lattice;

/// What the cells of a lattice are joined to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Areas {
    /// Each cell is an area.
    EachCell,
    /// So many areas that grow from random cells, some of them from several: islands, enclaves and
    /// areas that touch themselves come out.
    Grown(u32),
}

/// What a side of a cell is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sides {
    /// Level or upright; corners between sides that go on straight are left out at random.
    Straight,
    /// As straight, in a lattice whose level lines rise to the east, by a quarter.
    Slanted,
    /// Straight between corners that are shaken out of the lattice.
    Shaken,
    /// A wave of so many lines. It repeats for every side of one direction and phase.
    Bent {
        /// Lines of one side.
        lines: u32,
    },
}

/// What a tiling is made from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TilingPlan {
    /// What reports call it.
    pub name: &'static str,
    /// Cells from west to east.
    pub columns: u32,
    /// Cells from south to north.
    pub rows: u32,
    /// What the cells are joined to.
    pub areas: Areas,
    /// What a side of a cell is.
    pub sides: Sides,
    /// Where the south-western corner is: whole degrees, so that the lattice is exact.
    pub south_west: (i16, i16),
    /// Cells to a degree; a power of two, for the same reason.
    pub cells_per_deg: u32,
}

impl TilingPlan {
    /// A nation's official map: 250 areas with 336,000 corners, not counting that a ring ends where
    /// it begins.
    pub const NATION: Self = Self {
        name: "nation",
        columns: 25,
        rows: 10,
        areas: Areas::EachCell,
        sides: Sides::Bent { lines: 336 },
        south_west: (34, 125),
        cells_per_deg: 4,
    };

    /// One of each kind; see [`Areas`] and [`Sides`]. Tiny cells are 10 cm wide, and the last lies
    /// over the antimeridian.
    pub const ALL: [Self; 8] = [
        Self::NATION,
        Self {
            name: "rivers",
            areas: Areas::Grown(40),
            sides: Sides::Bent { lines: 24 },
            ..Self::LATTICE
        },
        Self {
            name: "bricks",
            sides: Sides::Straight,
            ..Self::LATTICE
        },
        Self {
            name: "slanted bricks",
            sides: Sides::Slanted,
            ..Self::LATTICE
        },
        Self {
            name: "shards",
            south_west: (-38, -64),
            ..Self::LATTICE
        },
        Self {
            name: "tiny bricks",
            sides: Sides::Slanted,
            cells_per_deg: 1 << 20,
            ..Self::LATTICE
        },
        Self {
            name: "bricks over the antimeridian",
            sides: Sides::Straight,
            south_west: (-20, 178),
            cells_per_deg: 8,
            ..Self::LATTICE
        },
        Self {
            name: "shards over the antimeridian",
            south_west: (64, 178),
            cells_per_deg: 8,
            ..Self::LATTICE
        },
    ];

    const LATTICE: Self = Self {
        name: "lattice",
        columns: 32,
        rows: 24,
        areas: Areas::Grown(60),
        sides: Sides::Shaken,
        south_west: (34, 126),
        cells_per_deg: 16,
    };
}

/// A map without gap or overlap.
#[derive(Clone, Debug)]
pub struct Tiling {
    /// What reports call it.
    pub name: &'static str,
    /// The areas.
    pub map: JurisdictionMap,
    /// All that the areas fill, in degrees, longitude first: two polygons when it lies over the
    /// antimeridian.
    pub outline: Vec<Polygon<f64>>,
    plan: TilingPlan,
}

impl Tiling {
    /// Always the same for the same plan and seed.
    #[must_use]
    pub fn new(plan: TilingPlan, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let lattice = Lattice::new(plan, &mut rng);
        let owners = match plan.areas {
            Areas::EachCell => (0..plan.columns * plan.rows).collect(),
            Areas::Grown(areas) => grown(plan, areas, &mut rng),
        };
        let mut polygons: Vec<Vec<Polygon<f64>>> = Vec::new();
        for patch in trace::patches(&lattice, &owners) {
            let owner = patch.owner as usize;
            polygons.resize_with(polygons.len().max(owner + 1), Vec::new);
            polygons[owner].push(patch.polygon(&lattice, &mut rng));
        }
        let areas = polygons.into_iter().enumerate().map(|(n, polygons)| Area {
            id: JurisdictionId::new(format!("area {n:03}")),
            name: format!("area {n:03}"),
            agency: None,
            polygons,
        });
        let map = JurisdictionMap::new(MapParts {
            name: plan.name.to_owned(),
            authority: Authority::Invented,
            label: None,
            areas: areas.filter(|area| !area.polygons.is_empty()).collect(),
            stations: Vec::new(),
            reach_m: DEFAULT_REACH_M,
        });
        Self {
            name: plan.name,
            map,
            outline: lattice.outline(),
            plan,
        }
    }

    /// The side of a cell, in degrees.
    pub(crate) fn cell_deg(&self) -> f64 {
        1.0 / f64::from(self.plan.cells_per_deg)
    }

    /// A place in the tiling, anywhere with equal probability in degrees.
    pub fn anywhere(&self, rng: &mut impl Rng) -> LatLon {
        let column = rng.random_range(0.0..f64::from(self.plan.columns));
        let row = rng.random_range(0.0..f64::from(self.plan.rows));
        let at = lattice::place(self.plan, column, row);
        let lon_deg = if at.x > 180.0 { at.x - 360.0 } else { at.x };
        LatLon::new(at.y, lon_deg).expect("a lattice lies on Earth")
    }

    /// A place where answers go wrong: a corner or the middle of a line, exactly or the smallest
    /// step beside; anywhere on the latitude or longitude of a corner.
    pub fn awkward(&self, rng: &mut impl Rng) -> LatLon {
        let (from, to) = self.line(rng);
        let middle = Coord {
            x: f64::midpoint(from.x, to.x),
            y: f64::midpoint(from.y, to.y),
        };
        let elsewhere = self.line(rng).0;
        let at = match rng.random_range(0..6) {
            0 => from,
            1 => middle,
            2 => beside(from, rng),
            3 => beside(middle, rng),
            4 => Coord {
                x: elsewhere.x,
                ..from
            },
            _ => Coord {
                x: f64::midpoint(from.x, elsewhere.x),
                ..from
            },
        };
        LatLon::new(at.y, at.x.clamp(-180.0, 180.0)).expect("a lattice lies on Earth")
    }

    /// A line of a ring.
    pub fn line(&self, rng: &mut impl Rng) -> (Coord<f64>, Coord<f64>) {
        let areas = self.map.areas();
        let polygons = &areas[rng.random_range(0..areas.len())].polygons;
        let polygon = &polygons[rng.random_range(0..polygons.len())];
        let holes = polygon.interiors();
        let ring = match rng.random_range(0..=holes.len()) {
            0 => polygon.exterior(),
            hole => &holes[hole - 1],
        };
        let first = rng.random_range(0..ring.0.len() - 1);
        (ring.0[first], ring.0[first + 1])
    }
}

/// The smallest step to one of eight sides.
fn beside(at: Coord<f64>, rng: &mut impl Rng) -> Coord<f64> {
    let mut step = |degrees: f64| match rng.random_range(0..3) {
        0 => degrees.next_down(),
        1 => degrees,
        _ => degrees.next_up(),
    };
    Coord {
        x: step(at.x),
        y: step(at.y),
    }
}

/// The area of each cell, row by row from the south-west.
fn grown(plan: TilingPlan, areas: u32, rng: &mut impl Rng) -> Vec<u32> {
    /// Of all cells, those that are given away at the end: one in so many, as enclaves.
    const CELLS_PER_ENCLAVE: u32 = 24;
    let cells = plan.columns * plan.rows;
    let mut owners = vec![None; cells as usize];
    let seeds = (0..areas).flat_map(|area| std::iter::repeat_n(area, 1 + area as usize % 3));
    let mut frontier: Vec<(u32, u32)> = seeds
        .map(|area| (rng.random_range(0..cells), area))
        .collect();
    while !frontier.is_empty() {
        let (cell, area) = frontier.swap_remove(rng.random_range(0..frontier.len()));
        if owners[cell as usize].is_some() {
            continue;
        }
        owners[cell as usize] = Some(area);
        let around = trace::neighbours(plan, cell).into_iter().flatten();
        frontier.extend(around.map(|neighbour| (neighbour, area)));
    }
    for _ in 0..cells / CELLS_PER_ENCLAVE {
        owners[rng.random_range(0..cells as usize)] = Some(rng.random_range(0..areas));
    }
    owners.into_iter().flatten().collect()
}

/// A closed ring.
fn ring(corners: Vec<Coord<f64>>) -> LineString<f64> {
    let mut ring = LineString::new(corners);
    ring.close();
    ring
}

#[cfg(test)]
mod tests;

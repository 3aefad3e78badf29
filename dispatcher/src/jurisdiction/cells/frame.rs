//! The lattice of a grid: which cell a point is in, and which cells a line may touch.

use geo::{Coord, Line, Rect};

/// Cells for each corner of the map. Borders then pass through a small part of the cells even where
/// areas are a city's, and the grid takes less memory than the lines do.
const CELLS_PER_CORNER: f64 = 4.0;
/// Cells of a whole grid: 4 MiB for what they say, were no block of one mind.
const MAX_CELLS: f64 = (1 << 20) as f64;
/// Cells within envelopes of polygons, all polygons taken together: what building looks at. Polygons
/// that lie on top of each other make cells larger, not the building longer.
const MAX_VISITS: f64 = (1 << 22) as f64;
/// Cells along one side, so that a line across a flat map passes few of them.
const MAX_SIDE: f64 = 4_096.0;
/// Least side of a cell: 11 cm, a hundred million times what rounding moves a degree by.
const MIN_CELL_DEG: f64 = 1e-6;
/// By how much of its side a cell counts as larger where a line passes several rows: far more than
/// the rounding of where it crosses them, which is below 10⁻⁷ of the least side.
const SLACK_CELLS: f64 = 1e-3;

/// Metres of a degree that are on the safe side: a tenth less than the least one, of the meridian at
/// the equator, for the form of the Earth and for lines that are measured straight through it.
const SAFE_M_PER_DEG: f64 = 110_574.0 * 0.9;
/// Cells wider than this are not taken for flat.
const FLAT_CELL_DEG: f64 = 1.0;

/// A lattice of square cells over the envelopes of all polygons.
pub(super) struct Frame {
    lower: Coord<f64>,
    upper: Coord<f64>,
    cells_per_deg: f64,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Frame {
    /// `None` for a map without polygons.
    pub(super) fn new(envelopes: &[Rect<f64>], corners: usize) -> Option<Self> {
        let whole = envelopes.iter().copied().reduce(joined)?;
        let cells = (corners as f64 * CELLS_PER_CORNER).clamp(1.0, MAX_CELLS);
        let visited: f64 = envelopes.iter().map(|one| one.width() * one.height()).sum();
        let mut cell_deg = (whole.width() * whole.height() / cells)
            .max(visited / MAX_VISITS)
            .sqrt()
            .max(whole.width() / MAX_SIDE)
            .max(whole.height() / MAX_SIDE)
            .max(MIN_CELL_DEG);
        // A level sliver has no surface and many cells all the same.
        let cells_of = |one: &Rect<f64>, cell_deg: f64| {
            (one.width() / cell_deg + 1.0) * (one.height() / cell_deg + 1.0)
        };
        let visits =
            |cell_deg| -> f64 { envelopes.iter().map(|one| cells_of(one, cell_deg)).sum() };
        while visits(cell_deg) > MAX_VISITS && cell_deg < whole.width().max(whole.height()) {
            cell_deg *= 1.25;
        }
        let mut frame = Self {
            lower: whole.min(),
            upper: whole.max(),
            cells_per_deg: 1.0 / cell_deg,
            columns: usize::MAX,
            rows: usize::MAX,
        };
        frame.columns = frame.column(whole.max().x) + 1;
        frame.rows = frame.row(whole.max().y) + 1;
        Some(frame)
    }

    /// Column and row of a point's cell; `None` where no polygon is.
    #[inline]
    pub(super) fn cell_at(&self, point: Coord<f64>) -> Option<(usize, usize)> {
        let (lower, upper) = (self.lower, self.upper);
        let within =
            lower.x <= point.x && point.x <= upper.x && lower.y <= point.y && point.y <= upper.y;
        within.then(|| (self.column(point.x), self.row(point.y)))
    }

    /// Row by row from the south-west.
    #[inline]
    pub(super) fn number(&self, column: usize, row: usize) -> usize {
        row * self.columns + column
    }

    /// Never falls towards the east, however it is rounded: all that is between two points of one
    /// column is in that column.
    #[inline]
    pub(super) fn column(&self, lon_deg: f64) -> usize {
        (((lon_deg - self.lower.x) * self.cells_per_deg) as usize).min(self.columns - 1)
    }

    /// As [`Frame::column`], towards the north.
    #[inline]
    pub(super) fn row(&self, lat_deg: f64) -> usize {
        (((lat_deg - self.lower.y) * self.cells_per_deg) as usize).min(self.rows - 1)
    }

    /// The cells around a point's own and that one; `None` at the rim of the grid, and beside its
    /// last column and row, of which only a part may be on the map.
    pub(super) fn cells_around(
        &self,
        point: Coord<f64>,
    ) -> Option<impl Iterator<Item = (usize, usize)>> {
        let (column, row) = (self.column(point.x), self.row(point.y));
        let inner = column > 0 && row > 0 && column + 2 < self.columns && row + 2 < self.rows;
        let rows = row.saturating_sub(1)..=row + 1;
        let cells = rows.flat_map(move |row| {
            (column.saturating_sub(1)..=column + 1).map(move |column| (column, row))
        });
        inner.then_some(cells)
    }

    /// Less than the metres from any place of this latitude across a whole cell, and 0 where cells
    /// are too wide for that to be said.
    ///
    /// A meridian `d` degrees away is `asin(cos(latitude) sin(d))` away on a sphere, which for so
    /// small a `d` is its product with the cosine to 10⁻⁴.
    pub(super) fn cell_width_m(&self, lat_deg: f64) -> f64 {
        let cell_deg = 1.0 / self.cells_per_deg;
        if cell_deg > FLAT_CELL_DEG {
            return 0.0;
        }
        cell_deg * SAFE_M_PER_DEG * lat_deg.to_radians().cos()
    }

    /// Longitudes and latitudes where cells end.
    #[cfg(test)]
    pub(super) fn borders(&self) -> (Vec<f64>, Vec<f64>) {
        let borders = |from: f64, count: usize| {
            (0..=count)
                .map(|n| from + n as f64 / self.cells_per_deg)
                .collect()
        };
        (
            borders(self.lower.x, self.columns),
            borders(self.lower.y, self.rows),
        )
    }

    /// The middle of a point's own cell, or of the nearest cell where no polygon is.
    #[inline]
    pub(super) fn middle_near(&self, point: Coord<f64>) -> Coord<f64> {
        self.middle(self.column(point.x), self.row(point.y))
    }

    #[inline]
    pub(super) fn middle(&self, column: usize, row: usize) -> Coord<f64> {
        Coord {
            x: self.lower.x + (column as f64 + 0.5) / self.cells_per_deg,
            y: self.lower.y + (row as f64 + 0.5) / self.cells_per_deg,
        }
    }

    /// Names column and row of every cell that the line may touch: too many rather than too few.
    pub(super) fn cells_of(&self, line: Line<f64>, mut name: impl FnMut(usize, usize)) {
        let (first, last) = (self.row(line.start.y), self.row(line.end.y));
        let (first, last) = (first.min(last), first.max(last));
        let west = line.start.x.min(line.end.x);
        let east = line.start.x.max(line.end.x);
        for row in first..=last {
            let (from, to) = if first == last {
                (west, east)
            } else {
                let (from, to) = self.reach_in(row, line);
                (from.max(west), to.min(east))
            };
            for column in self.column(from)..=self.column(to) {
                name(column, row);
            }
        }
    }

    /// Between which longitudes a line is while it passes a row.
    fn reach_in(&self, row: usize, line: Line<f64>) -> (f64, f64) {
        let slack_deg = SLACK_CELLS / self.cells_per_deg;
        let south = self.lower.y + row as f64 / self.cells_per_deg - slack_deg;
        let north = self.lower.y + (row + 1) as f64 / self.cells_per_deg + slack_deg;
        let lon_at = |lat_deg: f64| {
            let along = ((lat_deg - line.start.y) / line.dy()).clamp(0.0, 1.0);
            line.start.x + along * line.dx()
        };
        let (one, other) = (lon_at(south), lon_at(north));
        (one.min(other) - slack_deg, one.max(other) + slack_deg)
    }
}

/// The envelope of both.
pub(in super::super) fn joined(one: Rect<f64>, other: Rect<f64>) -> Rect<f64> {
    let (a, b) = (one.min(), other.min());
    let (c, d) = (one.max(), other.max());
    let lower = Coord {
        x: a.x.min(b.x),
        y: a.y.min(b.y),
    };
    let upper = Coord {
        x: c.x.max(d.x),
        y: c.y.max(d.y),
    };
    Rect::new(lower, upper)
}

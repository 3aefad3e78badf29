//! Where alerts fell, in cells of a tenth of a degree. No coast is drawn: lines of latitude and
//! longitude say where it is, and the page needs no other file.

use super::chart::{label, segment};
use super::markup::{Tag, tag};
use super::{note, number, row_head, section as plain_section, table};
use crate::report::numbers::count;
use crate::report::words::Words;
use crate::report::{Cell, Report};

/// Fewer alerts than these are not counted out: a number could point at one person.
const FEW: u64 = 5;
/// Cells in the list beside the map.
const LISTED: usize = 10;
/// The map is at least this high, so that one crowded place has its surroundings.
const MIN_SPAN_DEG: f64 = 1.0;
/// A degree of latitude in kilometres, in the mean.
const KM_PER_DEG: f64 = 111.2;

const WIDTH: f64 = 520.0;
const MAX_HEIGHT: f64 = 640.0;
const MARGIN: f64 = 58.0;

pub(super) fn section(report: &Report, w: &Words) -> Tag {
    let section = plain_section("places", w.places).put(note(w.places_lead));
    let cells: Vec<Cell> = report
        .places
        .iter()
        .copied()
        .filter(|cell| cell.alerts > 0)
        .collect();
    let Some(view) = View::of(&cells) else {
        return section.put(note(w.nothing_measured));
    };
    section.put(
        tag("div")
            .class("map-and-list")
            .put(figure(&cells, &view, w))
            .put(densest(&cells, w)),
    )
}

/// What part of the world is drawn, and how.
struct View {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
    /// Pixels of a degree of longitude and of latitude.
    scale: (f64, f64),
    height: f64,
}

impl View {
    fn of(cells: &[Cell]) -> Option<Self> {
        let lats = || cells.iter().map(|cell| f64::from(cell.lat_tenths) / 10.0);
        let lons = || cells.iter().map(|cell| f64::from(cell.lon_tenths) / 10.0);
        let (south, north) = widened(lats().reduce(f64::min)?, lats().reduce(f64::max)? + 0.1);
        let (west, east) = widened(lons().reduce(f64::min)?, lons().reduce(f64::max)? + 0.1);
        let squeeze = f64::midpoint(south, north).to_radians().cos().max(0.05);
        let room = (WIDTH - 2.0 * MARGIN, MAX_HEIGHT - 2.0 * MARGIN);
        let per_lat = (room.0 / ((east - west) * squeeze)).min(room.1 / (north - south));
        Some(Self {
            south,
            north,
            west,
            east,
            scale: (per_lat * squeeze, per_lat),
            height: (north - south) * per_lat + 2.0 * MARGIN,
        })
    }

    fn x(&self, lon: f64) -> f64 {
        let width = (self.east - self.west) * self.scale.0;
        (WIDTH - width) / 2.0 + (lon - self.west) * self.scale.0
    }

    fn y(&self, lat: f64) -> f64 {
        MARGIN + (self.north - lat) * self.scale.1
    }
}

/// At least [`MIN_SPAN_DEG`], with a little room around.
fn widened(from: f64, to: f64) -> (f64, f64) {
    let half = ((to - from) / 2.0 + 0.1).max(MIN_SPAN_DEG / 2.0);
    let middle = f64::midpoint(from, to);
    (middle - half, middle + half)
}

/// The classes of the heat: each is several times the one before.
fn bounds(most: u64) -> Vec<u64> {
    let mut bounds = vec![1, FEW];
    let ratio = (most as f64 / FEW as f64).powf(0.2).max(2.0);
    let mut next = FEW as f64;
    while bounds.len() < 6 {
        next *= ratio;
        let bound = round(next);
        if bound > most {
            break;
        }
        if bounds.last().is_some_and(|last| *last < bound) {
            bounds.push(bound);
        }
    }
    bounds
}

/// To 1, 2 or 5 by a power of ten, so that the key is easy to read.
fn round(value: f64) -> u64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = match value / power {
        digit if digit < 1.5 => 1.0,
        digit if digit < 3.5 => 2.0,
        digit if digit < 7.5 => 5.0,
        _ => 10.0,
    };
    (digit * power).round() as u64
}

/// The class of the style sheet, from `heat h0` (a few) to `heat h5`.
fn heat(alerts: u64, bounds: &[u64]) -> String {
    let class = bounds.iter().filter(|bound| alerts >= **bound).count();
    format!("heat h{}", class.saturating_sub(1))
}

fn few(alerts: u64) -> String {
    if alerts < FEW {
        format!("<\u{a0}{FEW}")
    } else {
        count(alerts)
    }
}

fn figure(cells: &[Cell], view: &View, w: &Words) -> Tag {
    let most = cells
        .iter()
        .map(|cell| cell.alerts)
        .max()
        .unwrap_or_default();
    let bounds = bounds(most);
    let cell = |cell: &Cell| {
        let (lat, lon) = (
            f64::from(cell.lat_tenths) / 10.0,
            f64::from(cell.lon_tenths) / 10.0,
        );
        // Three pixels are the least that is seen when the whole world is drawn.
        let size = (
            (view.scale.0 * 0.1 - 0.6).max(3.0),
            (view.scale.1 * 0.1 - 0.6).max(3.0),
        );
        tag("rect")
            .attr("class", heat(cell.alerts, &bounds))
            .attr("x", format_args!("{:.1}", view.x(lon)))
            .attr("y", format_args!("{:.1}", view.y(lat + 0.1)))
            .attr("width", format_args!("{:.1}", size.0))
            .attr("height", format_args!("{:.1}", size.1))
            .put(tag("title").text(format_args!("{} · {}", place(cell), few(cell.alerts))))
    };
    let svg = tag("svg")
        .class("chart map")
        .attr("viewBox", format_args!("0 0 {WIDTH} {:.0}", view.height))
        .attr("role", "img")
        .attr("aria-label", (w.map_label)(cells.len(), &few(most)))
        .all(graticule(view))
        .all(cells.iter().map(cell))
        .put(north(w))
        .all(scale_bar(view));
    tag("figure").put(key(&bounds, w)).put(svg)
}

/// Lines of latitude and longitude, with their degrees.
fn graticule(view: &View) -> Vec<Tag> {
    let span = (view.north - view.south).max(view.east - view.west);
    let step = [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]
        .into_iter()
        .find(|step| span / step <= 7.0)
        .unwrap_or(60.0);
    let lines = |from: f64, to: f64| {
        let first = (from / step).ceil() as i32;
        let last = (to / step).floor() as i32;
        (first..=last).map(move |n| f64::from(n) * step)
    };
    let decimals = usize::from(step < 1.0);
    let (left, right) = (view.x(view.west), view.x(view.east));
    let mut tags = Vec::new();
    for lat in lines(view.south, view.north) {
        let y = view.y(lat);
        let half = if lat < 0.0 { "S" } else { "N" };
        tags.push(segment("grid", (left, y), (right, y)));
        let text = format!("{:.decimals$}° {half}", lat.abs());
        tags.push(label("end", left - 5.0, y + 4.0, &text));
    }
    for lon in lines(view.west, view.east) {
        let x = view.x(lon);
        let half = if lon < 0.0 { "W" } else { "E" };
        tags.push(segment(
            "grid",
            (x, view.y(view.north)),
            (x, view.y(view.south)),
        ));
        let text = format!("{:.decimals$}° {half}", lon.abs());
        tags.push(label("middle", x, view.height - MARGIN + 17.0, &text));
    }
    tags
}

fn north(w: &Words) -> Tag {
    tag("g")
        .class("north")
        .attr("transform", format_args!("translate({} 22)", WIDTH - 24.0))
        .put(tag("path").attr("d", "M0 -16L7 8L0 3L-7 8Z"))
        .put(label("middle", 0.0, 22.0, w.north))
}

/// A round number of kilometres that takes about a fifth of the map.
fn scale_bar(view: &View) -> Vec<Tag> {
    let per_km = view.scale.1 / KM_PER_DEG;
    let km = [
        1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 5_000.0,
    ]
    .into_iter()
    .rfind(|km| km * per_km <= WIDTH / 4.0)
    .unwrap_or(1.0);
    let (x, y) = (MARGIN, 16.0);
    let end = x + km * per_km;
    vec![
        segment("scale-bar", (x, y), (end, y)),
        segment("scale-bar", (x, y - 4.0), (x, y + 4.0)),
        segment("scale-bar", (end, y - 4.0), (end, y + 4.0)),
        label("start", end + 6.0, y + 4.5, &format!("{km:.0} km")),
    ]
}

fn key(bounds: &[u64], w: &Words) -> Tag {
    let entry = |(n, bound): (usize, &u64)| {
        let text = match bounds.get(n + 1) {
            _ if n == 0 => format!("<\u{a0}{FEW}"),
            Some(next) => format!("{}–{}", count(*bound), count(next - 1)),
            None => format!("≥ {}", count(*bound)),
        };
        tag("span")
            .class("key")
            .put(
                tag("svg")
                    .attr("viewBox", "0 0 14 14")
                    .attr("aria-hidden", "true")
                    .put(
                        tag("rect")
                            .attr("class", heat(*bound, bounds))
                            .attr("x", 0.5)
                            .attr("y", 0.5)
                            .attr("width", 13)
                            .attr("height", 13),
                    ),
            )
            .text(text)
    };
    tag("figcaption")
        .put(tag("strong").text(w.alerts_per_cell))
        .all(bounds.iter().enumerate().map(entry))
}

/// The south-western corner of a cell.
fn place(cell: &Cell) -> String {
    let degrees = |tenths: i32, above: char, below: char| {
        let half = if tenths < 0 { below } else { above };
        format!("{:.1}° {half}", f64::from(tenths.abs()) / 10.0)
    };
    format!(
        "{}, {}",
        degrees(cell.lat_tenths, 'N', 'S'),
        degrees(cell.lon_tenths, 'E', 'W')
    )
}

fn densest(cells: &[Cell], w: &Words) -> Tag {
    let mut cells = cells.to_vec();
    cells.sort_by_key(|cell| {
        (
            std::cmp::Reverse(cell.alerts),
            cell.lat_tenths,
            cell.lon_tenths,
        )
    });
    let rows = cells
        .iter()
        .take(LISTED)
        .map(|cell| vec![row_head(place(cell)), number(few(cell.alerts))]);
    table(w.densest, &[w.corner, w.alerts], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_heat_grow_and_the_least_is_a_few() {
        for most in [1, 4, 5, 7, 40, 120, 9_000, 500_000] {
            let bounds = bounds(most);
            assert_eq!(bounds[..2], [1, FEW]);
            assert!(
                bounds.is_sorted() && bounds.len() <= 6,
                "{most}: {bounds:?}"
            );
            assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(heat(1, &bounds), "heat h0");
            assert_eq!(heat(4, &bounds), "heat h0");
            let top = bounds.iter().filter(|bound| **bound <= most).count() - 1;
            assert_eq!(heat(most, &bounds), format!("heat h{top}"));
        }
    }

    #[test]
    fn one_crowded_cell_has_its_surroundings() {
        let cell = Cell {
            lat_tenths: 375,
            lon_tenths: 1_269,
            alerts: 120,
        };
        let view = View::of(&[cell]).unwrap();
        assert!((view.north - view.south - MIN_SPAN_DEG).abs() < 1e-9);
        assert!(view.south < 37.5 && view.north > 37.6);
        assert!(view.west < 126.9 && view.east > 127.0);
        assert!(View::of(&[]).is_none());
    }

    #[test]
    fn a_corner_says_its_half_of_the_world() {
        let cell = |lat_tenths, lon_tenths| Cell {
            lat_tenths,
            lon_tenths,
            alerts: 1,
        };
        assert_eq!(place(&cell(375, 1_269)), "37.5° N, 126.9° E");
        assert_eq!(place(&cell(-1, -5)), "0.1° S, 0.5° W");
    }
}

//! Whose is this place? The index beside geo's `contains` behind an R-tree of envelopes, which is
//! what one writes first, and beside a plain loop over everything, which is right.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

mod support;

use std::f64::consts::PI;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ansim::demo::find_districts;
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, build, stations};
use dispatcher::jurisdiction::{
    Area, Authority, DEFAULT_REACH_M, IdProperties, JurisdictionIndex, JurisdictionMap, MapParts,
    load,
};
use geo::{BoundingRect as _, Contains as _, Coord, CoordsIter as _, LineString, Point, Polygon};
use protocol::{Assignment, JurisdictionId, LatLon};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use rstar::RTree;
use rstar::primitives::{GeomWithData, Rectangle};
use serde_json::json;
use simulator::places::{Places, scattered};
use simulator::plain_loop::PlainMap;
use support::{rounded, row};

const TABLE: &str = "Assignment of a point: nanoseconds beside geo's contains behind rstar, in \
                     turns; p50 and p99 of single calls include reading the clock";
const BUILDING: &str = "Maps: from text to index";

/// Points of each kind.
const POINTS: usize = 20_000;
/// Of them, those that the plain loop is asked for as well: it takes up to milliseconds for each.
const PLAIN_POINTS: usize = 1_000;
/// Turns over all points; the fastest counts, as other work only ever makes a turn longer.
const TURNS: usize = 5;
/// Standard deviation of how far from a corner of a border the points near borders are, in metres.
const NEAR_M: f64 = 100.0;

/// Cells of the generated tiling along one side, and corners along one side of a cell: 336,000
/// corners in all, as a nation's official map would have.
const TILES: u32 = 16;
const SIDE_CORNERS: u32 = 328;
/// Side of a cell in degrees, and the south-western corner of all.
const TILE_DEG: f64 = 0.25;
const TILING_AT_DEG: (f64, f64) = (125.0, 34.0);

fn main() {
    if !support::is_asked() {
        return;
    }
    let homes = Places::new(&stations(KOREA_STATIONS_CSV).unwrap()).unwrap();
    if let Some(path) = find_districts() {
        let text = std::fs::read_to_string(path).unwrap();
        let begun = Instant::now();
        let built = build(&text, KOREA_STATIONS_CSV).unwrap();
        let made_ms = milliseconds(begun);
        let map = read("areas built from districts", &built, "id", Some(made_ms));
        measure("areas built from districts", map, 0.25, Some(&homes));
    }
    if let Some(data) = std::env::var_os("ANSIM_TEST_DATA") {
        let path = std::path::Path::new(&data).join("korea/station_jurisdictions_approx.geojson");
        let text = std::fs::read_to_string(path).unwrap();
        let name = "station areas of ANSIM_TEST_DATA";
        let map = read(name, &text, "hq,station", None);
        measure(name, map, 0.5, Some(&homes));
    }
    measure("generated tiling", tiling(), 0.1, None);
}

fn milliseconds(since: Instant) -> f64 {
    rounded(since.elapsed().as_secs_f64() * 1e3)
}

fn read(name: &str, text: &str, ids: &str, made_ms: Option<f64>) -> JurisdictionMap {
    let begun = Instant::now();
    let map = load(text, name, &IdProperties::from_list(ids)).unwrap().map;
    let mut columns = json!({ "read ms": milliseconds(begun), "bytes of text": text.len() });
    if let Some(made_ms) = made_ms {
        columns["made from districts ms"] = json!(made_ms);
    }
    row(BUILDING, &format!("{name}: text"), columns);
    map
}

fn measure(name: &str, map: JurisdictionMap, budget: f64, homes: Option<&Places>) {
    let mut rng = ChaCha8Rng::seed_from_u64(0xa55);
    let polygons = || map.areas().iter().flat_map(|area| &area.polygons);
    let corners: Vec<Coord> = polygons()
        .flat_map(|polygon| polygon.coords_iter())
        .collect();
    let (areas, parts) = (map.areas().len(), polygons().count());
    let map = Arc::new(map);
    let begun = Instant::now();
    let index = JurisdictionIndex::new(Arc::clone(&map));
    let index_ms = milliseconds(begun);
    let begun = Instant::now();
    let common = Common::new(&map);
    let columns = json!({
        "areas": areas, "polygons": parts, "corners": corners.len(), "index ms": index_ms,
        "rstar alone, index ms": milliseconds(begun),
    });
    row(BUILDING, &format!("{name}: index"), columns);

    let mut near_a_corner = |deviation_m: f64| {
        let corner = corners[rng.random_range(0..corners.len())];
        scattered(
            LatLon::new(corner.y, corner.x).unwrap(),
            deviation_m,
            &mut rng,
        )
    };
    let bench = Bench {
        index,
        common,
        plain: PlainMap::new(&map),
        budget,
    };
    let near: Vec<_> = std::iter::repeat_with(|| near_a_corner(NEAR_M))
        .take(POINTS)
        .collect();
    let spread: Vec<_> = match homes {
        Some(homes) => std::iter::repeat_with(|| homes.home(&mut rng))
            .take(POINTS)
            .collect(),
        None => std::iter::repeat_with(|| in_tiling(&mut rng))
            .take(POINTS)
            .collect(),
    };
    let spread_name = if homes.is_some() {
        "where people live"
    } else {
        "anywhere"
    };
    bench.compare(&format!("{name}: {spread_name}"), &spread);
    bench.compare(&format!("{name}: near borders"), &near);
    if homes.is_some() {
        let at_sea: Vec<_> = (0..POINTS / 10).map(|_| Places::water(&mut rng)).collect();
        bench.outside(&format!("{name}: at sea, nearest area"), &at_sea);
    }
}

type Part<'a> = GeomWithData<Rectangle<[f64; 2]>, (&'a JurisdictionId, &'a Polygon)>;

/// What one writes first.
struct Common<'a> {
    tree: RTree<Part<'a>>,
}

impl<'a> Common<'a> {
    fn new(map: &'a JurisdictionMap) -> Self {
        let mut parts = Vec::new();
        for area in map.areas() {
            for polygon in &area.polygons {
                let bounds = polygon.bounding_rect().unwrap();
                let (lower, upper) = (bounds.min(), bounds.max());
                let bounds = Rectangle::from_corners([lower.x, lower.y], [upper.x, upper.y]);
                parts.push(GeomWithData::new(bounds, (&area.id, polygon)));
            }
        }
        Self {
            tree: RTree::bulk_load(parts),
        }
    }

    fn locate(&self, at: LatLon) -> Option<&'a JurisdictionId> {
        let point = Point::new(at.lon_deg(), at.lat_deg());
        let candidates = self.tree.locate_all_at_point([point.x(), point.y()]);
        let holding = candidates.filter(|part| part.data.1.contains(&point));
        holding.map(|part| part.data.0).min()
    }
}

struct Bench<'a> {
    index: JurisdictionIndex,
    common: Common<'a>,
    plain: PlainMap,
    budget: f64,
}

impl Bench<'_> {
    fn ours(&self, at: LatLon) -> Assignment {
        self.index.locate(at, None, None)
    }

    /// Of the points, those that an area holds: for the others geo has no answer to compare.
    fn compare(&self, name: &str, points: &[LatLon]) {
        let held = |at: &&LatLon| self.common.locate(**at).is_some();
        let held: Vec<_> = points.iter().filter(held).copied().collect();
        let (mut ours, mut other) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..TURNS {
            ours = ours.min(mean_ns(&held, |at| self.ours(at)));
            other = other.min(mean_ns(&held, |at| self.common.locate(at)));
        }
        let (p50, p99) = single_ns(&held, |at| self.ours(at));
        let (other_p50, other_p99) = single_ns(&held, |at| self.common.locate(at));
        let agree =
            |at: &&LatLon| self.ours(**at).jurisdiction.as_ref() == self.common.locate(**at);
        let agreeing = held.iter().filter(agree).count();
        let columns = json!({
            "n": held.len(),
            "mean ns": rounded(ours), "p50 ns": p50, "p99 ns": p99,
            "geo mean ns": rounded(other), "geo p50 ns": other_p50, "geo p99 ns": other_p99,
            "ratio of means": rounded(ours / other),
            "budget": self.budget,
            "budget kept": if ours <= self.budget * other { "yes" } else { "NO" },
            "agrees with geo": format!("{agreeing} of {}", held.len()),
            "agrees with a plain loop": self.agrees_with_the_plain_loop(&held),
        });
        row(TABLE, name, columns);
    }

    fn outside(&self, name: &str, points: &[LatLon]) {
        let mean = (0..TURNS).map(|_| mean_ns(points, |at| self.ours(at)));
        let mean = mean.fold(f64::INFINITY, f64::min);
        let (p50, p99) = single_ns(points, |at| self.ours(at));
        let columns = json!({
            "n": points.len(), "mean ns": rounded(mean), "p50 ns": p50, "p99 ns": p99,
            "agrees with a plain loop": self.agrees_with_the_plain_loop(points),
        });
        row(TABLE, name, columns);
    }

    fn agrees_with_the_plain_loop(&self, points: &[LatLon]) -> String {
        let asked = points.len().min(PLAIN_POINTS);
        let agree = |at: &&LatLon| {
            let right = self.plain.owners(**at);
            match &self.ours(**at).jurisdiction {
                Some(owner) => right.contains(&owner),
                None => right.is_empty(),
            }
        };
        let agreeing = points[..asked].iter().filter(agree).count();
        format!("{agreeing} of {asked}")
    }
}

fn mean_ns<T>(points: &[LatLon], mut locate: impl FnMut(LatLon) -> T) -> f64 {
    let begun = Instant::now();
    for at in points {
        black_box(locate(black_box(*at)));
    }
    begun.elapsed().as_secs_f64() * 1e9 / points.len() as f64
}

/// p50 and p99 of calls that are timed one by one.
fn single_ns<T>(points: &[LatLon], mut locate: impl FnMut(LatLon) -> T) -> (f64, f64) {
    let time = |at: &LatLon| {
        let begun = Instant::now();
        black_box(locate(black_box(*at)));
        begun.elapsed().as_nanos() as f64
    };
    let mut times: Vec<_> = points.iter().map(time).collect();
    times.sort_by(f64::total_cmp);
    let percentile = |share: f64| rounded(times[(times.len() as f64 * share) as usize]);
    (percentile(0.5), percentile(0.99))
}

/// Square cells whose sides are bent, the same for both neighbours.
fn tiling() -> JurisdictionMap {
    let cells = (0..TILES).flat_map(|y| (0..TILES).map(move |x| (x, y)));
    let area = |(x, y): (u32, u32)| {
        // Around the cell: the southern and the eastern side as they are, the others backwards.
        let mut ring: Vec<Coord> = side(x, y, true);
        ring.extend(side(x + 1, y, false));
        ring.extend(side(x, y + 1, true).into_iter().rev());
        ring.extend(side(x, y, false).into_iter().rev());
        ring.dedup();
        let name = format!("cell {x:02}/{y:02}");
        Area {
            id: JurisdictionId::new(name.as_str()),
            name,
            agency: None,
            polygons: vec![Polygon::new(LineString::new(ring), vec![])],
        }
    };
    JurisdictionMap::new(MapParts {
        name: "tiling".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: cells.map(area).collect(),
        stations: Vec::new(),
        reach_m: DEFAULT_REACH_M,
    })
}

/// From the corner of the cell to the east or to the north. It bends less than a third of its
/// distance from either end to the side, so that sides do not cross.
fn side(x: u32, y: u32, to_east: bool) -> Vec<Coord> {
    let phase = f64::from(x * 7 + y * 13 + u32::from(to_east) * 5);
    let corner = |n: u32| {
        let along = f64::from(n) / f64::from(SIDE_CORNERS);
        let wave = (6.0 * PI * along + phase).sin() + (58.0 * PI * along + 2.0 * phase).sin() / 2.0;
        // Exactly nothing at the far end too, where the sine of pi is not.
        let bend = if n == SIDE_CORNERS {
            0.0
        } else {
            0.06 * (PI * along).sin() * wave
        };
        let (east, north) = if to_east {
            (along, bend)
        } else {
            (bend, along)
        };
        Coord {
            x: TILING_AT_DEG.0 + TILE_DEG * (f64::from(x) + east),
            y: TILING_AT_DEG.1 + TILE_DEG * (f64::from(y) + north),
        }
    };
    (0..=SIDE_CORNERS).map(corner).collect()
}

/// Anywhere in the tiling; at its rim some are outside.
fn in_tiling(rng: &mut ChaCha8Rng) -> LatLon {
    let width = TILE_DEG * f64::from(TILES);
    let mut along = |from: f64| from + rng.random_range(0.0..width);
    let lon_deg = along(TILING_AT_DEG.0);
    LatLon::new(along(TILING_AT_DEG.1), lon_deg).unwrap()
}

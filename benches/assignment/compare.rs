//! The index beside its peers on one map, in turns so that all see the same machine.

use dispatcher::jurisdiction::JurisdictionIndex;
use protocol::{Assignment, LatLon, Reason};
use serde_json::{Value, json};
use simulator::exact_loop::ExactMap;
use simulator::plain_loop::PlainMap;

use crate::lookups::{Singles, TURNS, clock_ns, mean_ns, of_one};
use crate::maps::{self, Named};
use crate::peers::{GeoBehindRstar, IntervalTrees};
use crate::support::{rounded, row};

const TABLE: &str = "Assignment of a point: nanoseconds, beside geo's contains behind rstar and geo's \
     IntervalTreeMultiPolygon behind rstar, in turns; percentiles are of single calls (the median of \
     five each) and include reading the clock, which is an empty call; on borders geo has no owner";
const OUTSIDE: &str = "Assignment of a point that no area holds, to the nearest by distance on the ellipsoid: \
     nanoseconds; the peers have no answer";

/// Points for which the plain loop measures distances to all lines of a map: milliseconds for each.
const PLAIN_POINTS: usize = 200;

/// What the time of a lookup may be, as a part of geo's behind rstar, where that was promised.
fn budget(name: &str) -> Option<f64> {
    match name {
        maps::BUILT | maps::STATIONS => Some(0.5),
        maps::DISTRICTS => Some(0.25),
        maps::TILING => Some(0.1),
        _ => None,
    }
}

pub(crate) struct Bench<'a> {
    name: &'static str,
    budget: Option<f64>,
    index: JurisdictionIndex,
    geo: GeoBehindRstar<'a>,
    trees: IntervalTrees<'a>,
    exact: ExactMap,
    plain: PlainMap,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(named: &'a Named, index: JurisdictionIndex) -> Self {
        Self {
            name: named.name,
            budget: budget(named.name),
            index,
            geo: GeoBehindRstar::new(&named.map),
            trees: IntervalTrees::new(&named.map),
            exact: ExactMap::new(&named.map).unwrap(),
            plain: PlainMap::new(&named.map),
        }
    }

    pub(crate) fn into_index(self) -> JurisdictionIndex {
        self.index
    }

    fn ours(&self, at: LatLon) -> Assignment {
        self.index.locate(at, None, None)
    }

    fn is_held(&self, at: LatLon) -> bool {
        self.exact.holding(at).unwrap().owner.is_some()
    }

    /// As [`Bench::held`], of points as phones are: what the time of a lookup may be is promised for these.
    pub(crate) fn promised(&self, kind: &str, points: &[LatLon]) {
        let mut columns = self.compared(&self.only_held(points));
        if let Some(budget) = self.budget {
            let ratio = columns["ratio to geo"].as_f64().unwrap();
            columns["budget"] = json!(budget);
            columns["budget kept"] = json!(if ratio <= budget { "yes" } else { "NO" });
        }
        row(TABLE, &format!("{}: {kind}", self.name), columns);
    }

    /// Of the points, those that an area holds: for the others the peers have no answer.
    pub(crate) fn held(&self, kind: &str, points: &[LatLon]) {
        let columns = self.compared(&self.only_held(points));
        row(TABLE, &format!("{}: {kind}", self.name), columns);
    }

    fn only_held(&self, points: &[LatLon]) -> Vec<LatLon> {
        let held = points.iter().copied().filter(|at| self.is_held(*at));
        held.collect()
    }

    /// All of the points: the peers find none or some of the owners, which is no reason to leave
    /// a point out.
    pub(crate) fn exactly_on_borders(&self, kind: &str, points: &[LatLon]) {
        row(
            TABLE,
            &format!("{}: {kind}", self.name),
            self.compared(points),
        );
    }

    fn compared(&self, points: &[LatLon]) -> Value {
        let (mut ours, mut geo, mut trees) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
        for _ in 0..TURNS {
            ours = ours.min(mean_ns(points, |at| self.ours(at)));
            geo = geo.min(mean_ns(points, |at| self.geo.locate(at)));
            trees = trees.min(mean_ns(points, |at| self.trees.locate(at)));
        }
        let single = Singles::measure(points, |at| self.ours(at));
        let single_geo = Singles::measure(points, |at| self.geo.locate(at));
        let single_trees = Singles::measure(points, |at| self.trees.locate(at));
        let agreeing = |other: &dyn Fn(LatLon, &Assignment) -> bool| {
            let agreeing = points.iter().filter(|at| other(**at, &self.ours(**at)));
            format!("{} of {}", agreeing.count(), points.len())
        };
        json!({
            "n": points.len(),
            "clock ns": clock_ns(points),
            "mean ns": rounded(ours),
            "mean ns, geo": rounded(geo),
            "mean ns, trees": rounded(trees),
            "p50 ns": single.at(0.5),
            "p50 ns, geo": single_geo.at(0.5),
            "p50 ns, trees": single_trees.at(0.5),
            "p99 ns": single.at(0.99),
            "p99 ns, geo": single_geo.at(0.99),
            "p99 ns, trees": single_trees.at(0.99),
            "p99.9 ns": single.at(0.999),
            "p99.9 ns, geo": single_geo.at(0.999),
            "p99.9 ns, trees": single_trees.at(0.999),
            "ratio to geo": rounded(ours / geo),
            "ratio to trees": rounded(ours / trees),
            "agrees with geo": agreeing(&|at, ours| self.geo.locate(at) == ours.jurisdiction.as_ref()),
            "agrees with trees": agreeing(&|at, ours| self.trees.locate(at) == ours.jurisdiction.as_ref()),
            "agrees with brute force": agreeing(&|at, ours| self.is_right(at, ours)),
        })
    }

    fn is_right(&self, at: LatLon, ours: &Assignment) -> bool {
        let right = self.exact.holding(at).unwrap();
        match right.owner {
            Some(owner) => ours.jurisdiction.as_ref() == Some(owner) && ours.reason == right.reason,
            None => matches!(ours.reason, Reason::Nearest | Reason::None),
        }
    }

    fn is_nearest(&self, at: LatLon, ours: &Assignment) -> bool {
        let near = self.plain.owners(at);
        let owner = ours.jurisdiction.as_ref();
        owner.map_or(near.is_empty(), |owner| near.contains(&owner))
    }

    /// Of the points, those that no area holds.
    pub(crate) fn outside(&self, kind: &str, points: &[LatLon]) {
        let outside = points.iter().copied().filter(|at| !self.is_held(*at));
        let outside: Vec<_> = outside.collect();
        if outside.is_empty() {
            return;
        }
        let mut columns = of_one(&outside, |at| self.ours(at));
        let asked = &outside[..outside.len().min(PLAIN_POINTS)];
        let agreeing = asked
            .iter()
            .filter(|at| self.is_nearest(**at, &self.ours(**at)));
        columns["agrees with a plain loop"] =
            json!(format!("{} of {}", agreeing.count(), asked.len()));
        row(OUTSIDE, &format!("{}: {kind}", self.name), columns);
    }
}

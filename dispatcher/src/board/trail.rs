//! Where a person has been: points by alert and report number, thinned to a bounded number.

use std::collections::BTreeMap;

use protocol::{LatLon, ReportNumber, UnixMillis};

/// Points that an incident keeps: at one in five seconds, 40 minutes in full; then every other one.
pub(super) const MAX_TRAIL_POINTS: usize = 500;

/// A place at a time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrailPoint {
    /// Where.
    pub at: LatLon,
    /// When the fix was made, or else when its report was stamped.
    pub time: UnixMillis,
}

/// Orders the fixes of an incident, whatever order they arrive in: by press in the order in which the
/// site heard of them (a phone's clock may go back), then by report, then by their place within it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FixKey {
    press: usize,
    number: ReportNumber,
    part: u16,
}

impl FixKey {
    /// The key of the fix at place `part` of a report about the press at place `press`.
    #[must_use]
    pub fn new(press: usize, number: ReportNumber, part: u16) -> Self {
        Self {
            press,
            number,
            part,
        }
    }

    /// Which press it belongs to.
    #[must_use]
    pub fn press(&self) -> usize {
        self.press
    }
}

/// Points in the order of their keys.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trail {
    points: BTreeMap<FixKey, TrailPoint>,
}

impl Trail {
    /// Adds a point.
    pub fn insert(&mut self, key: FixKey, point: TrailPoint) {
        self.points.insert(key, point);
        if self.points.len() > MAX_TRAIL_POINTS {
            self.thin();
        }
    }

    /// Whether this point is known.
    #[must_use]
    pub fn contains(&self, key: &FixKey) -> bool {
        self.points.contains_key(key)
    }

    /// The points in order.
    pub fn points(&self) -> impl Iterator<Item = &TrailPoint> {
        self.points.values()
    }

    /// Drops every other point of the older half, which keeps both ends.
    fn thin(&mut self) {
        let older = self.points.len() / 2;
        let drop: Vec<_> = self
            .points
            .keys()
            .take(older)
            .skip(1)
            .step_by(2)
            .copied()
            .collect();
        for key in drop {
            self.points.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_trail_stays_bounded_and_keeps_both_ends() {
        let mut trail = Trail::default();
        let point = |n: u64| TrailPoint {
            at: LatLon::new(37.0, 127.0).unwrap(),
            time: UnixMillis::new(i64::try_from(n).unwrap()),
        };
        for n in 0..5_000 {
            trail.insert(FixKey::new(0, ReportNumber(n), 0), point(n));
        }
        let times: Vec<i64> = trail.points().map(|point| point.time.as_i64()).collect();
        assert!(times.len() <= MAX_TRAIL_POINTS);
        assert_eq!((times[0], times[times.len() - 1]), (0, 4_999));
    }
}

//! Whose is a place that is known as a region?

use protocol::{Assignment, LatLon, Reason, RunnerUp};

use super::super::cover::Holder;
use super::super::earth::corner;
use super::super::nearest::Near;
use super::super::uncertainty::{Certainty, Region, Share};
use super::{JurisdictionIndex, MAX_RUNNERS_UP, reason};

/// Shares that differ by less are equal: far above what rounding does to them, and below what a
/// survey knows.
const TIED_SHARE: f64 = 1e-9;

/// A share of this and more is all of the region: what following the lines leaves undecided.
const WHOLE_SHARE: f64 = 1.0 - 1e-6;

/// With this probability and more the phone is taken to be in an area (RFC 7459, section 5.5).
const MAJORITY: f64 = 0.5;

/// A region reaches this much farther than its radius says: the plane's scale is that of the middle.
const REACH_MARGIN: f64 = 1.01;

impl JurisdictionIndex {
    /// The answer for a circle in whose middle nobody else is near, as far as that is known without
    /// geometry.
    pub(super) fn alone(
        &self,
        middle: LatLon,
        radius_m: f64,
        certainty: Certainty,
    ) -> Option<Assignment> {
        let point = corner(middle);
        let area = self.cover.sole_owner(point)?;
        let is_alone = radius_m > 0.0 && radius_m <= self.cover.alone_within_m(point);
        is_alone.then(|| Assignment {
            jurisdiction: Some(self.id(area).clone()),
            reason: Reason::Inside,
            distance_m: None,
            probability: Some(certainty.probability(1.0)),
            runners_up: Vec::new(),
        })
    }

    pub(super) fn uncertain(&self, region: &Region, certainty: Certainty) -> Assignment {
        self.by_shares(
            region,
            certainty,
            &self.cover.holders(corner(region.middle)),
        )
    }

    /// By the shares and by the areas that hold the middle.
    pub(super) fn by_shares(
        &self,
        region: &Region,
        certainty: Certainty,
        holders: &[Holder],
    ) -> Assignment {
        let mut shares = self.shares.of(region, self.map.areas());
        shares.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.area.cmp(&b.area)));
        let mut answer = self.held(region.middle, holders);
        let probabilities = shares
            .iter()
            .map(|share| certainty.probability(share.share));
        let is_in_reach = answer.reason != Reason::None || probabilities.sum::<f64>() >= MAJORITY;
        if is_in_reach && let Some(owner) = take_owner(&mut shares) {
            let probability = certainty.probability(owner.share);
            let holds_middle = holders.iter().any(|holder| holder.area == owner.area);
            let is_sure = owner.share >= WHOLE_SHARE || shares.is_empty();
            (answer.reason, answer.distance_m) = if is_sure && holds_middle {
                (reason(holders), None)
            } else if probability >= MAJORITY {
                (Reason::Majority, None)
            } else if shares.is_empty() {
                (Reason::Nearest, self.distance_m(region, owner.area))
            } else {
                (Reason::Split, None)
            };
            answer.jurisdiction = Some(self.id(owner.area).clone());
            answer.probability = Some(probability);
        }
        if !shares.is_empty() || answer.probability.is_some() {
            answer.runners_up = self.runners_up(region, certainty, &shares, holders);
        }
        answer
    }

    fn runners_up(
        &self,
        region: &Region,
        certainty: Certainty,
        shares: &[Share],
        holders: &[Holder],
    ) -> Vec<RunnerUp> {
        let shares = &shares[..shares.len().min(MAX_RUNNERS_UP)];
        let holds = |area: &u32| holders.iter().any(|holder| holder.area == *area);
        let asked = shares.iter().map(|share| share.area);
        let asked: Vec<_> = asked.filter(|area| !holds(area)).collect();
        let near = self.distances(region, &asked);
        let distance_m = |area: u32| {
            let near = near.iter().find(|near| near.key == area);
            near.map_or(0.0, |near| near.distance_m)
        };
        let runner_up = |share: &Share| RunnerUp {
            jurisdiction: self.id(share.area).clone(),
            probability: Some(certainty.probability(share.share)),
            distance_m: distance_m(share.area),
        };
        shares.iter().map(runner_up).collect()
    }

    fn distance_m(&self, region: &Region, area: u32) -> Option<f64> {
        self.distances(region, &[area])
            .first()
            .map(|near| near.distance_m)
    }

    fn distances(&self, region: &Region, areas: &[u32]) -> Vec<Near<u32>> {
        let limit_m = region.reach_m * REACH_MARGIN;
        self.boundaries
            .distances(&self.map, region.middle, limit_m, areas)
    }
}

/// Takes the largest out, of equal ones that of the smallest id.
fn take_owner(shares: &mut Vec<Share>) -> Option<Share> {
    let largest = shares.first()?.share;
    let tied = shares
        .iter()
        .enumerate()
        .take_while(|(_, share)| largest - share.share <= TIED_SHARE);
    let owner = tied
        .min_by_key(|(_, share)| share.area)
        .map(|(place, _)| place)?;
    Some(shares.remove(owner))
}

//! How well a phone knows where it is.

use protocol::{ConfidencePercent, RadiusMetres, Source};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt as _};

/// Fixes by satellites in a hundred. Most people who raise an alarm see enough of the sky, or did a
/// moment ago.
const BY_SATELLITES_PERCENT: u32 = 63;

/// Fixes by wireless networks in a hundred: deep in houses, where more than one network is known.
/// The others are by the mobile network's cells: 8 of 100, so that whose an uncertain place is comes
/// up in every run.
const BY_NETWORKS_PERCENT: u32 = 29;

/// Radii in metres by satellites, from an open field to a street with high houses.
const SATELLITES_M: (f64, f64) = (3.0, 20.0);

/// Radii in metres by wireless networks: a flat, up to a block of houses.
const NETWORKS_M: (f64, f64) = (20.0, 100.0);

/// Radii in metres by cells, from those of a town to those of open country.
const CELLS_M: (f64, f64) = (300.0, 3_000.0);

/// What a radius means on most phones in percent: Android's `getAccuracy` names the 68th percentile.
const USUAL_PERCENT: f64 = 68.0;

/// What it means where a mobile network says so (3GPP TS 23.032 gives a confidence with each shape).
const OF_OPERATORS_PERCENT: f64 = 95.0;

/// What it means where somebody wants to be sure.
const CAUTIOUS_PERCENT: f64 = 99.0;

/// How well a phone knows where it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Accuracy {
    /// What its fixes are made from.
    pub source: Source,
    /// Radius of uncertainty in metres.
    pub radius_m: f64,
    /// How sure it is of the radius, in percent; some do not say.
    pub confidence_percent: Option<f64>,
}

impl Accuracy {
    /// Under the sky, in a house, or by the cells of the network alone.
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let (source, (least_m, most_m)) = match rng.random_range(0..100) {
            0..BY_SATELLITES_PERCENT => (Source::Gnss, SATELLITES_M),
            by if by < BY_SATELLITES_PERCENT + BY_NETWORKS_PERCENT => (Source::Wifi, NETWORKS_M),
            _ => (Source::Cell, CELLS_M),
        };
        Self {
            source,
            radius_m: log_uniform(least_m, most_m, rng).round(),
            confidence_percent: confidence_percent(rng),
        }
    }

    /// The radius as a phone sends it.
    #[must_use]
    pub fn radius(&self) -> Option<RadiusMetres> {
        RadiusMetres::new(self.radius_m).ok()
    }

    /// The confidence as a phone sends it.
    #[must_use]
    pub fn confidence(&self) -> Option<ConfidencePercent> {
        self.confidence_percent.and_then(ConfidencePercent::new)
    }
}

/// Doubling it is as likely everywhere: most cells are small, and few are wide.
fn log_uniform(least: f64, most: f64, rng: &mut impl Rng) -> f64 {
    rng.random_range(least.ln()..most.ln()).exp()
}

/// iPhones say nothing about what a radius means.
fn confidence_percent(rng: &mut impl Rng) -> Option<f64> {
    match rng.random_range(0..20) {
        0..13 => Some(USUAL_PERCENT),
        13..17 => None,
        17..19 => Some(OF_OPERATORS_PERCENT),
        _ => Some(CAUTIOUS_PERCENT),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_kind_of_fix_is_there_and_most_are_good() {
        const DRAWN: usize = 5_000;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<_> = (0..DRAWN).map(|_| Accuracy::draw(&mut rng)).collect();
        for (source, percent, (least_m, most_m)) in [
            (Source::Gnss, 63.0, SATELLITES_M),
            (Source::Wifi, 29.0, NETWORKS_M),
            (Source::Cell, 8.0, CELLS_M),
        ] {
            let of_it: Vec<_> = drawn.iter().filter(|one| one.source == source).collect();
            let share = of_it.len() as f64 / DRAWN as f64;
            assert!(
                (share - percent / 100.0).abs() < 0.03,
                "{source:?}: {share}"
            );
            let within = |one: &&Accuracy| (least_m..=most_m).contains(&one.radius_m);
            assert!(of_it.iter().all(within), "{source:?}");
        }
        for percent in [None, Some(68.0), Some(95.0), Some(99.0)] {
            let said = drawn.iter().filter(|one| one.confidence_percent == percent);
            assert!(said.count() > DRAWN / 30, "{percent:?}");
        }
        let wide = drawn.iter().filter(|one| one.radius_m > 1_000.0).count();
        assert!(wide > DRAWN / 50 && wide < DRAWN / 20, "{wide}");
    }
}

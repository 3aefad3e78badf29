//! What chance alone would do.

use crate::report::{Latency, Outcome};

/// Two runs of one program on one machine differ by less than this, so that a smaller difference is no
/// finding. It is a convention, as wide as the spread of runs on a shared machine.
const RUN_TO_RUN: f64 = 0.10;

/// 95 of 100 repetitions lie within so many standard deviations of the normal law.
const Z_95: f64 = 1.96;

/// What a smaller number means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Good.
    Less,
    /// Bad.
    More,
    /// Nothing.
    None,
}

impl Wish {
    /// What to think of a difference that is no noise.
    fn outcome(self, a: f64, b: f64) -> Outcome {
        match self {
            Self::None => Outcome::Differs,
            _ if (b < a) == (self == Self::Less) => Outcome::Better,
            _ => Outcome::Worse,
        }
    }
}

/// A count of faults: one more is worse.
pub(super) fn exact(a: f64, b: f64, wish: Wish) -> Outcome {
    if a == b {
        Outcome::Same
    } else {
        wish.outcome(a, b)
    }
}

/// A figure of which only its own size is known.
pub(super) fn about(a: f64, b: f64, wish: Wish) -> Outcome {
    if a == b {
        Outcome::Same
    } else if is_near(a, b) {
        Outcome::WithinNoise
    } else {
        wish.outcome(a, b)
    }
}

/// A quantile of times. Besides [`RUN_TO_RUN`], the intervals of the two quantiles must not overlap.
pub(super) fn quantile(
    a: &Latency,
    b: &Latency,
    quantile: f64,
    (ms_a, ms_b): (f64, f64),
) -> Outcome {
    if ms_a == ms_b {
        return Outcome::Same;
    }
    let overlap = match (interval_ms(a, quantile), interval_ms(b, quantile)) {
        (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
        // Without the histogram nobody knows: the size alone has to do.
        _ => false,
    };
    if overlap || is_near(ms_a, ms_b) {
        Outcome::WithinNoise
    } else {
        Wish::Less.outcome(ms_a, ms_b)
    }
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= RUN_TO_RUN * a.abs().max(b.abs())
}

/// The interval that holds the quantile in 95 of 100 repetitions, in milliseconds: the rank of a
/// quantile q of n independent times is binomial, with the standard deviation √(q (1 − q) / n) as a
/// share of n (David and Nagaraja, Order Statistics, 7.1). Waiting times follow each other, so that the
/// true interval is rather wider.
fn interval_ms(latency: &Latency, quantile: f64) -> Option<(f64, f64)> {
    let micros = latency.micros().ok().filter(|micros| !micros.is_empty())?;
    let half = Z_95 * (quantile * (1.0 - quantile) / micros.len() as f64).sqrt();
    let at = |q: f64| micros.value_at_quantile(q.clamp(0.0, 1.0)) as f64 / 1_000.0;
    Some((at(quantile - half), at(quantile + half)))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    fn drawn(seed: u64, count: u32, mean_us: f64) -> Latency {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut micros = Histogram::new(3).unwrap();
        for _ in 0..count {
            let u: f64 = rng.random();
            micros
                .record((-(1.0 - u).ln() * mean_us) as u64 + 1)
                .unwrap();
        }
        Latency::of(&micros)
    }

    fn p99(a: &Latency, b: &Latency) -> Outcome {
        quantile(a, b, 0.99, (a.p99_ms, b.p99_ms))
    }

    #[test]
    fn the_interval_holds_the_true_quantile_about_95_times_in_100() {
        let truth_ms = 100.0_f64.ln() * 50.0;
        let holds = (0..200)
            .filter_map(|seed| interval_ms(&drawn(seed, 1_500, 50_000.0), 0.99))
            .filter(|(low, high)| *low <= truth_ms && truth_ms <= *high)
            .count();
        assert!((180..=199).contains(&holds), "{holds} of 200");
    }

    #[test]
    fn few_times_are_noisy_and_many_are_not() {
        assert_eq!(
            p99(&drawn(1, 150, 50_000.0), &drawn(2, 150, 60_000.0)),
            Outcome::WithinNoise
        );
        let (slow, fast) = (drawn(1, 60_000, 60_000.0), drawn(2, 60_000, 50_000.0));
        assert_eq!(p99(&slow, &fast), Outcome::Better);
        assert_eq!(p99(&fast, &slow), Outcome::Worse);
        assert_eq!(p99(&fast, &fast), Outcome::Same);
    }

    #[test]
    fn a_tenth_is_the_least_that_counts_and_a_fault_always_does() {
        assert_eq!(about(100.0, 109.0, Wish::Less), Outcome::WithinNoise);
        assert_eq!(about(100.0, 115.0, Wish::Less), Outcome::Worse);
        assert_eq!(about(100.0, 85.0, Wish::Less), Outcome::Better);
        assert_eq!(about(100.0, 85.0, Wish::More), Outcome::Worse);
        assert_eq!(about(100.0, 85.0, Wish::None), Outcome::Differs);
        assert_eq!(exact(100.0, 101.0, Wish::Less), Outcome::Worse);
        assert_eq!(exact(0.0, 0.0, Wish::Less), Outcome::Same);
    }
}

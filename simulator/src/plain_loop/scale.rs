//! How wide is the circle in which a phone is with 95 %?

use protocol::{ConfidencePercent, RadiusMetres};

/// What a circle is scaled to (RFC 7459, section 4).
const TARGET: f64 = 0.95;

/// Steps from 0 to the confidence. The steepest slope on the way is 11, so 2,000 leave an error far
/// below a millionth.
const STEPS: u32 = 2_000;

/// The radius in metres of the circle that holds the phone with 95 %, or with the given confidence
/// where that is more: by `erfinv(0.95^½) / erfinv(C^½)` (RFC 7459, section 5.4.2, n = 2). A radius
/// without a confidence is taken as it is; without a radius there is none, and 0 is given.
#[must_use]
pub fn radius_95_m(radius: Option<RadiusMetres>, confidence: Option<ConfidencePercent>) -> f64 {
    let radius_m = radius.map_or(0.0, RadiusMetres::metres);
    let given = confidence.map_or(TARGET, |confidence| confidence.percent() / 100.0);
    if given >= TARGET {
        return radius_m;
    }
    let scaled_m = radius_m * inverse_erf(TARGET.sqrt()) / inverse_erf(given.sqrt());
    if scaled_m.is_nan() {
        return radius_m;
    }
    scaled_m.min(RadiusMetres::MAX.metres())
}

/// Follows the slope of the inverse error function, `½·√π·exp(x²)` at the value `x`, from 0 by
/// Runge's and Kutta's steps of fourth order.
fn inverse_erf(of: f64) -> f64 {
    let slope = |x: f64| (x * x).exp() / std::f64::consts::FRAC_2_SQRT_PI;
    let step = of / f64::from(STEPS);
    (0..STEPS).fold(0.0, |x, _| {
        let first = slope(x);
        let second = slope(x + step / 2.0 * first);
        let third = slope(x + step / 2.0 * second);
        let fourth = slope(x + step * third);
        x + step / 6.0 * (first + 2.0 * (second + third) + fourth)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn radius_m(metres: f64, percent: Option<f64>) -> f64 {
        let confidence = percent.map(|percent| ConfidencePercent::new(percent).unwrap());
        radius_95_m(Some(RadiusMetres::new(metres).unwrap()), confidence)
    }

    #[test]
    fn the_inverse_error_function_has_the_values_of_the_tables() {
        // DLMF, table 7.23 of Abramowitz and Stegun 7.1, the other way round.
        for (x, value) in [
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (1.5, 0.966_105_146_5),
        ] {
            assert!((inverse_erf(value) - x).abs() < 1e-8, "{x}");
        }
    }

    #[test]
    fn circles_of_less_confidence_are_widened_and_of_more_are_not_narrowed() {
        // erfinv(√0.95) = 1.5813, erfinv(√0.68) = 0.9584
        assert!((radius_m(100.0, Some(68.0)) - 165.0).abs() < 0.2);
        for percent in [None, Some(95.0), Some(99.9)] {
            assert_eq!(radius_m(100.0, percent), 100.0);
        }
        assert_eq!(radius_95_m(None, ConfidencePercent::new(68.0)), 0.0);
    }

    #[test]
    fn no_confidence_makes_nonsense() {
        for percent in [f64::MIN_POSITIVE, 1e-12, 94.999_999_999] {
            let metres = radius_m(10.0, Some(percent));
            assert!(
                metres >= 10.0 && metres <= RadiusMetres::MAX.metres(),
                "{percent}: {metres}"
            );
        }
        assert_eq!(radius_m(0.0, Some(68.0)), 0.0);
    }
}

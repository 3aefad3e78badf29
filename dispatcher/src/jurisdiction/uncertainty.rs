//! How wide is the circle in which the phone is, almost certainly?

use protocol::{ConfidencePercent, RadiusMetres};

/// The confidence that is taken for granted where none is given (RFC 7459, section 4).
const TARGET: f64 = 0.95;

/// The radius in metres of the circle that holds the phone with 95 %.
///
/// The fix is taken as normally distributed in both directions, and a circle's radius is scaled by
/// `erfinv(0.95^½) / erfinv(C^½)` (RFC 7459, section 5.4.2, with n = 2). A radius without a
/// confidence is taken as it is.
pub(super) fn radius_95_m(radius: RadiusMetres, confidence: Option<ConfidencePercent>) -> f64 {
    let Some(confidence) = confidence else {
        return radius.metres();
    };
    let given = (confidence.percent() / 100.0).sqrt();
    let scaled = radius.metres() * inverse_erf(TARGET.sqrt()) / inverse_erf(given);
    if scaled.is_finite() {
        scaled.min(RadiusMetres::MAX.metres())
    } else {
        radius.metres()
    }
}

/// The error function, by the series of which every term is positive (DLMF 7.6.2).
fn erf(x: f64) -> f64 {
    let mut term = x;
    let mut sum = x;
    let mut odd = 1.0;
    while term > sum * f64::EPSILON / 2.0 {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

/// Where the error function has this value between 0 and 1, by halving.
fn inverse_erf(value: f64) -> f64 {
    /// The error function is 1 from here on, to the last bit.
    const ONE_FROM: f64 = 6.0;
    /// From 6 down to less than the last bit.
    const HALVINGS: usize = 60;
    let (mut low, mut high) = (0.0, ONE_FROM);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if erf(middle) < value {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(radius: f64, percent: f64) -> f64 {
        let confidence = ConfidencePercent::new(percent);
        assert!(confidence.is_some());
        radius_95_m(RadiusMetres::new(radius).unwrap(), confidence)
    }

    #[test]
    fn the_error_function_is_the_tables() {
        // DLMF table 7.23 and Abramowitz and Stegun, table 7.1.
        for (x, value) in [
            (0.5, 0.520_499_877_8),
            (1.0, 0.842_700_792_9),
            (2.0, 0.995_322_265_0),
        ] {
            assert!((erf(x) - value).abs() < 1e-10);
            assert!((inverse_erf(value) - x).abs() < 1e-8);
        }
    }

    #[test]
    fn a_circle_is_widened_to_95_percent() {
        assert!((scaled(10.0, 95.0) - 10.0).abs() < 1e-9);
        // erfinv(√0.95) = 1.5813, erfinv(√0.68) = 0.9584
        assert!(
            (scaled(100.0, 68.0) - 165.0).abs() < 0.2,
            "{}",
            scaled(100.0, 68.0)
        );
        assert!(scaled(10.0, 99.9) < 10.0);
        assert_eq!(radius_95_m(RadiusMetres::new(7.0).unwrap(), None), 7.0);
    }

    #[test]
    fn no_confidence_makes_nonsense() {
        for percent in [f64::MIN_POSITIVE, 1e-300, 1e-12, 99.999_999_999_999] {
            let metres = scaled(10.0, percent);
            assert!(metres.is_finite() && metres > 0.0, "{percent}: {metres}");
        }
    }
}

//! How wide is the region in which the phone is, almost certainly?

use protocol::{ConfidencePercent, RadiusMetres};

/// The confidence that is taken for granted where none is given (RFC 7459, section 4).
const TARGET: f64 = 0.95;

/// `erfinv(0.95^½)`.
const INVERSE_ERF_OF_TARGET: f64 = 1.581_427_801_332_15;

/// How sure it is that the phone is in its region, after widening to 95 %.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in super::super) struct Certainty {
    /// Between 0 and 1.
    probability: f64,
    /// By what lengths are multiplied.
    factor: f64,
}

impl Certainty {
    /// The fix is taken as normally distributed in both directions, and a radius is widened by
    /// `erfinv(0.95^½) / erfinv(C^½)` (RFC 7459, section 5.4.2, with n = 2). Without a confidence it
    /// is taken as one of 95 %. One of more is not narrowed: that would need the true distribution,
    /// which phones do not tell (section 5.4).
    pub(in super::super) fn new(confidence: Option<ConfidencePercent>) -> Self {
        let given = confidence.map_or(TARGET, |confidence| confidence.percent() / 100.0);
        if given >= TARGET {
            return Self {
                probability: given,
                factor: 1.0,
            };
        }
        let factor = INVERSE_ERF_OF_TARGET / inverse_erf(given.sqrt());
        Self {
            probability: TARGET,
            factor: if factor.is_finite() { factor } else { 1.0 },
        }
    }

    /// For a shape that is not widened: it holds the phone with its own confidence, 95 % where none is
    /// given.
    pub(in super::super) fn as_given(confidence: Option<ConfidencePercent>) -> Self {
        Self {
            probability: confidence.map_or(TARGET, |confidence| confidence.percent() / 100.0),
            factor: 1.0,
        }
    }

    /// The radius of the circle that holds the phone with this certainty, in metres.
    pub(in super::super) fn widened_m(self, radius: RadiusMetres) -> f64 {
        self.widened_m_of(radius.metres())
    }

    pub(super) fn widened_m_of(self, metres: f64) -> f64 {
        (metres * self.factor).min(RadiusMetres::MAX.metres())
    }

    /// The probability that the phone is in an area that holds this share of its region, which is
    /// taken as uniform (RFC 7459, section 5.5).
    pub(in super::super) fn probability(self, share: f64) -> f64 {
        self.probability * share
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

/// Where the error function has this value, above 0 and at most the root of [`TARGET`]; by Newton's
/// method from 0, where the function is concave: never too far, and twice the digits with each step.
fn inverse_erf(value: f64) -> f64 {
    /// Four correct digits after four steps, all after seven.
    const STEPS: usize = 8;
    (0..STEPS).fold(0.0, |x: f64, _| {
        let slope = std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp();
        x + (value - erf(x)) / slope
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(radius: f64, percent: f64) -> f64 {
        let confidence = ConfidencePercent::new(percent);
        assert!(confidence.is_some());
        Certainty::new(confidence).widened_m(RadiusMetres::new(radius).unwrap())
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
        }
        for x in [1e-9, 0.1, 0.5, 1.0, 1.5, INVERSE_ERF_OF_TARGET] {
            assert!((inverse_erf(erf(x)) - x).abs() < 1e-12, "{x}");
        }
        assert!((erf(INVERSE_ERF_OF_TARGET).powi(2) - TARGET).abs() < 1e-12);
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
        assert_eq!(
            Certainty::new(None).widened_m(RadiusMetres::new(7.0).unwrap()),
            7.0
        );
    }

    #[test]
    fn a_surer_circle_is_not_narrowed() {
        assert_eq!(scaled(10.0, 99.9), 10.0);
        let surer = Certainty::new(ConfidencePercent::new(99.9));
        assert!((surer.probability(0.5) - 0.4995).abs() < 1e-12);
        assert_eq!(
            Certainty::new(ConfidencePercent::new(68.0)).probability(1.0),
            TARGET
        );
    }

    #[test]
    fn no_confidence_makes_nonsense() {
        for percent in [f64::MIN_POSITIVE, 1e-300, 1e-12, 99.999_999_999_999] {
            let metres = scaled(10.0, percent);
            assert!(metres.is_finite() && metres > 0.0, "{percent}: {metres}");
        }
    }
}

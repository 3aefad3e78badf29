//! Numbers as people read them: thousands apart, a unit beside each on the same line (U+00A0), and never
//! rounded to look better.

use protocol::UnixMillis;

/// Groups of three digits, `517,200`.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Date and time of day, `2026-11-21 03:00:00`, so many hours east of Greenwich. The date is reckoned in
/// the proleptic Gregorian calendar by eras of 400 years that begin on 1 March (H. Hinnant,
/// *chrono-compatible low-level date algorithms*, `civil_from_days`).
pub(super) fn date_time(at: UnixMillis, hours_east: i64) -> String {
    let s = at.as_i64().div_euclid(1_000) + hours_east * 3_600;
    let (days, s) = (s.div_euclid(86_400) + 719_468, s.rem_euclid(86_400));
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let (h, min, s) = (s / 3_600, s / 60 % 60, s % 60);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{min:02}:{s:02}")
}

/// A number with so many decimals, its thousands apart.
pub(super) fn decimal(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse::<u64>().map_or(whole.to_owned(), count);
    let sign = if value < 0.0 { "−" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Three digits that count: `0.0148`, `0.412`, `8.41`, `84.1`, `1,042`.
pub(super) fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 0.099_95 {
        let zeros = (-value.abs().log10()).floor().clamp(1.0, 5.0) as usize;
        return trimmed(&decimal(value, zeros + 3));
    }
    let decimals = match value.abs() {
        v if v == 0.0 || v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        _ => 3,
    };
    decimal(value, decimals)
}

/// A number at an axis, with no more digits than it has: `0.5`, `1,000`.
pub(super) fn tick(value: f64) -> String {
    trimmed(&decimal(value, 6))
}

/// Without the noughts at the end of a fraction.
fn trimmed(text: &str) -> String {
    match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => text.to_owned(),
    }
}

/// Milliseconds at an axis, from ten seconds on in seconds.
pub(super) fn tick_millis(ms: f64) -> String {
    if ms >= 10_000.0 {
        format!("{}\u{a0}s", tick(ms / 1_000.0))
    } else {
        format!("{}\u{a0}ms", tick(ms))
    }
}

/// Milliseconds, from ten seconds on in seconds.
pub(super) fn millis(ms: f64) -> String {
    if ms >= 10_000.0 {
        format!("{}\u{a0}s", short(ms / 1_000.0))
    } else {
        format!("{}\u{a0}ms", short(ms))
    }
}

/// A share from 0 to 1 in percent. It is cut, not rounded: 99.96 % is not all, and 0.04 % not none.
pub(super) fn percent(share: f64) -> String {
    let tenths = (share * 1_000.0 + 1e-9).floor() / 10.0;
    if share > 0.0 && tenths < 0.1 {
        return "<\u{a0}0.1\u{a0}%".to_owned();
    }
    let whole = share >= 1.0 || tenths == 0.0;
    format!("{}\u{a0}%", decimal(tenths, usize::from(!whole)))
}

/// Bytes with a binary unit.
pub(super) fn bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value.abs() < 1_024.0 {
            return format!("{}\u{a0}{unit}", short(value));
        }
        value /= 1_024.0;
    }
    format!("{}\u{a0}TiB", short(value))
}

/// How often one is in the other, `1.24 ×`.
pub(super) fn ratio(ratio: f64) -> String {
    format!("{}\u{a0}×", short(ratio))
}

/// Steps of 1, 2 or 5 by powers of ten from zero to at least `top`, about `wanted` of them.
pub(super) fn steps(top: f64, wanted: usize) -> Vec<f64> {
    if !(top.is_finite() && top > 0.0) {
        return vec![0.0, 1.0];
    }
    let rough = top / wanted.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * (1.0 - 1e-9))
        .unwrap_or(rough);
    let last = (top / step - 1e-9).ceil() as u32;
    (0..=last).map(|n| f64::from(n) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let of = [(0, "0"), (999, "999"), (1_000, "1,000")];
        for (number, text) in of {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(517_200), "517,200");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(decimal(-1_234.56, 1), "−1,234.6");
        assert_eq!(decimal(f64::NAN, 1), "–");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |s: i64, hours_east| date_time(UnixMillis::new(s * 1_000), hours_east);
        assert_eq!(at(0, 0), "1970-01-01 00:00:00");
        assert_eq!(at(951_782_400, 0), "2000-02-29 00:00:00");
        assert_eq!(at(1_795_230_000, 0), "2026-11-21 03:00:00");
        assert_eq!(at(1_798_729_200, 9), "2027-01-01 00:00:00");
        assert_eq!(at(4_107_542_399, 0), "2100-02-28 23:59:59");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01 00:00:00");
        assert_eq!(at(-1, 0), "1969-12-31 23:59:59");
        // No time of a report's file is a panic.
        let _ = (at(i64::MAX / 1_000, 9), at(i64::MIN / 1_000, 0));
    }

    #[test]
    fn three_digits_count() {
        assert_eq!(
            [0.0148, 0.002, 0.000_412_3].map(short),
            ["0.0148", "0.002", "0.000412"]
        );
        let of = [0.0, 0.41234, 8.412, 84.12, 99.96, 1_042.4, 9.999];
        let texts = of.map(short);
        assert_eq!(
            texts,
            ["0", "0.412", "8.41", "84.1", "100", "1,042", "10.0"]
        );
    }

    #[test]
    fn an_axis_has_no_idle_digits() {
        let of = [0.0, 0.5, 50.0, 1_000.0, 0.25];
        assert_eq!(of.map(tick), ["0", "0.5", "50", "1,000", "0.25"]);
        let of = [0.1, 1.0, 1_000.0, 10_000.0];
        assert_eq!(
            of.map(tick_millis),
            ["0.1\u{a0}ms", "1\u{a0}ms", "1,000\u{a0}ms", "10\u{a0}s"]
        );
    }

    #[test]
    fn a_share_is_never_rounded_to_look_better() {
        let of = [0.0, 0.000_4, 0.314_9, 0.57, 0.999_96, 1.0];
        let texts = of.map(percent);
        assert_eq!(
            texts,
            [
                "0\u{a0}%",
                "<\u{a0}0.1\u{a0}%",
                "31.4\u{a0}%",
                "57.0\u{a0}%",
                "99.9\u{a0}%",
                "100\u{a0}%"
            ]
        );
    }

    #[test]
    fn units_grow_with_the_number() {
        assert_eq!(millis(412.3), "412\u{a0}ms");
        assert_eq!(millis(12_345.0), "12.3\u{a0}s");
        assert_eq!(bytes(36_864.0), "36.0\u{a0}KiB");
        assert_eq!(bytes(512.0), "512\u{a0}B");
        assert_eq!(bytes(3.0 * 1_024_f64.powi(4)), "3.00\u{a0}TiB");
        assert_eq!(ratio(1.237), "1.24\u{a0}×");
    }

    #[test]
    fn steps_are_round_and_reach_the_top() {
        assert_eq!(steps(862.0, 5), [0.0, 200.0, 400.0, 600.0, 800.0, 1_000.0]);
        assert_eq!(steps(1.0, 4), [0.0, 0.5, 1.0]);
        assert_eq!(steps(0.0, 4), [0.0, 1.0]);
        for top in [0.003, 7.0, 99.0, 1e9] {
            let steps = steps(top, 5);
            assert!(steps.last().is_some_and(|last| *last >= top * 0.999_999));
            assert!((2..=7).contains(&steps.len()), "{top}: {steps:?}");
        }
    }
}

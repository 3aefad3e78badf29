//! Percentiles from histograms, and histograms from reports.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use thiserror::Error;

use super::{Latency, Stage, StageName};

const MICROS_PER_MS: f64 = 1_000.0;

/// A histogram of a report that cannot be read.
#[derive(Debug, Error)]
pub enum HistogramError {
    /// It is no base64.
    #[error("a histogram is not base64 ({0}): write the report again")]
    Base64(#[from] base64::DecodeError),
    /// It is no HDR histogram.
    #[error("a histogram is not in HDR's V2 format ({0}): write the report again")]
    Format(#[from] hdrhistogram::serialization::DeserializeError),
    /// It holds less or more than its report says.
    #[error("a histogram holds {held} times, its report says {said}: write the report again")]
    Count {
        /// Times in the histogram.
        held: u64,
        /// Times according to the report.
        said: u64,
    },
}

impl Latency {
    /// The percentiles of times in microseconds.
    #[must_use]
    pub fn of(micros: &Histogram<u64>) -> Self {
        if micros.is_empty() {
            return Self::default();
        }
        let at = |quantile| micros.value_at_quantile(quantile) as f64 / MICROS_PER_MS;
        Self {
            count: micros.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: micros.max() as f64 / MICROS_PER_MS,
            histogram: encoded(micros),
        }
    }

    /// The times themselves, in microseconds; an empty histogram when nothing was measured.
    ///
    /// # Errors
    ///
    /// When the report's text is no histogram, or one of another number of times.
    pub fn micros(&self) -> Result<Histogram<u64>, HistogramError> {
        if self.count == 0 {
            return Ok(empty());
        }
        let bytes = BASE64_STANDARD.decode(&self.histogram)?;
        let micros: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice())?;
        if micros.len() != self.count {
            return Err(HistogramError::Count {
                held: micros.len(),
                said: self.count,
            });
        }
        Ok(micros)
    }
}

impl super::Machine {
    /// The stage of this name, if it was measured.
    #[must_use]
    pub fn stage(&self, name: StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}

/// Three significant digits are a thousandth of a time, and grow to any time by themselves.
pub(super) fn empty() -> Histogram<u64> {
    Histogram::new(3).expect("three significant digits are allowed by the crate")
}

/// The same times in a histogram that is no larger than they need: however a histogram grew, the same
/// times are the same text.
fn tight(micros: &Histogram<u64>) -> Option<Histogram<u64>> {
    let mut tight = Histogram::new_with_max(micros.max().max(2), micros.sigfig()).ok()?;
    tight.add(micros).ok()?;
    Some(tight)
}

/// Base64 of the compressed V2 format. Empty only for counts beyond 2⁶³, which no run reaches.
fn encoded(micros: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    let written = tight(micros).and_then(|tight| {
        V2DeflateSerializer::new()
            .serialize(&tight, &mut bytes)
            .ok()
    });
    match written {
        Some(_) => BASE64_STANDARD.encode(bytes),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_milliseconds() {
        let mut micros = empty();
        for ms in 1..=1_000_u64 {
            micros.record(ms * 1_000).unwrap();
        }
        let latency = Latency::of(&micros);
        let close = |got: f64, wanted: f64| (got - wanted).abs() <= wanted / 1_000.0;
        assert_eq!(latency.count, 1_000);
        assert!(close(latency.p50_ms, 500.0) && close(latency.p90_ms, 900.0));
        assert!(close(latency.p99_ms, 990.0) && close(latency.p999_ms, 999.0));
        assert!(close(latency.max_ms, 1_000.0));
        // What every HDR tool recognises its compressed histograms by.
        assert!(latency.histogram.starts_with("HISTF"));
        assert_eq!(latency.micros().unwrap(), micros);
    }

    #[test]
    fn nothing_measured_is_an_empty_histogram() {
        let latency = Latency::of(&empty());
        assert_eq!(latency, Latency::default());
        assert!(latency.micros().unwrap().is_empty());
    }

    #[test]
    fn a_broken_histogram_is_an_error_and_no_panic() {
        let mut micros = empty();
        micros.record_n(7, 3).unwrap();
        let good = Latency::of(&micros);
        let of = |histogram: &str, count| Latency {
            histogram: histogram.to_owned(),
            count,
            ..good.clone()
        };
        assert!(matches!(
            of("!", 3).micros(),
            Err(HistogramError::Base64(_))
        ));
        assert!(matches!(
            of("AAAA", 3).micros(),
            Err(HistogramError::Format(_))
        ));
        assert!(matches!(of("", 3).micros(), Err(HistogramError::Format(_))));
        assert!(matches!(
            of(&good.histogram, 4).micros(),
            Err(HistogramError::Count { held: 3, said: 4 })
        ));
        let bytes = BASE64_STANDARD.decode(&good.histogram).unwrap();
        for length in 0..bytes.len() {
            let cut = BASE64_STANDARD.encode(&bytes[..length]);
            // The checksum alone is no time that is missing.
            let read = of(&cut, 3).micros();
            assert!(read.is_err() || length >= bytes.len() - 4, "{length} bytes");
        }
    }
}

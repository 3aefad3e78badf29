//! What happened in each second.

use std::time::Duration;

use crate::report::Second;

/// Seconds that are kept apart: no scenario is longer (a day), and what drains later is the last
/// one's.
const MAX_SECONDS: usize = 90_000;

/// What is looked at once a second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sample {
    /// Phones that are connected.
    pub connected: u64,
    /// Resident bytes of the process.
    pub resident_bytes: Option<u64>,
    /// Processor seconds of the process within this second.
    pub cpu_s: Option<f64>,
}

/// One second, while it is counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) offered: u64,
    pub(super) begun: u64,
    pub(super) receipted: u64,
    pub(super) on_board: u64,
    pub(super) positions_sent: u64,
    /// Four bytes for each press; a histogram for each second would be larger.
    pub(super) receipt_us: Vec<u32>,
    pub(super) console_us: Vec<u32>,
    pub(super) sample: Option<Sample>,
}

/// All seconds since the start.
#[derive(Debug, Default)]
pub(super) struct Seconds(Vec<Counted>);

impl Seconds {
    /// The second in which that moment is.
    pub(super) fn at(&mut self, at: Duration) -> &mut Counted {
        let second = usize::try_from(at.as_secs()).unwrap_or(usize::MAX);
        let second = second.min(MAX_SECONDS - 1);
        if self.0.len() <= second {
            self.0.resize_with(second + 1, Counted::default);
        }
        &mut self.0[second]
    }

    pub(super) fn rows(&self) -> Vec<Second> {
        self.0.iter().map(Counted::row).collect()
    }
}

impl Counted {
    fn row(&self) -> Second {
        let sample = self.sample.unwrap_or_default();
        Second {
            offered: self.offered,
            begun: self.begun,
            receipted: self.receipted,
            on_board: self.on_board,
            positions_sent: self.positions_sent,
            receipt_p99_ms: p99_ms(&self.receipt_us),
            console_p99_ms: p99_ms(&self.console_us),
            connected: sample.connected,
            resident_bytes: sample.resident_bytes,
            cpu_s: sample.cpu_s,
        }
    }
}

/// The smallest of the times that 99 of 100 do not exceed.
fn p99_ms(micros: &[u32]) -> Option<f64> {
    let mut sorted = micros.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * 99).div_ceil(100);
    let p99_us = sorted.get(rank.checked_sub(1)?)?;
    Some(f64::from(*p99_us) / 1_000.0)
}

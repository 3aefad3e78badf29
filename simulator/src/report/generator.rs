//! Whether the generator kept its own times: a run that it held up says little about the service.

use serde::{Deserialize, Serialize};

use super::Latency;

/// Whether the load was what it should have been.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Generator {
    /// Alerts that were to be raised.
    pub offered: u64,
    /// Alerts that were begun.
    pub begun: u64,
    /// How late they were begun, against the plan.
    pub late: Latency,
    /// Share of its machine's processors that the generator used, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor_share: Option<f64>,
    /// Why the run says little about the service: the generator was itself the bottleneck. Empty for a
    /// conclusive run.
    pub doubts: Vec<Doubt>,
}

impl Generator {
    /// The times of the run are the service's, not the generator's.
    #[must_use]
    pub fn is_conclusive(&self) -> bool {
        self.doubts.is_empty()
    }
}

/// A sign that the generator was the bottleneck.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Doubt {
    /// Alerts were begun too late.
    BegunLate {
        /// 99 of 100 were begun within this many milliseconds.
        p99_ms: f64,
        /// What is still taken for punctual.
        limit_ms: f64,
    },
    /// Alerts of the plan were never begun.
    NotBegun {
        /// How many.
        alerts: u64,
    },
    /// The generator used nearly all of its machine.
    ProcessorFull {
        /// Share of the machine's processors, from 0 to 1.
        share: f64,
    },
    /// The kernel dropped packets because the generator did not read them in time.
    PacketsDropped {
        /// How many.
        packets: u64,
    },
}

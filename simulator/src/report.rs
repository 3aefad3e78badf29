//! What a run came to: the data of the report, from which JSON, page and comparison are written.
//!
//! A [`Report`] holds figures and no sentences, so that a page in any language is written from the
//! same file. Two reports can be compared ([`compare`]), and those of several machines that loaded one
//! service are added up ([`merge`]). What is unknown is absent, never zero.

use dispatcher::jurisdiction::Authority;
use protocol::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

mod compare;
mod generator;
mod invented;
mod json;
mod judge;
mod latency;
mod merge;
mod numbers;
mod page;
mod words;

pub use compare::{
    Comparison, Counted, Group, Outcome, Row, Setup, SetupDifference, Subject, compare,
};
pub use generator::{Doubt, Generator};
pub use invented::invented;
pub use json::{ReportError, SCHEMA};
pub use judge::{Judgement, Level, Verdict};
pub use latency::HistogramError;
pub use merge::{MergeError, merge};
pub use words::Language;

/// Version of the format; it changes with the meaning of any member.
pub const FORMAT: u32 = 1;

/// A whole report.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// What was to happen, with the seed that was used.
    pub scenario: Scenario,
    /// Where and with what it ran; the first machine's where several loaded one service.
    pub build: Build,
    /// When it began, in milliseconds since 1970.
    pub began_at: UnixMillis,
    /// For how long, in seconds, draining included.
    pub elapsed_s: f64,
    /// Whether the generator kept its own times.
    pub generator: Generator,
    /// About the service: lost, doubled, late.
    pub machine: Machine,
    /// About the desks; absent where nobody worked it out for all machines together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<People>,
    /// Where alerts fell: cells of a tenth of a degree, never a single place.
    pub places: Vec<Cell>,
    /// One for each second since [`Report::began_at`].
    pub seconds: Vec<Second>,
    /// The machines of a merged report; empty for a report of one machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// What stays with one machine when reports are merged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Part {
    /// With what this machine ran.
    pub build: Build,
    /// The seed of its share.
    pub seed: u64,
    /// When it began, in milliseconds since 1970.
    pub began_at: UnixMillis,
    /// For how long, in seconds.
    pub elapsed_s: f64,
    /// Whether this generator kept its own times.
    pub generator: Generator,
    /// Raises of its phones.
    pub raised: u64,
    /// What it saw of the service's use of its machine: per thousand of its own alerts, so that it
    /// cannot be added up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The program and the machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Build {
    /// Version and commit of the program.
    pub program: String,
    /// Processor.
    pub processor: String,
    /// Cores that the run could use.
    pub cores: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Kernel.
    pub system: String,
    /// The map by which alerts were given to stations.
    pub map: MapLabel,
    /// How the service and the generator shared machines.
    pub setting: Setting,
}

/// Which map, and who stands behind its lines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MapLabel {
    /// The map's version.
    pub version: String,
    /// Anything but official is labelled on the page.
    pub authority: Authority,
}

/// How the service and the generator shared machines.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Setting {
    /// Where the service ran.
    pub service: ServicePlace,
    /// To how many cores the service was confined, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_cores: Option<f64>,
    /// What else has to be known, such as a network between them; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Where the service ran, seen from the generator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServicePlace {
    /// In the generator's own process: its use of the processor cannot be told from the generator's.
    SameProcess,
    /// A process of its own on the generator's machine: they take the processor from each other.
    SameMachine,
    /// On another machine.
    OtherMachine,
}

/// Percentiles of a time, in milliseconds. [`Latency::of`] makes it from a histogram.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// How many times it was measured.
    pub count: u64,
    /// Half were faster.
    pub p50_ms: f64,
    /// One of 10 was slower.
    pub p90_ms: f64,
    /// One of 100 was slower.
    pub p99_ms: f64,
    /// One of 1,000 was slower.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Base64 of the HDR histogram in its compressed V2 format, in microseconds, as the tools of
    /// HdrHistogram read it: reports of several machines are added up by these. Empty when nothing
    /// was measured.
    pub histogram: String,
}

/// A stage of an alert's way, from the moment at which somebody meant to press.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// Where the way ends.
    pub name: StageName,
    /// From the intended time: no coordinated omission.
    pub from_intended: Latency,
    /// From the moment at which the phone really began: flatters whoever is late.
    pub from_begun: Latency,
}

/// Where a stage of an alert's way ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageName {
    /// The phone has the relay's word that the alert is durable.
    Receipt,
    /// The dispatcher has decided whose it is.
    Assigned,
    /// An officer's console shows the card.
    Console,
}

/// About the service.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Machine {
    /// What it comes to; see [`Machine::judge`].
    pub verdict: Verdict,
    /// One for each level.
    pub judgements: Vec<Judgement>,
    /// Raises that phones took.
    pub raised: u64,
    /// With a receipt.
    pub receipted: u64,
    /// On the console.
    pub on_board: u64,
    /// Raised and not on the console.
    pub lost: u64,
    /// On the console too often.
    pub doubled: u64,
    /// Reports that came to the console in another order than they were sent.
    pub reordered: u64,
    /// Incidents at another desk than a brute-force answer on the same map.
    pub map_mismatches: u64,
    /// Positions that phones sent.
    pub positions_sent: u64,
    /// Positions that consoles saw: the rest was merged into newer ones, or lost.
    pub positions_seen: u64,
    /// In the order of an alert's way.
    pub stages: Vec<Stage>,
    /// After the slowest restart until every phone that tracks was connected again, in milliseconds;
    /// absent without a restart, and when they never all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_ms: Option<f64>,
    /// Use of the machine by the service, where it is a process of its own or says it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What was shed, and why.
    pub shed: Vec<Shed>,
}

/// Use of the machine by the service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Processor seconds per thousand alerts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s_per_thousand_alerts: Option<f64>,
    /// Processor seconds per thousand positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s_per_thousand_positions: Option<f64>,
    /// Resident bytes per connected phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_connection: Option<f64>,
    /// The most resident bytes.
    pub resident_bytes_max: u64,
}

/// Something that the service did not do, on purpose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shed {
    /// The metric's name, such as `ansim_relay_datagrams_dropped`; the page knows why.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// About the desks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct People {
    /// The target is met.
    pub passed: bool,
    /// Share looked at within 15 s, 60 s and 600 s.
    pub within_15_s: f64,
    /// See above.
    pub within_60_s: f64,
    /// See above.
    pub within_600_s: f64,
    /// The longest wait for a first look, in seconds, of those that had one.
    pub worst_wait_s: f64,
    /// Never looked at before the end.
    pub never: u64,
    /// Seats that there were.
    pub seats: u64,
    /// Seats with which the target would be met, all rooms together; absent when no number would.
    pub seats_needed: Option<u64>,
    /// Share within 15 s by number of seats, for the curve.
    pub curve: Vec<SeatsAndShare>,
}

/// A point of the staffing curve.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct SeatsAndShare {
    /// All rooms together.
    pub seats: u64,
    /// Share looked at within 15 s.
    pub within_15_s: f64,
}

/// A tenth of a degree in both directions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cell {
    /// South-western corner, in tenths of a degree.
    pub lat_tenths: i32,
    /// See above.
    pub lon_tenths: i32,
    /// Alerts in it.
    pub alerts: u64,
}

/// One second of a run.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Second {
    /// Alerts that were to be begun.
    pub offered: u64,
    /// Alerts that were begun.
    pub begun: u64,
    /// Receipts.
    pub receipted: u64,
    /// First cards.
    pub on_board: u64,
    /// Positions sent.
    pub positions_sent: u64,
    /// Raise to receipt from the intended time, 99 of 100 of those that arrived in this second, in
    /// milliseconds. Of several machines the slowest one's, which is never less than that of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_p99_ms: Option<f64>,
    /// To the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_p99_ms: Option<f64>,
    /// Phones connected at its end.
    pub connected: u64,
    /// Resident bytes of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// Processor seconds of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_s: Option<f64>,
}

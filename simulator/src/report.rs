//! What a run came to: the data of the report, from which JSON and page are written.

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

/// Version of the format; it changes with the meaning of any member.
pub const FORMAT: u32 = 1;

/// A whole report.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// What was to happen, with the seed that was used.
    pub scenario: Scenario,
    /// Where and with what it ran.
    pub build: Build,
    /// When it began, RFC 3339 in UTC.
    pub began_at: String,
    /// For how long, in seconds, draining included.
    pub elapsed_s: f64,
    /// Whether the generator kept its own times; what it means for the verdict is in there.
    pub generator: Generator,
    /// About the service: lost, doubled, late.
    pub machine: Machine,
    /// About the desks.
    pub people: People,
    /// Where alerts fell: cells of a tenth of a degree, never a single place.
    pub places: Vec<Cell>,
    /// One for each second.
    pub seconds: Vec<Second>,
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
    /// The map: version and authority.
    pub map: String,
    /// Whether the service ran in this process, and how the generator shared the machine with it.
    pub setting: String,
}

/// Whether the load was what it should have been.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Generator {
    /// Alerts that were to be raised.
    pub offered: u64,
    /// Alerts that were begun.
    pub begun: u64,
    /// How late they were begun, against the plan.
    pub late: Latency,
    /// Whether the run says something about the service: not, when the generator was the bottleneck.
    pub conclusive: bool,
    /// Why, in a sentence.
    pub why: String,
}

/// Percentiles of a time, in milliseconds.
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
    /// Base64 of the HDR histogram in its V2 format, in microseconds: reports of several machines are
    /// added up by these.
    pub histogram: String,
}

/// A stage of an alert's way, from the moment at which somebody meant to press.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// `receipt`, `assigned` or `console`.
    pub name: String,
    /// From the intended time: no coordinated omission.
    pub from_intended: Latency,
    /// From the moment at which the phone really began: flatters whoever is late.
    pub from_begun: Latency,
}

/// A level and whether it was kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Judgement {
    /// What was promised, in words with units.
    pub level: String,
    /// What was asked for.
    pub wanted: f64,
    /// What came of it.
    pub measured: f64,
    /// Whether it holds.
    pub kept: bool,
}

/// About the service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// All levels kept and the run conclusive.
    pub passed: bool,
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
    /// Positions that phones sent, and that consoles saw.
    pub positions_sent: u64,
    /// The rest was merged into newer ones, or lost.
    pub positions_seen: u64,
    /// In the order of an alert's way.
    pub stages: Vec<Stage>,
    /// Use of the machine by the service, where it is a process of its own or says it itself.
    pub cost: Option<Cost>,
    /// What was shed, and why.
    pub shed: Vec<Shed>,
}

/// Use of the machine by the service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// Processor seconds per thousand alerts.
    pub cpu_s_per_thousand_alerts: Option<f64>,
    /// Processor seconds per thousand positions.
    pub cpu_s_per_thousand_positions: Option<f64>,
    /// Resident bytes per connected phone.
    pub bytes_per_connection: Option<f64>,
    /// The most resident bytes.
    pub resident_bytes_max: u64,
}

/// Something that the service did not do, on purpose.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Shed {
    /// The metric's name.
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
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
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
    /// Raise to receipt from the intended time, 99 of 100, in milliseconds.
    pub receipt_p99_ms: f64,
    /// To the console.
    pub console_p99_ms: f64,
    /// Phones connected at its end.
    pub connected: u64,
    /// Resident bytes of the service.
    pub resident_bytes: u64,
    /// Processor seconds of the service.
    pub cpu_s: f64,
}

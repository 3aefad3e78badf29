//! Two reports beside each other: first what was not the same, then what changed, and whether the
//! change is more than noise.

use serde::Serialize;

use super::{Level, Report, StageName};

mod noise;
mod rows;
mod text;

/// What two reports have to say of each other. `a` is what was, `b` what is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Comparison {
    /// Conditions that were not the same: where there are any, a row may differ for their sake.
    pub setup: Vec<SetupDifference>,
    /// What can be compared, same or not.
    pub rows: Vec<Row>,
}

/// A condition that was not the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SetupDifference {
    /// Which.
    pub what: Setup,
    /// In the first report.
    pub a: String,
    /// In the second one.
    pub b: String,
}

/// A condition of a run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setup {
    /// Anything of the scenario but its seed.
    Scenario,
    /// What was drawn.
    Seed,
    /// Version and commit: commonly what is compared.
    Program,
    /// Processor, cores or memory.
    Machine,
    /// Kernel.
    System,
    /// By which alerts were given to stations.
    Map,
    /// How service and generator shared machines.
    Setting,
    /// How many machines loaded the service.
    Machines,
    /// Whether the generator kept its times.
    Generator,
}

/// Rows that belong together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Machine and people.
    Verdicts,
    /// What was measured against each level.
    Levels,
    /// Stages at p50, p99 and p99.9.
    Latency,
    /// Alerts and what became of them.
    Counts,
    /// Offered and achieved.
    Rates,
    /// Use of the machine by the service.
    Cost,
    /// The desks.
    People,
}

/// What a row compares.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The machine's verdict.
    Machine,
    /// The people's verdict.
    People,
    /// A level of the scenario.
    Level(Level),
    /// A stage at a quantile, in thousandths.
    Stage(StageName, u16),
    /// A count of the service.
    Count(Counted),
    /// A rate, per second.
    Rate(Counted),
    /// Processor seconds per thousand alerts.
    CpuAlerts,
    /// Processor seconds per thousand positions.
    CpuPositions,
    /// Bytes per connection.
    BytesPerConnection,
    /// The most resident bytes.
    ResidentMax,
    /// Share looked at within 15 s.
    Within15S,
    /// Share looked at within 60 s.
    Within60S,
    /// Share looked at within 600 s.
    Within600S,
    /// Never looked at.
    Never,
    /// Seats needed for the target.
    SeatsNeeded,
}

/// Something that was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// To be raised.
    Offered,
    /// Begun by the generator.
    Begun,
    /// Raised by phones.
    Raised,
    /// With a receipt.
    Receipted,
    /// On the console.
    OnBoard,
    /// In another order.
    Reordered,
    /// Positions that no console saw.
    PositionsUnseen,
}

/// One thing in both reports.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Row {
    /// What belongs together.
    pub group: Group,
    /// What is compared.
    pub subject: Subject,
    /// In the first report, if it is known: milliseconds, counts, per second, seconds, bytes, shares;
    /// a verdict is 1 for passed, 0 for missed and absent otherwise.
    pub a: Option<f64>,
    /// In the second one.
    pub b: Option<f64>,
    /// `b / a`, where both are known and `a` is not zero; none for a verdict.
    pub ratio: Option<f64>,
    /// What to think of it.
    pub outcome: Outcome,
}

/// What to think of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The very same.
    Same,
    /// Other, and no more than chance would do.
    WithinNoise,
    /// The second report is better.
    Better,
    /// The second report is worse.
    Worse,
    /// Other, and neither better nor worse; or known in one report only.
    Differs,
}

impl Comparison {
    /// Nothing is worse, so that a script may go on.
    #[must_use]
    pub fn is_no_worse(&self) -> bool {
        self.rows.iter().all(|row| row.outcome != Outcome::Worse)
    }
}

/// Compares what was (`a`) with what is (`b`).
#[must_use]
pub fn compare(a: &Report, b: &Report) -> Comparison {
    Comparison {
        setup: setup(a, b),
        rows: rows::rows(a, b),
    }
}

/// A condition as text.
type Shown = fn(&Report) -> String;

/// Conditions in the order in which they matter.
fn setup(a: &Report, b: &Report) -> Vec<SetupDifference> {
    let each: [(Setup, Shown); 9] = [
        (Setup::Scenario, scenario_text),
        (Setup::Seed, |report| report.scenario.seed.to_string()),
        (Setup::Program, |report| report.build.program.clone()),
        (Setup::Machine, machine_text),
        (Setup::System, |report| report.build.system.clone()),
        (Setup::Map, |report| {
            let map = &report.build.map;
            format!("{} ({})", map.version, map.authority)
        }),
        (Setup::Setting, setting_text),
        (Setup::Machines, |report| {
            report.parts.len().max(1).to_string()
        }),
        (Setup::Generator, |report| {
            if report.generator.is_conclusive() {
                "✓"
            } else {
                "✗"
            }
            .to_owned()
        }),
    ];
    let difference = |(what, of): (Setup, Shown)| {
        let (a, b) = (of(a), of(b));
        (a != b).then_some((what, a, b))
    };
    each.into_iter()
        .filter_map(difference)
        .map(|(what, a_text, b_text)| {
            if what == Setup::Scenario {
                let (a, b) = first_difference(&a_text, &b_text);
                return SetupDifference { what, a, b };
            }
            SetupDifference {
                what,
                a: a_text,
                b: b_text,
            }
        })
        .collect()
}

/// The scenario but for its seed, as TOML.
fn scenario_text(report: &Report) -> String {
    let mut scenario = report.scenario.clone();
    scenario.seed = 0;
    toml::to_string(&scenario).unwrap_or_else(|error| error.to_string())
}

/// The first lines in which two texts differ; the whole scenarios are in the reports.
fn first_difference(a: &str, b: &str) -> (String, String) {
    let (mut a, mut b) = (a.lines(), b.lines());
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) if a == b => {}
            (a, b) => {
                let shown = |line: Option<&str>| line.unwrap_or("–").to_owned();
                return (shown(a), shown(b));
            }
        }
    }
}

fn machine_text(report: &Report) -> String {
    let build = &report.build;
    let memory = super::numbers::bytes(build.memory_bytes as f64);
    format!("{} × {}, {memory}", build.cores, build.processor)
}

fn setting_text(report: &Report) -> String {
    let setting = &report.build.setting;
    let place = serde_json::to_value(setting.service).ok();
    let place = place.as_ref().and_then(|place| place.as_str());
    let mut text = place.unwrap_or_default().to_owned();
    if let Some(cores) = setting.service_cores {
        text.push_str(&format!(", {cores} cores"));
    }
    if !setting.note.is_empty() {
        text.push_str(&format!(", {}", setting.note));
    }
    text
}

#[cfg(test)]
mod tests;

//! One report of several machines that loaded one service.
//!
//! What a machine did itself adds up: counts, histograms, places, seconds by the wall clock. What it
//! saw of the service is the same service for all, so that the greatest of them stands: what was shed,
//! resident bytes, processor seconds. Costs are per thousand of a machine's own alerts and stay with
//! it. Seats cannot be added up at all: the people verdict stays when all machines worked it out for
//! the whole scenario, and is absent otherwise.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use protocol::UnixMillis;
use thiserror::Error;

use super::latency::empty;
use super::{
    Cell, Generator, HistogramError, Latency, Machine, Part, Report, Second, Shed, Stage, StageName,
};
use crate::scenario::Scenario;

/// Machines whose runs lie further apart did not load the service together; it also bounds the seconds
/// of a merged report.
const MAX_SPAN_S: i64 = 7 * 24 * 3_600;

/// Reports that cannot be added up.
#[derive(Debug, Error)]
pub enum MergeError {
    /// There is nothing to add up.
    #[error("there are no reports to merge: name at least one")]
    Nothing,
    /// They judge different things.
    #[error(
        "report {index} is of another scenario (`{found}`, not `{wanted}`, or changed): merge runs of one scenario file"
    )]
    Scenario {
        /// Which, counted from one.
        index: usize,
        /// The first report's.
        wanted: String,
        /// This report's.
        found: String,
    },
    /// They do not say whose place an alert is by the same map.
    #[error(
        "report {index} was made with map `{found}`, the first with `{wanted}`: merge runs on one map"
    )]
    Map {
        /// Which, counted from one.
        index: usize,
        /// The first report's.
        wanted: String,
        /// This report's.
        found: String,
    },
    /// They were not run together.
    #[error(
        "the reports are more than {MAX_SPAN_S} seconds apart: merge runs that loaded one service together"
    )]
    Apart,
    /// A histogram cannot be read.
    #[error("report {index}: {error}")]
    Histogram {
        /// Which, counted from one.
        index: usize,
        /// Why.
        error: HistogramError,
    },
}

/// Adds the reports up and judges the sum by the levels of their scenario.
///
/// # Errors
///
/// When they are of different scenarios (but for the seed) or maps, or cannot be read.
pub fn merge(reports: &[Report]) -> Result<Report, MergeError> {
    let first = reports.first().ok_or(MergeError::Nothing)?;
    for (index, report) in (1..).zip(reports) {
        check_same(index, first, report)?;
    }
    let begins: Vec<i64> = reports.iter().map(|r| r.began_at.as_i64()).collect();
    let (began_ms, elapsed_s) = span(reports, &begins)?;
    let generator = generator(reports)?;
    let mut machine = machine(reports)?;
    machine.judge(&first.scenario.levels, &generator);
    Ok(Report {
        format: first.format,
        scenario: first.scenario.clone(),
        build: first.build.clone(),
        began_at: UnixMillis::new(began_ms),
        elapsed_s,
        generator,
        machine,
        people: first
            .people
            .clone()
            .filter(|_| reports.iter().all(|report| report.people == first.people)),
        places: places(reports),
        seconds: seconds(reports, &begins, began_ms),
        parts: reports.iter().flat_map(parts).collect(),
    })
}

fn check_same(index: usize, first: &Report, report: &Report) -> Result<(), MergeError> {
    let unseeded = |scenario: &Scenario| Scenario {
        seed: 0,
        ..scenario.clone()
    };
    if unseeded(&report.scenario) != unseeded(&first.scenario) {
        return Err(MergeError::Scenario {
            index,
            wanted: first.scenario.name.clone(),
            found: report.scenario.name.clone(),
        });
    }
    if report.build.map != first.build.map {
        return Err(MergeError::Map {
            index,
            wanted: first.build.map.version.clone(),
            found: report.build.map.version.clone(),
        });
    }
    Ok(())
}

/// The first begin, in milliseconds since 1970, and the seconds from there to the last end.
fn span(reports: &[Report], begins_ms: &[i64]) -> Result<(i64, f64), MergeError> {
    let began_ms = begins_ms.iter().copied().min().unwrap_or_default();
    let last_ms = begins_ms.iter().copied().max().unwrap_or_default();
    if last_ms.saturating_sub(began_ms) > MAX_SPAN_S * 1_000 {
        return Err(MergeError::Apart);
    }
    let ends = begins_ms
        .iter()
        .zip(reports)
        .map(|(begin_ms, report)| (begin_ms - began_ms) as f64 / 1_000.0 + report.elapsed_s);
    Ok((began_ms, ends.fold(0.0, f64::max)))
}

/// A report of one machine is one part; a merged one brings its own.
fn parts(report: &Report) -> Vec<Part> {
    if !report.parts.is_empty() {
        return report.parts.clone();
    }
    vec![Part {
        build: report.build.clone(),
        seed: report.scenario.seed,
        began_at: report.began_at,
        elapsed_s: report.elapsed_s,
        generator: report.generator.clone(),
        raised: report.machine.raised,
        cost: report.machine.cost.clone(),
    }]
}

fn generator(reports: &[Report]) -> Result<Generator, MergeError> {
    let each = || reports.iter().map(|report| &report.generator);
    Ok(Generator {
        offered: each().map(|generator| generator.offered).sum(),
        begun: each().map(|generator| generator.begun).sum(),
        late: sum(each().map(|generator| Some(&generator.late)))?,
        processor_share: each()
            .filter_map(|generator| generator.processor_share)
            .reduce(f64::max),
        doubts: each()
            .flat_map(|generator| generator.doubts.clone())
            .collect(),
    })
}

/// Everything but the judgement.
fn machine(reports: &[Report]) -> Result<Machine, MergeError> {
    let total = |count: fn(&Machine) -> u64| reports.iter().map(|r| count(&r.machine)).sum();
    Ok(Machine {
        raised: total(|machine| machine.raised),
        receipted: total(|machine| machine.receipted),
        on_board: total(|machine| machine.on_board),
        lost: total(|machine| machine.lost),
        doubled: total(|machine| machine.doubled),
        reordered: total(|machine| machine.reordered),
        map_mismatches: total(|machine| machine.map_mismatches),
        positions_sent: total(|machine| machine.positions_sent),
        positions_seen: total(|machine| machine.positions_seen),
        stages: stages(reports)?,
        shed: shed(reports),
        // Where one machine's phones never all returned, not all have.
        returned_ms: reports
            .iter()
            .map(|report| report.machine.returned_ms)
            .reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b)))
            .flatten(),
        ..Machine::default()
    })
}

fn stages(reports: &[Report]) -> Result<Vec<Stage>, MergeError> {
    let mut stages = Vec::new();
    for name in [StageName::Receipt, StageName::Assigned, StageName::Console] {
        let each = || reports.iter().map(|report| report.machine.stage(name));
        if each().all(|stage| stage.is_none()) {
            continue;
        }
        stages.push(Stage {
            name,
            from_intended: sum(each().map(|stage| stage.map(|stage| &stage.from_intended)))?,
            from_begun: sum(each().map(|stage| stage.map(|stage| &stage.from_begun)))?,
        });
    }
    Ok(stages)
}

/// All times together; the latencies are in the order of the reports.
fn sum<'a>(latencies: impl Iterator<Item = Option<&'a Latency>>) -> Result<Latency, MergeError> {
    let mut all: Histogram<u64> = empty();
    for (index, latency) in (1..).zip(latencies) {
        let Some(latency) = latency else { continue };
        let micros = latency
            .micros()
            .map_err(|error| MergeError::Histogram { index, error })?;
        all.add(&micros)
            .expect("a histogram that grows by itself takes any other");
    }
    Ok(Latency::of(&all))
}

fn shed(reports: &[Report]) -> Vec<Shed> {
    let mut all = BTreeMap::<&str, u64>::new();
    for shed in reports.iter().flat_map(|report| &report.machine.shed) {
        let count = all.entry(&shed.what).or_default();
        *count = (*count).max(shed.count);
    }
    let named = |(what, count): (&str, u64)| Shed {
        what: what.to_owned(),
        count,
    };
    all.into_iter().map(named).collect()
}

fn places(reports: &[Report]) -> Vec<Cell> {
    let mut all = BTreeMap::<(i32, i32), u64>::new();
    for cell in reports.iter().flat_map(|report| &report.places) {
        *all.entry((cell.lat_tenths, cell.lon_tenths)).or_default() += cell.alerts;
    }
    let cell = |((lat_tenths, lon_tenths), alerts)| Cell {
        lat_tenths,
        lon_tenths,
        alerts,
    };
    all.into_iter().map(cell).collect()
}

/// Each report's seconds begin at the whole second that is nearest to its own begin.
fn seconds(reports: &[Report], begins_ms: &[i64], began_ms: i64) -> Vec<Second> {
    let mut all = Vec::<Second>::new();
    for (report, begin_ms) in reports.iter().zip(begins_ms) {
        let shift = usize::try_from((begin_ms - began_ms + 500) / 1_000).unwrap_or_default();
        let wanted = shift + report.seconds.len();
        if all.len() < wanted {
            all.resize(wanted, Second::default());
        }
        for (sum, second) in all[shift..].iter_mut().zip(&report.seconds) {
            *sum = sum.and(second);
        }
    }
    all
}

impl Second {
    /// The same second of two machines.
    fn and(&self, other: &Self) -> Self {
        let greater = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            offered: self.offered + other.offered,
            begun: self.begun + other.begun,
            receipted: self.receipted + other.receipted,
            on_board: self.on_board + other.on_board,
            positions_sent: self.positions_sent + other.positions_sent,
            receipt_p99_ms: greater(self.receipt_p99_ms, other.receipt_p99_ms),
            console_p99_ms: greater(self.console_p99_ms, other.console_p99_ms),
            connected: self.connected + other.connected,
            resident_bytes: self.resident_bytes.max(other.resident_bytes),
            cpu_s: greater(self.cpu_s, other.cpu_s),
        }
    }
}

#[cfg(test)]
mod tests;

//! What can be compared, in the order of the page.

use super::noise::{Wish, about, exact, quantile};
use super::{Counted, Group, Outcome, Row, Subject};
use crate::report::{Cost, Latency, Machine, People, Report, StageName, Verdict};

/// What is counted in one of both.
type Count<T> = fn(&T) -> u64;
/// What is measured in one of both, if it was.
type Figure<T> = fn(&T) -> Option<f64>;
/// One of the percentiles, in milliseconds.
type Percentile = fn(&Latency) -> f64;

pub(super) fn rows(a: &Report, b: &Report) -> Vec<Row> {
    let mut rows = verdicts(a, b);
    rows.extend(levels(&a.machine, &b.machine));
    rows.extend(latency(&a.machine, &b.machine));
    rows.extend(counts(&a.machine, &b.machine));
    rows.extend(rates(a, b));
    rows.extend(cost(a.machine.cost.as_ref(), b.machine.cost.as_ref()));
    rows.extend(people(a.people.as_ref(), b.people.as_ref()));
    rows
}

/// A row; what is known in one report only, differs.
fn row(
    group: Group,
    subject: Subject,
    (a, b): (Option<f64>, Option<f64>),
    judge: impl Fn(f64, f64) -> Outcome,
) -> Row {
    let both = a.zip(b);
    Row {
        group,
        subject,
        a,
        b,
        ratio: both.filter(|(a, _)| *a != 0.0).map(|(a, b)| b / a),
        outcome: match both {
            Some((a, b)) => judge(a, b),
            None if a == b => Outcome::Same,
            None => Outcome::Differs,
        },
    }
}

fn verdicts(a: &Report, b: &Report) -> Vec<Row> {
    let machine = |report: &Report| match report.machine.verdict {
        Verdict::Passed => Some(1.0),
        Verdict::Missed => Some(0.0),
        Verdict::NotConclusive => None,
    };
    let people = |report: &Report| {
        let people = report.people.as_ref()?;
        Some(f64::from(u8::from(people.passed)))
    };
    let more = |a, b| exact(a, b, Wish::More);
    let mut rows = vec![
        row(
            Group::Verdicts,
            Subject::Machine,
            (machine(a), machine(b)),
            more,
        ),
        row(
            Group::Verdicts,
            Subject::People,
            (people(a), people(b)),
            more,
        ),
    ];
    for row in &mut rows {
        row.ratio = None;
    }
    rows
}

/// Levels of time belong to the latency; here are those whose count has to be none.
fn levels(a: &Machine, b: &Machine) -> Vec<Row> {
    let measured = |machine: &Machine, level| {
        let mut judgements = machine.judgements.iter();
        judgements
            .find(|one| one.level == level)
            .and_then(|one| one.measured)
    };
    let each = a.judgements.iter().filter(|one| !one.level.is_time());
    each.map(|one| {
        let both = (measured(a, one.level), measured(b, one.level));
        row(Group::Levels, Subject::Level(one.level), both, |a, b| {
            exact(a, b, Wish::Less)
        })
    })
    .collect()
}

fn latency(a: &Machine, b: &Machine) -> Vec<Row> {
    const QUANTILES: [(u16, Percentile); 3] = [
        (500, |latency| latency.p50_ms),
        (990, |latency| latency.p99_ms),
        (999, |latency| latency.p999_ms),
    ];
    let mut rows = Vec::new();
    for name in [StageName::Receipt, StageName::Assigned, StageName::Console] {
        let of = |machine: &Machine| -> Option<Latency> {
            let stage = machine.stage(name)?;
            Some(stage.from_intended.clone()).filter(|latency| latency.count > 0)
        };
        let (a, b) = (of(a), of(b));
        if a.is_none() && b.is_none() {
            continue;
        }
        for (thousandths, ms) in QUANTILES {
            let both = (a.as_ref().map(ms), b.as_ref().map(ms));
            let q = f64::from(thousandths) / 1_000.0;
            let subject = Subject::Stage(name, thousandths);
            rows.push(row(Group::Latency, subject, both, |ms_a, ms_b| {
                match (&a, &b) {
                    (Some(a), Some(b)) => quantile(a, b, q, (ms_a, ms_b)),
                    _ => Outcome::Differs,
                }
            }));
        }
    }
    rows
}

fn counts(a: &Machine, b: &Machine) -> Vec<Row> {
    let each: [(Counted, Wish, Count<Machine>); 5] = [
        (Counted::Raised, Wish::None, |machine| machine.raised),
        (Counted::Receipted, Wish::None, |machine| machine.receipted),
        (Counted::OnBoard, Wish::None, |machine| machine.on_board),
        (Counted::Reordered, Wish::Less, |machine| machine.reordered),
        (Counted::PositionsUnseen, Wish::Less, |machine| {
            machine
                .positions_sent
                .saturating_sub(machine.positions_seen)
        }),
    ];
    let row = |(counted, wish, of): (Counted, Wish, Count<Machine>)| {
        let both = (Some(of(a) as f64), Some(of(b) as f64));
        row(Group::Counts, Subject::Count(counted), both, |a, b| {
            about(a, b, wish)
        })
    };
    each.map(row).into()
}

fn rates(a: &Report, b: &Report) -> Vec<Row> {
    let per_s = |report: &Report, alerts: u64| {
        let seconds = report.scenario.seconds;
        (seconds > 0.0).then(|| alerts as f64 / seconds)
    };
    let each: [(Counted, Wish, Count<Report>); 3] = [
        (Counted::Offered, Wish::None, |report| {
            report.generator.offered
        }),
        (Counted::Begun, Wish::More, |report| report.generator.begun),
        (Counted::Receipted, Wish::More, |report| {
            report.machine.receipted
        }),
    ];
    let row = |(counted, wish, of): (Counted, Wish, Count<Report>)| {
        let both = (per_s(a, of(a)), per_s(b, of(b)));
        row(Group::Rates, Subject::Rate(counted), both, |a, b| {
            about(a, b, wish)
        })
    };
    each.map(row).into()
}

fn cost(a: Option<&Cost>, b: Option<&Cost>) -> Vec<Row> {
    let each: [(Subject, Figure<Cost>); 4] = [
        (Subject::CpuAlerts, |cost| cost.cpu_s_per_thousand_alerts),
        (Subject::CpuPositions, |cost| {
            cost.cpu_s_per_thousand_positions
        }),
        (Subject::BytesPerConnection, |cost| {
            cost.bytes_per_connection
        }),
        (Subject::ResidentMax, |cost| {
            Some(cost.resident_bytes_max as f64)
        }),
    ];
    let row = |(subject, of): (Subject, Figure<Cost>)| {
        let both = (a.and_then(of), b.and_then(of));
        row(Group::Cost, subject, both, |a, b| about(a, b, Wish::Less))
    };
    let rows = each.map(row).into_iter();
    rows.filter(|row| row.a.is_some() || row.b.is_some())
        .collect()
}

fn people(a: Option<&People>, b: Option<&People>) -> Vec<Row> {
    let each: [(Subject, Wish, Figure<People>); 5] = [
        (Subject::Within15S, Wish::More, |people| {
            Some(people.within_15_s)
        }),
        (Subject::Within60S, Wish::More, |people| {
            Some(people.within_60_s)
        }),
        (Subject::Within600S, Wish::More, |people| {
            Some(people.within_600_s)
        }),
        (Subject::Never, Wish::Less, |people| {
            Some(people.never as f64)
        }),
        (Subject::SeatsNeeded, Wish::Less, |people| {
            people.seats_needed.map(|seats| seats as f64)
        }),
    ];
    let row = |(subject, wish, of): (Subject, Wish, Figure<People>)| {
        let both = (a.and_then(of), b.and_then(of));
        row(Group::People, subject, both, |a, b| about(a, b, wish))
    };
    let rows = each.map(row).into_iter();
    rows.filter(|row| row.a.is_some() || row.b.is_some())
        .collect()
}

//! Two halves make the whole.

use std::sync::LazyLock;

use hdrhistogram::Histogram;
use proptest::prelude::*;
use protocol::{Millis, UnixMillis};

use super::*;
use crate::report::{Doubt, Verdict, invented};

/// What is no different.
static BASE: LazyLock<Report> = LazyLock::new(invented);

/// An alert as the books of a machine have it: which machine, in which second, how slow, where.
#[derive(Clone, Debug)]
struct Press {
    machine: bool,
    second: usize,
    receipt_us: u64,
    console_us: u64,
    late_us: u64,
    cell: i32,
    is_lost: bool,
}

fn presses() -> impl Strategy<Value = Vec<Press>> {
    let press = (
        any::<bool>(),
        0..20_usize,
        1..2_000_000_u64,
        1..9_000_000_u64,
        0..50_000_u64,
        0..4,
        prop::bool::weighted(0.05),
    );
    let named = |(machine, second, receipt_us, console_us, late_us, cell, is_lost)| Press {
        machine,
        second,
        receipt_us,
        console_us,
        late_us,
        cell,
        is_lost,
    };
    prop::collection::vec(press.prop_map(named), 0..200)
}

fn latency<'a>(presses: impl Iterator<Item = &'a Press>, us: fn(&Press) -> u64) -> Latency {
    let mut micros: Histogram<u64> = empty();
    for press in presses {
        micros.record(us(press)).unwrap();
    }
    Latency::of(&micros)
}

/// The report of a machine that made these presses, and began `begin` seconds after the hour.
fn report(presses: &[Press], begin: usize) -> Report {
    let mut report = BASE.clone();
    let seen = || presses.iter().filter(|press| !press.is_lost);
    let begun = presses.len() as u64;
    report.began_at = BASE.began_at.plus(Millis::from_secs(begin as u64));
    report.elapsed_s = 30.0 - begin as f64;
    report.generator.offered = begun;
    report.generator.begun = begun;
    report.generator.late = latency(presses.iter(), |press| press.late_us);
    let machine = &mut report.machine;
    machine.raised = begun;
    machine.receipted = begun;
    machine.on_board = seen().count() as u64;
    machine.lost = begun - machine.on_board;
    machine.reordered = 0;
    machine.positions_sent = 3 * begun;
    machine.positions_seen = 2 * begun;
    machine.cost = None;
    let receipt = latency(presses.iter(), |press| press.receipt_us);
    let console = latency(seen(), |press| press.console_us);
    let stage = |name, latency: Latency| Stage {
        name,
        from_intended: latency.clone(),
        from_begun: latency,
    };
    machine.stages = vec![
        stage(StageName::Receipt, receipt),
        stage(StageName::Console, console),
    ];
    let cell = |n: i32| Cell {
        lat_tenths: 370 + n,
        lon_tenths: 1_270,
        alerts: presses.iter().filter(|press| press.cell == n).count() as u64,
    };
    report.places = (0..4).map(cell).collect();
    let second = |n: usize| {
        let begun = presses.iter().filter(|press| press.second == n).count() as u64;
        Second {
            offered: begun,
            begun,
            connected: begun,
            resident_bytes: Some(1 << 20),
            ..Second::default()
        }
    };
    report.seconds = (begin..20).map(second).collect();
    report
        .machine
        .judge(&report.scenario.levels, &report.generator);
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn two_halves_make_the_whole(mut presses in presses()) {
        // The second machine begins five seconds later, so that its first seconds are empty.
        for press in &mut presses {
            if press.machine {
                press.second = press.second.max(5);
            }
        }
        let half = |machine| -> Vec<Press> {
            presses.iter().filter(|press| press.machine == machine).cloned().collect()
        };
        let (first, second) = (report(&half(false), 0), report(&half(true), 5));
        let whole = report(&presses, 0);
        for order in [[first.clone(), second.clone()], [second, first]] {
            let mut merged = merge(&order).unwrap();
            prop_assert_eq!(merged.parts.len(), 2);
            merged.parts.clear();
            for (part, same) in [
                ("generator", merged.generator == whole.generator),
                ("machine", merged.machine == whole.machine),
                ("seconds", merged.seconds == whole.seconds),
                ("all", merged == whole),
            ] {
                prop_assert!(same, "{part}");
            }
        }
    }
}

#[test]
fn times_of_seconds_are_the_slowest_machines() {
    let second = |p99| Second {
        receipt_p99_ms: p99,
        cpu_s: p99,
        connected: 7,
        ..Second::default()
    };
    let both = second(Some(3.0)).and(&second(Some(9.0)));
    assert_eq!(both.receipt_p99_ms, Some(9.0));
    assert_eq!((both.cpu_s, both.connected), (Some(9.0), 14));
    assert_eq!(both.console_p99_ms, None);
    assert_eq!(
        second(None).and(&second(Some(2.0))).receipt_p99_ms,
        Some(2.0)
    );
}

#[test]
fn the_service_shed_once_what_all_saw() {
    let (mut a, mut b) = (invented(), invented());
    let shed = |what: &str, count| Shed {
        what: what.to_owned(),
        count,
    };
    a.machine.shed = vec![shed("retries", 10), shed("held", 1)];
    b.machine.shed = vec![shed("retries", 12)];
    let merged = merge(&[a, b]).unwrap();
    assert_eq!(merged.machine.shed, [shed("held", 1), shed("retries", 12)]);
}

#[test]
fn all_have_returned_when_the_last_has() {
    let merged = |times: [Option<f64>; 2]| {
        let reports = times.map(|returned_ms| {
            let mut report = BASE.clone();
            report.machine.returned_ms = returned_ms;
            report
        });
        merge(&reports).unwrap().machine.returned_ms
    };
    assert_eq!(merged([Some(7.0), Some(9.0)]), Some(9.0));
    assert_eq!(merged([Some(7.0), None]), None);
    assert_eq!(merged([None, None]), None);
}

#[test]
fn costs_and_builds_stay_with_their_machines() {
    let (a, mut b) = (invented(), invented());
    b.build.cores = 64;
    b.scenario.seed += 1;
    let merged = merge(&[a.clone(), b.clone()]).unwrap();
    assert_eq!(merged.machine.cost, None);
    let cores: Vec<u32> = merged.parts.iter().map(|part| part.build.cores).collect();
    assert_eq!(cores, [2, 64]);
    assert_eq!(merged.parts[1].cost, b.machine.cost);
    assert_eq!(merged.parts[1].seed, b.scenario.seed);
    // A merged report is merged again as what it is made of.
    assert_eq!(merge(&[merged, a]).unwrap().parts.len(), 3);
}

#[test]
fn people_stay_when_all_machines_agree() {
    let (a, mut b) = (invented(), invented());
    assert_eq!(merge(&[a.clone(), b.clone()]).unwrap().people, a.people);
    b.people.as_mut().unwrap().never += 1;
    assert_eq!(merge(&[a.clone(), b.clone()]).unwrap().people, None);
    b.people = None;
    assert_eq!(merge(&[a, b]).unwrap().people, None);
}

#[test]
fn a_doubt_of_one_machine_is_a_doubt_of_all() {
    let (a, mut b) = (invented(), invented());
    assert_eq!(a.machine.verdict, Verdict::Passed);
    b.generator.doubts = vec![Doubt::NotBegun { alerts: 1 }];
    let merged = merge(&[a, b]).unwrap();
    assert_eq!(merged.machine.verdict, Verdict::NotConclusive);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    assert!(matches!(merge(&[]), Err(MergeError::Nothing)));
    let refused = |change: fn(&mut Report)| {
        let mut other = invented();
        change(&mut other);
        merge(&[invented(), other]).unwrap_err()
    };
    assert!(matches!(
        refused(|other| other.scenario.levels.console_p99_ms = 1.0),
        MergeError::Scenario { index: 2, .. }
    ));
    assert!(matches!(
        refused(|other| other.build.map.version.push('x')),
        MergeError::Map { index: 2, .. }
    ));
    assert!(matches!(
        refused(|other| other.began_at = UnixMillis::new(0)),
        MergeError::Apart
    ));
    assert!(matches!(
        refused(|other| other.machine.stages[0].from_begun.histogram.clear()),
        MergeError::Histogram { index: 2, .. }
    ));
}

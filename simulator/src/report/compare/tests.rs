//! What differs is said, in the order in which it matters.

use super::*;
use crate::report::{Doubt, Language, Verdict, invented};

fn outcome(comparison: &Comparison, subject: Subject) -> Outcome {
    let row = comparison.rows.iter().find(|row| row.subject == subject);
    row.unwrap_or_else(|| panic!("no row of {subject:?}"))
        .outcome
}

#[test]
fn a_report_is_the_same_as_itself() {
    let report = invented();
    let comparison = compare(&report, &report);
    assert_eq!(comparison.setup, []);
    assert!(comparison.is_no_worse());
    for row in &comparison.rows {
        assert_eq!(row.outcome, Outcome::Same, "{row:?}");
    }
}

#[test]
fn better_and_worse_change_sides_with_the_reports() {
    let a = invented();
    let mut b = a.clone();
    b.machine.lost = 1;
    b.machine.judge(&b.scenario.levels, &b.generator);
    let there = compare(&a, &b);
    let back = compare(&b, &a);
    for subject in [Subject::Machine, Subject::Level(Level::Lost)] {
        assert_eq!(outcome(&there, subject), Outcome::Worse);
        assert_eq!(outcome(&back, subject), Outcome::Better);
    }
    assert!(!there.is_no_worse() && back.is_no_worse());
}

#[test]
fn every_difference_shows_in_its_row() {
    type Change = fn(&mut Report);
    let changes: [(Change, Subject, Outcome); 9] = [
        (
            |r| r.machine.cost.as_mut().unwrap().bytes_per_connection = Some(90_000.0),
            Subject::BytesPerConnection,
            Outcome::Worse,
        ),
        (
            |r| r.machine.cost.as_mut().unwrap().cpu_s_per_thousand_alerts = Some(0.1),
            Subject::CpuAlerts,
            Outcome::Better,
        ),
        (
            |r| r.machine.cost.as_mut().unwrap().cpu_s_per_thousand_alerts = Some(0.74),
            Subject::CpuAlerts,
            Outcome::WithinNoise,
        ),
        (
            |r| r.machine.cost = None,
            Subject::ResidentMax,
            Outcome::Differs,
        ),
        (
            |r| r.people.as_mut().unwrap().never = 0,
            Subject::Never,
            Outcome::Better,
        ),
        (|r| r.people = None, Subject::People, Outcome::Differs),
        (
            |r| r.generator.begun /= 2,
            Subject::Rate(Counted::Begun),
            Outcome::Worse,
        ),
        (
            |r| r.machine.positions_seen = r.machine.positions_sent,
            Subject::Count(Counted::PositionsUnseen),
            Outcome::Better,
        ),
        (
            |r| r.machine.stages[0].from_intended = r.machine.stages[2].from_intended.clone(),
            Subject::Stage(StageName::Receipt, 990),
            Outcome::Worse,
        ),
    ];
    for (change, subject, wanted) in changes {
        let mut b = invented();
        change(&mut b);
        assert_eq!(
            outcome(&compare(&invented(), &b), subject),
            wanted,
            "{subject:?}"
        );
    }
}

#[test]
fn a_verdict_that_nobody_can_give_is_neither_better_nor_worse() {
    let mut b = invented();
    b.generator.doubts = vec![Doubt::NotBegun { alerts: 9 }];
    b.machine.judge(&b.scenario.levels, &b.generator);
    assert_eq!(b.machine.verdict, Verdict::NotConclusive);
    let comparison = compare(&invented(), &b);
    assert_eq!(outcome(&comparison, Subject::Machine), Outcome::Differs);
    assert_eq!(comparison.setup[0].what, Setup::Generator);
}

#[test]
fn conditions_are_named_before_anything_else() {
    let mut b = invented();
    b.scenario.desks.false_share = 0.5;
    b.scenario.seed += 1;
    b.build.cores = 64;
    b.build.map.version = "other".to_owned();
    b.build.setting.service_cores = Some(0.5);
    let comparison = compare(&invented(), &b);
    let named: Vec<Setup> = comparison.setup.iter().map(|one| one.what).collect();
    let wanted = [
        Setup::Scenario,
        Setup::Seed,
        Setup::Machine,
        Setup::Map,
        Setup::Setting,
    ];
    assert_eq!(named, wanted);
    assert_eq!(comparison.setup[0].b, "false_share = 0.5");
    for language in Language::ALL {
        let (text, page) = (comparison.to_text(language), comparison.to_html(language));
        for shown in [text, page] {
            let at = |what: &str| shown.find(what).unwrap_or_else(|| panic!("no {what}"));
            assert!(at("false_share = 0.5") < at("p99.9"));
        }
    }
}

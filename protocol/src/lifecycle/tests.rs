use proptest::prelude::*;

use super::*;
use crate::{DeviceId, IncidentId, ReportKind, Verification};

const DEVICE: DeviceId = DeviceId::Enrolled([7; 16]);

fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

fn raise(n: u8, number: u64) -> ReportHeader {
    report(n, number, ReportKind::Raise)
}

fn report(n: u8, number: u64, kind: ReportKind) -> ReportHeader {
    ReportHeader {
        device: DEVICE,
        alert: alert(n),
        number: ReportNumber(number),
        kind,
        verification: Verification::Verified,
        drill: false,
    }
}

fn decision(
    id: u8,
    kind: DecisionKind,
    revision: Revision,
    officer: Option<&str>,
) -> DecisionHeader {
    DecisionHeader {
        id: DecisionId::from_bytes([id; 16]),
        incident: IncidentId::of(&DEVICE, &alert(1)),
        device: DEVICE,
        alert: alert(1),
        kind,
        revision,
        officer: officer.map(OfficerId::new),
        owner_desk: (kind == DecisionKind::Assigned).then(|| DeskId::new("station:a")),
        due_at: None,
    }
}

fn at(ms: i64) -> UnixMillis {
    UnixMillis::new(ms)
}

fn assigned() -> Lifecycle {
    let mut lifecycle = Lifecycle::open(&raise(1, 1), at(0));
    let given = decision(1, DecisionKind::Assigned, lifecycle.revision(), None);
    assert_eq!(lifecycle.decide(&given, at(1)), Effect::Changed);
    lifecycle
}

#[test]
fn of_two_officers_the_first_in_the_log_has_it_and_the_other_changes_nothing() {
    let mut lifecycle = assigned();
    let seen = lifecycle.revision();
    let first = decision(2, DecisionKind::Acknowledged, seen, Some("kim"));
    let second = decision(3, DecisionKind::Acknowledged, seen, Some("lee"));
    assert_eq!(lifecycle.decide(&first, at(2)), Effect::Changed);
    let after_first = lifecycle.clone();
    assert_eq!(lifecycle.decide(&second, at(3)), Effect::Superseded);
    assert_eq!(lifecycle.acknowledged(), after_first.acknowledged());
    assert_eq!(lifecycle.state(), State::Acknowledged);
}

#[test]
fn a_redelivered_entry_changes_nothing() {
    let mut lifecycle = assigned();
    let first = decision(
        2,
        DecisionKind::Acknowledged,
        lifecycle.revision(),
        Some("kim"),
    );
    lifecycle.decide(&first, at(2));
    let before = lifecycle.clone();
    assert_eq!(lifecycle.decide(&first, at(9)), Effect::Duplicate);
    assert_eq!(lifecycle.report(&raise(1, 1), at(9)), Effect::Duplicate);
    assert_eq!(lifecycle, before);
}

#[test]
fn a_decision_that_comes_before_what_it_was_made_on_counts_when_it_comes_again() {
    let mut lifecycle = Lifecycle::open(&raise(1, 1), at(0));
    let given = decision(1, DecisionKind::Assigned, lifecycle.revision(), None);
    let taken = decision(
        2,
        DecisionKind::Acknowledged,
        lifecycle.revision().next(),
        Some("kim"),
    );
    let before = lifecycle.clone();
    assert!(lifecycle.is_ahead(&taken) && !lifecycle.is_ahead(&given));
    assert_eq!(lifecycle.decide(&taken, at(1)), Effect::Superseded);
    assert_eq!(lifecycle, before);
    assert_eq!(lifecycle.decide(&given, at(2)), Effect::Changed);
    assert_eq!(lifecycle.decide(&taken, at(3)), Effect::Changed);
    assert_eq!(lifecycle.state(), State::Acknowledged);
}

#[test]
fn a_further_press_asks_for_an_acknowledgement_again() {
    let mut lifecycle = assigned();
    let taken = decision(
        2,
        DecisionKind::Acknowledged,
        lifecycle.revision(),
        Some("kim"),
    );
    lifecycle.decide(&taken, at(2));
    let revision = lifecycle.revision();
    assert_eq!(lifecycle.report(&raise(2, 1), at(3)), Effect::Changed);
    assert_eq!(
        (lifecycle.state(), lifecycle.presses()),
        (State::Assigned, 2)
    );
    assert!(lifecycle.revision() > revision);
}

#[test]
fn a_press_within_a_day_reopens_a_closed_incident() {
    let mut lifecycle = assigned();
    let end = decision(2, DecisionKind::Closed, lifecycle.revision(), Some("kim"));
    lifecycle.decide(&end, at(10));
    let day = i64::try_from(REOPEN_WITHIN.0).unwrap();
    assert!(lifecycle.gathers_press_at(at(10 + day)));
    assert!(!lifecycle.gathers_press_at(at(11 + day)));
    assert_eq!(lifecycle.report(&raise(2, 1), at(20)), Effect::Changed);
    assert_eq!(
        (lifecycle.state(), lifecycle.reopened()),
        (State::Assigned, true)
    );
    assert!(
        lifecycle.gathers_press_at(at(30 + 2 * day)),
        "it is open again"
    );
}

#[test]
fn a_text_that_overtakes_its_raise_opens_the_incident_once() {
    let mut lifecycle = Lifecycle::open(&report(1, 2, ReportKind::Text), at(0));
    assert_eq!(lifecycle.report(&raise(1, 1), at(1)), Effect::Added);
    assert_eq!(lifecycle.presses(), 1);
}

#[test]
fn a_decision_that_only_adds_needs_no_revision() {
    let mut lifecycle = assigned();
    let words = decision(5, DecisionKind::Message, Revision(0), Some("kim"));
    assert_eq!(lifecycle.decide(&words, at(2)), Effect::Added);
    assert_eq!(lifecycle.decide(&words, at(3)), Effect::Duplicate);
}

#[test]
fn nobody_acknowledges_without_a_name_and_nothing_closes_twice() {
    let mut lifecycle = assigned();
    let nobody = decision(2, DecisionKind::Acknowledged, lifecycle.revision(), None);
    assert_eq!(lifecycle.decide(&nobody, at(2)), Effect::Superseded);
    let end = decision(3, DecisionKind::Closed, lifecycle.revision(), Some("kim"));
    assert_eq!(lifecycle.decide(&end, at(3)), Effect::Changed);
    let again = decision(4, DecisionKind::Closed, lifecycle.revision(), Some("lee"));
    assert_eq!(lifecycle.decide(&again, at(4)), Effect::Superseded);
}

proptest! {
    #[test]
    fn number_set_agrees_with_a_plain_set(numbers in prop::collection::vec(0_u64..40, 0..200)) {
        let mut runs = NumberSet::default();
        let mut plain = BTreeSet::new();
        for number in numbers {
            prop_assert_eq!(runs.insert(ReportNumber(number)), plain.insert(number));
        }
        for number in 0..41 {
            prop_assert_eq!(runs.contains(ReportNumber(number)), plain.contains(&number));
        }
    }

    #[test]
    fn number_set_is_bounded_and_never_forgets_what_it_has(gaps in 1_001_u64..1_500) {
        let mut runs = NumberSet::default();
        for number in 0..gaps {
            prop_assert!(runs.insert(ReportNumber(number * 2)));
        }
        prop_assert!(runs.runs.len() <= MAX_RUNS);
        for number in 0..gaps {
            prop_assert!(!runs.insert(ReportNumber(number * 2)));
        }
        prop_assert!(runs.insert(ReportNumber(u64::MAX)));
        prop_assert!(!runs.insert(ReportNumber(u64::MAX)));
    }
}

#[test]
fn a_flood_of_presses_is_bounded_and_takes_no_acknowledgement_away() {
    let mut lifecycle = assigned();
    for n in 0..MAX_ALERTS as u64 + 10 {
        let alert = AlertId::from_bytes(u128::from(n + 1_000).to_be_bytes());
        lifecycle.report(
            &ReportHeader {
                alert,
                ..raise(1, 1)
            },
            at(2),
        );
    }
    assert_eq!(lifecycle.alerts().count(), MAX_ALERTS);
    let taken = decision(
        9,
        DecisionKind::Acknowledged,
        lifecycle.revision(),
        Some("kim"),
    );
    assert_eq!(lifecycle.decide(&taken, at(3)), Effect::Changed);
    let alert = AlertId::from_bytes([0xff; 16]);
    let further = ReportHeader {
        alert,
        ..raise(1, 1)
    };
    assert_eq!(lifecycle.report(&further, at(4)), Effect::Added);
    assert_eq!(lifecycle.state(), State::Acknowledged);
    let end = decision(10, DecisionKind::Closed, lifecycle.revision(), Some("kim"));
    assert_eq!(lifecycle.decide(&end, at(5)), Effect::Changed);
    assert!(
        !lifecycle.gathers_press_at(at(6)),
        "a real press rings as its own incident"
    );
}

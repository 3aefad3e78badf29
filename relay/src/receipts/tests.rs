use proptest::prelude::*;
use protocol::{AlertId, DeviceId, ReportNumber};

use super::*;

const ONE: SessionId = SessionId(1);

fn key(n: u64) -> ReportKey {
    ReportKey {
        device: DeviceId::Enrolled([1; 16]),
        alert: AlertId::from_bytes([2; 16]),
        number: ReportNumber(n),
    }
}

fn waiting(unknown_to: u64, confirmed: u64) -> Receipts {
    let mut receipts = Receipts::default();
    receipts.wait_for_replicas(Offset(unknown_to), Offset(confirmed));
    receipts
}

#[test]
fn without_replicas_a_stored_report_is_all_there_is_and_nothing_is_remembered() {
    let mut receipts = Receipts::default();
    assert_eq!(receipts.placed(key(1), Offset(0)), Grade::STORED);
    receipts.listen(ONE, &key(1));
    assert_eq!(receipts.grade_of(&key(1)), Grade::STORED);
    assert!(receipts.kept.is_empty() && receipts.waiting.is_empty());
}

#[test]
fn each_place_is_told_when_what_is_confirmed_has_passed_it() {
    let mut receipts = waiting(0, 0);
    for n in 0..3 {
        assert_eq!(receipts.placed(key(n), Offset(n)), Grade::ON_ITS_WAY);
        receipts.listen(ONE, &key(n));
    }
    assert_eq!(receipts.confirmed(Offset(0)), []);
    assert_eq!(
        receipts.confirmed(Offset(2)),
        [(ONE, key(0)), (ONE, key(1))]
    );
    assert_eq!(receipts.grade_of(&key(1)), Grade::REPLICATED);
    assert_eq!(receipts.grade_of(&key(2)), Grade::ON_ITS_WAY);
    assert_eq!(receipts.confirmed(Offset(3)), [(ONE, key(2))]);
    // A commit whose answer comes after the replicas.
    assert_eq!(receipts.placed(key(3), Offset(2)), Grade::REPLICATED);
}

#[test]
fn what_was_lost_again_is_on_its_way_again_for_whoever_asks() {
    let mut receipts = waiting(0, 0);
    receipts.placed(key(1), Offset(0));
    receipts.confirmed(Offset(1));
    assert_eq!(receipts.confirmed(Offset(0)), []);
    assert_eq!(receipts.grade_of(&key(1)), Grade::ON_ITS_WAY);
    receipts.listen(ONE, &key(1));
    receipts.listen(ONE, &key(1));
    assert_eq!(receipts.confirmed(Offset(1)), [(ONE, key(1))]);
}

#[test]
fn of_an_earlier_run_nothing_is_promised_before_everything_is_confirmed() {
    let mut receipts = waiting(7, 6);
    assert_eq!(receipts.grade_of(&key(1)), Grade::ON_ITS_WAY);
    receipts.confirmed(Offset(7));
    assert_eq!(receipts.grade_of(&key(1)), Grade::STORED);
}

#[test]
fn beyond_the_bound_the_oldest_hear_no_second_receipt_and_are_not_called_final() {
    let mut receipts = waiting(0, 0);
    for n in 0..=RECEIPTS_KEPT_MAX as u64 {
        receipts.placed(key(n), Offset(n));
        receipts.listen(ONE, &key(n));
    }
    assert_eq!(receipts.kept.len(), RECEIPTS_KEPT_MAX);
    assert_eq!(receipts.grade_of(&key(0)), Grade::ON_ITS_WAY);
    let told = receipts.confirmed(Offset(u64::MAX));
    assert_eq!(told.len(), RECEIPTS_KEPT_MAX);
    assert!(!told.contains(&(ONE, key(0))));
    assert_eq!(receipts.grade_of(&key(0)), Grade::STORED);
}

#[test]
fn of_many_connections_the_newest_wait() {
    let mut receipts = waiting(0, 0);
    receipts.placed(key(1), Offset(0));
    for n in 0..10 {
        receipts.listen(SessionId(n), &key(1));
    }
    let told = receipts.confirmed(Offset(1));
    let sessions: Vec<u64> = told.iter().map(|(session, _)| session.0).collect();
    assert_eq!(sessions, [6, 7, 8, 9]);
}

proptest! {
    /// Whatever comes in whatever order: nobody hears of replicas before they have it, nobody twice without asking, and
    /// whoever has asked hears.
    #[test]
    fn who_was_told_on_its_way_is_told_once_when_it_is_there(
        steps in prop::collection::vec((0_u8..3, 0_u64..40), 0..120),
    ) {
        let mut receipts = waiting(0, 0);
        let (mut end, mut confirmed) = (0, 0);
        let mut owed = std::collections::BTreeSet::new();
        for (what, n) in steps {
            match what {
                0 => {
                    let grade = receipts.placed(key(end), Offset(end));
                    prop_assert_eq!(grade == Grade::REPLICATED, end < confirmed);
                    end += 1;
                }
                1 if n < end => {
                    receipts.listen(ONE, &key(n));
                    if receipts.grade_of(&key(n)) == Grade::ON_ITS_WAY {
                        owed.insert(n);
                    }
                }
                _ => {
                    confirmed = n.min(end);
                    for (session, told) in receipts.confirmed(Offset(confirmed)) {
                        prop_assert_eq!(session, ONE);
                        prop_assert!(told.number.0 < confirmed);
                        prop_assert!(owed.remove(&told.number.0));
                    }
                    prop_assert!(owed.iter().all(|n| *n >= confirmed));
                }
            }
        }
    }
}

use proptest::prelude::*;
use protocol::wire::Durability;
use protocol::{LatLon, Raise, UnixMillis};

use super::*;
use crate::number::RAISE_NUMBER;

const NOW: Duration = Duration::ZERO;

fn report(alert: u8, number: u64, content: Content) -> Report {
    Report {
        alert: AlertId::from_bytes([alert; 16]),
        number: ReportNumber(number),
        sent_at: Some(UnixMillis::new(1)),
        install_key: None,
        content,
    }
}

fn raise(outbox: &mut Outbox, alert: u8) -> AlertId {
    let press = report(alert, RAISE_NUMBER.0, Content::Raise(Raise::default()));
    outbox.raise(press, NOW)
}

fn text(outbox: &mut Outbox, alert: u8, number: u64) -> Option<ReportNumber> {
    let words = Content::Text(number.to_string());
    outbox.keep(report(alert, number, words), NOW).unwrap()
}

fn receipt(alert: AlertId, number: u64, is_final: bool) -> Receipt {
    Receipt {
        alert,
        number: ReportNumber(number),
        durability: Durability::Local,
        is_final,
    }
}

fn closed(alert: AlertId) -> Status {
    Status {
        alert,
        progress: Progress::Closed,
        at: UnixMillis::new(2),
    }
}

fn numbers(outbox: &mut Outbox) -> Vec<u64> {
    outbox.begin_connection();
    let mut sent = Vec::new();
    while let Some(kept) = outbox.next_unsent(false) {
        kept.sent = true;
        sent.push(kept.report.number.0);
    }
    sent
}

#[test]
fn a_raise_is_repeated_on_every_connection_until_closed() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    assert_eq!(numbers(&mut outbox), [1]);
    assert!(outbox.receipt(&receipt(alert, 1, true)).is_some());
    assert_eq!(numbers(&mut outbox), [1]);
    assert!(outbox.status(&closed(alert)));
    assert!(outbox.is_empty());
}

#[test]
fn a_text_stays_until_its_final_receipt() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    text(&mut outbox, 1, 5);
    assert!(outbox.receipt(&receipt(alert, 5, false)).is_some());
    assert_eq!(numbers(&mut outbox), [1, 5]);
    assert!(outbox.receipt(&receipt(alert, 5, true)).is_some());
    assert_eq!(numbers(&mut outbox), [1]);
}

#[test]
fn a_text_outlives_the_close_of_its_alert() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    text(&mut outbox, 1, 5);
    outbox.status(&closed(alert));
    assert_eq!(numbers(&mut outbox), [5]);
    outbox.receipt(&receipt(alert, 5, true));
    assert!(outbox.is_empty());
}

#[test]
fn a_receipt_that_comes_again_says_nothing_new() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    assert!(outbox.receipt(&receipt(alert, 1, true)).is_some());
    assert!(outbox.receipt(&receipt(alert, 1, true)).is_none());
    assert!(outbox.receipt(&receipt(alert, 1, false)).is_none());
    assert!(outbox.receipt(&receipt(alert, 77, true)).is_none());
}

#[test]
fn the_oldest_text_makes_room_and_no_cancel_does() {
    let mut outbox = Outbox::default();
    raise(&mut outbox, 1);
    for number in 2..2 + MAX_TEXTS as u64 {
        assert_eq!(text(&mut outbox, 1, number), None);
    }
    assert_eq!(text(&mut outbox, 1, 1_000), Some(ReportNumber(2)));
    for number in 2_000..2_000 + MAX_CANCELS as u64 {
        let claim = report(1, number, Content::Cancel(vec![0; 64]));
        assert_eq!(outbox.keep(claim, NOW), Ok(None));
    }
    let claim = report(1, 3_000, Content::Cancel(vec![0; 64]));
    assert_eq!(outbox.keep(claim, NOW), Err(NotTaken::TooManyCancels));
}

#[test]
fn what_a_relay_has_stored_makes_room_before_what_nobody_has() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    for number in 2..2 + MAX_TEXTS as u64 {
        text(&mut outbox, 1, number);
    }
    outbox.receipt(&receipt(alert, 7, false));
    assert_eq!(text(&mut outbox, 1, 1_000), None, "no word is lost");
    assert_eq!(text(&mut outbox, 1, 1_001), Some(ReportNumber(2)));
    let cancel = |number| report(1, number, Content::Cancel(vec![0; 64]));
    for number in 2_000..2_000 + MAX_CANCELS as u64 {
        outbox.keep(cancel(number), NOW).unwrap();
    }
    outbox.receipt(&receipt(alert, 2_000, false));
    assert_eq!(outbox.keep(cancel(3_000), NOW), Ok(None));
    let full = outbox.keep(cancel(3_001), NOW);
    assert_eq!(full, Err(NotTaken::TooManyCancels));
    let kept = numbers(&mut outbox);
    assert!(!kept.contains(&2_000) && kept.contains(&2_001) && kept.contains(&3_000));
}

#[test]
fn a_stored_text_of_a_closed_alert_keeps_no_phone_awake() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    text(&mut outbox, 1, 5);
    outbox.status(&closed(alert));
    assert!(!outbox.is_empty(), "nobody has the text");
    outbox.receipt(&receipt(alert, 5, false));
    assert!(outbox.is_empty());
}

#[test]
fn at_the_limit_a_replicated_alert_goes_then_a_stored_one() {
    let mut outbox = Outbox::default();
    let ids: Vec<_> = (0..MAX_ALERTS as u8)
        .map(|alert| raise(&mut outbox, alert))
        .collect();
    outbox.receipt(&receipt(ids[1], 1, false));
    outbox.receipt(&receipt(ids[2], 1, true));
    raise(&mut outbox, 100);
    assert!(outbox.find(ids[2]).is_none());
    raise(&mut outbox, 101);
    assert!(outbox.find(ids[1]).is_none());
}

#[test]
fn the_newest_press_goes_first() {
    let mut outbox = Outbox::default();
    raise(&mut outbox, 1);
    let newest = raise(&mut outbox, 2);
    let first = outbox.next_unsent(true).unwrap();
    assert_eq!(first.report.alert, newest);
}

#[test]
fn at_the_limit_a_durable_alert_goes_before_a_press_is_joined() {
    let mut outbox = Outbox::default();
    let first = raise(&mut outbox, 0);
    for alert in 1..MAX_ALERTS as u8 {
        raise(&mut outbox, alert);
    }
    let newest = AlertId::from_bytes([MAX_ALERTS as u8 - 1; 16]);
    assert_eq!(raise(&mut outbox, 100), newest);
    outbox.receipt(&receipt(first, 1, true));
    assert_eq!(raise(&mut outbox, 101), AlertId::from_bytes([101; 16]));
    assert!(outbox.find(first).is_none());
}

#[test]
fn positions_wait_for_the_raise_to_be_receipted_on_this_connection() {
    let mut outbox = Outbox::default();
    let alert = raise(&mut outbox, 1);
    let position = Position::at(LatLon::new(37.5, 127.0).unwrap());
    outbox.track(alert, position).unwrap();
    assert!(outbox.next_track().is_none());
    outbox.receipt(&receipt(alert, 1, true));
    assert!(outbox.next_track().is_some());
    outbox.begin_connection();
    assert!(outbox.next_track().is_none());
}

#[test]
fn a_gap_leaves_as_a_trail_and_the_newest_position_alone() {
    let position = Position::at(LatLon::new(37.5, 127.0).unwrap());
    let mut track: VecDeque<_> = std::iter::repeat_n(position, 5).collect();
    assert!(
        matches!(take_track(&mut track, MAX_TRACK), Some(Content::Trail(fixes)) if fixes.len() == 4)
    );
    assert!(matches!(
        take_track(&mut track, MAX_TRACK),
        Some(Content::Position(Ok(_)))
    ));
    assert_eq!(take_track(&mut track, MAX_TRACK), None);
}

proptest! {
    /// Whatever is said, the outbox stays within its limits and keeps every raise without receipt.
    #[test]
    fn bounded_and_no_raise_without_receipt_is_lost(
        steps in prop::collection::vec((0_u8..7, 0_u8..12), 0..400),
    ) {
        let mut outbox = Outbox::default();
        let mut owed = std::collections::BTreeSet::new();
        for (number, (step, alert)) in steps.into_iter().enumerate() {
            let number = number as u64 + 2;
            let id = AlertId::from_bytes([alert; 16]);
            let position = Position::at(LatLon::new(37.5, 127.0).unwrap());
            match step {
                0 if outbox.find(id).is_none() => {
                    let kept = raise(&mut outbox, alert);
                    if outbox.find(kept).is_some_and(|alert| alert.raise.receipt.is_none()) {
                        owed.insert(kept);
                    }
                }
                1 | 2 => drop(outbox.keep(report(alert, number, Content::Text("?".into())), NOW)),
                3 => drop(outbox.keep(report(alert, number, Content::Cancel(vec![])), NOW)),
                4 => drop(outbox.track(id, position)),
                5 => { outbox.receipt(&receipt(id, 1, true)); owed.remove(&id); }
                6 => { outbox.refused(id, RAISE_NUMBER); }
                _ => {}
            }
            prop_assert!(outbox.alerts.len() <= MAX_ALERTS);
            for alert in &outbox.alerts {
                prop_assert!(alert.kept.len() <= MAX_TEXTS + MAX_CANCELS + 1);
                prop_assert!(alert.track.len() <= MAX_TRACK);
            }
            for id in &owed {
                prop_assert!(outbox.find(*id).is_some(), "{id} is gone without a receipt");
            }
        }
    }
}

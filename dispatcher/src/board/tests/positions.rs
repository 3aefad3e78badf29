//! Where the person is, whatever order fixes arrive in.

use super::*;

#[test]
fn an_unusable_position_leaves_the_last_good_one_with_its_age() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 10),
    );
    let bad = |number, reason| {
        said(
            device(1),
            alert(1),
            number,
            Content::Position(Err(reason)),
            20,
        )
    };
    board.apply_track(Partition::ZERO, Offset(0), &bad(2, Unusable::NullIsland));
    let incident = only(&board);
    assert_eq!(incident.position(), Some(&place(37.5)));
    assert_eq!(
        incident.unusable().map(|fix| fix.reason),
        Some(Unusable::NullIsland)
    );
    let good = said(
        device(1),
        alert(1),
        3,
        Content::Position(Ok(place(37.6))),
        30,
    );
    board.apply_track(Partition::ZERO, Offset(1), &good);
    assert_eq!(only(&board).position(), Some(&place(37.6)));
    assert_eq!(only(&board).unusable(), None);
    board.apply_track(Partition::ZERO, Offset(2), &bad(2, Unusable::OutOfRange));
    assert_eq!(
        only(&board).unusable(),
        None,
        "an old one does not come back"
    );
}

#[test]
fn an_alert_without_any_position_stands() {
    let mut board = Board::default();
    let nowhere = said(device(1), alert(1), 1, Content::Raise(Raise::default()), 1);
    board.apply_alert(Partition::ZERO, Offset(0), &nowhere);
    assert_eq!(only(&board).position(), None);
}

#[test]
fn a_clock_that_went_back_between_two_presses_hides_no_position() {
    let mut board = Board::default();
    let (first, second) = (
        AlertId::new(at(7_200_000), [1; 10]),
        AlertId::new(at(3_600_000), [2; 10]),
    );
    board.apply_alert(Partition::ZERO, Offset(0), &raise(device(1), first, 1, 10));
    board.apply_alert(Partition::ZERO, Offset(1), &raise(device(1), second, 1, 20));
    let moved = said(
        device(1),
        second,
        300,
        Content::Position(Ok(place(37.7))),
        30,
    );
    board.apply_track(Partition::ZERO, Offset(0), &moved);
    assert_eq!(only(&board).position(), Some(&place(37.7)));
}

#[test]
fn an_app_that_goes_on_under_its_first_alert_is_followed() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 10),
    );
    board.apply_alert(
        Partition::ZERO,
        Offset(1),
        &raise(device(1), alert(2), 1, 20),
    );
    let moved = said(
        device(1),
        alert(1),
        300,
        Content::Position(Ok(place(37.7))),
        30,
    );
    board.apply_track(Partition::ZERO, Offset(0), &moved);
    assert_eq!(only(&board).position(), Some(&place(37.7)));
    let older = said(
        device(1),
        alert(1),
        299,
        Content::Position(Ok(place(37.6))),
        40,
    );
    board.apply_track(Partition::ZERO, Offset(1), &older);
    assert_eq!(
        only(&board).position(),
        Some(&place(37.7)),
        "numbers tell within a press"
    );
}

#[test]
fn of_presses_kept_without_a_network_the_newest_tells_the_place() {
    let mut board = Board::default();
    let press = |ms: i64, lat: f64, random: u8| {
        let alert = AlertId::new(at(ms), [random; 10]);
        let fix = Some(Ok(place(lat)));
        let content = Content::Raise(Raise {
            fix,
            ..Raise::default()
        });
        let mut entry = said(device(1), alert, 1, content, 100_000);
        if let Body::Report(said) = &mut entry.body {
            said.sent_at = Some(at(90_000));
        }
        entry
    };
    // The newest press is sent first; the older one is stamped after it.
    board.apply_alert(Partition::ZERO, Offset(0), &press(80_000, 37.9, 1));
    board.apply_alert(Partition::ZERO, Offset(1), &press(10_000, 37.1, 2));
    assert_eq!(only(&board).position(), Some(&place(37.9)));
}

#[test]
fn a_flood_of_presses_does_not_freeze_the_map() {
    let mut board = Board::default();
    for n in 0..1_005_u64 {
        let alert = AlertId::from_bytes(u128::from(n + 1).to_be_bytes());
        board.apply_alert(Partition::ZERO, Offset(n), &raise(device(1), alert, 1, 1));
    }
    let last = AlertId::from_bytes(1_005_u128.to_be_bytes());
    let moved = said(device(1), last, 300, Content::Position(Ok(place(37.7))), 30);
    board.apply_track(Partition::ZERO, Offset(0), &moved);
    assert_eq!(only(&board).position(), Some(&place(37.7)));
}

#[test]
fn nothing_stored_of_a_track_without_an_open_alert() {
    let mut board = Board::default();
    let track = said(
        device(1),
        alert(1),
        2,
        Content::Position(Ok(place(37.6))),
        5,
    );
    assert_eq!(
        board.apply_track(Partition::ZERO, Offset(0), &track),
        Applied::Nowhere
    );
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 10),
    );
    let end = decided(
        only(&board),
        1,
        Decision::Closed {
            outcome: protocol::Outcome::Helped,
            note: String::new(),
        },
        20,
    );
    board.apply_alert(Partition::ZERO, Offset(1), &end);
    let after = said(
        device(1),
        alert(1),
        3,
        Content::Position(Ok(place(37.6))),
        30,
    );
    assert_eq!(
        board.apply_track(Partition::ZERO, Offset(1), &after),
        Applied::Nowhere
    );
    assert_eq!(only(&board).trail().points().count(), 1);
    board.apply_track(Partition::ZERO, Offset(2), &track);
    assert_eq!(
        only(&board).position(),
        Some(&place(37.6)),
        "what was said before the close counts"
    );
}

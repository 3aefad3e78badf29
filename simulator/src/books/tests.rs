use protocol::UnixMillis;

use super::*;

fn device(n: u8) -> DeviceId {
    DeviceId::Enrolled([n; 16])
}

fn alert(n: u8) -> AlertId {
    AlertId::new(UnixMillis::new(1_795_245_000_000), [n; 10])
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A place for each number.
fn place(n: u8) -> Place {
    Place {
        at: LatLon::new(f64::from(n), 127.0).unwrap(),
        radius: RadiusMetres::new(10.0).ok(),
        confidence: None,
    }
}

/// Station `a` is right for place 1, `b` for place 2, and so on.
fn judge(books: &mut Books) {
    while let Some(unjudged) = books.poll_unjudged() {
        let letter = char::from(b'a' + (unjudged.place.at.lat_deg() as u8) - 1);
        books.judged(unjudged, BTreeSet::from([format!("station:{letter}")]));
    }
}

fn card(of: (u8, u8), desk: &str, presses: u64) -> Seen {
    let incident = IncidentId::of(&device(of.0), &alert(of.1));
    Seen {
        incident,
        desk: desk.to_owned(),
        presses,
    }
}

/// Phone 1 pressed once, phone 2 twice; all receipted.
fn books() -> Books {
    let mut books = Books::default();
    for (who, what, at) in [(1, 1, 0), (2, 2, 100), (2, 3, 500)] {
        books.pressed(device(who), alert(what), ms(at));
        books.said(device(who), place(1), ms(at));
        books.receipted(device(who), alert(what));
    }
    judge(&mut books);
    books
}

#[test]
fn a_run_without_a_fault() {
    let mut books = books();
    books.shown(card((1, 1), "station:a", 1), ms(7));
    books.shown(card((2, 2), "station:a", 1), ms(109));
    books.shown(card((2, 2), "station:a", 2), ms(530));
    let counts = books.counts();
    let right = Counts {
        raised: 3,
        receipted: 3,
        on_board: 3,
        ..Counts::default()
    };
    assert_eq!(counts, right);
    assert!(counts.are_settled());
    let Times {
        p50_ms: Some(p50_ms),
        p99_ms: Some(p99_ms),
    } = books.times()
    else {
        panic!("three presses were timed");
    };
    assert!((p50_ms - 9.0).abs() < 0.05 && (p99_ms - 30.0).abs() < 0.05);
}

#[test]
fn a_card_may_come_before_the_phone_says_that_it_pressed() {
    let mut books = Books::default();
    books.shown(card((1, 1), "station:a", 1), ms(3));
    assert_eq!(books.counts().duplicated, 1, "until then it is nobody's");
    books.pressed(device(1), alert(1), ms(1));
    books.said(device(1), place(1), ms(1));
    books.receipted(device(1), alert(1));
    judge(&mut books);
    assert!(books.counts().are_settled());
    assert!(
        books
            .times()
            .p50_ms
            .is_some_and(|ms| (ms - 2.0).abs() < 0.05)
    );
}

#[test]
fn a_missing_incident_and_a_missing_press_are_lost() {
    let mut books = books();
    books.shown(card((2, 2), "station:a", 1), ms(109));
    let counts = books.counts();
    assert_eq!((counts.on_board, counts.lost, counts.duplicated), (1, 2, 0));
}

#[test]
fn what_left_the_console_is_lost() {
    let mut books = books();
    let seen = card((1, 1), "station:a", 1);
    let incident = seen.incident;
    books.shown(seen, ms(7));
    books.left(&incident);
    assert_eq!(books.counts().lost, 3);
}

#[test]
fn too_many_presses_a_second_incident_and_a_stranger_are_duplicates() {
    let mut pressed_too_often = books();
    pressed_too_often.shown(card((1, 1), "station:a", 3), ms(7));
    assert_eq!(pressed_too_often.counts().duplicated, 2);

    let mut two_incidents = books();
    two_incidents.shown(card((2, 2), "station:a", 1), ms(7));
    two_incidents.shown(card((2, 3), "station:a", 1), ms(7));
    assert_eq!(two_incidents.counts().duplicated, 1);

    let mut stranger = books();
    stranger.shown(card((9, 1), "station:a", 1), ms(7));
    assert_eq!(stranger.counts().duplicated, 1);
    assert!(!stranger.counts().are_right());
}

#[test]
fn a_wrong_desk_is_a_mismatch_until_it_is_corrected() {
    let mut books = books();
    books.shown(card((1, 1), "national", 1), ms(7));
    assert_eq!(books.counts().map_mismatches, 1);
    books.shown(card((1, 1), "station:a", 1), ms(9));
    assert_eq!(books.counts().map_mismatches, 0);
}

#[test]
fn what_is_not_judged_is_not_right() {
    let mut books = Books::default();
    books.pressed(device(1), alert(1), ms(0));
    books.said(device(1), place(1), ms(0));
    books.shown(card((1, 1), "station:a", 1), ms(7));
    assert_eq!(books.counts().map_mismatches, 1);
    judge(&mut books);
    assert_eq!(books.counts().map_mismatches, 0);
}

#[test]
fn the_desk_is_right_for_what_had_been_said_when_it_was_first_seen() {
    let seen_at = |desk: &str, at| {
        let mut books = Books::default();
        books.pressed(device(1), alert(1), ms(0));
        for (number, said_at) in [(1, 0), (2, 1_000), (2, 1_500), (3, 2_000)] {
            books.said(device(1), place(number), ms(said_at));
        }
        judge(&mut books);
        books.shown(card((1, 1), "national", 1), ms(5));
        books.shown(card((1, 1), desk, 1), ms(at));
        // Seen there again: the first time counts.
        books.shown(card((1, 1), desk, 1), ms(at + 5_000));
        books.counts().map_mismatches
    };
    assert_eq!(seen_at("station:a", 7), 0);
    assert_eq!(seen_at("station:b", 7), 1, "nobody had said so yet");
    assert_eq!(seen_at("station:b", 1_007), 0);
    assert_eq!(seen_at("station:c", 1_007), 1);
    assert_eq!(seen_at("national", 7), 1);
}

#[test]
fn without_a_place_the_national_desk_is_right_until_there_is_one() {
    let mut books = Books::default();
    books.pressed(device(1), alert(1), ms(0));
    books.shown(card((1, 1), "national", 1), ms(7));
    assert_eq!(books.counts().map_mismatches, 0);
    books.said(device(1), place(2), ms(1_000));
    judge(&mut books);
    assert_eq!(books.counts().map_mismatches, 1);
    books.shown(card((1, 1), "station:b", 1), ms(1_010));
    assert_eq!(books.counts().map_mismatches, 0);
}

#[test]
fn a_phone_that_walks_for_ever_fills_no_memory() {
    let mut books = Books::default();
    for step in 0..200 {
        books.said(device(1), place(1 + step % 2), ms(u64::from(step)));
    }
    assert_eq!(books.phones[&device(1)].places.len(), MAX_PLACES);
    assert_eq!(books.unjudged.len(), MAX_PLACES);
}

#[test]
fn without_a_receipt_nothing_is_settled() {
    let mut books = Books::default();
    books.pressed(device(1), alert(1), ms(0));
    books.said(device(1), place(1), ms(0));
    judge(&mut books);
    books.shown(card((1, 1), "station:a", 1), ms(1));
    let counts = books.counts();
    assert!(counts.are_right() && !counts.are_settled());
}

//! What the own journal of a dispatcher keeps, in front of a server that loses everything.

use journal::io::redis::test_server::{TestServer, is_here};
use journal::kept::CLOSED_FOR;
use journal::{Held, Journal, Offset};
use protocol::{FormatVersion, Header, Millis, Site, State, Subject};

use super::place::{Place, SOON, close, until_state};
use super::*;

const DAY_MS: u64 = 24 * 3_600_000;

/// Later than any look that the reader takes by itself.
const BEGIN_MS: u64 = DAY_MS;

fn held(place: &Place) -> &Held {
    match &place.journal {
        Journal::Held(held) => held,
        _ => unreachable!("it is held"),
    }
}

/// From which place on everything is kept so long after the beginning.
fn kept_from(place: &Place, reader: &Reader, after_ms: u64) -> u64 {
    while reader.look_at_closed(Millis(BEGIN_MS + after_ms)) {}
    held(place).keeps_from().unwrap().0
}

/// The replicas of all partitions have answered so many questions.
async fn until_answered(place: &Place, round: u64) {
    let mut progress = held(place).progress();
    let answered = progress.wait_for(|progress| progress.round >= round);
    tokio::time::timeout(SOON, answered).await.unwrap().unwrap();
}

/// Everything of the own journal has come into a server that has lost it.
async fn lose_all(server: &TestServer, place: &Place, reader: &mut Reader) {
    let refolds = reader.engine.shared.metrics.refolds.get();
    let rewinds = held(place).progress().borrow().rewinds;
    server.command(&["FLUSHALL"]);
    let stop = CancellationToken::new();
    let seeing = async {
        while reader.engine.shared.metrics.refolds.get() == refolds {
            assert!(reader.turn(&stop).await.unwrap());
        }
    };
    tokio::time::timeout(SOON, seeing).await.unwrap();
    let mut progress = held(place).progress();
    let again = progress.wait_for(|progress| progress.rewinds > rewinds);
    tokio::time::timeout(SOON, again).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_about_an_open_incident_stay_for_days_and_a_server_that_is_set_up_anew_has_them()
{
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let place = Place::held(server.settings());
    let mut reader = place.reader().await;
    assert_eq!(held(&place).keeps_from(), Some(Offset(0)), "everything");
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    assert_eq!(kept_from(&place, &reader, 0), 0);
    place.advance_hours(48);
    assert_eq!(kept_from(&place, &reader, 2 * DAY_MS), 0);
    place
        .journal
        .trim(place.now_ms.load(Ordering::SeqCst))
        .await
        .unwrap();
    lose_all(&server, &place, &mut reader).await;
    until_state(&mut reader, 1, State::Assigned).await;
    // And what this log has never said.
    let stop = CancellationToken::new();
    let naming = async {
        while reader.map_in_force.is_none() {
            assert!(reader.turn(&stop).await.unwrap());
        }
    };
    tokio::time::timeout(SOON, naming)
        .await
        .expect("the map in force is said again");
}

#[tokio::test]
async fn a_board_that_is_folded_anew_says_its_map_again_if_that_was_in_force() {
    let place = Place::new();
    let mut reader = place.reader().await;
    let own = reader.engine.maps().borrow().clone();
    let other = MapVersion::new("of tomorrow");
    for (before, is_said) in [(None, true), (Some(own), true), (Some(other), false)] {
        reader.map_in_force = before;
        reader.forget_board();
        reader.say_in_force_again().await;
        let end = place.journal.end(LogName::Alerts);
        reader.engine.dispatch().handle_caught_up();
        reader.say_in_force_again().await;
        reader.say_in_force_again().await;
        let said = place.journal.end(LogName::Alerts).since(end);
        assert_eq!(said, u64::from(is_said), "once, and when it has caught up");
    }
}

/// Folds an entry that names this format.
fn fold_format(reader: &mut Reader, format: FormatVersion) {
    let time = reader.engine.now();
    let header = Header {
        time,
        day: time.day(),
        subject: Subject::Site(Site::FormatInForce(format)),
    };
    let entry = protocol::join(&header.encode(), &[]);
    reader.fold(0, LogName::Alerts, vec![(Offset::ZERO, entry)], true);
}

#[tokio::test]
async fn a_board_that_is_folded_anew_raises_again_the_format_that_was_in_force() {
    const RAISED: FormatVersion = FormatVersion(3);
    let place = Place::new();
    let mut reader = place.reader().await;
    // The map was in force and is.
    let own = reader.engine.maps().borrow().clone();
    let first = FormatVersion::FIRST;
    for (before, in_log, is_said) in [
        (first, first, false),
        (RAISED, first, true),
        (RAISED, FormatVersion(2), true),
        (RAISED, RAISED, false),
        (FormatVersion(2), RAISED, false),
    ] {
        reader.forget_board();
        reader.before = None;
        reader.map_in_force = Some(own.clone());
        fold_format(&mut reader, before);
        reader.forget_board();
        // A server that loses it again before it has been read takes no word back.
        reader.forget_board();
        reader.map_in_force = Some(own.clone());
        fold_format(&mut reader, in_log);
        let end = place.journal.end(LogName::Alerts);
        reader.say_in_force_again().await;
        assert_eq!(place.journal.end(LogName::Alerts), end, "it still reads");
        reader.engine.dispatch().handle_caught_up();
        reader.say_in_force_again().await;
        reader.say_in_force_again().await;
        let said = place.journal.end(LogName::Alerts).since(end);
        assert_eq!(said, u64::from(is_said), "{before:?} {in_log:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_that_was_lost_keeps_for_another_hour_and_a_board_that_reads_says_nothing() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let place = Place::held(server.settings());
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    close(&mut reader, 1).await;
    assert_eq!(kept_from(&place, &reader, 0), 0);
    until_answered(&place, 1).await;
    lose_all(&server, &place, &mut reader).await;
    assert!(!reader.engine.read(Dispatch::is_caught_up));
    let later = CLOSED_FOR.0;
    assert_eq!(kept_from(&place, &reader, later), 0, "nothing is known");
    until_state(&mut reader, 1, State::Closed).await;
    assert_eq!(kept_from(&place, &reader, later), 0, "the hour begins anew");
    until_answered(&place, 2).await;
    assert_eq!(
        kept_from(&place, &reader, later + CLOSED_FOR.0),
        1,
        "the raise; decisions, for a day"
    );
    assert_eq!(kept_from(&place, &reader, 2 * DAY_MS), 1);
    until_answered(&place, 3).await;
    let kept_from = kept_from(&place, &reader, 3 * DAY_MS);
    assert!(
        kept_from >= 4,
        "raise, assignment, note and close: {kept_from}"
    );
}

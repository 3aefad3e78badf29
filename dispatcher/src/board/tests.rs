mod positions;

use journal::kept::{Known, Whose};
use journal::{Offset, Partition};
use proptest::prelude::*;
use protocol::{
    CancelMeaning, Content, Day, Decision, DecisionHeader, DecisionId, DecisionKind, DeskId,
    DeviceId, Header, LatLon, Position, Raise, Report, ReportKind, ReportNumber, Revision,
    Unusable, Verification,
};

use super::*;
use crate::opened::Body;

const KIM: &str = "kim";

fn device(n: u8) -> DeviceId {
    DeviceId::Enrolled([n; 16])
}

fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

fn at(ms: i64) -> UnixMillis {
    UnixMillis::new(ms)
}

fn place(lat: f64) -> Position {
    Position::at(LatLon::new(lat, 127.0).unwrap())
}

fn said(device: DeviceId, alert: AlertId, number: u64, content: Content, time: i64) -> Opened {
    let report = Report {
        alert,
        number: ReportNumber(number),
        sent_at: Some(at(time)),
        install_key: None,
        content,
    };
    Opened {
        header: Header {
            time: at(time),
            day: Day(0),
            subject: Subject::Report(ReportHeader {
                device,
                alert,
                number: report.number,
                kind: ReportKind::of(&report.content),
                verification: Verification::Verified,
                drill: false,
            }),
        },
        body: Body::Report(report),
    }
}

fn raise(device: DeviceId, alert: AlertId, number: u64, time: i64) -> Opened {
    let content = Content::Raise(Raise {
        fix: Some(Ok(place(37.5))),
        ..Raise::default()
    });
    said(device, alert, number, content, time)
}

fn decided(incident: &Incident, id: u8, decision: Decision, time: i64) -> Opened {
    Opened {
        header: Header {
            time: at(time),
            day: Day(0),
            subject: Subject::Decision(DecisionHeader {
                id: DecisionId::from_bytes([id; 16]),
                incident: incident.id(),
                device: incident.device(),
                alert: incident.alert(),
                kind: decision.kind(),
                revision: incident.lifecycle().revision(),
                officer: Some(protocol::OfficerId::new(KIM)),
                owner_desk: (decision.kind() == DecisionKind::Assigned).then(DeskId::national),
                due_at: None,
            }),
        },
        body: Body::Decision(decision),
    }
}

fn only(board: &Board) -> &Incident {
    assert_eq!(board.incidents().len(), 1);
    board.incidents().next().unwrap()
}

#[test]
fn a_resend_is_the_same_incident_and_changes_nothing() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 10),
    );
    let before = only(&board).clone();
    let applied = board.apply_alert(
        Partition::ZERO,
        Offset(1),
        &raise(device(1), alert(1), 1, 99),
    );
    assert_eq!(applied, Applied::Incident(before.id(), Effect::Duplicate));
    assert_eq!(only(&board), &before);
}

#[test]
fn a_further_press_joins_and_another_phone_does_not() {
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
    assert_eq!(only(&board).lifecycle().presses(), 2);
    board.apply_alert(
        Partition::ZERO,
        Offset(2),
        &raise(device(2), alert(3), 1, 30),
    );
    assert_eq!(board.incidents().len(), 2);
}

#[test]
fn the_same_alert_id_from_another_device_is_another_incident_and_both_say_so() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 10),
    );
    board.apply_alert(
        Partition::ZERO,
        Offset(1),
        &raise(device(2), alert(1), 1, 20),
    );
    assert_eq!(board.incidents().len(), 2);
    assert!(board.incidents().all(Incident::same_alert_elsewhere));
}

#[test]
fn who_waits_is_counted_from_the_press_that_rings_until_an_officer_has_it() {
    let mut board = Board::default();
    let waits = |board: &Board| (board.waiting().count(), board.waiting().since());
    assert_eq!(waits(&board), (0, None));
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
    assert_eq!(
        waits(&board),
        (1, Some(at(10))),
        "a further press waits no less"
    );
    let acknowledged = decided(only(&board), 1, Decision::Acknowledged, 30);
    board.apply_alert(Partition::ZERO, Offset(2), &acknowledged);
    assert_eq!(waits(&board), (0, None));
    board.apply_alert(
        Partition::ZERO,
        Offset(3),
        &raise(device(1), alert(3), 1, 40),
    );
    assert_eq!(waits(&board), (1, Some(at(40))), "it rings again");
    board.apply_alert(
        Partition::ZERO,
        Offset(4),
        &raise(device(2), alert(4), 1, 35),
    );
    assert_eq!(
        waits(&board),
        (2, Some(at(35))),
        "the oldest, whoever came first"
    );
    let closed = Decision::Closed {
        outcome: protocol::Outcome::Helped,
        note: String::new(),
    };
    let first = board.incident_of_alert(&device(1), &alert(1)).unwrap();
    let end = decided(first, 2, closed, 50);
    board.apply_alert(Partition::ZERO, Offset(5), &end);
    assert_eq!(waits(&board), (1, Some(at(35))));
}

#[test]
fn a_body_that_is_gone_leaves_an_incident_that_says_raw() {
    let mut board = Board::default();
    let mut sealed = raise(device(1), alert(1), 1, 10);
    sealed.body = Body::Gone;
    board.apply_alert(Partition::ZERO, Offset(0), &sealed);
    assert!(only(&board).raw());
    assert_eq!(only(&board).position(), None);
}

#[test]
fn what_is_long_closed_leaves_and_its_resend_rings_nowhere_for_a_week() {
    const HOUR: i64 = 3_600_000;
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 0),
    );
    let closed = Decision::Closed {
        outcome: protocol::Outcome::Helped,
        note: String::new(),
    };
    let end = decided(only(&board), 1, closed, HOUR);
    let id = only(&board).id();
    board.apply_alert(Partition::ZERO, Offset(1), &end);
    let change = board.change();
    board.apply_alert(
        Partition::ZERO,
        Offset(2),
        &raise(device(2), alert(2), 1, 27 * HOUR),
    );
    assert_eq!(
        board.retire(at(0)),
        [],
        "a stamp of the future buries nothing"
    );
    assert_eq!(board.retire(at(27 * HOUR)), [id]);
    let departed =
        |changes| -> Vec<IncidentId> { board.departed(changes).map(|(id, _)| id).collect() };
    assert_eq!(departed(change + 1..=board.change()), [id]);
    assert_eq!(departed(0..=change), []);
    let resend = raise(device(1), alert(1), 1, 28 * HOUR);
    assert_eq!(
        board.apply_alert(Partition::ZERO, Offset(3), &resend),
        Applied::Nowhere
    );
    board.apply_alert(
        Partition::ZERO,
        Offset(4),
        &raise(device(2), alert(2), 9, 9 * 24 * HOUR),
    );
    board.retire(at(9 * 24 * HOUR));
    assert!(matches!(
        board.apply_alert(Partition::ZERO, Offset(5), &resend),
        Applied::Incident(_, Effect::Changed)
    ));
}

#[test]
fn what_an_own_journal_asks_about_is_known_until_the_tombstone_is_gone() {
    const HOUR: i64 = 3_600_000;
    let mut board = Board::default();
    let fold = |board: &mut Board, offset, opened: &Opened| {
        board.apply_alert(Partition::ZERO, Offset(offset), opened);
    };
    fold(&mut board, 0, &raise(device(1), alert(1), 1, 0));
    let id = only(&board).id();
    let both = |board: &Board| {
        let report = board.known(&Whose::Report(device(1), alert(1)));
        assert_eq!(board.known(&Whose::Decision(device(1), id)), report);
        report
    };
    assert_eq!(both(&board), Known::Open);
    let closed = Decision::Closed {
        outcome: protocol::Outcome::Helped,
        note: String::new(),
    };
    let end = decided(only(&board), 1, closed.clone(), HOUR);
    fold(&mut board, 1, &end);
    assert_eq!(both(&board), Known::Closed(at(HOUR)));
    fold(&mut board, 2, &raise(device(1), alert(2), 1, 2 * HOUR));
    assert_eq!(both(&board), Known::Open, "pressed again");
    let end = decided(only(&board), 2, closed, 3 * HOUR);
    fold(&mut board, 3, &end);
    assert_eq!(both(&board), Known::Closed(at(3 * HOUR)), "another close");
    fold(&mut board, 4, &raise(device(2), alert(3), 1, 29 * HOUR));
    assert_eq!(board.retire(at(29 * HOUR)), [id]);
    assert_eq!(both(&board), Known::Closed(at(3 * HOUR)), "off the board");
    fold(&mut board, 5, &raise(device(2), alert(3), 2, 9 * 24 * HOUR));
    board.retire(at(9 * 24 * HOUR));
    let report = board.known(&Whose::Report(device(1), alert(1)));
    assert_eq!(report, Known::Nothing);
    let decision = board.known(&Whose::Decision(device(1), id));
    assert_eq!(decision, Known::Nothing);
}

#[test]
fn a_press_that_the_phone_kept_for_a_week_is_late_and_a_slow_clock_is_not() {
    const DAY: i64 = 86_400_000;
    let mut board = Board::default();
    let pressed = AlertId::new(at(DAY), [1; 10]);
    // The phone's clock, when it sends, says eight days later.
    let mut kept = raise(device(1), pressed, 1, 9 * DAY);
    if let Body::Report(said) = &mut kept.body {
        said.sent_at = Some(at(9 * DAY));
    }
    board.apply_alert(Partition::ZERO, Offset(0), &kept);
    assert!(only(&board).late());
    // Another phone's clock is eight days slow, at the press and when it sends.
    let slow = AlertId::new(at(DAY), [2; 10]);
    let mut fresh = raise(device(2), slow, 1, 9 * DAY);
    if let Body::Report(said) = &mut fresh.body {
        said.sent_at = Some(at(DAY + 2));
    }
    board.apply_alert(Partition::ZERO, Offset(1), &fresh);
    assert_eq!(
        board.incidents().filter(|incident| incident.late()).count(),
        1
    );
}

#[test]
fn an_alert_id_of_many_devices_marks_each_once() {
    let mut board = Board::default();
    for n in 1..=100 {
        board.apply_alert(
            Partition::ZERO,
            Offset(u64::from(n)),
            &raise(device(n), alert(1), 1, 1),
        );
    }
    assert!(board.incidents().all(Incident::same_alert_elsewhere));
    assert!(board.change() <= 3 * 100, "{} changes", board.change());
}

#[test]
fn changes_are_found_by_number_and_none_is_missed() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 1),
    );
    let seen = board.change();
    board.apply_alert(
        Partition::ZERO,
        Offset(1),
        &raise(device(2), alert(2), 1, 2),
    );
    let track = said(
        device(1),
        alert(1),
        2,
        Content::Position(Ok(place(37.6))),
        3,
    );
    board.apply_track(Partition::ZERO, Offset(0), &track);
    let changed: Vec<_> = board.changed_since(seen).map(Incident::device).collect();
    assert_eq!(changed, [device(2), device(1)]);
    assert_eq!(board.changed_since(board.change()).count(), 0);
}

#[test]
fn a_revision_that_is_old_is_kept_as_history_and_changes_nothing() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 1),
    );
    let first = decided(only(&board), 1, Decision::Acknowledged, 2);
    let second = decided(only(&board), 2, Decision::Acknowledged, 3);
    board.apply_alert(Partition::ZERO, Offset(1), &first);
    let lifecycle = only(&board).lifecycle().clone();
    let applied = board.apply_alert(Partition::ZERO, Offset(2), &second);
    assert_eq!(
        applied,
        Applied::Incident(only(&board).id(), Effect::Superseded)
    );
    assert_eq!(
        only(&board).lifecycle().acknowledged(),
        lifecycle.acknowledged()
    );
    assert_eq!(
        only(&board).history().last().map(|item| item.effect),
        Some(Effect::Superseded)
    );
}

/// Entries of two phones with two alerts each, in the order of one log.
fn some_log() -> impl Strategy<Value = Vec<Opened>> {
    let entry = (1_u8..3, 1_u8..3, 1_u64..5, 0_u8..3).prop_map(|(phone, press, number, kind)| {
        let alert = alert(phone * 10 + press);
        match kind {
            0 => raise(device(phone), alert, number, 1),
            1 => said(
                device(phone),
                alert,
                number,
                Content::Text("도와주세요".into()),
                1,
            ),
            _ => said(device(phone), alert, number, Content::Unknown, 1),
        }
    });
    prop::collection::vec(entry, 0..40)
}

/// Folds a log, with a position of the first phone for each entry that is marked.
fn fold(board: &mut Board, log: &[Opened], tracks: &[bool], of: impl Fn(&Opened) -> Partition) {
    let mut ends: BTreeMap<Partition, (u64, u64)> = BTreeMap::new();
    for (number, (entry, is_track)) in (100..).zip(log.iter().zip(tracks)) {
        if *is_track {
            let lat = 37.0 + number as f64 / 1_000.0;
            let fix = Content::Position(Ok(place(lat)));
            let track = said(device(1), alert(11), number, fix, 1);
            let (_, end) = ends.entry(of(&track)).or_default();
            board.apply_track(of(&track), Offset(*end), &track);
            *end += 1;
        } else {
            let (end, _) = ends.entry(of(entry)).or_default();
            board.apply_alert(of(entry), Offset(*end), entry);
            *end += 1;
        }
    }
}

fn cursors(seen: &[(u64, u64)]) -> Cursors {
    let cursor = |&(alerts, tracks): &(u64, u64)| Cursor {
        alerts: Offset(alerts),
        tracks: Offset(tracks),
    };
    Cursors::new(seen.iter().map(cursor).collect())
}

proptest! {
    #[test]
    fn redelivery_of_any_part_changes_nothing(log in some_log(), again in 0_usize..40) {
        let mut board = Board::default();
        for (offset, entry) in (0..).zip(&log) {
            board.apply_alert(Partition::ZERO, Offset(offset), entry);
        }
        let before: Vec<_> = board.incidents().cloned().collect();
        for entry in log.iter().skip(again) {
            board.apply_alert(Partition::ZERO, Offset(1_000), entry);
        }
        let after: Vec<_> = board.incidents().cloned().collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn a_reader_anywhere_in_the_logs_gets_what_it_has_not_seen_and_no_more(
        log in some_log(),
        tracks in prop::collection::vec(any::<bool>(), 40),
        seen in (0_u64..45, 0_u64..45),
    ) {
        let mut board = Board::default();
        fold(&mut board, &log, &tracks, |_| Partition::ZERO);
        let cursors = cursors(&[seen]);
        let found: BTreeSet<_> =
            board.changed_since(board.change_at(&cursors)).map(Incident::id).collect();
        let unseen = board.incidents().filter(|one| !cursors.has_seen(&one.changed_at()));
        prop_assert_eq!(found, unseen.map(Incident::id).collect::<BTreeSet<_>>());
    }

    /// Another dispatcher reads the partitions in another order; what a reader of the one has seen is what
    /// it need not get from the other.
    #[test]
    fn a_reader_anywhere_in_several_partitions_misses_nothing(
        log in some_log(),
        tracks in prop::collection::vec(any::<bool>(), 40),
        seen in prop::collection::vec((0_u64..25, 0_u64..25), 0..3),
    ) {
        let of = |opened: &Opened| match opened.header.device() {
            Some(one) if *one == device(1) => Partition(2),
            _ => Partition(0),
        };
        let mut board = Board::default();
        fold(&mut board, &log, &tracks, of);
        let cursors = cursors(&seen);
        let from = board.change_at(&cursors);
        let found: Vec<_> = board.changed_since(from).map(Incident::id).collect();
        let mut unseen = board.incidents().filter(|one| !cursors.has_seen(&one.changed_at()));
        prop_assert!(unseen.all(|one| found.contains(&one.id())));
        // And begins with one that it has not seen.
        if let Some(first) = board.changed_since(from).next() {
            prop_assert!(!cursors.has_seen(&first.changed_at()));
        }
        prop_assert!(board.changed_since(board.change_at(board.cursors())).next().is_none());
    }

    #[test]
    fn the_order_of_tracks_does_not_matter(order in Just((2_u64..20).collect::<Vec<_>>()).prop_shuffle()) {
        let fold = |numbers: &[u64]| {
            let mut board = Board::default();
            board.apply_alert(Partition::ZERO, Offset(0), &raise(device(1), alert(1), 1, 1));
            for (offset, number) in (0..).zip(numbers) {
                let lat = 37.0 + *number as f64 / 100.0;
                let fix = Content::Position(Ok(place(lat)));
                board.apply_track(Partition::ZERO, Offset(offset), &said(device(1), alert(1), *number, fix, 5));
            }
            let incident = only(&board);
            (incident.position().cloned(), incident.trail().clone())
        };
        let sorted: Vec<u64> = (2..20).collect();
        prop_assert_eq!(fold(&order), fold(&sorted));
    }
}

#[test]
fn a_decision_about_an_incident_that_is_unknown_changes_nothing() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 1),
    );
    let mut decision = decided(only(&board), 1, Decision::Acknowledged, 2);
    if let Subject::Decision(header) = &mut decision.header.subject {
        header.incident = IncidentId::of(&device(9), &alert(9));
        header.revision = Revision(1);
    }
    let change = board.change();
    assert_eq!(
        board.apply_alert(Partition::ZERO, Offset(1), &decision),
        Applied::Early
    );
    // Nor does one on a revision that is not there yet.
    let mut ahead = decided(only(&board), 2, Decision::Acknowledged, 2);
    if let Subject::Decision(header) = &mut ahead.header.subject {
        header.revision = header.revision.next();
    }
    assert_eq!(
        board.apply_alert(Partition::ZERO, Offset(2), &ahead),
        Applied::Early
    );
    assert_eq!(board.change(), change);
    assert_eq!(only(&board).history().count(), 1, "the press");
}

#[test]
fn duress_once_claimed_stays_whatever_is_claimed_after_it() {
    let mut board = Board::default();
    board.apply_alert(
        Partition::ZERO,
        Offset(0),
        &raise(device(1), alert(1), 1, 1),
    );
    let mut claim = |number, meaning| {
        let mut entry = said(device(1), alert(1), number, Content::Cancel(vec![0; 64]), 2);
        if let Body::Report(said) = entry.body {
            entry.body = Body::Cancel(said, meaning);
        }
        board.apply_alert(Partition::ZERO, Offset(number), &entry);
        only(&board).cancel().map(|claim| claim.meaning)
    };
    assert_eq!(claim(2, CancelMeaning::NoCode), Some(CancelMeaning::NoCode));
    assert_eq!(claim(3, CancelMeaning::Duress), Some(CancelMeaning::Duress));
    assert_eq!(claim(4, CancelMeaning::Safe), Some(CancelMeaning::Duress));
    assert_eq!(
        claim(5, CancelMeaning::Unreadable),
        Some(CancelMeaning::Duress)
    );
}

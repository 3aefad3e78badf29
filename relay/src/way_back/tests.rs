use protocol::{
    DecisionId, DeskId, Header, OfficerId, ReportKind, ReportNumber, Revision, Verification, join,
};

use super::*;
use crate::limits::{ALERTS_PER_INCIDENT_MAX, MESSAGES_PER_INCIDENT_MAX};

const DEVICE: DeviceId = DeviceId::Enrolled([7; 16]);
const ONE: SessionId = SessionId(1);
const TWO: SessionId = SessionId(2);

fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

fn at(ms: i64) -> UnixMillis {
    UnixMillis::new(ms)
}

fn entry(time: i64, subject: Subject, body: &[u8]) -> Entry {
    let header = Header {
        time: at(time),
        day: at(time).day(),
        subject,
    };
    Entry::decode(&join(&header.encode(), body)).unwrap()
}

fn report(device: DeviceId, n: u8, number: u64, kind: ReportKind, time: i64) -> Entry {
    let report = ReportHeader {
        device,
        alert: alert(n),
        number: ReportNumber(number),
        kind,
        verification: Verification::Verified,
        drill: false,
    };
    entry(time, Subject::Report(report), b"sealed")
}

fn raise(n: u8, number: u64, time: i64) -> Entry {
    report(DEVICE, n, number, ReportKind::Raise, time)
}

fn numbered(n: usize) -> AlertId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    AlertId::from_bytes(bytes)
}

fn numbered_press(n: usize) -> Entry {
    let mut press = raise(0, 1, n as i64);
    if let Subject::Report(report) = &mut press.header.subject {
        report.alert = numbered(n);
    }
    press
}

fn decision(id: u8, kind: DecisionKind, revision: u64, time: i64) -> Entry {
    let decision = DecisionHeader {
        id: DecisionId::from_bytes([id; 16]),
        incident: IncidentId::of(&DEVICE, &alert(1)),
        device: DEVICE,
        alert: alert(1),
        kind,
        revision: Revision(revision),
        officer: (kind != DecisionKind::Assigned).then(|| OfficerId::new("kim")),
        owner_desk: (kind == DecisionKind::Assigned).then(DeskId::national),
        due_at: None,
    };
    entry(time, Subject::Decision(decision), &[id])
}

fn key(n: u8, number: u64) -> ReportKey {
    ReportKey {
        device: DEVICE,
        alert: alert(n),
        number: ReportNumber(number),
    }
}

/// Who is told how far which alert has come; messages by their id.
fn told(deliveries: Vec<Delivery>) -> Vec<(SessionId, String)> {
    let each = |delivery: Delivery| (delivery.session, words(delivery.notice));
    deliveries.into_iter().map(each).collect()
}

fn words(notice: Notice) -> String {
    match notice {
        Notice::Status(status) => {
            format!("{:?} {}", status.progress, status.alert.as_bytes()[0])
        }
        Notice::Message(alert, message) => {
            format!(
                "message {} to {}",
                message.id.as_bytes()[0],
                alert.as_bytes()[0]
            )
        }
    }
}

#[test]
fn a_phone_hears_every_change_once() {
    let mut way = WayBack::new(10);
    assert_eq!(way.listen(ONE, DEVICE, alert(1)), []);
    let says = |session, word: &str| vec![(session, word.to_owned())];
    assert_eq!(told(way.fold(&raise(1, 1, 0))), says(ONE, "Received 1"));
    assert_eq!(told(way.fold(&raise(1, 1, 1))), [], "a redelivered entry");
    let steps = [
        (decision(1, DecisionKind::Assigned, 1, 2), "Routed 1"),
        (decision(2, DecisionKind::Acknowledged, 2, 3), "Seen 1"),
        (decision(3, DecisionKind::Closed, 3, 4), "Closed 1"),
    ];
    for (entry, word) in steps {
        assert_eq!(told(way.fold(&entry)), says(ONE, word));
        assert_eq!(told(way.fold(&entry)), []);
    }
    let late = decision(4, DecisionKind::Acknowledged, 2, 5);
    assert_eq!(told(way.fold(&late)), [], "made on an old revision");
    let viewed = decision(5, DecisionKind::Viewed, 4, 6);
    assert_eq!(told(way.fold(&viewed)), []);
}

#[test]
fn a_phone_that_comes_back_gets_status_and_words_again() {
    let mut way = WayBack::new(10);
    way.fold(&raise(1, 1, 0));
    way.fold(&decision(1, DecisionKind::Assigned, 1, 5));
    way.fold(&decision(2, DecisionKind::Message, 0, 6));
    let words_now = |notices: Vec<Notice>| notices.into_iter().map(words).collect::<Vec<_>>();
    let first = words_now(way.listen(ONE, DEVICE, alert(1)));
    assert_eq!(first, ["Routed 1", "message 2 to 1"]);
    assert_eq!(
        way.listen(ONE, DEVICE, alert(1)),
        [],
        "once for each connection"
    );
    assert_eq!(words_now(way.listen(TWO, DEVICE, alert(1))), first);
    way.forget_session(ONE);
    let message = told(way.fold(&decision(3, DecisionKind::Message, 0, 7)));
    assert_eq!(message, [(TWO, "message 3 to 1".to_owned())]);
    way.forget_session(TWO);
    assert!(way.listeners.is_empty() && way.heard_by.is_empty());
}

#[test]
fn the_message_is_kept_as_it_stands_in_the_log() {
    let mut way = WayBack::new(10);
    way.fold(&raise(1, 1, 0));
    let entry = decision(9, DecisionKind::Message, 0, 6);
    way.fold(&entry);
    let notices = way.listen(ONE, DEVICE, alert(1));
    let Some(Notice::Message(_, message)) = notices.last() else {
        panic!("{notices:?}");
    };
    assert_eq!(message.header_bytes, entry.header_bytes);
    assert_eq!(message.sealed, entry.sealed);
    assert_eq!(message.at, at(6));
}

#[test]
fn a_further_press_joins_the_incident_and_hears_the_same() {
    let mut way = WayBack::new(10);
    way.fold(&raise(1, 1, 0));
    way.fold(&decision(1, DecisionKind::Assigned, 1, 1));
    way.listen(ONE, DEVICE, alert(1));
    way.listen(ONE, DEVICE, alert(2));
    assert_eq!(
        told(way.fold(&raise(2, 1, 2))),
        [(ONE, "Routed 2".to_owned())]
    );
    assert_eq!(way.incidents(), 1);
    assert_eq!(
        told(way.fold(&decision(2, DecisionKind::Acknowledged, 2, 3))),
        [(ONE, "Seen 1".to_owned()), (ONE, "Seen 2".to_owned())]
    );
    assert_eq!(
        told(way.fold(&decision(3, DecisionKind::Message, 0, 4))),
        [(ONE, "message 3 to 2".to_owned())],
        "words come once"
    );
    way.fold(&decision(4, DecisionKind::Closed, 3, 5));
    assert!(!way.is_open(DEVICE, alert(1)));
    assert_eq!(
        told(way.fold(&raise(3, 1, 6))),
        [(ONE, "Routed 1".to_owned()), (ONE, "Routed 2".to_owned())],
        "a press within a day reopens"
    );
    assert!(way.is_open(DEVICE, alert(3)));
    assert!(way.closed.is_empty());
}

#[test]
fn a_press_after_a_day_is_another_incident() {
    let mut way = WayBack::new(10);
    way.fold(&raise(1, 1, 0));
    way.fold(&decision(4, DecisionKind::Closed, 1, 5));
    way.fold(&raise(2, 1, 6 + 24 * 3_600_000));
    assert_eq!(way.incidents(), 2);
    assert!(!way.is_open(DEVICE, alert(1)));
    assert!(way.is_open(DEVICE, alert(2)));
}

#[test]
fn the_same_alert_of_another_device_is_another_incident() {
    let mut way = WayBack::new(10);
    let other = DeviceId::Enrolled([8; 16]);
    way.listen(ONE, DEVICE, alert(1));
    way.fold(&raise(1, 1, 0));
    assert_eq!(
        told(way.fold(&report(other, 1, 1, ReportKind::Raise, 0))),
        []
    );
    assert_eq!(way.incidents(), 2);
}

#[test]
fn a_report_is_known_as_durable_before_and_after_its_fold() {
    let mut way = WayBack::new(10);
    assert!(!way.is_durable(&key(1, 1)));
    way.note_durable(&key(1, 1));
    assert!(way.is_durable(&key(1, 1)) && way.is_open(DEVICE, alert(1)));
    way.fold(&raise(1, 1, 0));
    assert!(way.unfolded.is_empty());
    assert!(way.is_durable(&key(1, 1)) && !way.is_durable(&key(1, 2)));
    way.note_durable(&key(1, 1));
    assert!(way.unfolded.is_empty(), "the fold was faster");
}

#[test]
fn closed_incidents_are_forgotten_first_then_the_oldest() {
    let mut way = WayBack::new(2);
    let device = |n: u8| DeviceId::Enrolled([n; 16]);
    way.fold(&report(device(1), 1, 1, ReportKind::Raise, 0));
    way.fold(&raise(1, 1, 1));
    way.fold(&decision(4, DecisionKind::Closed, 1, 2));
    way.fold(&report(device(2), 2, 1, ReportKind::Raise, 3));
    assert!(way.is_open(device(1), alert(1)), "open and older");
    assert!(!way.is_durable(&key(1, 1)), "closed and forgotten");
    way.fold(&report(device(3), 3, 1, ReportKind::Raise, 4));
    assert!(!way.is_open(device(1), alert(1)));
    assert!(way.is_open(device(2), alert(2)) && way.is_open(device(3), alert(3)));
    assert_eq!(way.incidents(), 2);
    assert_eq!(way.devices.len(), 2);
}

#[test]
fn what_an_own_journal_asks_about_is_open_until_it_is_closed_and_when_it_is_pressed_again() {
    let mut way = WayBack::new(10);
    let incident = IncidentId::of(&DEVICE, &alert(1));
    let both = |way: &WayBack| {
        let report = way.known(&Whose::Report(DEVICE, alert(1)));
        assert_eq!(way.known(&Whose::Decision(DEVICE, incident)), report);
        report
    };
    assert_eq!(both(&way), Known::Nothing);
    way.fold(&raise(1, 1, 1));
    assert_eq!(both(&way), Known::Open);
    way.fold(&decision(4, DecisionKind::Closed, 1, 2));
    assert_eq!(both(&way), Known::Closed(at(2)));
    way.fold(&raise(2, 1, 3));
    assert_eq!(both(&way), Known::Open);
    way.fold(&decision(5, DecisionKind::Closed, 3, 4));
    assert_eq!(both(&way), Known::Closed(at(4)), "another close");
    way.forget_log(|_| true);
    assert_eq!(both(&way), Known::Nothing);
}

#[test]
fn messages_and_listeners_are_bounded() {
    let mut way = WayBack::new(10);
    way.fold(&raise(1, 1, 0));
    for id in 0..100 {
        way.fold(&decision(id, DecisionKind::Message, 0, 1));
    }
    let notices = way.listen(ONE, DEVICE, alert(1));
    assert_eq!(notices.len(), 1 + MESSAGES_PER_INCIDENT_MAX);
    for n in 0..100 {
        way.listen(ONE, DEVICE, alert(n));
    }
    assert_eq!(way.listeners.len(), ALERTS_PER_SESSION_MAX);
}

#[test]
fn an_alert_that_is_let_go_at_once_leaves_no_listener() {
    let mut way = WayBack::new(10);
    for n in (0..100).rev() {
        way.listen(ONE, DEVICE, alert(n));
    }
    assert_eq!(way.listeners.len(), ALERTS_PER_SESSION_MAX);
    way.forget_session(ONE);
    assert!(way.listeners.is_empty() && way.heard_by.is_empty());
}

#[test]
fn alerts_of_one_incident_are_bounded_and_the_newest_are_known() {
    let mut way = WayBack::new(10);
    for n in 0..=2 * ALERTS_PER_INCIDENT_MAX {
        way.fold(&numbered_press(n));
    }
    assert_eq!(way.incidents(), 1);
    let incident = &way.devices[&DEVICE][0];
    assert_eq!(incident.reports.len(), ALERTS_PER_INCIDENT_MAX);
    assert!(way.is_open(DEVICE, numbered(2 * ALERTS_PER_INCIDENT_MAX)));
}

#[test]
fn a_press_after_the_close_of_a_full_incident_is_another_one_in_a_log_read_from_its_middle_too() {
    for presses in [ALERTS_PER_INCIDENT_MAX - 1, ALERTS_PER_INCIDENT_MAX] {
        let mut way = WayBack::new(10);
        for n in 0..presses {
            way.fold(&numbered_press(n));
        }
        // Its revision is ahead of what was read.
        let revision = 2 * ALERTS_PER_INCIDENT_MAX as u64;
        let mut closed = decision(1, DecisionKind::Closed, revision, presses as i64);
        if let Subject::Decision(header) = &mut closed.header.subject {
            header.alert = numbered(0);
            header.incident = IncidentId::of(&DEVICE, &header.alert);
        }
        way.fold(&closed);
        assert!(way.is_closed(DEVICE, numbered(0)));
        way.fold(&numbered_press(presses));
        assert!(way.is_open(DEVICE, numbered(presses)));
        let is_full = presses == ALERTS_PER_INCIDENT_MAX;
        assert_eq!(way.incidents(), 1 + usize::from(is_full));
        assert_eq!(way.is_closed(DEVICE, numbered(0)), is_full);
    }
}

#[test]
fn who_came_while_the_log_was_folded_hears_once_where_it_stands() {
    let mut way = WayBack::new(10);
    way.listen(ONE, DEVICE, alert(1));
    way.listen(TWO, DEVICE, alert(9));
    for entry in [
        raise(1, 1, 0),
        decision(1, DecisionKind::Assigned, 1, 1),
        decision(2, DecisionKind::Message, 0, 2),
        decision(4, DecisionKind::Closed, 2, 3),
    ] {
        way.fold(&entry);
    }
    let expected = ["Closed 1", "message 2 to 1"].map(|word| (ONE, word.to_owned()));
    assert_eq!(told(way.tell_all()), expected);
    assert!(way.is_closed(DEVICE, alert(1)) && !way.is_closed(DEVICE, alert(9)));
}

#[test]
fn who_reads_the_log_from_its_middle_catches_up_with_the_decisions() {
    let mut way = WayBack::new(10);
    way.listen(ONE, DEVICE, alert(1));
    way.fold(&raise(1, 2, 0));
    let says = |word: &str| vec![(ONE, word.to_owned())];
    assert_eq!(
        told(way.fold(&decision(7, DecisionKind::Acknowledged, 5, 1))),
        says("Seen 1")
    );
    let behind = decision(8, DecisionKind::Assigned, 5, 2);
    assert_eq!(told(way.fold(&behind)), [], "the second on its revision");
    let press = raise(2, 1, 3);
    assert_eq!(told(way.fold(&press)), says("Routed 1"));
    assert_eq!(
        told(way.fold(&decision(9, DecisionKind::Closed, 7, 4))),
        says("Closed 1")
    );
    assert!(!way.is_open(DEVICE, alert(1)));
    assert!(!way.closed.is_empty());
    way.fold(&raise(3, 1, 5));
    assert!(way.is_open(DEVICE, alert(1)) && way.closed.is_empty());
    assert_eq!(way.incidents(), 1);
}

#[test]
fn a_phone_whose_alert_the_log_does_not_take_hears_that_it_is_stored_and_no_more() {
    let mut way_back = WayBack::new(10);
    way_back.listen(ONE, DEVICE, alert(1));
    way_back.note_durable(&key(1, 1));
    assert!(
        way_back.tell_stored(at(1)).is_empty(),
        "the log may be quick"
    );
    way_back.handle_stuck(true);
    let stored = |session| vec![(session, "Stored 1".to_owned())];
    assert_eq!(told(way_back.tell_stored(at(2))), stored(ONE));
    assert!(way_back.tell_stored(at(3)).is_empty(), "once");
    way_back.note_durable(&key(2, 1));
    assert!(
        way_back.tell_stored(at(4)).is_empty(),
        "nobody listens to it"
    );
    // Who comes back during it hears it on the new connection.
    way_back.forget_session(ONE);
    way_back.listen(TWO, DEVICE, alert(1));
    assert_eq!(told(way_back.tell_stored(at(5))), stored(TWO));
    way_back.fold(&raise(1, 1, 6));
    way_back.note_durable(&key(1, 2));
    assert!(
        way_back.tell_stored(at(7)).is_empty(),
        "more has been told of it"
    );
    way_back.note_durable(&key(2, 2));
    way_back.handle_stuck(false);
    way_back.listen(TWO, DEVICE, alert(2));
    assert!(
        way_back.tell_stored(at(8)).is_empty(),
        "the log takes it now"
    );
}

use proptest::prelude::*;
use protocol::limit::MAX_FRAME_BYTES;
use protocol::token::Issuer;
use protocol::wire::{Durability, Frame, decode_relay_frame, encode_frame};
use protocol::{Content, DecisionId, Raise, Report, Unusable};

use super::*;

fn at(tick: u64) -> Now {
    Now {
        stamp: UnixMillis::new(1_795_245_000_000).plus(Millis(tick)),
        tick: Millis(tick),
    }
}

fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

fn fresh() -> Session {
    let authority = Issuer::from_seed(&[1; 32]).unwrap().authority();
    Session::new(Arc::new(authority), Patience::default(), at(0))
}

fn connected() -> Session {
    let mut session = fresh();
    session.handle_handshake_completed(at(0));
    session
}

fn frame(n: u8, number: u64, content: Content) -> Vec<u8> {
    encode_frame(&Frame {
        report: Report {
            alert: alert(n),
            number: ReportNumber(number),
            sent_at: None,
            install_key: None,
            content,
        },
        token: Bytes::new(),
    })
}

fn raise(n: u8, number: u64) -> Vec<u8> {
    frame(n, number, Content::Raise(Raise::default()))
}

fn position(n: u8, number: u64) -> Vec<u8> {
    frame(n, number, Content::Position(Err(Unusable::NullIsland)))
}

fn cancel(n: u8, number: u64) -> Vec<u8> {
    frame(n, number, Content::Cancel(vec![1; 64]))
}

/// What the session has said, taken by the phone.
fn said(session: &mut Session) -> Vec<RelayFrame> {
    let mut deframer = Deframer::default();
    deframer.push(session.poll_write());
    let length = session.poll_write().len();
    session.handle_written(at(0), length);
    let mut frames = Vec::new();
    while let Some(frame) = deframer.next_frame().unwrap() {
        frames.push(decode_relay_frame(&frame).unwrap());
    }
    frames
}

fn rules(session: &mut Session) -> Vec<String> {
    let refusal = |frame| match frame {
        RelayFrame::Refusal(refusal) => Some(refusal.rule),
        _ => None,
    };
    said(session).into_iter().filter_map(refusal).collect()
}

fn commit_all(session: &mut Session, fate: Fate) -> Vec<Append> {
    let appends: Vec<Append> = std::iter::from_fn(|| session.poll_append()).collect();
    let outcomes: Vec<Outcome> = appends
        .iter()
        .map(|append| Outcome {
            key: append.key,
            fate,
        })
        .collect();
    session.handle_committed(at(0), &outcomes);
    appends
}

#[test]
fn a_receipt_comes_after_the_commit_and_never_before() {
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    let append = session.poll_append().unwrap();
    assert_eq!(append.frame, raise(1, 1), "the bytes are kept exactly");
    assert_eq!(append.header.time, at(1).stamp);
    assert_eq!(said(&mut session), []);
    let outcome = Outcome {
        key: append.key,
        fate: Fate::Durable(Grade::STORED),
    };
    session.handle_committed(at(2), &[outcome]);
    assert_eq!(said(&mut session), [receipt(append.key, Grade::STORED)]);
    assert_eq!(session.poll_close(), None);
}

#[test]
fn a_further_receipt_says_that_the_replicas_have_the_report() {
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    let key = commit_all(&mut session, Fate::Durable(Grade::ON_ITS_WAY))[0].key;
    session.handle_replicated(at(2), &[key]);
    let receipt = |durability, is_final| {
        RelayFrame::Receipt(Receipt {
            alert: alert(1),
            number: ReportNumber(1),
            durability,
            is_final,
        })
    };
    assert_eq!(
        said(&mut session),
        [
            receipt(Durability::Local, false),
            receipt(Durability::Replicated, true)
        ]
    );
}

#[test]
fn what_is_not_durable_gets_no_receipt_and_sends_the_phone_elsewhere() {
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    commit_all(&mut session, Fate::NotDurable);
    assert_eq!(said(&mut session), []);
    assert_eq!(session.poll_close(), Some(CloseCode::NotDurable));
}

#[test]
fn until_the_handshake_has_completed_a_phone_may_only_raise() {
    let mut session = fresh();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    session.handle_stream_bytes(at(1), &delimit(&cancel(1, 2)));
    session.handle_datagram(at(1), position(1, 3).into());
    let appends = commit_all(&mut session, Fate::Durable(Grade::STORED));
    assert_eq!(appends.len(), 1);
    assert!(appends[0].is_early);
    assert_eq!(rules(&mut session), ["early_data", "early_data"]);
    session.handle_handshake_completed(at(2));
    session.handle_stream_bytes(at(2), &delimit(&cancel(1, 2)));
    let appends = commit_all(&mut session, Fate::Durable(Grade::STORED));
    assert_eq!(appends[0].kind, ReportKind::Cancel);
    assert!(!appends[0].is_early);
}

#[test]
fn a_broken_frame_is_told_its_rule_and_the_connection_goes_on() {
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&[0xff; 30]));
    session.handle_stream_bytes(at(1), &delimit(&[]));
    session.handle_datagram(at(1), Bytes::from(vec![0; MAX_DATAGRAM_FRAME_BYTES + 1]));
    session.handle_datagram(at(1), raise(1, 1).into());
    assert_eq!(
        rules(&mut session),
        [
            "undecodable",
            "no_alert_id",
            "frame_too_long",
            "not_for_datagram"
        ]
    );
    assert_eq!(session.poll_close(), None);
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    assert!(session.poll_append().is_some());
}

#[test]
fn a_stream_that_cannot_be_cut_is_closed() {
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&vec![0; MAX_FRAME_BYTES + 1]));
    assert_eq!(session.poll_close(), Some(CloseCode::BrokenStream));
    let mut session = connected();
    session.handle_stream_bytes(at(1), &[0xff; 5]);
    assert_eq!(session.poll_close(), Some(CloseCode::BrokenStream));
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1))[..9]);
    session.handle_stream_finished(at(2));
    assert_eq!(session.poll_close(), Some(CloseCode::BrokenStream));
}

#[test]
fn a_frame_has_five_seconds_and_a_whole_one_starts_them_anew() {
    let mut session = connected();
    let bytes = delimit(&raise(1, 1));
    session.handle_stream_bytes(at(1_000), &bytes[..3]);
    assert_eq!(session.next_deadline(), Some(Millis(6_000)));
    session.handle_stream_bytes(at(5_000), &bytes[3..]);
    session.handle_stream_bytes(at(5_000), &bytes[..3]);
    session.handle_timeout(at(9_999));
    assert_eq!(session.poll_close(), None);
    session.handle_stream_bytes(at(9_999), &bytes[3..4]);
    session.handle_timeout(at(10_000));
    assert_eq!(session.poll_close(), Some(CloseCode::BrokenStream));
}

#[test]
fn a_handshake_has_five_seconds() {
    let mut session = fresh();
    session.handle_timeout(at(4_999));
    assert_eq!(session.poll_close(), None);
    assert_eq!(session.next_deadline(), Some(Millis(5_000)));
    session.handle_timeout(at(5_000));
    assert_eq!(session.poll_close(), Some(CloseCode::Idle));
}

#[test]
fn a_connection_without_an_open_alert_is_closed_when_idle_and_one_with_is_not() {
    let mut session = connected();
    assert_eq!(session.next_deadline(), Some(Millis(120_000)));
    session.handle_stream_bytes(at(60_000), &delimit(&raise(1, 1)));
    commit_all(&mut session, Fate::Durable(Grade::STORED));
    said(&mut session);
    assert_eq!(session.next_deadline(), None);
    let closed = Status {
        alert: alert(1),
        progress: Progress::Closed,
        at: at(0).stamp,
    };
    session.handle_way_back(at(61_000), &Word::Status(closed));
    assert_eq!(said(&mut session), [RelayFrame::Status(closed)]);
    session.handle_timeout(at(180_000));
    assert_eq!(session.poll_close(), Some(CloseCode::Idle));
}

#[test]
fn a_position_is_taken_as_open_only_after_a_raise_and_until_the_close() {
    let mut session = connected();
    session.handle_datagram(at(1), position(1, 1).into());
    assert!(session.poll_append().unwrap().needs_open);
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 2)));
    session.handle_datagram(at(1), position(1, 3).into());
    session.poll_append().unwrap();
    assert!(!session.poll_append().unwrap().needs_open);
    let closed = Status {
        alert: alert(1),
        progress: Progress::Closed,
        at: at(0).stamp,
    };
    session.handle_way_back(at(2), &Word::Status(closed));
    session.handle_datagram(at(2), position(1, 4).into());
    let append = session.poll_append().unwrap();
    assert!(append.needs_open);
    said(&mut session);
    let outcome = Outcome {
        key: append.key,
        fate: Fate::NoOpenAlert,
    };
    session.handle_committed(at(2), &[outcome]);
    assert_eq!(rules(&mut session), ["no_open_alert"]);
}

#[test]
fn a_phone_that_reads_nothing_is_not_read_and_then_cut() {
    let mut session = connected();
    while session.has_room() {
        session.handle_stream_bytes(at(7), &delimit(&[0xff; 30]));
    }
    assert!(session.poll_write().len() < 2 * OUTPUT_HIGH_BYTES);
    assert_eq!(session.next_deadline(), Some(Millis(30_007)));
    session.handle_written(at(20_000), 1);
    assert_eq!(session.next_deadline(), Some(Millis(50_000)));
    session.handle_timeout(at(50_000));
    assert_eq!(session.poll_close(), Some(CloseCode::ReaderStalled));
}

#[test]
fn answers_are_bounded_whatever_the_log_says() {
    let mut session = connected();
    let message = Word::Message(Message {
        alert: alert(1),
        id: DecisionId::from_bytes([1; 16]),
        text: "x".repeat(1_500),
        at: at(0).stamp,
    });
    for _ in 0..1_000 {
        session.handle_way_back(at(1), &message);
    }
    assert!(session.poll_write().len() < OUTPUT_MAX_BYTES + 2_000);
    assert_eq!(session.poll_close(), Some(CloseCode::ReaderStalled));
}

#[test]
fn reports_under_way_are_bounded() {
    let mut session = connected();
    for number in 0..IN_FLIGHT_PER_SESSION_MAX as u64 {
        assert!(session.has_room());
        session.handle_stream_bytes(at(1), &delimit(&raise(1, number)));
    }
    assert!(!session.has_room());
    commit_all(&mut session, Fate::Durable(Grade::STORED));
    said(&mut session);
    assert!(session.has_room());
}

#[test]
fn whom_the_relay_does_not_read_is_not_late() {
    let mut session = connected();
    let mut bytes = Vec::new();
    for number in 0..IN_FLIGHT_PER_SESSION_MAX as u64 {
        bytes.extend(delimit(&raise(1, number)));
    }
    bytes.extend(&delimit(&raise(1, 99))[..3]);
    session.handle_stream_bytes(at(1_000), &bytes);
    assert_eq!(session.next_deadline(), None);
    commit_all(&mut session, Fate::Durable(Grade::STORED));
    said(&mut session);
    session.handle_timeout(at(4_999));
    assert_eq!(session.poll_close(), None);
}

#[test]
fn a_second_stream_closes_with_its_code() {
    let mut session = connected();
    session.handle_further_stream();
    assert_eq!(session.poll_close(), Some(CloseCode::TooManyStreams));
}

#[test]
fn a_shutdown_waits_for_receipts_but_not_for_ever() {
    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    session.handle_shutdown(at(2));
    assert!(!session.has_room(), "nothing more is read");
    assert_eq!(session.poll_close(), None);
    commit_all(&mut session, Fate::Durable(Grade::STORED));
    assert_eq!(session.poll_close(), None, "the receipt is not yet written");
    assert_eq!(said(&mut session).len(), 1);
    assert_eq!(session.poll_close(), Some(CloseCode::ShuttingDown));

    let mut session = connected();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    session.handle_shutdown(at(2));
    session.handle_timeout(at(502));
    assert_eq!(session.poll_close(), Some(CloseCode::ShuttingDown));
}

#[test]
fn open_alerts_of_a_connection_are_bounded() {
    let mut session = connected();
    for n in 0..100 {
        session.handle_stream_bytes(at(1), &delimit(&raise(n, 1)));
    }
    assert_eq!(session.open.len(), ALERTS_PER_SESSION_MAX);
}

#[test]
fn everything_is_counted() {
    let mut session = fresh();
    session.handle_stream_bytes(at(1), &delimit(&raise(1, 1)));
    commit_all(&mut session, Fate::Durable(Grade::STORED));
    session.handle_stream_bytes(at(1), &delimit(&cancel(1, 2)));
    let events: Vec<Event> = session.poll_events().collect();
    assert_eq!(
        events,
        [
            Event::Report(ReportKind::Raise, Verification::NoToken),
            Event::EarlyRaise,
            Event::Receipt,
            Event::Refused(BrokenRule::EarlyData),
        ]
    );
    assert_eq!(session.poll_events().count(), 0);
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic_and_memory_stays_bounded(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..40),
        completed: bool,
    ) {
        let mut session = if completed { connected() } else { fresh() };
        for piece in pieces {
            if session.has_room() {
                session.handle_stream_bytes(at(1), &piece);
                session.handle_datagram(at(1), piece.into());
            }
        }
        session.handle_stream_finished(at(2));
        prop_assert!(session.poll_write().len() <= OUTPUT_MAX_BYTES + 2_000);
    }

    #[test]
    fn frames_are_understood_in_whatever_pieces(piece in 1_usize..50) {
        let mut session = connected();
        let bytes: Vec<u8> = (1..=5).flat_map(|number| delimit(&raise(1, number))).collect();
        for part in bytes.chunks(piece) {
            session.handle_stream_bytes(at(1), part);
        }
        let appends = commit_all(&mut session, Fate::Durable(Grade::STORED));
        prop_assert_eq!(appends.len(), 5);
        prop_assert_eq!(said(&mut session).len(), 5);
    }
}

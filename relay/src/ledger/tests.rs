use std::sync::Arc;

use bytes::Bytes;
use journal::{DayKey, open};
use protocol::token::Issuer;
use protocol::wire::{Frame, delimit, encode_frame};
use protocol::{AlertId, Content, Millis, Raise, Report, ReportNumber, UnixMillis, Unusable};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;
use crate::limits::Patience;
use crate::session::{Now, Session};

const ONE: SessionId = SessionId(1);
const TWO: SessionId = SessionId(2);

fn appends(contents: &[(u64, Content)]) -> Vec<Append> {
    let now = Now {
        stamp: UnixMillis::new(1_795_245_000_000),
        tick: Millis(0),
    };
    let authority = Issuer::from_seed(&[1; 32]).unwrap().authority();
    let mut session = Session::new(Arc::new(authority), Patience::default(), now);
    session.handle_handshake_completed(now);
    for (number, content) in contents {
        let frame = Frame {
            report: Report {
                alert: AlertId::from_bytes([1; 16]),
                number: ReportNumber(*number),
                sent_at: None,
                install_key: None,
                content: content.clone(),
            },
            token: Bytes::new(),
        };
        session.handle_stream_bytes(now, &delimit(&encode_frame(&frame)));
    }
    std::iter::from_fn(|| session.poll_append()).collect()
}

fn raise() -> Append {
    appends(&[(1, Content::Raise(Raise::default()))]).remove(0)
}

fn position() -> Append {
    appends(&[(2, Content::Position(Err(Unusable::NullIsland)))]).remove(0)
}

#[test]
fn a_resend_waits_for_the_same_commit_and_is_answered_at_once_after_it() {
    let mut ledger = Ledger::default();
    let raise = raise();
    assert_eq!(ledger.offer(ONE, &raise), Standing::Fresh);
    assert_eq!(ledger.offer(TWO, &raise), Standing::UnderWay);
    let answers = ledger.committed(ONE, &[raise.key], Some(Offset::ZERO));
    let outcome = Outcome {
        key: raise.key,
        fate: Fate::Durable(Grade::STORED),
    };
    assert_eq!(answers.own, [outcome]);
    assert_eq!(answers.others, [(TWO, outcome)]);
    assert_eq!(ledger.offer(TWO, &raise), Standing::Durable(Grade::STORED));
    let entry = raise.entry(&key(), &mut StdRng::seed_from_u64(1)).unwrap();
    ledger.fold(&Entry::decode(&entry).unwrap());
    assert_eq!(
        ledger.offer(TWO, &raise),
        Standing::Durable(Grade::STORED),
        "folded"
    );
}

#[test]
fn what_was_not_durable_is_fresh_again() {
    let mut ledger = Ledger::default();
    let raise = raise();
    ledger.offer(ONE, &raise);
    ledger.offer(TWO, &raise);
    let answers = ledger.committed(ONE, &[raise.key], None);
    let outcome = Outcome {
        key: raise.key,
        fate: Fate::NotDurable,
    };
    assert_eq!(answers.others, [(TWO, outcome)]);
    assert_eq!(ledger.offer(ONE, &raise), Standing::Fresh);
}

#[test]
fn a_position_needs_an_open_alert_of_this_phone_from_wherever_it_was_raised() {
    let mut ledger = Ledger::default();
    let (raise, position) = (raise(), position());
    assert!(position.needs_open);
    assert_eq!(ledger.offer(ONE, &position), Standing::NoOpenAlert);
    ledger.offer(TWO, &raise);
    assert_eq!(ledger.offer(ONE, &position), Standing::Fresh, "under way");
    ledger.committed(TWO, &[raise.key], Some(Offset::ZERO));
    assert_eq!(ledger.offer(ONE, &position), Standing::Fresh, "durable");
    let mut other = position.clone();
    other.key.alert = AlertId::from_bytes([2; 16]);
    assert_eq!(ledger.offer(ONE, &other), Standing::NoOpenAlert);
}

#[test]
fn a_position_of_an_alert_known_as_closed_is_not_stored_whatever_its_connection_believes() {
    let mut ledger = Ledger::default();
    let (raise, mut position) = (raise(), position());
    position.needs_open = false;
    assert_eq!(ledger.offer(ONE, &position), Standing::Fresh);
    let header = raise.header.encode();
    ledger.fold(&Entry::decode(&protocol::join(&header, b"")).unwrap());
    assert_eq!(ledger.offer(ONE, &position), Standing::Fresh);
    let closed = protocol::DecisionHeader {
        id: protocol::DecisionId::from_bytes([1; 16]),
        incident: protocol::IncidentId::of(&raise.key.device, &raise.key.alert),
        device: raise.key.device,
        alert: raise.key.alert,
        kind: protocol::DecisionKind::Closed,
        revision: protocol::Revision(1),
        officer: Some(protocol::OfficerId::new("kim")),
        owner_desk: None,
        due_at: None,
    };
    let header = protocol::Header {
        subject: protocol::Subject::Decision(closed),
        ..raise.header.clone()
    };
    ledger.fold(&Entry::decode(&protocol::join(&header.encode(), b"")).unwrap());
    assert_eq!(ledger.offer(ONE, &position), Standing::NoOpenAlert);
    assert_eq!(ledger.offer(ONE, &raise), Standing::Durable(Grade::STORED));
}

#[test]
fn an_entry_opens_to_the_bytes_that_were_received() {
    let raise = raise();
    let entry = raise.entry(&key(), &mut StdRng::seed_from_u64(1)).unwrap();
    let entry = Entry::decode(&entry).unwrap();
    assert_eq!(entry.header, raise.header);
    let body = open(
        &key(),
        &raise.key.device.to_bytes(),
        raise.key.alert.as_bytes(),
        &entry.header_bytes,
        &entry.sealed,
    );
    assert_eq!(body.unwrap(), raise.frame);
}

fn key() -> DayKey {
    DayKey::from_bytes(&mut [5; 32])
}

#[test]
fn whoever_waits_for_replicas_is_told_once_and_a_resend_hears_what_is_true_then() {
    let mut ledger = Ledger::default();
    ledger.wait_for_replicas(Offset(5), Offset(5));
    let raise = raise();
    ledger.offer(ONE, &raise);
    ledger.offer(TWO, &raise);
    let answers = ledger.committed(ONE, &[raise.key], Some(Offset(5)));
    let on_its_way = Outcome {
        key: raise.key,
        fate: Fate::Durable(Grade::ON_ITS_WAY),
    };
    assert_eq!(answers.own, [on_its_way]);
    assert_eq!(answers.others, [(TWO, on_its_way)]);
    let again = ledger.offer(TWO, &raise);
    assert_eq!(again, Standing::Durable(Grade::ON_ITS_WAY));
    let told = ledger.confirmed(Offset(6));
    assert_eq!(told, [(ONE, raise.key), (TWO, raise.key)]);
    let again = ledger.offer(TWO, &raise);
    assert_eq!(again, Standing::Durable(Grade::REPLICATED));
    assert_eq!(ledger.confirmed(Offset(7)), []);
}

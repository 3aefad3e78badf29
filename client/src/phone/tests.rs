use protocol::limit::CANCEL_CODE_BYTES;
use protocol::wire::{
    BrokenRule, Durability, Frame, Message, Receipt, Refusal, RelayFrame, Status, decode_frame,
    delimit, encode_relay_frame,
};
use protocol::{
    AlertId, CancelMeaning, Content, DecisionId, LatLon, Position, Progress, Raise, ReportKind,
    ReportNumber, SitePrivateKey,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha20Rng;

use super::*;
use crate::number::RAISE_NUMBER;
use crate::outbox::NotTaken;

mod lasting;
mod replicas;

const TOKEN: &[u8] = b"opaque";

fn at(millis: u64) -> Now {
    Now {
        since_start: Duration::from_millis(millis),
        wall: UnixMillis::new(1_795_245_000_000 + i64::try_from(millis).unwrap()),
    }
}

fn site() -> SitePrivateKey {
    SitePrivateKey::from_bytes([5; 32]).unwrap()
}

fn config(persistent: bool) -> PhoneConfig {
    PhoneConfig {
        relays: 2,
        token: Bytes::from_static(TOKEN),
        site_key: site().public_key().unwrap(),
        install_key: InstallKey([9; 16]),
        persistent,
        not_delivered_after: NOT_DELIVERED_AFTER,
    }
}

fn somewhere() -> Position {
    Position::at(LatLon::new(37.566_3, 126.977_9).unwrap())
}

/// A phone and its generator.
struct Hand {
    phone: Phone,
    rng: ChaCha20Rng,
}

impl Hand {
    fn new() -> Self {
        Self::with(Phone::new(config(false)))
    }

    fn with(phone: Phone) -> Self {
        Self {
            phone,
            rng: ChaCha20Rng::seed_from_u64(1),
        }
    }

    fn raise(&mut self, now: Now) -> AlertId {
        self.phone.raise(now, Raise::default(), &mut self.rng)
    }

    /// All that leaves, decoded; datagrams are marked.
    fn sent(&mut self, now: Now) -> Vec<(Frame, bool)> {
        std::iter::from_fn(|| self.phone.poll_transmit(now))
            .map(|transmit| match transmit {
                Transmit::Datagram(frame) => (decode_frame(&frame.into()).unwrap(), true),
                Transmit::Stream(bytes) => {
                    let mut deframer = Deframer::default();
                    deframer.push(&bytes);
                    let frame = deframer.next_frame().unwrap().unwrap();
                    (decode_frame(&frame).unwrap(), false)
                }
            })
            .collect()
    }

    fn kinds(&mut self, now: Now) -> Vec<&'static str> {
        let kind = |(frame, _): (Frame, bool)| ReportKind::of(&frame.report.content).as_str();
        self.sent(now).into_iter().map(kind).collect()
    }

    fn hear(&mut self, now: Now, frame: &RelayFrame) {
        let bytes = delimit(&encode_relay_frame(frame));
        self.phone.handle_stream_bytes(now, &bytes, &mut self.rng);
    }

    fn receipt(&mut self, now: Now, alert: AlertId, number: ReportNumber) {
        let receipt = Receipt {
            alert,
            number,
            durability: Durability::Local,
            is_final: true,
        };
        self.hear(now, &RelayFrame::Receipt(receipt));
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.phone.poll_event()).collect()
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.phone.poll_action()).collect()
    }

    fn save(&mut self, now: Now) -> Saved {
        let saved = self
            .phone
            .poll_save(now)
            .expect("there is something to save");
        self.phone.handle_saved(&saved);
        saved
    }
}

fn receipted(events: &[Event]) -> Vec<&Receipted> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Receipted(receipted) => Some(receipted),
            _ => None,
        })
        .collect()
}

#[test]
fn the_raise_is_the_first_frame_and_carries_token_and_install_key() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.text(at(0), alert, "here").unwrap();
    assert_eq!(hand.actions(), [Action::Connect { relay: 0 }]);
    assert_eq!(hand.kinds(at(1)), [""; 0]);
    hand.phone.handle_connected(at(2), false);
    let sent = hand.sent(at(2));
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].0.token, TOKEN);
    assert!(matches!(sent[0].0.report.content, Content::Raise(_)));
    assert!(sent[1].0.token.is_empty());
    let keyed = |(frame, _): &(Frame, bool)| frame.report.install_key == Some(InstallKey([9; 16]));
    assert!(sent.iter().all(keyed));
}

#[test]
fn only_the_raise_goes_early() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.text(at(0), alert, "here").unwrap();
    let meaning = CancelMeaning::Mistaken;
    hand.phone
        .cancel(at(0), alert, meaning, &mut hand.rng)
        .unwrap();
    hand.phone.position(alert, somewhere()).unwrap();
    hand.phone.handle_early();
    assert_eq!(hand.kinds(at(1)), ["raise"]);
    hand.phone.handle_connected(at(2), true);
    assert_eq!(hand.kinds(at(2)), ["text", "cancel"]);
    hand.receipt(at(3), alert, RAISE_NUMBER);
    let events = hand.events();
    assert!(events.contains(&Event::Connected {
        relay: 0,
        early_accepted: true
    }));
    assert!(receipted(&events)[0].early);
}

#[test]
fn a_refused_early_raise_goes_again_and_was_not_early() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.handle_early();
    assert_eq!(hand.kinds(at(1)), ["raise"]);
    hand.phone.handle_connected(at(2), false);
    let sent = hand.sent(at(2));
    assert_eq!(sent[0].0.token, TOKEN);
    hand.receipt(at(3), alert, RAISE_NUMBER);
    assert!(!receipted(&hand.events())[0].early);
}

#[test]
fn the_receipt_names_the_moment_of_the_press() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(40));
    hand.phone.handle_connected(at(50), false);
    hand.sent(at(50));
    hand.receipt(at(60), alert, RAISE_NUMBER);
    let events = hand.events();
    assert_eq!(
        receipted(&events)[0].triggered,
        Some(Duration::from_millis(40))
    );
}

#[test]
fn a_raise_without_receipt_is_said_to_be_not_delivered_once_and_sent_all_the_same() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    let late = at(u64::try_from(NOT_DELIVERED_AFTER.as_millis()).unwrap());
    hand.phone.handle_timeout(late, &mut hand.rng);
    hand.phone.handle_timeout(late, &mut hand.rng);
    let told = Event::NotDelivered {
        alert,
        number: RAISE_NUMBER,
        kind: ReportKind::Raise,
    };
    let events = hand.events();
    assert_eq!(events.iter().filter(|event| **event == told).count(), 1);
    hand.phone.handle_connected(late, false);
    assert_eq!(hand.kinds(late), ["raise"]);
}

#[test]
fn positions_are_datagrams_and_a_gap_is_a_trail() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    hand.sent(at(1));
    for _ in 0..3 {
        hand.phone.position(alert, somewhere()).unwrap();
    }
    assert_eq!(hand.kinds(at(1)), [""; 0]);
    hand.receipt(at(2), alert, RAISE_NUMBER);
    let sent = hand.sent(at(2));
    assert!(matches!(&sent[0].0.report.content, Content::Trail(fixes) if fixes.len() == 2));
    assert!(matches!(sent[1].0.report.content, Content::Position(Ok(_))));
    assert_eq!([sent[0].1, sent[1].1], [false, true]);
}

#[test]
fn who_hears_that_the_alert_is_not_known_raises_it_again_once_before_further_positions() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    let raised = hand.sent(at(1));
    hand.receipt(at(2), alert, RAISE_NUMBER);
    for _ in 0..2 {
        hand.phone.position(alert, somewhere()).unwrap();
        let (position, _) = hand.sent(at(3)).remove(0);
        let report = Some((alert, position.report.number));
        let refusal = Refusal::of(BrokenRule::NoOpenAlert, report);
        hand.hear(at(4), &RelayFrame::Refusal(refusal.clone()));
        // One that was on its way then.
        hand.hear(at(4), &RelayFrame::Refusal(refusal));
        hand.phone.position(alert, somewhere()).unwrap();
        let again = hand.sent(at(4));
        assert_eq!(again.len(), 1, "the position waits for the receipt");
        assert_eq!(again[0].0.report.content, raised[0].0.report.content);
        assert_eq!(again[0].0.report.number, RAISE_NUMBER);
        hand.receipt(at(5), alert, RAISE_NUMBER);
        assert_eq!(hand.kinds(at(5)), ["position"]);
    }
    let closed = Status {
        alert,
        progress: Progress::Closed,
        at: at(6).wall,
    };
    hand.hear(at(6), &RelayFrame::Status(closed));
    let refusal = Refusal::of(BrokenRule::NoOpenAlert, Some((alert, ReportNumber(9))));
    hand.hear(at(7), &RelayFrame::Refusal(refusal));
    assert_eq!(hand.kinds(at(7)), [""; 0], "it is over");
}

#[test]
fn a_trail_with_long_labels_is_sent_in_parts_that_fit() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    hand.sent(at(1));
    let floor = Some("지하 2층 ".repeat(16));
    for _ in 0..300 {
        let position = Position {
            floor: floor.clone(),
            ..somewhere()
        };
        hand.phone.position(alert, position).unwrap();
    }
    hand.receipt(at(2), alert, RAISE_NUMBER);
    let sent = hand.sent(at(2));
    let fixes = sent.iter().map(|(frame, _)| match &frame.report.content {
        Content::Trail(fixes) => fixes.len(),
        _ => 1,
    });
    assert_eq!(fixes.sum::<usize>(), 300, "every position is sent once");
    assert!(sent.len() > 2);
    let (_, newest_is_datagram) = sent.last().unwrap();
    assert!(newest_is_datagram);
}

#[test]
fn what_an_app_gives_too_long_is_cut_so_that_the_raise_fits() {
    let mut config = config(false);
    config.token = vec![1; 20_000].into();
    let mut hand = Hand::with(Phone::new(config));
    let endless = "층".repeat(20_000);
    let raise = Raise {
        fix: Some(Ok(Position {
            floor: Some(endless.clone()),
            ..somewhere()
        })),
        capability: protocol::Capability {
            shows: endless,
            ..protocol::Capability::default()
        },
        ..Raise::default()
    };
    hand.phone.raise(at(0), raise, &mut hand.rng);
    hand.phone.handle_connected(at(1), false);
    assert_eq!(hand.kinds(at(1)), ["raise"]);
}

#[test]
fn a_cancel_is_always_64_bytes_and_opens_at_the_site() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    for meaning in [
        CancelMeaning::NoCode,
        CancelMeaning::Safe,
        CancelMeaning::Duress,
    ] {
        hand.phone
            .cancel(at(0), alert, meaning, &mut hand.rng)
            .unwrap();
    }
    hand.phone.handle_connected(at(1), false);
    let opened: Vec<_> = hand
        .sent(at(1))
        .into_iter()
        .filter_map(|(frame, _)| match frame.report.content {
            Content::Cancel(code) => {
                assert_eq!(code.len(), CANCEL_CODE_BYTES);
                Some(site().open(&code, &alert, frame.report.number))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        opened,
        [
            CancelMeaning::NoCode,
            CancelMeaning::Safe,
            CancelMeaning::Duress
        ]
    );
}

#[test]
fn a_cancel_changes_nothing_until_an_officer_closes() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    let meaning = CancelMeaning::Mistaken;
    let number = hand
        .phone
        .cancel(at(1), alert, meaning, &mut hand.rng)
        .unwrap();
    hand.sent(at(1));
    hand.receipt(at(2), alert, RAISE_NUMBER);
    hand.receipt(at(2), alert, number);
    assert!(!hand.phone.is_idle());
    hand.actions();
    let status = Status {
        alert,
        progress: Progress::Closed,
        at: UnixMillis::new(3),
    };
    hand.hear(at(3), &RelayFrame::Status(status));
    assert!(hand.phone.is_idle());
    assert_eq!(hand.actions(), [Action::Close { code: close::DONE }]);
}

#[test]
fn words_and_statuses_that_come_again_are_told_once() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    hand.events();
    let message = RelayFrame::Message(Message {
        alert,
        id: DecisionId::from_bytes([1; 16]),
        text: "곧 도착합니다".to_owned(),
        at: UnixMillis::new(2),
    });
    let status = Status {
        alert,
        progress: Progress::Seen,
        at: UnixMillis::new(3),
    };
    for _ in 0..2 {
        hand.hear(at(2), &message);
        hand.hear(at(2), &RelayFrame::Status(status));
    }
    assert_eq!(hand.events().len(), 2);
}

#[test]
fn a_relay_without_receipts_is_left_for_the_next() {
    let mut hand = Hand::new();
    hand.raise(at(0));
    hand.actions();
    hand.phone.handle_connected(at(0), false);
    hand.sent(at(0));
    let due = hand.phone.next_deadline().unwrap();
    assert_eq!(due, RECEIPT_TIMEOUT);
    let now = Now {
        since_start: due,
        ..at(0)
    };
    hand.phone.handle_timeout(now, &mut hand.rng);
    let expected = [
        Action::Close { code: close::DONE },
        Action::Connect { relay: 1 },
    ];
    assert_eq!(hand.actions(), expected);
}

#[test]
fn bytes_that_cannot_be_cut_end_the_connection() {
    let mut hand = Hand::new();
    hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    hand.actions();
    hand.phone
        .handle_stream_bytes(at(2), &[0xff; 16], &mut hand.rng);
    let code = close::BROKEN_STREAM;
    assert_eq!(hand.actions()[0], Action::Close { code });
}

#[test]
fn a_ready_check_says_so_once_and_closes() {
    let mut hand = Hand::new();
    hand.phone.check_ready(at(0));
    assert_eq!(hand.actions(), [Action::Connect { relay: 0 }]);
    assert_eq!(hand.phone.checks_ready_at(), None);
    hand.phone.handle_connected(at(1), false);
    assert_eq!(hand.phone.checks_ready_at(), Some(0));
    hand.phone.handle_ticket(at(2));
    assert!(hand.events().contains(&Event::Ready { relay: 0 }));
    assert_eq!(hand.actions(), [Action::Close { code: close::DONE }]);
    assert_eq!(hand.phone.next_deadline(), None);
}

#[test]
fn a_ready_check_without_any_relay_fails_in_words() {
    let mut hand = Hand::new();
    hand.phone.check_ready(at(0));
    for _ in 0..40 {
        let Some(due) = hand.phone.next_deadline() else {
            break;
        };
        let now = Now {
            since_start: due,
            ..at(0)
        };
        hand.phone.handle_timeout(now, &mut hand.rng);
    }
    assert_eq!(hand.events().last(), Some(&Event::NotReady));
}

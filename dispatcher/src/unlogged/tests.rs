use journal::{Offset, Partition};
use proptest::prelude::*;
use protocol::{
    AlertId, Content, Day, JurisdictionId, LatLon, Position, Raise, Report, ReportHeader,
    ReportKind, ReportNumber, Verification,
};

use super::*;
use crate::jurisdiction::{Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts, Station};

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

fn index() -> JurisdictionIndex {
    JurisdictionIndex::new(JurisdictionMap::new(MapParts {
        name: "test".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: Vec::new(),
        stations: vec![Station {
            jurisdiction: JurisdictionId::new("a"),
            name: "a station".to_owned(),
            agency: None,
            at: LatLon::new(37.0, 127.0).unwrap(),
        }],
        reach_m: DEFAULT_REACH_M,
    }))
}

fn phone(n: u16) -> DeviceId {
    let mut id = [9; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    DeviceId::Enrolled(id)
}

fn said(
    device: DeviceId,
    alert: u8,
    number: u64,
    content: Content,
    verification: Verification,
) -> Opened {
    let report = Report {
        alert: AlertId::from_bytes([alert; 16]),
        number: ReportNumber(number),
        sent_at: None,
        install_key: None,
        content,
    };
    Opened {
        header: Header {
            time: NOW,
            day: NOW.day(),
            subject: Subject::Report(ReportHeader {
                device,
                alert: report.alert,
                number: report.number,
                kind: ReportKind::of(&report.content),
                verification,
                drill: false,
            }),
        },
        body: Body::Report(report),
    }
}

fn raise(device: DeviceId, alert: u8, verification: Verification) -> Opened {
    let fix = Position::at(LatLon::new(37.01, 127.0).unwrap());
    let raise = Raise {
        fix: Some(Ok(fix)),
        ..Raise::default()
    };
    said(device, alert, 1, Content::Raise(raise), verification)
}

fn text(device: DeviceId, alert: u8, number: u64) -> Opened {
    let content = Content::Text("여기요".to_owned());
    said(device, alert, number, content, Verification::Verified)
}

/// An offer of it, sealed so often.
fn sealed(opened: &Opened, seal: u8) -> (EntryDigest, Opened) {
    let mut bytes = opened.header.encode().to_vec();
    bytes.push(seal);
    (EntryDigest::of(&bytes), opened.clone())
}

fn around<'a>(board: &'a Board, index: &'a JurisdictionIndex, now: UnixMillis) -> Around<'a> {
    Around {
        board,
        index,
        policy: Policy::default(),
        now,
    }
}

#[test]
fn the_same_report_from_two_relays_is_one_and_its_bytes_are_known_again() {
    let (board, index) = (Board::default(), index());
    let mut unlogged = Unlogged::default();
    let raise = raise(phone(1), 1, Verification::Verified);
    let took = |answer: Answer| (answer.taken, answer.known, answer.left_out);
    let at = around(&board, &index, NOW);
    assert_eq!(
        took(unlogged.handle_offer([sealed(&raise, 1)], at)),
        (1, 0, 0)
    );
    assert_eq!(
        took(unlogged.handle_offer([sealed(&raise, 2)], at)),
        (0, 1, 0)
    );
    let change = unlogged.change();
    for seal in [1, 2] {
        let offer = [sealed(&raise, seal)];
        assert_eq!(took(unlogged.handle_offer(offer, at)), (0, 1, 0));
    }
    assert_eq!(unlogged.change(), change, "nothing is drawn again");
    let shown: Vec<_> = unlogged.changed_since(0).collect();
    assert_eq!(shown.len(), 1);
    let (_, shown) = shown[0];
    assert_eq!(shown.incident().lifecycle().presses(), 1);
    let assigned = shown.assigned().unwrap();
    assert_eq!(
        assigned.assignment.jurisdiction,
        Some(JurisdictionId::new("a"))
    );
    assert_eq!(
        shown.due_at(),
        Some(NOW.plus(Policy::default().acknowledge_within))
    );
}

#[test]
fn what_nobody_offers_any_more_goes_and_what_is_offered_stays() {
    let (board, index) = (Board::default(), index());
    let mut unlogged = Unlogged::default();
    let offers = [1, 2].map(|n| sealed(&raise(phone(n), 1, Verification::Verified), 1));
    unlogged.handle_offer(offers.clone(), around(&board, &index, NOW));
    let later = NOW.plus(FORGET_AFTER);
    assert!(unlogged.handle_known(&phone(2), &offers[1].0, later));
    unlogged.handle_tick(later);
    assert_eq!(unlogged.len(), 2);
    let change = unlogged.change();
    unlogged.handle_tick(later.plus(Millis(1)));
    assert_eq!(unlogged.len(), 1);
    assert!(unlogged.change() > change, "consoles look again");
    assert!(
        !unlogged.handle_known(&phone(1), &offers[0].0, later),
        "to be opened again"
    );
}

#[test]
fn there_is_room_for_so_much_and_verified_phones_come_first() {
    let (board, index) = (Board::default(), index());
    let mut unlogged = Unlogged::default();
    let at = around(&board, &index, NOW);
    let phones = u16::try_from(MAX_PHONES).unwrap();
    let stranger = |n| sealed(&raise(phone(n), 1, Verification::NoToken), 1);
    let answer = unlogged.handle_offer((0..phones + 7).map(stranger), at);
    assert_eq!((answer.taken, answer.left_out), (u32::from(phones), 7));
    assert_eq!(unlogged.len(), MAX_PHONES);
    let known = |n| sealed(&raise(phone(n), 1, Verification::Verified), 1);
    let answer = unlogged.handle_offer((phones + 7..phones + 10).map(known), at);
    assert_eq!((answer.taken, answer.left_out), (3, 0));
    assert_eq!(unlogged.len(), MAX_PHONES);
    let wordy = phones + 9;
    let texts = 2 + MAX_REPORTS_PER_PHONE as u64;
    let answer =
        unlogged.handle_offer((2..texts).map(|n| sealed(&text(phone(wordy), 1, n), 1)), at);
    assert_eq!(
        (answer.taken as usize, answer.left_out),
        (MAX_REPORTS_PER_PHONE - 1, 1)
    );
}

#[test]
fn what_nobody_offers_any_more_makes_room_for_what_is_offered() {
    let (board, index) = (Board::default(), index());
    let mut unlogged = Unlogged::default();
    let phones = u16::try_from(MAX_PHONES).unwrap();
    let known = |n| sealed(&raise(phone(n), 1, Verification::Verified), 1);
    unlogged.handle_offer((0..phones).map(known), around(&board, &index, NOW));
    let one_more = |unlogged: &mut Unlogged, at| {
        let answer = unlogged.handle_offer([known(phones)], around(&board, &index, at));
        (answer.taken, answer.left_out)
    };
    let quiet = NOW.plus(QUIET_AFTER);
    assert_eq!(one_more(&mut unlogged, quiet), (0, 1), "all are offered");
    let later = quiet.plus(Millis(1));
    for n in (0..phones).filter(|n| *n != 7) {
        assert!(unlogged.handle_known(&phone(n), &known(n).0, later));
    }
    assert_eq!(one_more(&mut unlogged, later), (1, 0));
    assert_eq!(unlogged.len(), MAX_PHONES);
    assert!(!unlogged.handle_known(&phone(7), &known(7).0, later));
}

#[test]
fn what_a_verified_phone_says_next_is_not_left_out_for_strangers() {
    let (board, index) = (Board::default(), index());
    let mut unlogged = Unlogged::default();
    let at = around(&board, &index, NOW);
    let own = phone(0);
    unlogged.handle_offer([sealed(&raise(own, 1, Verification::Verified), 1)], at);
    for n in 1..=64 {
        let texts = (1..=MAX_REPORTS_PER_PHONE as u64).map(|number| {
            let words = Content::Text("여기요".to_owned());
            sealed(&said(phone(n), 1, number, words, Verification::NoToken), 1)
        });
        unlogged.handle_offer(texts, at);
    }
    assert_eq!(unlogged.reports, MAX_REPORTS);
    let stranger = said(
        phone(64),
        1,
        MAX_REPORTS_PER_PHONE as u64 + 1,
        Content::Text("나도요".to_owned()),
        Verification::NoToken,
    );
    let answer = unlogged.handle_offer([sealed(&stranger, 1)], at);
    assert_eq!((answer.taken, answer.left_out), (0, 1));
    let answer = unlogged.handle_offer([sealed(&text(own, 1, 2), 1)], at);
    assert_eq!((answer.taken, answer.left_out), (1, 0));
    let id = IncidentId::of(&own, &AlertId::from_bytes([1; 16]));
    assert_eq!(unlogged.get(&id).unwrap().incident().talk().count(), 1);
}

#[test]
fn only_recent_reports_of_the_alert_log_are_taken_to_be_opened() {
    let raise = raise(phone(1), 1, Verification::Verified);
    assert!(may_be_offered(&raise.header, NOW));
    assert!(may_be_offered(&raise.header, NOW.plus(MAX_AGE)));
    assert!(!may_be_offered(
        &raise.header,
        NOW.plus(MAX_AGE).plus(Millis(1))
    ));
    let mut other_day = raise.header.clone();
    other_day.day = Day(other_day.day.0 + 1);
    assert!(!may_be_offered(&other_day, NOW));
    let fix = Content::Position(Ok(Position::at(LatLon::new(37.0, 127.0).unwrap())));
    let track = said(phone(1), 1, 2, fix, Verification::Verified);
    assert!(!may_be_offered(&track.header, NOW));
    let mut site = raise.header.clone();
    site.subject = Subject::Site(protocol::Site::SignedIn(protocol::OfficerId::new("kim")));
    assert!(!may_be_offered(&site, NOW));
    let gone = Opened {
        body: Body::Gone,
        ..raise
    };
    assert!(!is_authentic(&gone));
}

/// What two phones say, in order.
fn reports() -> impl Strategy<Value = Vec<Opened>> {
    let report =
        (1_u16..3, 1_u8..4, 1_u64..4, any::<bool>()).prop_map(|(n, alert, number, is_raise)| {
            if is_raise {
                raise(phone(n), alert, Verification::Verified)
            } else {
                text(phone(n), alert, number + 1)
            }
        });
    prop::collection::vec(report, 1..24)
}

proptest! {
    /// Whatever was offered before the log had it: what is shown is what the log would show with it, under the same
    /// ids, and when the log has everything nothing is left.
    #[test]
    fn what_is_shown_is_what_the_log_will_be(
        reports in reports(),
        lead in 0_usize..24,
        again in any::<bool>(),
    ) {
        let index = index();
        let mut board = Board::default();
        let mut unlogged = Unlogged::default();
        let mut whole = Board::default();
        for (offset, opened) in (0..).zip(&reports) {
            whole.apply_alert(Partition::ZERO, Offset(offset), opened);
        }
        for (logged, opened) in (0..).zip(&reports) {
            let ahead = reports.iter().skip(usize::try_from(logged).unwrap()).take(lead);
            let offers = ahead.map(|opened| sealed(opened, u8::from(again && logged % 2 == 0)));
            unlogged.handle_offer(offers, around(&board, &index, NOW));
            let mut expected = Board::default();
            for opened in reports.iter().take(usize::try_from(logged).unwrap() + lead) {
                expected.apply_alert(Partition::ZERO, Offset(0), opened);
            }
            for incident in expected.incidents() {
                let shown = unlogged.get(&incident.id()).map(Shown::incident);
                let shown = shown.or_else(|| board.get(&incident.id()));
                let told = shown.map(|shown| {
                    let lifecycle = shown.lifecycle();
                    (lifecycle.presses(), lifecycle.revision(), shown.talk().count())
                });
                let lifecycle = incident.lifecycle();
                let wanted = (lifecycle.presses(), lifecycle.revision(), incident.talk().count());
                prop_assert_eq!(told, Some(wanted));
            }
            let applied = board.apply_alert(Partition::ZERO, Offset(logged), opened);
            if let Subject::Report(report) = &opened.header.subject {
                unlogged.note_logged(&report.device);
            }
            unlogged.handle_log(around(&board, &index, NOW));
            if let Applied::Incident(id, _) = applied {
                prop_assert!(board.get(&id).is_some());
            }
        }
        prop_assert!(unlogged.is_empty());
        prop_assert_eq!(unlogged.reports, 0);
        let (board, whole): (Vec<_>, Vec<_>) = (board.incidents().collect(), whole.incidents().collect());
        prop_assert_eq!(board, whole);
    }
}

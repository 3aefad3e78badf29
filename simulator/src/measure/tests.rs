use super::*;
use proptest::prelude::*;
use protocol::{LatLon, UnixMillis};

const DESK: &str = "station:a";

fn device(phone: u8) -> DeviceId {
    DeviceId::Enrolled([phone; 16])
}

fn alert(phone: u8, press: u8) -> AlertId {
    AlertId::new(
        UnixMillis::new(1_795_245_000_000),
        [phone ^ (press << 7); 10],
    )
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn place() -> Place {
    Place {
        at: LatLon::new(37.55, 126.98).unwrap(),
        radius: None,
        confidence: None,
    }
}

/// Phone and press, meant for one moment and begun at another, in milliseconds.
fn press(phone: u8, press: u8, intended_ms: u64, begun_ms: u64) -> Begun {
    Begun {
        device: device(phone),
        alert: alert(phone, press),
        intended: ms(intended_ms),
        begun: ms(begun_ms),
        place: Some(place()),
    }
}

fn card(phone: u8, presses: u64) -> Sighting {
    Sighting {
        incident: IncidentId::of(&device(phone), &alert(phone, 0)),
        desk: DESK.to_owned(),
        presses,
        is_assigned: true,
        fix_at_ms: Some(1_000),
    }
}

fn close_to(got_ms: f64, wanted_ms: f64) -> bool {
    (got_ms - wanted_ms).abs() <= wanted_ms / 500.0
}

#[test]
fn a_press_is_timed_from_when_it_was_meant_and_from_when_it_began() {
    let mut measures = Measures::default();
    measures.offered(ms(1_900));
    let phone = measures.begun(&press(1, 0, 1_900, 2_100));
    measures.receipted(phone, 0, ms(2_200), true);
    measures.receipted(phone, 0, ms(9_999), true);
    measures.seen(card(1, 1), ms(3_100));
    assert!(measures.are_settled());
    let machine = measures.machine();
    assert_eq!(
        (machine.raised, machine.receipted, machine.on_board),
        (1, 1, 1)
    );
    assert_eq!((machine.lost, machine.doubled), (0, 0));
    let p50 = |stage: usize| {
        let stage = &machine.stages[stage];
        (stage.from_intended.p50_ms, stage.from_begun.p50_ms)
    };
    let (receipt, assigned, console) = (p50(0), p50(1), p50(2));
    assert!(close_to(receipt.0, 300.0) && close_to(receipt.1, 100.0));
    assert!(close_to(console.0, 1_200.0) && close_to(console.1, 1_000.0));
    assert_eq!(assigned, console);
    assert!(close_to(measures.lateness().p99_ms, 200.0));
    assert_eq!(measures.progress().counts.receipted_early, 1);
    // Each in its second.
    let seconds = measures.seconds();
    assert_eq!(seconds.len(), 4);
    assert_eq!((seconds[1].offered, seconds[1].begun), (1, 0));
    assert_eq!((seconds[2].begun, seconds[2].receipted), (1, 1));
    assert_eq!(
        (seconds[3].on_board, seconds[3].console_p99_ms),
        (1, Some(1_200.0))
    );
    assert_eq!(measures.cells().len(), 1);
    assert_eq!(
        (
            measures.cells()[0].lat_tenths,
            measures.cells()[0].lon_tenths
        ),
        (375, 1_269)
    );
}

#[test]
fn a_card_that_is_faster_than_its_phones_task_counts_all_the_same() {
    let mut measures = Measures::default();
    measures.seen(card(1, 1), ms(500));
    measures.seen(card(1, 2), ms(700));
    assert_eq!(measures.of_nobody(), 2, "so far");
    let phone = measures.begun(&press(1, 0, 400, 450));
    measures.begun_again(phone, &press(1, 1, 600, 650));
    let machine = measures.machine();
    assert_eq!((machine.on_board, machine.lost), (2, 0));
    assert_eq!((machine.doubled, measures.of_nobody()), (0, 0));
    let console = &machine.stages[2].from_intended;
    assert!(close_to(console.max_ms, 100.0) && console.count == 2);
}

#[test]
fn what_is_not_on_the_console_is_lost_and_what_is_nobodys_is_doubled() {
    let mut measures = Measures::default();
    measures.begun(&press(1, 0, 0, 0));
    let twice = measures.begun(&press(2, 0, 0, 0));
    measures.begun_again(twice, &press(2, 1, 10, 10));
    measures.seen(card(2, 1), ms(20));
    measures.seen(card(3, 2), ms(20));
    let machine = measures.machine();
    assert_eq!((machine.raised, machine.on_board), (3, 1));
    assert_eq!((machine.lost, machine.doubled), (2, 0));
    assert_eq!(measures.of_nobody(), 2);
    assert!(!measures.are_settled());
    // An incident that has left is not on the console.
    measures.left(&card(2, 1).incident);
    assert_eq!(measures.machine().lost, 3);
    // Traffic that is no emergency is nobody's business here.
    measures.ignore(card(3, 2).incident);
    assert_eq!(measures.of_nobody(), 0);
}

#[test]
fn a_second_incident_of_a_phone_is_one_too_many() {
    let mut measures = Measures::default();
    let phone = measures.begun(&press(1, 0, 0, 0));
    measures.begun_again(phone, &press(1, 1, 10, 10));
    measures.seen(card(1, 1), ms(20));
    let split = Sighting {
        incident: IncidentId::of(&device(1), &alert(1, 1)),
        ..card(1, 1)
    };
    measures.seen(split, ms(20));
    let machine = measures.machine();
    assert_eq!((machine.lost, machine.doubled), (0, 1));
}

#[test]
fn a_fix_that_goes_back_is_reordered_and_a_newer_one_a_position() {
    let mut measures = Measures::default();
    measures.begun(&press(1, 0, 0, 0));
    let at = |fix_at_ms: i64| Sighting {
        fix_at_ms: Some(fix_at_ms),
        ..card(1, 1)
    };
    measures.positioned(ms(5));
    for fix_at_ms in [1_000, 2_000, 2_000, 1_500, 3_000] {
        measures.seen(at(fix_at_ms), ms(50));
    }
    let machine = measures.machine();
    assert_eq!((machine.positions_sent, machine.positions_seen), (1, 2));
    assert_eq!(machine.reordered, 1);
}

#[test]
fn each_desk_of_an_incident_is_to_be_judged_by_where_the_phone_was_till_then() {
    let mut measures = Measures::default();
    let phone = measures.begun(&press(1, 0, 0, 0));
    measures.seen(card(1, 1), ms(20));
    measures.seen(card(1, 1), ms(30));
    let walked = Place {
        at: LatLon::new(37.6, 127.1).unwrap(),
        ..place()
    };
    measures.will_say(phone, walked);
    let handed_over = Sighting {
        desk: "station:b".to_owned(),
        ..card(1, 1)
    };
    measures.seen(handed_over, ms(50));
    let first = measures.poll_unjudged().unwrap();
    assert_eq!(
        measures.question(&first),
        (DESK.to_owned(), vec![Some(place())])
    );
    measures.judged(&first, true);
    let second = measures.poll_unjudged().unwrap();
    let (desk, places) = measures.question(&second);
    assert_eq!(
        (desk.as_str(), places),
        ("station:b", vec![Some(place()), Some(walked)])
    );
    assert_eq!(measures.machine().map_mismatches, 0);
    measures.judged(&second, false);
    assert_eq!(measures.machine().map_mismatches, 1);
    assert!(measures.poll_unjudged().is_none());
}

#[test]
fn a_phone_takes_a_row_of_bounded_size() {
    // With its name among the incidents, some 250 bytes: 130 MB for 517,200 alerts.
    assert!(size_of::<Phone>() <= 208, "{}", size_of::<Phone>());
    assert!(size_of::<Unjudged>() <= 24);
}

#[test]
fn of_too_many_strangers_the_oldest_are_forgotten_and_counted() {
    let mut measures = Measures::default();
    let id = |n: u32| {
        let mut device = [0; 16];
        device[..4].copy_from_slice(&n.to_be_bytes());
        IncidentId::of(&DeviceId::Enrolled(device), &alert(1, 0))
    };
    let many = u32::try_from(MAX_STRANGERS).unwrap() + 7;
    for n in 0..many {
        let stranger = Sighting {
            incident: id(n),
            ..card(1, 1)
        };
        measures.seen(stranger, ms(1));
    }
    assert_eq!(measures.strangers.len(), MAX_STRANGERS);
    assert_eq!(measures.of_nobody(), u64::from(many));
}

proptest! {
    /// Whatever arrives, in whatever order: counting as it comes is counting at the end.
    #[test]
    fn what_is_counted_on_the_way_is_what_there_is(
        steps in prop::collection::vec((0_u8..6, 0_u8..4, 0_u64..4), 0..200)
    ) {
        let mut measures = Measures::default();
        let mut phones: BTreeMap<u8, PhoneNumber> = BTreeMap::new();
        let mut again = BTreeSet::new();
        let mut held: BTreeMap<u8, u64> = BTreeMap::new();
        for (now, (phone, what, presses)) in (0..).zip(steps) {
            match what {
                0 if !phones.contains_key(&phone) => {
                    phones.insert(phone, measures.begun(&press(phone, 0, now, now)));
                }
                1 if phones.contains_key(&phone) && again.insert(phone) => {
                    measures.begun_again(phones[&phone], &press(phone, 1, now, now));
                }
                2 => {
                    measures.seen(card(phone, presses), ms(now));
                    held.insert(phone, presses);
                }
                _ => {}
            }
        }
        let machine = measures.machine();
        let (mut lost, mut doubled, mut strangers) = (0, 0, 0);
        for phone in 0..6 {
            let raised = u64::from(phones.contains_key(&phone)) + u64::from(again.contains(&phone));
            let seen = held.get(&phone);
            let shown = seen.copied().unwrap_or(0);
            if raised == 0 {
                strangers += seen.map_or(0, |shown| (*shown).max(1));
            } else {
                lost += raised.saturating_sub(shown);
                doubled += shown.saturating_sub(raised);
            }
        }
        prop_assert_eq!((machine.lost, machine.doubled), (lost, doubled));
        prop_assert_eq!(measures.of_nobody(), strangers);
        prop_assert_eq!(machine.lost, machine.raised - machine.on_board);
    }
}

use proptest::prelude::*;

use super::look::Id;
use super::*;
use crate::limits::{FRESH_PACKETS, IN_ORDER_FOR, WAITING_ATTEMPTS_MAX};

const PATIENCE: Millis = Millis(2_000);

fn ids() -> ConnectionIds {
    ConnectionIds::new(&[7; 32])
}

fn intake() -> Intake<u64> {
    Intake::new(ids(), PATIENCE)
}

fn packet(bytes: Vec<u8>, meta: u64) -> Packet<u64> {
    Packet { bytes, meta }
}

/// One packet of an attempt, as QUIC sends it: 1,200 bytes.
fn attempt(number: u64) -> Packet<u64> {
    let mut bytes = [&[0xc0, 0, 0, 0, 1, 8][..], &number.to_le_bytes()].concat();
    bytes.resize(1_200, 0);
    packet(bytes, number)
}

/// A packet with a short header of the connection of this number.
fn short(number: u8, length: usize) -> Packet<u64> {
    let mut random = [0; 10];
    random[0] = number;
    let mut bytes = [&[0x40][..], &ids().make(random)].concat();
    bytes.resize(length, 0);
    packet(bytes, number.into())
}

/// This connection has been heard for a while.
fn hear(intake: &mut Intake<u64>, connection: u8) {
    for _ in 0..FRESH_PACKETS {
        intake.handle_packet(Millis(0), short(connection, 100));
    }
    intake.poll_round(Millis(0));
}

fn metas(round: &VecDeque<Packet<u64>>) -> Vec<u64> {
    round.iter().map(|packet| packet.meta).collect()
}

#[test]
fn what_comes_goes_in_while_there_is_room() {
    let mut intake = intake();
    for packet in [attempt(100), short(1, 300), short(2, 100)] {
        intake.handle_packet(Millis(0), packet);
    }
    assert_eq!(metas(&intake.poll_round(Millis(0))), [1, 2, 100]);
    assert!(!intake.has_round());
    assert_eq!(intake.poll_round(Millis(0)), VecDeque::new());
    assert_eq!(intake.take_left_out(), LeftOut::default());
}

#[test]
fn a_raise_and_who_was_silent_go_before_positions_of_who_tracks() {
    let mut intake = intake();
    hear(&mut intake, 1);
    for _ in 0..ROUND_PACKETS {
        intake.handle_packet(Millis(1), short(1, 100));
    }
    intake.handle_packet(Millis(1), short(2, 300));
    intake.handle_packet(Millis(1), short(3, 100));
    let first = metas(&intake.poll_round(Millis(1)));
    assert_eq!(first[..2], [2, 3]);
    assert_eq!(first[2..], [1; ROUND_PACKETS - 2]);
    assert_eq!(metas(&intake.poll_round(Millis(1))), [1, 1]);
}

#[test]
fn of_small_packets_the_newest_stay() {
    let mut intake = intake();
    for connection in [1, 2] {
        hear(&mut intake, connection);
    }
    intake.handle_packet(Millis(1), short(1, 100));
    for _ in 0..SMALL_PACKETS_MAX {
        intake.handle_packet(Millis(1), short(2, 100));
    }
    assert_eq!(intake.take_left_out().small, 1);
    assert!(!metas(&intake.poll_round(Millis(1))).contains(&1));
}

#[test]
fn attempts_are_taken_in_order_with_all_their_packets_and_few_in_a_round() {
    let mut intake = intake();
    let last = ATTEMPTS_IN_A_ROUND as u64;
    for number in 0..=last {
        intake.handle_packet(Millis(number), attempt(number));
        intake.handle_packet(Millis(number), attempt(number));
    }
    let in_order: Vec<_> = (0..last).flat_map(|number| [number; 2]).collect();
    assert_eq!(metas(&intake.poll_round(Millis(last))), in_order);
    // What belongs to a taken one follows it.
    intake.handle_packet(Millis(last), attempt(0));
    assert_eq!(metas(&intake.poll_round(Millis(last))), [0, last, last]);
    assert!(!intake.has_round());
}

#[test]
fn when_attempts_wait_for_long_the_newest_are_taken_first_and_who_comes_again_is_one() {
    let mut intake = intake();
    for number in 0..10 {
        intake.handle_packet(Millis(number), attempt(number));
    }
    let now = Millis(IN_ORDER_FOR.0 + 10);
    intake.handle_packet(now, attempt(0));
    assert_eq!(metas(&intake.poll_round(now)), [0, 0, 9, 8, 7]);
}

#[test]
fn who_waits_too_long_or_in_too_large_a_crowd_is_left_out() {
    let mut intake = intake();
    intake.handle_packet(Millis(0), attempt(0));
    assert_eq!(intake.poll_round(PATIENCE), VecDeque::new());
    assert_eq!(intake.take_left_out().attempts, 1);
    let crowd = WAITING_ATTEMPTS_MAX as u64 + 1;
    for number in 1..=crowd {
        intake.handle_packet(PATIENCE, attempt(number));
    }
    let round = intake.poll_round(PATIENCE);
    assert_eq!(intake.take_left_out().attempts, 1, "the oldest");
    assert_eq!(round[0].meta, 2, "who came first of the others");
}

/// A phone that gives up says so with a packet that looks like any other of its attempt.
#[test]
fn the_farewell_of_a_phone_that_has_given_up_is_no_attempt() {
    let mut intake = intake();
    intake.handle_packet(Millis(0), attempt(0));
    intake.handle_packet(PATIENCE, attempt(1));
    assert_eq!(metas(&intake.poll_round(PATIENCE)), [1]);
    intake.handle_packet(PATIENCE, attempt(0));
    assert!(!intake.has_round());
    assert_eq!(intake.take_left_out().attempts, 1);
}

#[test]
fn work_begun_is_ended_before_more_is_begun() {
    let mut intake = intake();
    intake.handle_packet(Millis(0), attempt(100));
    for _ in 0..ROUND_PACKETS {
        intake.handle_packet(Millis(0), short(1, 300));
    }
    assert_eq!(metas(&intake.poll_round(Millis(0))), [1; ROUND_PACKETS]);
    assert_eq!(metas(&intake.poll_round(Millis(0))), [100]);
}

#[test]
fn positions_wait_while_the_pulse_is_late_and_nothing_else_does() {
    let mut intake = intake();
    hear(&mut intake, 1);
    for _ in 0..1_000 {
        intake.handle_pulse(Duration::from_secs(1));
    }
    for _ in 0..2 {
        intake.handle_packet(Millis(1), short(1, 100));
    }
    assert_eq!(metas(&intake.poll_round(Millis(1))), [1]);
    assert!(!intake.has_round());
    for packet in [short(1, 300), short(2, 100), attempt(100)] {
        intake.handle_packet(Millis(1), packet);
    }
    assert_eq!(metas(&intake.poll_round(Millis(1))), [1, 2, 100]);
    assert!(!intake.has_round());
    intake.handle_pulse(Duration::ZERO);
    assert_eq!(metas(&intake.poll_round(Millis(1))), [1]);
}

/// The processors belong to another program, and positions of 4,000 phones come, of which one of four can go in.
#[test]
fn however_late_the_pulse_is_everybody_who_tracks_is_heard_before_their_phone_gives_up() {
    const PHONES: u64 = 4_000;
    const POSITION_EVERY_MS: u64 = 5_000;
    const PULSE_EVERY_MS: u64 = 5;
    const GIVEN_UP_AFTER_MS: u64 = 35_000;
    const LASTS_MS: u64 = 120_000;
    let mut intake = intake();
    let position = |phone: u64| {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&phone.to_le_bytes());
        let mut bytes = [&[0x40][..], &ids().make(random)].concat();
        bytes.resize(100, 0);
        packet(bytes, phone)
    };
    let mut heard_ms = vec![0; PHONES as usize];
    let mut next = 0;
    for now in (0..LASTS_MS).step_by(PULSE_EVERY_MS as usize) {
        while next * POSITION_EVERY_MS <= now * PHONES {
            intake.handle_packet(Millis(now), position(next % PHONES));
            next += 1;
        }
        intake.handle_pulse(Duration::from_secs(1));
        while intake.has_round() {
            for packet in intake.poll_round(Millis(now)) {
                heard_ms[packet.meta as usize] = now;
            }
        }
        let silent = heard_ms
            .iter()
            .filter(|&heard| now - heard > GIVEN_UP_AFTER_MS);
        assert_eq!(silent.count(), 0, "after {now} ms");
    }
    assert!(intake.take_left_out().small > next / 4);
}

/// A relay that answers one attempt every ten milliseconds while twice as many come, of phones that give up
/// after three seconds: whom it takes still waits, and it always has somebody to take.
#[test]
fn at_twice_the_load_all_work_is_done_for_phones_that_still_wait() {
    let mut attempts = Attempts::new(PATIENCE);
    let (mut taken, mut left_out) = (0, 0);
    for ms in (0..60_000).step_by(5) {
        assert_eq!(
            attempts.handle_packet(Millis(ms), Id::of(&ms.to_le_bytes()).unwrap(), attempt(ms)),
            None
        );
        left_out += attempts.drop_late(Millis(ms));
        if ms % 10 == 0 {
            let next = attempts.take_next(Millis(ms));
            assert!(ms - next[0].meta < PATIENCE.0);
            taken += 1;
        }
    }
    assert_eq!(taken, 6_000);
    assert!(left_out > 5_500, "{left_out}");
}

proptest! {
    /// Every packet goes in once or is counted, and what waits is bounded.
    #[test]
    fn nothing_is_doubled_and_nothing_is_lost_unseen(
        steps in prop::collection::vec((0_u8..4, any::<u8>(), 0_u64..3_000), 1..300)
    ) {
        let mut intake = intake();
        let (mut now, mut came, mut went) = (0, 0, 0);
        for (what, number, wait_ms) in steps {
            match what {
                0 => intake.handle_packet(Millis(now), attempt(number.into())),
                1 => intake.handle_packet(Millis(now), short(number, 100)),
                2 => intake.handle_packet(Millis(now), short(number, 300)),
                _ => {
                    now += wait_ms;
                    let round = intake.poll_round(Millis(now));
                    prop_assert!(round.len() <= ROUND_PACKETS);
                    prop_assert!(!round.is_empty() || !intake.has_round());
                    went += round.iter().filter(|packet| packet.bytes.len() < 1_000).count();
                }
            }
            came += usize::from(matches!(what, 1 | 2));
        }
        while intake.has_round() {
            let round = intake.poll_round(Millis(now));
            went += round.iter().filter(|packet| packet.bytes.len() < 1_000).count();
        }
        let left_out = intake.take_left_out();
        prop_assert_eq!(came, went + (left_out.small + left_out.begun) as usize);
    }
}

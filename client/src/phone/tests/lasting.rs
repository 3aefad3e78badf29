//! What outlives a process, a disk that fails and a network that breaks.

use proptest::prelude::*;
use protocol::Millis;

use super::*;
use crate::link::HANDSHAKE_TIMEOUT;

#[test]
fn what_was_saved_goes_on_after_a_restart() {
    let mut hand = Hand::with(Phone::new(config(true)));
    hand.save(at(0));
    let alert = hand.raise(at(0));
    let number = hand.phone.text(at(0), alert, "뒷문으로 오세요").unwrap();
    let saved = Saved::from_json(&hand.save(at(0)).to_json()).unwrap();

    let mut again = Hand::with(Phone::restore(config(true), &saved, at(0)).unwrap());
    assert_eq!(again.actions(), [Action::Connect { relay: 0 }]);
    again.phone.handle_connected(at(1), false);
    let sent = again.sent(at(1));
    let ids: Vec<_> = sent
        .iter()
        .map(|(frame, _)| (frame.report.alert, frame.report.number))
        .collect();
    assert_eq!(ids, [(alert, RAISE_NUMBER), (alert, number)]);
    again.receipt(at(2), alert, RAISE_NUMBER);
    assert_eq!(receipted(&again.events())[0].triggered, None);
    again.save(at(2));
    let next = again.phone.text(at(2), alert, "2층").unwrap();
    assert!(next > number);
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_no_empty_outbox() {
    let mut hand = Hand::with(Phone::new(config(true)));
    hand.save(at(0));
    hand.raise(at(0));
    let text = hand.save(at(0)).to_json();
    assert!(Saved::from_json(&text).is_ok());
    for end in 0..text.len() {
        assert!(Saved::from_json(&text[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_press_does_not_wait_for_a_disk_that_takes_nothing() {
    let mut hand = Hand::with(Phone::new(config(true)));
    assert!(hand.phone.poll_save(at(0)).is_some());
    hand.phone.handle_save_failed(at(0), "full".to_owned());
    let alert = hand.raise(at(0));
    hand.phone.handle_connected(at(1), false);
    assert_eq!(hand.kinds(at(1)), ["raise"]);
    assert_eq!(hand.phone.text(at(1), alert, "?"), Err(NotTaken::NoNumber));
    let retry = hand.phone.next_deadline().unwrap();
    let now = Now {
        since_start: retry,
        ..at(0)
    };
    assert!(hand.phone.poll_save(now).is_some());
}

/// Ten years, which a phone's clock jumps when it hears the network's time.
const JUMP: Millis = Millis::from_secs(10 * 365 * 86_400);

fn clock_set(millis: u64) -> Now {
    let wall = at(millis).wall.plus(JUMP);
    Now { wall, ..at(millis) }
}

fn ages(sent: &[(Frame, bool)]) -> Vec<Millis> {
    let age = |(frame, _): &(Frame, bool)| {
        let report = &frame.report;
        report
            .sent_at
            .unwrap()
            .since(report.alert.made_at().unwrap())
    };
    sent.iter().map(age).collect()
}

#[test]
fn a_clock_that_is_set_after_the_press_does_not_make_it_old() {
    let mut hand = Hand::new();
    let alert = hand.raise(at(1_000));
    hand.phone.text(at(2_000), alert, "도와주세요").unwrap();
    hand.phone.handle_connected(clock_set(61_000), false);
    assert_eq!(ages(&hand.sent(clock_set(61_000))), [Millis(60_000); 2]);
    // Again on another connection, with the clock set back to before the press.
    hand.phone
        .handle_lost(at(62_000), Lost::TimedOut, &mut hand.rng);
    hand.phone.handle_connected(at(71_000), false);
    let past = Now {
        wall: UnixMillis::new(0),
        ..at(71_000)
    };
    assert_eq!(ages(&hand.sent(past)), [Millis(70_000); 2]);
}

#[test]
fn what_an_earlier_process_kept_is_as_old_as_the_wall_clock_says() {
    let mut hand = Hand::with(Phone::new(config(true)));
    hand.save(at(0));
    hand.raise(at(1_000));
    let saved = hand.save(at(1_000));
    // The other process counts from its own start.
    let now = |since_start| Now {
        since_start: Duration::from_millis(since_start),
        wall: at(3_601_000).wall,
    };
    let mut again = Hand::with(Phone::restore(config(true), &saved, now(5)).unwrap());
    again.save(now(5));
    again.phone.handle_connected(now(6), false);
    assert_eq!(ages(&again.sent(now(6))), [Millis(3_600_000)]);
}

proptest! {
    /// A relay that answers whatever it likes, a network that breaks whenever it likes: the phone
    /// reports as receipted exactly what the relay receipted.
    #[test]
    fn nothing_without_a_receipt_is_reported_delivered(
        steps in prop::collection::vec(0_u8..9, 0..150), seed in any::<u64>(),
    ) {
        let mut hand = Hand::new();
        hand.rng = ChaCha20Rng::seed_from_u64(seed);
        let (mut now, mut seen, mut given) = (at(0), Vec::new(), Vec::new());
        for step in steps {
            now = Now { since_start: now.since_start + Duration::from_millis(400), ..now };
            match step {
                0 => drop(hand.raise(now)),
                1 => if let Some(alert) = seen.last().map(|(alert, _)| *alert) {
                    let _ = hand.phone.text(now, alert, "x");
                },
                2 => hand.phone.handle_connected(now, false),
                3 => hand.phone.handle_lost(now, Lost::Reset, &mut hand.rng),
                4 | 5 => if let Some((alert, number)) = seen.pop() {
                    given.push((alert, number));
                    hand.receipt(now, alert, number);
                },
                6 => hand.phone.handle_early(),
                _ => hand.phone.handle_timeout(now, &mut hand.rng),
            }
            hand.actions();
            let sent = hand.sent(now);
            seen.extend(sent.iter().map(|(frame, _)| (frame.report.alert, frame.report.number)));
            for receipted in receipted(&hand.events()) {
                prop_assert!(given.contains(&(receipted.alert, receipted.number)));
            }
        }
        // Liveness: with a network that holds, everything arrives.
        for _ in 0..200 {
            let waited = hand.phone.next_deadline().unwrap_or_default();
            let step = Duration::from_millis(1);
            now = Now { since_start: (now.since_start + step).max(waited), ..now };
            hand.phone.handle_timeout(now, &mut hand.rng);
            hand.actions();
            hand.phone.handle_connected(now, false);
            for (frame, _) in hand.sent(now) {
                hand.receipt(now, frame.report.alert, frame.report.number);
            }
        }
        prop_assert!(!hand.phone.outbox.awaits_receipt());
        prop_assert_eq!(hand.phone.outbox.next_deadline(HANDSHAKE_TIMEOUT), None);
    }
}

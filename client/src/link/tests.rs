use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::ChaCha20Rng;

use super::*;

const START: Duration = Duration::ZERO;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn every_relay_is_tried_before_the_first_wait() {
    let (mut link, mut rng) = (Link::new(3), rng());
    link.want(START, Want::Deliver);
    for relay in 0..3 {
        assert_eq!(link.poll_action(), Some(Action::Connect { relay }));
        link.handle_lost(START, Lost::Unreachable, &mut rng);
    }
    assert_eq!(link.poll_action(), None);
    let until = link.next_deadline().unwrap();
    assert!(until >= BACKOFF_BASE);
    link.handle_timeout(until, &mut rng);
    assert_eq!(link.poll_action(), Some(Action::Connect { relay: 0 }));
}

#[test]
fn a_handshake_that_does_not_end_is_given_up() {
    let (mut link, mut rng) = (Link::new(2), rng());
    link.want(START, Want::Deliver);
    assert_eq!(link.poll_action(), Some(Action::Connect { relay: 0 }));
    assert_eq!(link.next_deadline(), Some(HANDSHAKE_TIMEOUT));
    assert_eq!(
        link.handle_timeout(HANDSHAKE_TIMEOUT, &mut rng),
        Some(Lost::TimedOut)
    );
    assert_eq!(
        link.poll_action(),
        Some(Action::Close { code: close::DONE })
    );
    assert_eq!(link.poll_action(), Some(Action::Connect { relay: 1 }));
}

#[test]
fn a_stable_connection_is_opened_again_at_once_and_at_the_same_relay() {
    let (mut link, mut rng) = (Link::new(2), rng());
    link.want(START, Want::Deliver);
    link.poll_action();
    link.handle_connected(START);
    link.handle_lost(seconds(60), Lost::Reset, &mut rng);
    assert_eq!(link.poll_action(), Some(Action::Connect { relay: 0 }));
}

#[test]
fn a_relay_that_sends_its_phones_away_is_left() {
    for code in [close::SHUTTING_DOWN, close::NOT_DURABLE] {
        let (mut link, mut rng) = (Link::new(2), rng());
        link.want(START, Want::Deliver);
        link.poll_action();
        link.handle_connected(START);
        link.handle_lost(seconds(60), Lost::Closed { code }, &mut rng);
        assert_eq!(link.poll_action(), Some(Action::Connect { relay: 1 }));
    }
}

#[test]
fn a_relay_that_drops_every_connection_is_not_hammered() {
    let (mut link, mut rng) = (Link::new(1), rng());
    link.want(START, Want::Deliver);
    link.poll_action();
    link.handle_connected(START);
    link.handle_lost(START, Lost::Reset, &mut rng);
    assert_eq!(link.poll_action(), None);
    assert!(link.next_deadline().unwrap() >= BACKOFF_BASE);
}

#[test]
fn a_press_does_not_wait_for_the_next_attempt() {
    let (mut link, mut rng) = (Link::new(1), rng());
    link.want(START, Want::Deliver);
    link.poll_action();
    link.handle_lost(START, Lost::Unreachable, &mut rng);
    link.hurry(START);
    assert_eq!(link.poll_action(), Some(Action::Connect { relay: 0 }));
}

/// How long a phone waits in the mean between two attempts at a relay that never answers.
fn mean_wait_s(wanted: Want) -> f64 {
    const ROUNDS: u32 = 1_000;
    let (mut link, mut rng) = (Link::new(1), rng());
    let (mut now, mut waited) = (START, Duration::ZERO);
    link.want(now, wanted);
    for _ in 0..ROUNDS {
        link.handle_lost(now, Lost::Unreachable, &mut rng);
        let until = link.next_deadline().unwrap();
        waited += until - now;
        now = until;
        link.handle_timeout(now, &mut rng);
    }
    waited.as_secs_f64() / f64::from(ROUNDS)
}

#[test]
fn who_only_goes_on_with_positions_leaves_a_relay_in_trouble_alone_for_longer() {
    let (deliver_s, follow_s) = (mean_wait_s(Want::Deliver), mean_wait_s(Want::Follow));
    assert!((2.0..5.0).contains(&deliver_s), "{deliver_s}");
    assert!((12.0..24.0).contains(&follow_s), "{follow_s}");
}

#[test]
fn what_is_said_meanwhile_does_not_wait() {
    let (mut link, mut rng) = (Link::new(1), rng());
    link.want(START, Want::Follow);
    link.poll_action();
    link.handle_lost(START, Lost::Unreachable, &mut rng);
    link.want(START, Want::Follow);
    assert_eq!(link.poll_action(), None);
    link.want(START, Want::Deliver);
    assert_eq!(link.poll_action(), Some(Action::Connect { relay: 0 }));
    link.handle_lost(START, Lost::Unreachable, &mut rng);
    link.want(START, Want::Deliver);
    assert_eq!(link.poll_action(), None, "once");
}

#[test]
fn nothing_to_say_closes_and_stays_closed() {
    let (mut link, mut rng) = (Link::new(1), rng());
    link.want(START, Want::Deliver);
    link.poll_action();
    link.handle_connected(START);
    link.want(START, Want::Nothing);
    assert_eq!(
        link.poll_action(),
        Some(Action::Close { code: close::DONE })
    );
    link.handle_lost(START, Lost::TimedOut, &mut rng);
    assert_eq!(link.poll_action(), None);
    assert_eq!(link.next_deadline(), None);
}

proptest! {
    #[test]
    fn a_wait_lies_between_base_and_cap(
        seed in any::<u64>(), rounds in 1_usize..60, wanted in prop::sample::select(vec![Want::Follow, Want::Deliver]),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut wait = BACKOFF_BASE;
        for _ in 0..rounds {
            let cap = wanted.backoff_cap();
            let upper = (wait * 3).min(cap);
            wait = decorrelated_jitter(wait, cap, &mut rng);
            prop_assert!(wait >= BACKOFF_BASE && wait <= upper);
        }
    }

    /// Whatever happens, one connection at a time, and never stuck while something is to be said.
    #[test]
    fn a_wanted_link_always_goes_on(
        relays in 1_usize..4, seed in any::<u64>(), steps in prop::collection::vec(0_u8..6, 0..200),
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut link = Link::new(relays);
        let (mut now, mut open) = (START, false);
        link.want(now, Want::Deliver);
        for step in steps {
            now += Duration::from_millis(300);
            match step {
                0 => link.handle_connected(now),
                1 if open => { open = false; link.handle_lost(now, Lost::Reset, &mut rng); }
                2 if open => {
                    open = false;
                    let code = close::SHUTTING_DOWN;
                    link.handle_lost(now, Lost::Closed { code }, &mut rng);
                }
                3 => now = now.max(link.next_deadline().unwrap_or(now)),
                4 => link.hurry(now),
                _ => {}
            }
            link.handle_timeout(now, &mut rng);
            while let Some(action) = link.poll_action() {
                match action {
                    Action::Connect { relay } => {
                        prop_assert!(relay < relays && !open);
                        open = true;
                    }
                    Action::Close { .. } => { prop_assert!(open); open = false; }
                }
            }
            prop_assert_eq!(open, link.relay().is_some());
            prop_assert!(link.is_connected() || link.next_deadline().is_some());
        }
    }
}

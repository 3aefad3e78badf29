//! Relays that store what they hear while the log's replicas are missing, for minutes.

use super::*;

/// A phone and relays that answer each raise with the same receipt, 50 ms after it was sent.
struct Outage {
    hand: Hand,
    now: u64,
    connects: Vec<usize>,
    lost: Vec<Lost>,
}

impl Outage {
    fn of(relays: usize) -> Self {
        let config = PhoneConfig {
            relays,
            ..config(false)
        };
        Self {
            hand: Hand::with(Phone::new(config)),
            now: 0,
            connects: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// Goes on until `end`, in milliseconds, by the phone's own deadlines.
    fn until(&mut self, end: u64, receipt: (Durability, bool)) {
        loop {
            for action in self.hand.actions() {
                if let Action::Connect { relay } = action {
                    self.connects.push(relay);
                    self.now += 50;
                    self.hand.phone.handle_connected(at(self.now), false);
                }
            }
            let sent = self.hand.sent(at(self.now));
            for (frame, _) in &sent {
                self.now += 50;
                self.hand.hear(
                    at(self.now),
                    &RelayFrame::Receipt(Receipt {
                        alert: frame.report.alert,
                        number: frame.report.number,
                        durability: receipt.0,
                        is_final: receipt.1,
                    }),
                );
            }
            for event in self.hand.events() {
                if let Event::Lost { lost, .. } = event {
                    self.lost.push(lost);
                }
            }
            if !sent.is_empty() {
                continue;
            }
            let due = self.hand.phone.next_deadline();
            let due = due.map(|due| u64::try_from(due.as_millis()).unwrap());
            let Some(due) = due.filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            let rng = &mut self.hand.rng;
            self.hand.phone.handle_timeout(at(self.now), rng);
        }
    }
}

const LOCAL: (Durability, bool) = (Durability::Local, false);
const REPLICATED: (Durability, bool) = (Durability::Replicated, true);
const AN_HOUR: u64 = 3_600_000;

#[test]
fn a_press_is_stored_by_each_relay_once_and_then_the_phone_waits() {
    let mut outage = Outage::of(3);
    outage.hand.raise(at(0));
    outage.until(2_900, LOCAL);
    assert_eq!(outage.connects, [0]);
    outage.until(AN_HOUR, LOCAL);
    assert_eq!(outage.connects, [0, 1, 2], "each once, in an hour");
    assert_eq!(outage.lost, [Lost::NotFinal, Lost::NotFinal]);
    // A further press is another alert.
    outage.hand.raise(at(AN_HOUR));
    outage.until(2 * AN_HOUR, LOCAL);
    assert_eq!(outage.connects, [0, 1, 2, 0, 1]);
}

#[test]
fn a_connection_that_breaks_meanwhile_begins_no_new_round() {
    let mut outage = Outage::of(2);
    outage.hand.raise(at(0));
    outage.until(60_000, LOCAL);
    for minute in 2..10 {
        let rng = &mut outage.hand.rng;
        outage
            .hand
            .phone
            .handle_lost(at(outage.now), Lost::Reset, rng);
        outage.until(minute * 60_000, LOCAL);
    }
    assert_eq!(outage.connects.len(), 2 + 8, "one for each break");
}

#[test]
fn who_has_a_final_receipt_in_time_stays() {
    let mut outage = Outage::of(2);
    let alert = outage.hand.raise(at(0));
    outage.until(2_000, LOCAL);
    outage.hand.hear(
        at(2_000),
        &RelayFrame::Receipt(Receipt {
            alert,
            number: RAISE_NUMBER,
            durability: REPLICATED.0,
            is_final: REPLICATED.1,
        }),
    );
    outage.until(AN_HOUR, REPLICATED);
    assert_eq!(outage.connects, [0]);
}

#[test]
fn with_one_relay_or_after_the_close_there_is_nowhere_else_to_go() {
    let mut alone = Outage::of(1);
    alone.hand.raise(at(0));
    alone.until(AN_HOUR, LOCAL);
    assert_eq!(alone.connects, [0]);

    let mut closed = Outage::of(2);
    let alert = closed.hand.raise(at(0));
    closed.until(1_000, LOCAL);
    let status = Status {
        alert,
        progress: Progress::Closed,
        at: at(1_000).wall,
    };
    closed.hand.hear(at(1_000), &RelayFrame::Status(status));
    closed.until(AN_HOUR, LOCAL);
    assert_eq!(closed.connects, [0]);
    assert!(closed.hand.phone.is_idle());
}

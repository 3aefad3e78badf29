//! Which relay to talk to, and when to try again.
//!
//! The link never has two connections at once. Who owns the wire does what [`Link::poll_action`]
//! says and tells what came of it; after [`Action::Close`] nothing is told about that connection.

use std::collections::VecDeque;
use std::time::Duration;

use rand::{Rng, RngExt as _};

/// Until then a handshake must have completed: twice the round trip of the worst mobile networks
/// (1 s) with one packet lost.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);

/// Shortest wait between two rounds over the relays.
pub const BACKOFF_BASE: Duration = Duration::from_millis(250);

/// Longest wait: a person in danger does not wait longer for a network that has come back.
pub const BACKOFF_CAP: Duration = Duration::from_secs(8);

/// Longest wait of a phone that only goes on with its positions: a minute, 17 s in the mean. A hundred thousand
/// phones that have lost their relay are 5,000 attempts a second then, and not 15,000, in which it would drown.
const FOLLOW_BACKOFF_CAP: Duration = Duration::from_secs(60);

/// A connection that lived as long was no accident of its relay: it is opened again at once.
const STABLE_AFTER: Duration = Duration::from_secs(1);

/// Application close codes of the protocol (docs/protocol.md).
pub mod close {
    /// Nothing more to say.
    pub const DONE: u64 = 0;
    /// A frame broke the stream.
    pub const BROKEN_STREAM: u64 = 1;
    /// Too many streams, or of a kind nobody asked for.
    pub const STREAMS: u64 = 2;
    /// The reader stalled.
    pub const STALLED: u64 = 3;
    /// Idle without an open alert.
    pub const IDLE: u64 = 4;
    /// The relay shuts down: go to another.
    pub const SHUTTING_DOWN: u64 = 5;
    /// The relay can keep nothing: go to another.
    pub const NOT_DURABLE: u64 = 6;
}

/// What the owner of the wire is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Open a connection to the relay of this place in the enrolment.
    Connect {
        /// Its place, from 0.
        relay: usize,
    },
    /// Close the connection or drop the attempt.
    Close {
        /// The application's close code.
        code: u64,
    },
}

/// Why a connection or an attempt ended without the link's wish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The address could not be found, or nothing can be sent there.
    Unreachable,
    /// The handshake failed: another certificate, protocol or version.
    Handshake,
    /// Nothing was heard for too long.
    TimedOut,
    /// The relay does not know the connection any more (RFC 9000, section 10.3).
    Reset,
    /// The relay closed it.
    Closed {
        /// The application's close code.
        code: u64,
    },
    /// Reports were sent and no receipt came.
    NoReceipts,
    /// The relay has stored what was sent, and no replica has it: another relay is to store it too.
    NotFinal,
    /// What the relay sent cannot be read.
    Broken,
}

impl Lost {
    /// The word in the output of tools.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Handshake => "handshake",
            Self::TimedOut => "timed_out",
            Self::Reset => "reset",
            Self::Closed { .. } => "closed",
            Self::NoReceipts => "no_receipts",
            Self::NotFinal => "not_final",
            Self::Broken => "broken",
        }
    }

    /// Whether the relay itself is of no use now.
    const fn names_another(self) -> bool {
        matches!(
            self,
            Self::Closed {
                code: close::SHUTTING_DOWN | close::NOT_DURABLE
            } | Self::NoReceipts
                | Self::NotFinal
        )
    }
}

/// What there is to say to a relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Want {
    /// Nothing.
    Nothing,
    /// An alert is open and everything said of it is receipted: positions go on, and answers are awaited.
    Follow,
    /// Something waits for its receipt.
    Deliver,
}

impl Want {
    const fn backoff_cap(self) -> Duration {
        match self {
            Self::Nothing | Self::Follow => FOLLOW_BACKOFF_CAP,
            Self::Deliver => BACKOFF_CAP,
        }
    }
}

/// The next wait: decorrelated jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
/// Architecture Blog, 2015): evenly between the base and three times the last wait, at most the cap.
pub fn decorrelated_jitter(last: Duration, cap: Duration, rng: &mut impl Rng) -> Duration {
    let upper = last.saturating_mul(3).clamp(BACKOFF_BASE, cap);
    rng.random_range(BACKOFF_BASE..=upper)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing to say.
    Idle,
    /// Between two attempts.
    Waiting { until: Duration },
    /// The handshake is running.
    Connecting { relay: usize, until: Duration },
    /// Both sides have proven themselves.
    Connected { relay: usize, since: Duration },
}

/// One phone's link. Times are durations since any fixed start.
#[derive(Clone, Debug)]
pub struct Link {
    relays: usize,
    wanted: Want,
    state: State,
    /// The relay to try next.
    next: usize,
    /// Attempts that failed since a connection was stable.
    failures: usize,
    last_wait: Duration,
    actions: VecDeque<Action>,
}

impl Link {
    /// A link to so many relays, at least one.
    #[must_use]
    pub fn new(relays: usize) -> Self {
        Self {
            relays: relays.max(1),
            wanted: Want::Nothing,
            state: State::Idle,
            next: 0,
            failures: 0,
            last_wait: BACKOFF_BASE,
            actions: VecDeque::new(),
        }
    }

    /// Says whether there is anything to say to a relay.
    pub fn want(&mut self, now: Duration, wanted: Want) {
        let was = std::mem::replace(&mut self.wanted, wanted);
        match (self.state, wanted) {
            (State::Idle, Want::Follow | Want::Deliver) => self.connect(now),
            // Somebody has just said something.
            (State::Waiting { .. }, Want::Deliver) if was == Want::Follow => self.connect(now),
            (State::Waiting { .. }, Want::Nothing) => self.state = State::Idle,
            (State::Connecting { .. } | State::Connected { .. }, Want::Nothing) => {
                self.actions.push_back(Action::Close { code: close::DONE });
                self.state = State::Idle;
            }
            _ => {}
        }
    }

    /// A finger pressed: whoever waits for the next attempt tries at once.
    pub fn hurry(&mut self, now: Duration) {
        if matches!(self.state, State::Waiting { .. }) {
            self.connect(now);
        }
    }

    /// The handshake has completed.
    pub fn handle_connected(&mut self, now: Duration) {
        if let State::Connecting { relay, .. } = self.state {
            self.state = State::Connected { relay, since: now };
        }
    }

    /// The connection or the attempt has ended.
    pub fn handle_lost(&mut self, now: Duration, lost: Lost, rng: &mut impl Rng) {
        let (relay, stable) = match self.state {
            State::Connecting { relay, .. } => (relay, false),
            State::Connected { relay, since } => (relay, now >= since + STABLE_AFTER),
            State::Idle | State::Waiting { .. } => return,
        };
        if stable {
            self.failures = 0;
            self.last_wait = BACKOFF_BASE;
        }
        if stable && !lost.names_another() {
            self.next = relay;
            self.connect(now);
            return;
        }
        self.failures += 1;
        self.next = (relay + 1) % self.relays;
        if !self.failures.is_multiple_of(self.relays) {
            self.connect(now);
            return;
        }
        self.last_wait = decorrelated_jitter(self.last_wait, self.wanted.backoff_cap(), rng);
        self.state = State::Waiting {
            until: now + self.last_wait,
        };
    }

    /// Gives the connection up and goes on as after a loss.
    pub fn give_up(&mut self, now: Duration, why: Lost, code: u64, rng: &mut impl Rng) {
        if self.relay().is_some() {
            self.actions.push_back(Action::Close { code });
            self.handle_lost(now, why, rng);
        }
    }

    /// Acts on a deadline that has passed; says what was lost by it.
    pub fn handle_timeout(&mut self, now: Duration, rng: &mut impl Rng) -> Option<Lost> {
        match self.state {
            State::Waiting { until } if now >= until => {
                self.connect(now);
                None
            }
            State::Connecting { until, .. } if now >= until => {
                self.give_up(now, Lost::TimedOut, close::DONE, rng);
                Some(Lost::TimedOut)
            }
            _ => None,
        }
    }

    /// What to do with the wire, in order.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Link::handle_timeout`] is to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        match self.state {
            State::Waiting { until } | State::Connecting { until, .. } => Some(until),
            State::Idle | State::Connected { .. } => None,
        }
    }

    /// Whether the handshake has completed.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.state, State::Connected { .. })
    }

    /// The relay that is being talked to.
    #[must_use]
    pub fn relay(&self) -> Option<usize> {
        match self.state {
            State::Connecting { relay, .. } | State::Connected { relay, .. } => Some(relay),
            State::Idle | State::Waiting { .. } => None,
        }
    }

    fn connect(&mut self, now: Duration) {
        let relay = self.next;
        self.state = State::Connecting {
            relay,
            until: now + HANDSHAKE_TIMEOUT,
        };
        self.actions.push_back(Action::Connect { relay });
    }
}

#[cfg(test)]
mod tests;

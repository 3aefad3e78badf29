//! Packets between the socket and QUIC: which go in first, and which stay outside when more come than can be
//! answered.
//!
//! QUIC has to decrypt a packet before anybody knows what it says, and that is most of what a packet costs. So what
//! cannot be answered is left outside, told apart by what can be seen: an attempt to connect (an Initial
//! packet with an id that this relay has not made, RFC 9000 section 17.2.2), a small packet of a connection that
//! has been heard for a while (a position, an acknowledgement), and everything else, which is work already begun: handshakes,
//! raises, texts. Work already begun goes in first, then few attempts, then few small packets; then everybody
//! has a turn before the next ones go in. Of small packets no more go in than leave the processors a little room, but of
//! every connection one now and then, or its phone would give it up.
//! While the relay keeps up, nothing waits and nothing is left out.

mod allowance;
mod attempts;
mod heard;
mod look;

use std::collections::VecDeque;
use std::time::Duration;

use protocol::Millis;

use crate::connection_id::ConnectionIds;
use crate::limits::{
    ATTEMPTS_IN_A_ROUND, BEGUN_PACKETS_MAX, ROUND_PACKETS, SMALL_IN_A_ROUND, SMALL_PACKETS_MAX,
};
use allowance::Allowance;
use attempts::Attempts;
use heard::Heard;
use look::Look;

/// A packet with whatever the shell needs to hand it on: where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet<M> {
    /// As it came.
    pub bytes: Vec<u8>,
    /// Where it came from.
    pub meta: M,
}

/// What was left outside, in packets and attempts.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// Attempts to connect that waited too long or were too many.
    pub attempts: u64,
    /// Small packets: positions, and some acknowledgements.
    pub small: u64,
    /// Packets of work already begun.
    pub begun: u64,
}

/// The packets that wait.
#[derive(Debug)]
pub struct Intake<M> {
    ids: ConnectionIds,
    begun: VecDeque<Packet<M>>,
    attempts: Attempts<M>,
    small: VecDeque<Packet<M>>,
    allowance: Allowance,
    heard: Heard,
    left_out: LeftOut,
}

impl<M> Intake<M> {
    /// Nothing waits. Attempts wait no longer than `patience`.
    #[must_use]
    pub fn new(ids: ConnectionIds, patience: Millis) -> Self {
        Self {
            ids,
            begun: VecDeque::new(),
            attempts: Attempts::new(patience),
            small: VecDeque::new(),
            allowance: Allowance::default(),
            heard: Heard::default(),
            left_out: LeftOut::default(),
        }
    }

    /// A packet came.
    pub fn handle_packet(&mut self, now: Millis, packet: Packet<M>) {
        match look::at(&packet.bytes, &self.ids) {
            Look::Attempt(id) => {
                let is_begun = self.attempts.handle_packet(now, id, packet);
                self.push_begun(is_begun);
            }
            Look::Small(id) => {
                if id.is_some_and(|id| self.heard.goes_first(now, id)) {
                    self.push_begun(Some(packet));
                } else {
                    self.push_small(packet);
                }
            }
            Look::Begun => self.push_begun(Some(packet)),
        }
    }

    fn push_begun(&mut self, packet: Option<Packet<M>>) {
        let Some(packet) = packet else { return };
        if self.begun.len() < BEGUN_PACKETS_MAX {
            self.begun.push_back(packet);
        } else {
            self.left_out.begun += 1;
        }
    }

    /// The newest position is the one that counts.
    fn push_small(&mut self, packet: Packet<M>) {
        if self.small.len() >= SMALL_PACKETS_MAX {
            self.small.pop_front();
            self.left_out.small += 1;
        }
        self.small.push_back(packet);
    }

    /// A task that slept woke so late. While the processors are full, fewer small packets go in until the next pulse.
    pub fn handle_pulse(&mut self, late: Duration) {
        self.allowance.handle_pulse(late);
    }

    /// What goes in now, at most [`ROUND_PACKETS`]. Empty only when nothing can go in, see [`Intake::has_round`].
    pub fn poll_round(&mut self, now: Millis) -> VecDeque<Packet<M>> {
        self.left_out.attempts += self.attempts.drop_late(now);
        // What is begun is to be ended before more is begun.
        if self.begun.len() < ROUND_PACKETS {
            for _ in 0..ATTEMPTS_IN_A_ROUND {
                self.begun.extend(self.attempts.take_next(now));
            }
        }
        let count = self.begun.len().min(ROUND_PACKETS);
        let mut round: VecDeque<_> = self.begun.drain(..count).collect();
        let at_once = if self.allowance.is_limited() {
            SMALL_IN_A_ROUND
        } else {
            ROUND_PACKETS
        };
        let room = (ROUND_PACKETS - count).min(at_once);
        let small = room
            .min(self.small.len())
            .min(self.allowance.left() as usize);
        self.allowance.take(small as u32);
        for packet in self.small.drain(..small) {
            if let Some(id) = look::short_id(&packet.bytes) {
                self.heard.note_in(now, id);
            }
            round.push_back(packet);
        }
        round
    }

    /// Whether something can go in before the next pulse.
    #[must_use]
    pub fn has_round(&self) -> bool {
        let may_small = !self.small.is_empty() && self.allowance.left() > 0;
        may_small || !self.begun.is_empty() || !self.attempts.is_empty()
    }

    /// What was left outside since the last call.
    pub fn take_left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests;

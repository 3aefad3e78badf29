//! Attempts to connect that wait: in the order in which they came while that is soon enough for all of them, and else the
//! newest first, who still wants an answer while who came first is about to give up. A phone without an answer sends its attempt again, and is then one of the newest; but when its
//! time is over it has given up, and what still comes of it is only its farewell, which looks the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::Millis;

use super::Packet;
use super::look::Id;
use crate::limits::{
    ATTEMPT_PACKETS_MAX, IN_ORDER_FOR, OVER_ATTEMPTS_KEPT, TAKEN_ATTEMPTS_KEPT,
    WAITING_ATTEMPTS_MAX,
};

#[derive(Debug)]
struct Attempt<M> {
    id: Id,
    /// When its first packet came.
    came: Millis,
    packets: VecDeque<Packet<M>>,
}

#[derive(Debug)]
pub(super) struct Attempts<M> {
    patience: Millis,
    /// By the number of their newest packet.
    waiting: BTreeMap<u64, Attempt<M>>,
    numbers: BTreeMap<Id, u64>,
    next_number: u64,
    /// Attempts that were taken: their other packets follow them.
    taken: Recent<TAKEN_ATTEMPTS_KEPT>,
    /// Attempts whose time is over: their other packets are in vain.
    over: Recent<OVER_ATTEMPTS_KEPT>,
    left_out: u64,
}

/// The newest ids, so many of them.
#[derive(Debug, Default)]
struct Recent<const KEPT: usize> {
    ids: BTreeSet<Id>,
    order: VecDeque<Id>,
}

impl<const KEPT: usize> Recent<KEPT> {
    fn insert(&mut self, id: Id) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

impl<M> Attempts<M> {
    pub(super) fn new(patience: Millis) -> Self {
        Self {
            patience,
            waiting: BTreeMap::new(),
            numbers: BTreeMap::new(),
            next_number: 0,
            taken: Recent::default(),
            over: Recent::default(),
            left_out: 0,
        }
    }

    /// Keeps a packet of an attempt that waits, or gives it back when its attempt has been taken. One whose time is over
    /// is dropped.
    pub(super) fn handle_packet(
        &mut self,
        now: Millis,
        id: Id,
        packet: Packet<M>,
    ) -> Option<Packet<M>> {
        if self.taken.ids.contains(&id) {
            return Some(packet);
        }
        if self.over.ids.contains(&id) {
            return None;
        }
        let waiting = self.numbers.remove(&id);
        let waiting = waiting.and_then(|number| self.waiting.remove(&number));
        let mut attempt = waiting.unwrap_or_else(|| Attempt {
            id,
            came: now,
            packets: VecDeque::new(),
        });
        if attempt.packets.len() >= ATTEMPT_PACKETS_MAX {
            attempt.packets.pop_front();
        }
        attempt.packets.push_back(packet);
        self.numbers.insert(id, self.next_number);
        self.waiting.insert(self.next_number, attempt);
        self.next_number += 1;
        if self.waiting.len() > WAITING_ATTEMPTS_MAX {
            self.drop_oldest();
        }
        None
    }

    /// Drops those that have waited too long; returns how many were left out since the last call.
    pub(super) fn drop_late(&mut self, now: Millis) -> u64 {
        while let Some((_, oldest)) = self.waiting.first_key_value()
            && self.is_late(now, oldest)
        {
            self.drop_oldest();
        }
        std::mem::take(&mut self.left_out)
    }

    fn is_late(&self, now: Millis, attempt: &Attempt<M>) -> bool {
        now.0 >= attempt.came.0.saturating_add(self.patience.0)
    }

    fn drop_oldest(&mut self) {
        if let Some((_, attempt)) = self.waiting.pop_first() {
            self.leave_out(attempt);
        }
    }

    fn leave_out(&mut self, attempt: Attempt<M>) {
        self.numbers.remove(&attempt.id);
        self.over.insert(attempt.id);
        self.left_out += 1;
    }

    /// The packets of the attempt whose turn it is; nothing when none waits.
    pub(super) fn take_next(&mut self, now: Millis) -> VecDeque<Packet<M>> {
        while let Some(attempt) = self.pop_next(now) {
            if self.is_late(now, &attempt) {
                self.leave_out(attempt);
                continue;
            }
            self.numbers.remove(&attempt.id);
            self.taken.insert(attempt.id);
            return attempt.packets;
        }
        VecDeque::new()
    }

    fn pop_next(&mut self, now: Millis) -> Option<Attempt<M>> {
        let (_, oldest) = self.waiting.first_key_value()?;
        let is_soon = now.0 < oldest.came.0.saturating_add(IN_ORDER_FOR.0);
        let next = if is_soon {
            self.waiting.pop_first()
        } else {
            self.waiting.pop_last()
        };
        next.map(|(_, attempt)| attempt)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

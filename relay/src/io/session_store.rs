//! TLS sessions that can be resumed, and so raises that can travel in the first packet.
//!
//! rustls' own store removes in linear time, which at 200,000 sessions is an eighth of a relay's work. Here every
//! operation is a few comparisons, and the oldest session goes when there is no room.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::server::StoresServerSessions;

/// A map that holds the newest entries.
struct Newest<K> {
    entries_max: usize,
    /// Each value with its turn.
    entries: BTreeMap<K, (u64, Vec<u8>)>,
    /// Whose turn it is to go.
    turns: BTreeMap<u64, K>,
    next_turn: u64,
}

impl<K: Ord + Clone> Newest<K> {
    fn new(entries_max: usize) -> Self {
        Self {
            entries_max,
            entries: BTreeMap::new(),
            turns: BTreeMap::new(),
            next_turn: 0,
        }
    }

    fn put(&mut self, key: K, value: Vec<u8>) -> bool {
        if self.entries_max == 0 {
            return false;
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.turns.insert(turn, key.clone());
        if let Some((before, _)) = self.entries.insert(key, (turn, value)) {
            self.turns.remove(&before);
        }
        if self.entries.len() > self.entries_max
            && let Some((_, oldest)) = self.turns.pop_first()
        {
            self.entries.remove(&oldest);
        }
        true
    }

    fn take<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<Vec<u8>>
    where
        K: std::borrow::Borrow<Q>,
    {
        let (turn, value) = self.entries.remove(key)?;
        self.turns.remove(&turn);
        Some(value)
    }
}

/// The sessions of one relay, bounded.
pub struct SessionStore {
    newest: Mutex<Newest<Vec<u8>>>,
}

impl SessionStore {
    /// Holds at most so many sessions.
    #[must_use]
    pub fn new(sessions_max: usize) -> Self {
        Self {
            newest: Mutex::new(Newest::new(sessions_max)),
        }
    }

    fn newest(&self) -> MutexGuard<'_, Newest<Vec<u8>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionStore(redacted)")
    }
}

impl StoresServerSessions for SessionStore {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        self.newest().put(key, value)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let newest = self.newest();
        newest.entries.get(key).map(|(_, value)| value.clone())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.newest().take(key)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    thread_local! {
        static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    /// A key that counts how often it is compared.
    #[derive(Clone, PartialEq, Eq)]
    struct Counted(u64);

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            COMPARISONS.set(COMPARISONS.get() + 1);
            self.0.cmp(&other.0)
        }
    }

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    fn comparisons(operation: impl FnOnce()) -> u64 {
        COMPARISONS.set(0);
        operation();
        COMPARISONS.get()
    }

    /// Spreads consecutive numbers, as the keys are random.
    fn spread(number: u64) -> Counted {
        Counted(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    #[test]
    fn at_200_000_sessions_every_operation_is_a_few_comparisons() {
        const SESSIONS: u64 = 200_000;
        // A node holds up to 11 keys and at least 5, so 200,000 keys are at most 8 levels of 11 comparisons; a put
        // that evicts does two walks.
        const WALK_MAX: u64 = 8 * 11;
        let mut newest = Newest::new(SESSIONS as usize);
        for number in 0..SESSIONS {
            newest.put(spread(number), Vec::new());
        }
        for number in 0..1_000 {
            let put = comparisons(|| assert!(newest.put(spread(SESSIONS + number), Vec::new())));
            assert!(put <= 2 * WALK_MAX, "a put took {put} comparisons");
            let take = comparisons(|| drop(newest.take(&spread(SESSIONS / 2 + number))));
            assert!(take <= WALK_MAX, "a take took {take} comparisons");
        }
        assert!(newest.entries.len() <= SESSIONS as usize);
        assert_eq!(newest.entries.len(), newest.turns.len());
    }

    #[test]
    fn a_taken_session_is_gone_and_the_oldest_makes_room() {
        let store = SessionStore::new(2);
        for key in [1_u8, 2, 3] {
            assert!(store.put(vec![key], vec![key]));
        }
        assert_eq!(store.get(&[1]), None);
        assert_eq!(store.get(&[2]), Some(vec![2]));
        assert_eq!(store.take(&[2]), Some(vec![2]));
        assert_eq!(store.take(&[2]), None);
        assert!(!SessionStore::new(0).put(vec![1], vec![1]));
    }

    proptest! {
        #[test]
        fn it_holds_what_a_plain_list_would(operations in prop::collection::vec((0_u8..3, 0_u8..12), 0..200)) {
            let store = SessionStore::new(5);
            let mut plain: Vec<(u8, u8)> = Vec::new();
            for (value, (operation, key)) in (0_u8..).zip(operations) {
                if operation == 0 {
                    let expected = plain.iter().position(|(other, _)| *other == key).map(|at| plain.remove(at).1);
                    prop_assert_eq!(store.take(&[key]), expected.map(|value| vec![value]));
                } else {
                    plain.retain(|(other, _)| *other != key);
                    plain.push((key, value));
                    if plain.len() > 5 {
                        plain.remove(0);
                    }
                    store.put(vec![key], vec![value]);
                }
            }
            for (key, value) in plain {
                prop_assert_eq!(store.get(&[key]), Some(vec![value]));
            }
        }
    }
}

//! What keeps the relay from its work, for readiness and for the one who has to act.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Something that somebody has to look at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Problem {
    /// Reports cannot be sealed: no raise gets a receipt.
    NotSealed,
    /// The key of tomorrow cannot be made: nothing can be sealed from midnight on.
    NoKeyForTomorrow,
    /// The alert log is not read any more: phones hear receipts and nothing else.
    Deaf,
    /// More phones come than can be answered.
    Overloaded,
}

impl Problem {
    /// Tomorrow's key may still come, and a relay with its hands full is of use to those whom it takes.
    const fn stops_readiness(self) -> bool {
        !matches!(self, Self::NoKeyForTomorrow | Self::Overloaded)
    }
}

/// The problems of now, each with its words.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    now: Mutex<BTreeMap<Problem, String>>,
    /// So that what is well costs every report one look.
    any: AtomicBool,
}

impl Problems {
    /// True when it was not there before.
    pub(crate) fn begin(&self, problem: Problem, words: String) -> bool {
        self.change(|now| now.insert(problem, words).is_none())
    }

    /// True when it was there.
    pub(crate) fn end(&self, problem: Problem) -> bool {
        self.any.load(Ordering::SeqCst) && self.change(|now| now.remove(&problem).is_some())
    }

    pub(crate) fn are_there(&self) -> bool {
        self.any.load(Ordering::SeqCst)
    }

    /// Whether none of them makes phones better off at another relay.
    pub(crate) fn allow_readiness(&self) -> bool {
        !self.are_there() || self.change(|now| !now.keys().any(|problem| problem.stops_readiness()))
    }

    pub(crate) fn words(&self) -> Vec<String> {
        self.change(|now| now.values().cloned().collect())
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<Problem, String>) -> T) -> T {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = change(&mut now);
        self.any.store(!now.is_empty(), Ordering::SeqCst);
        answer
    }
}

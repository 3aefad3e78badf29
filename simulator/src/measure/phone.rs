//! A row for each phone, and the names of desks that rows have numbers of.

use std::collections::BTreeMap;

use super::{MAX_PRESSES, NEVER_US};
use crate::books::Place;

/// The two newest places that a phone said after its first one: the newest may be too new for the
/// card that came at the same moment.
pub(super) type Later = [Option<Place>; 2];

/// The number of a press and the moments of it, in microseconds since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Press {
    pub(super) intended_us: u64,
    pub(super) begun_us: u64,
    pub(super) is_receipted: bool,
    pub(super) is_seen: bool,
}

/// What is known of one phone.
#[derive(Debug)]
pub(super) struct Phone {
    pub(super) presses: [Option<Press>; MAX_PRESSES],
    pub(super) first_place: Option<Place>,
    pub(super) later: Option<Box<Later>>,
    /// By its own clock, of the newest fix on the console.
    pub(super) fix_at_ms: Option<i64>,
    /// When a press was on the console of which the phone had not told yet.
    pub(super) unexpected_us: u64,
    /// Presses that the incidents hold which are named after its first and second alert.
    pub(super) held: [u16; MAX_PRESSES],
    /// Where the first of them is; [`Desks::NONE`].
    pub(super) desk: u16,
    pub(super) is_assigned: bool,
    pub(super) is_at_a_wrong_desk: bool,
}

impl Phone {
    /// Has just taken its first press.
    pub(super) fn new(press: Press, first_place: Option<Place>) -> Self {
        Self {
            presses: [Some(press), None],
            first_place,
            later: None,
            fix_at_ms: None,
            unexpected_us: NEVER_US,
            held: [0; MAX_PRESSES],
            desk: Desks::NONE,
            is_assigned: false,
            is_at_a_wrong_desk: false,
        }
    }

    /// Its place after the first one.
    pub(super) fn said(&mut self, place: Place) {
        let later = self.later.get_or_insert_default();
        **later = [Some(place), later[0]];
    }

    pub(super) fn taken(&self) -> u64 {
        self.presses.iter().flatten().count() as u64
    }

    pub(super) fn all_held(&self) -> u64 {
        self.held.iter().map(|held| u64::from(*held)).sum()
    }

    pub(super) fn on_board(&self) -> u64 {
        self.all_held().min(self.taken())
    }

    /// A second incident of a phone is one too many even when it took its press from the first.
    pub(super) fn doubled(&self) -> u64 {
        let incidents = self.held.iter().filter(|held| **held > 0).count() as u64;
        let split = incidents.saturating_sub(1);
        self.all_held().saturating_sub(self.taken()).max(split)
    }
}

/// Names of desks, each kept once.
#[derive(Debug, Default)]
pub(super) struct Desks {
    pub(super) names: Vec<String>,
    numbers: BTreeMap<String, u16>,
}

impl Desks {
    pub(super) const NONE: u16 = u16::MAX;

    /// A map with more desks than there are numbers has no number for the rest.
    pub(super) fn number(&mut self, name: &str) -> u16 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        match u16::try_from(self.names.len()) {
            Ok(number) if number != Self::NONE => {
                self.names.push(name.to_owned());
                self.numbers.insert(name.to_owned(), number);
                number
            }
            _ => Self::NONE,
        }
    }
}

//! What is measured of a load: when somebody meant to press, when the phone began, when its receipt
//! came, and when a console showed it.
//!
//! The books of the demo keep everything; these keep a row of fixed size for each phone, and times go
//! into histograms as they come. Whose place an alert is takes time to say, and nobody's alert is to
//! wait for it: what the console showed is handed out by [`Measures::poll_unjudged`] and judged when
//! there is time for it.
//!
//! A press is *lost* when a phone took it and no incident of the phone holds it; *doubled* is each
//! press on the console too many, and each incident of nobody. *Reordered* is a fix that is older than
//! the one before it on the same card.

mod phone;
mod second;
mod sum;
#[cfg(test)]
mod tests;
mod times;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use protocol::{AlertId, DeviceId, IncidentId};

use crate::books::Place;
use phone::{Desks, Later, Phone, Press};
pub use second::Sample;
use second::Seconds;
pub use sum::{Counts, Progress};
use times::StageTimes;

/// Presses of one phone: a plan has at most one redial.
pub const MAX_PRESSES: usize = 2;

/// Sightings that wait to be judged; each takes 24 bytes, and those of phones that track 130 more.
/// Beyond, they are not judged, and the report says how many were.
const MAX_UNJUDGED: usize = 1_000_000;

/// Incidents of which nobody knows whose they are: a card may be faster than the task of its phone by
/// milliseconds. Beyond, the oldest are nobody's for ever.
const MAX_STRANGERS: usize = 100_000;

/// A time that has not come, in microseconds.
const NEVER_US: u64 = u64::MAX;

/// A phone of a load, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PhoneNumber(u32);

/// A press that a phone took. Times are since the start.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    /// Whose relay-given name the incident has.
    pub device: DeviceId,
    /// The alert.
    pub alert: AlertId,
    /// When the plan has it.
    pub intended: Duration,
    /// When the phone was asked to raise.
    pub begun: Duration,
    /// What the raise says.
    pub place: Option<Place>,
}

/// What a card on the console says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// The incident.
    pub incident: IncidentId,
    /// The desk that owns it, as cards name it.
    pub desk: String,
    /// How many presses it holds.
    pub presses: u64,
    /// Its assignment is durable.
    pub is_assigned: bool,
    /// Time of its newest fix by the phone's clock, in milliseconds.
    pub fix_at_ms: Option<i64>,
}

/// A desk on the console, of which it is to be said whether it is right; see [`Measures::judged`].
#[derive(Debug)]
pub struct Unjudged {
    phone: u32,
    desk: u16,
    later: Option<Box<Later>>,
}

/// An incident that nobody has claimed yet: as it was seen first, and last.
#[derive(Debug)]
struct Stranger {
    first: (Sighting, Duration),
    newest: Option<(Sighting, Duration)>,
}

impl Stranger {
    fn presses(&self) -> u64 {
        let (sighting, _) = self.newest.as_ref().unwrap_or(&self.first);
        sighting.presses.max(1)
    }
}

/// All measures of a load.
#[derive(Debug, Default)]
pub struct Measures {
    phones: Vec<Phone>,
    /// By phone and number of the press after which it would be named.
    incidents: BTreeMap<IncidentId, (u32, u8)>,
    strangers: BTreeMap<IncidentId, Stranger>,
    /// In the order in which they came, those that were claimed since among them.
    strangers_order: VecDeque<IncidentId>,
    /// Presses of strangers that nobody will claim any more.
    forgotten: u64,
    /// Incidents of traffic that is no emergency.
    ignored: BTreeSet<IncidentId>,
    desks: Desks,
    unjudged: VecDeque<Unjudged>,
    times: StageTimes,
    seconds: Seconds,
    counts: Counts,
}

impl Measures {
    /// Somebody is to press at that time.
    pub fn offered(&mut self, at: Duration) {
        self.counts.offered += 1;
        self.seconds.at(at).offered += 1;
    }

    /// A phone took its first press.
    pub fn begun(&mut self, press: &Begun) -> PhoneNumber {
        let number = u32::try_from(self.phones.len()).unwrap_or(u32::MAX);
        let begun = self.count_begun(press);
        self.phones.push(Phone::new(begun, press.place));
        self.claim(press, (number, 0));
        PhoneNumber(number)
    }

    /// A phone took its second press; where it is, it has said before.
    pub fn begun_again(&mut self, phone: PhoneNumber, press: &Begun) {
        let begun = self.count_begun(press);
        let Some(row) = self.phones.get_mut(phone.0 as usize) else {
            return;
        };
        row.presses[1] = Some(begun);
        let unexpected_us = std::mem::replace(&mut row.unexpected_us, NEVER_US);
        if unexpected_us != NEVER_US {
            self.stamp(phone.0, Duration::from_micros(unexpected_us));
        }
        self.claim(press, (phone.0, 1));
    }

    /// A receipt came back for the press of this number, counted from 0. `early`: it went in 0-RTT.
    pub fn receipted(&mut self, phone: PhoneNumber, number: usize, at: Duration, early: bool) {
        let row = self.phones.get_mut(phone.0 as usize);
        let press = row.and_then(|row| row.presses.get_mut(number)?.as_mut());
        let Some(press) = press.filter(|press| !press.is_receipted) else {
            return;
        };
        press.is_receipted = true;
        self.counts.receipted += 1;
        self.counts.receipted_early += u64::from(early);
        let second = self.seconds.at(at);
        second.receipted += 1;
        let from_intended_us = self.times.receipt.record(press, micros(at));
        second.receipt_us.push(from_intended_us);
    }

    /// A phone is about to say where it is, after its first press: a card that shows what comes of it may
    /// be faster than the answer to the phone.
    pub fn will_say(&mut self, phone: PhoneNumber, place: Place) {
        if let Some(row) = self.phones.get_mut(phone.0 as usize) {
            row.said(place);
        }
    }

    /// A phone took a position.
    pub fn positioned(&mut self, at: Duration) {
        self.counts.positions_sent += 1;
        self.seconds.at(at).positions_sent += 1;
    }

    /// An incident that is none of this load's alerts, and is not judged.
    pub fn ignore(&mut self, incident: IncidentId) {
        self.strangers.remove(&incident);
        self.ignored.insert(incident);
    }

    /// A card came to the console.
    pub fn seen(&mut self, sighting: Sighting, at: Duration) {
        match self.incidents.get(&sighting.incident) {
            Some((phone, number)) => {
                let (phone, number) = (*phone, *number);
                self.seen_of(phone, number, &sighting, at);
            }
            None if self.ignored.contains(&sighting.incident) => {}
            None => self.seen_of_nobody(sighting, at),
        }
    }

    /// An incident left the console's view.
    pub fn left(&mut self, incident: &IncidentId) {
        self.strangers.remove(incident);
        if let Some((phone, number)) = self.incidents.get(incident)
            && let Some(row) = self.phones.get_mut(*phone as usize)
        {
            row.held[usize::from(*number)] = 0;
        }
    }

    /// What the whole run and its machine did in a second that is over.
    pub fn sampled(&mut self, at: Duration, sample: Sample) {
        self.seconds.at(at).sample = Some(sample);
    }

    /// The next desk of which it is to be said whether it is right.
    pub fn poll_unjudged(&mut self) -> Option<Unjudged> {
        self.unjudged.pop_front()
    }

    /// Whether anything waits to be judged.
    #[must_use]
    pub fn has_unjudged(&self) -> bool {
        !self.unjudged.is_empty()
    }

    /// The desk, and the places at any of which the phone may have been for all the console knew; none
    /// as long as it had said none.
    #[must_use]
    pub fn question(&self, unjudged: &Unjudged) -> (String, Vec<Option<Place>>) {
        let names = &self.desks.names;
        let desk = names.get(usize::from(unjudged.desk));
        let row = self.phones.get(unjudged.phone as usize);
        let first = row.and_then(|row| row.first_place);
        let later = unjudged.later.iter().flat_map(|later| later.iter());
        let later = later.filter(|place| place.is_some()).copied();
        let places = std::iter::once(first).chain(later);
        (desk.cloned().unwrap_or_default(), places.collect())
    }

    /// Whether that desk is right.
    pub fn judged(&mut self, unjudged: &Unjudged, is_right: bool) {
        self.counts.judged += 1;
        if let Some(row) = self.phones.get_mut(unjudged.phone as usize) {
            row.is_at_a_wrong_desk |= !is_right;
        }
    }

    fn count_begun(&mut self, press: &Begun) -> Press {
        self.counts.begun += 1;
        self.seconds.at(press.begun).begun += 1;
        let late = press.begun.saturating_sub(press.intended);
        self.times.late(micros(late));
        Press {
            intended_us: micros(press.intended),
            begun_us: micros(press.begun),
            is_receipted: false,
            is_seen: false,
        }
    }

    /// Names what would be the incident of this press, and hears what was seen of it already.
    fn claim(&mut self, press: &Begun, of: (u32, u8)) {
        let incident = IncidentId::of(&press.device, &press.alert);
        self.incidents.insert(incident, of);
        if let Some(Stranger { first, newest }) = self.strangers.remove(&incident) {
            for (sighting, at) in std::iter::once(first).chain(newest) {
                self.seen_of(of.0, of.1, &sighting, at);
            }
        }
    }

    fn seen_of_nobody(&mut self, sighting: Sighting, at: Duration) {
        if let Some(stranger) = self.strangers.get_mut(&sighting.incident) {
            stranger.newest = Some((sighting, at));
            return;
        }
        if self.strangers_order.len() >= MAX_STRANGERS
            && let Some(oldest) = self.strangers_order.pop_front()
            && let Some(forgotten) = self.strangers.remove(&oldest)
        {
            self.forgotten += forgotten.presses();
        }
        let incident = sighting.incident;
        self.strangers_order.push_back(incident);
        let first = (sighting, at);
        let newest = None;
        self.strangers.insert(incident, Stranger { first, newest });
    }

    fn seen_of(&mut self, phone: u32, number: u8, sighting: &Sighting, at: Duration) {
        let Some(row) = self.phones.get_mut(phone as usize) else {
            return;
        };
        let before = row.held[usize::from(number)];
        row.held[usize::from(number)] = u16::try_from(sighting.presses).unwrap_or(u16::MAX);
        if let (Some(new), Some(old)) = (sighting.fix_at_ms, row.fix_at_ms) {
            self.counts.reordered += u64::from(new < old);
        }
        let is_newer = sighting.fix_at_ms > row.fix_at_ms;
        // The fix of a raise is no position of its own.
        if is_newer && row.held[usize::from(number)] == before {
            self.counts.positions_seen += 1;
        }
        row.fix_at_ms = row.fix_at_ms.max(sighting.fix_at_ms);
        if sighting.is_assigned && !row.is_assigned {
            row.is_assigned = true;
            if let Some(press) = &row.presses[0] {
                self.times.assigned.record(press, micros(at));
            }
        }
        let desk = self.desks.number(&sighting.desk);
        if row.desk != desk {
            row.desk = desk;
            let unjudged = Unjudged {
                phone,
                desk,
                later: row.later.clone(),
            };
            if self.unjudged.len() < MAX_UNJUDGED {
                self.unjudged.push_back(unjudged);
            }
            self.counts.to_judge += 1;
        }
        self.stamp(phone, at);
    }

    /// Notes when the console held which press first.
    fn stamp(&mut self, phone: u32, at: Duration) {
        let Some(row) = self.phones.get_mut(phone as usize) else {
            return;
        };
        let held = row.all_held();
        if held > row.taken() && row.unexpected_us == NEVER_US {
            row.unexpected_us = micros(at);
        }
        for (press, _) in row.presses.iter_mut().flatten().zip(0..held) {
            if std::mem::replace(&mut press.is_seen, true) {
                continue;
            }
            self.counts.on_board += 1;
            let second = self.seconds.at(at);
            second.on_board += 1;
            let from_intended_us = self.times.console.record(press, micros(at));
            second.console_us.push(from_intended_us);
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(NEVER_US - 1)
}

//! The books of a run: what its own phones did, and what its own console saw.
//!
//! Everything is counted in presses. All presses of one phone make one incident, which is named
//! after one of their alerts; the card of the incident says how many presses it holds. So a press is
//!
//! - *raised* when the phone took it, *receipted* when a relay's receipt came back to the phone;
//! - *on board* when the phone's incident is on the console and holds it;
//! - *lost* when it was raised and is not on board;
//! - *duplicated* is each press on the console too many: more than the phone made, of a second
//!   incident of the same phone, or of an incident of nobody;
//! - *mismatched* is an incident at another desk than those that are right for where the phone had
//!   said that it was when the console first saw the incident there.
//!
//! Which desks are right takes time to say, and nobody's alert is to wait for it. So places are kept
//! as they are said, handed out one by one by [`Books::poll_unjudged`], and judged when there is time
//! for it; an incident of which nobody has said yet that it is at a right desk counts as mismatched.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use hdrhistogram::Histogram;
use protocol::{AlertId, ConfidencePercent, DeviceId, IncidentId, LatLon, Position, RadiusMetres};
use serde::Serialize;

/// The longest time from press to console that is told apart, in microseconds: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Digits to which times are kept.
const DIGITS: u8 = 3;

/// Presses of one incident whose arrival is timed: nobody in a plan presses so often.
const MAX_TIMED_PRESSES: usize = 64;

/// Places of one phone that are kept, the first ones: a walker says one each second, and whatever
/// changes the desk of an incident in a plan happens within ten seconds of the press.
const MAX_PLACES: usize = 16;

/// The desk of those whose place is not known, as cards name it.
pub const NATIONAL_DESK: &str = "national";

/// Desks at which an incident may rightly be, as cards name them.
pub type RightDesks = BTreeSet<String>;

/// Where a phone said that it is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    /// The middle of the circle.
    pub at: LatLon,
    /// How wide it is.
    pub radius: Option<RadiusMetres>,
    /// How sure the phone is of it.
    pub confidence: Option<ConfidencePercent>,
}

impl From<&Position> for Place {
    fn from(position: &Position) -> Self {
        Self {
            at: position.at,
            radius: position.radius,
            confidence: position.confidence,
        }
    }
}

/// A place of which it is to be said which desks are right; see [`Books::judged`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unjudged {
    /// What the phone said.
    pub place: Place,
    device: DeviceId,
    number: usize,
}

/// A place that a phone said.
#[derive(Debug)]
struct Said {
    place: Place,
    at: Duration,
    /// Absent until it is judged.
    right_desks: Option<RightDesks>,
}

/// What a card on the console says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The incident.
    pub incident: IncidentId,
    /// The desk that owns it.
    pub desk: String,
    /// How many presses it holds.
    pub presses: u64,
}

/// What is known of one phone.
#[derive(Debug, Default)]
struct Phone {
    /// In the order of the presses, with the time of each.
    alerts: Vec<(AlertId, Duration)>,
    receipted: BTreeSet<AlertId>,
    /// In the order in which the phone said them, at most [`MAX_PLACES`].
    places: Vec<Said>,
}

impl Phone {
    /// Whether an incident may rightly be at a desk at which the console first saw it then.
    ///
    /// By what the phone had said by then. Whoever had said nothing is the national desk's, until the
    /// phone says where it is.
    fn may_be_at(&self, desk: &str, since: Duration) -> bool {
        if self.places.is_empty() {
            return desk == NATIONAL_DESK;
        }
        let known = self.places.iter().filter(|said| said.at <= since).count();
        let known = if known == 0 { self.places.len() } else { known };
        self.places[..known]
            .iter()
            .filter_map(|said| said.right_desks.as_ref())
            .any(|right| right.contains(desk))
    }
}

/// An incident on the console.
#[derive(Debug, Default)]
struct Shown {
    desk: String,
    /// When it was first seen there.
    since: Duration,
    presses: u64,
    /// When the card first held that many presses.
    arrivals: Vec<Duration>,
}

/// The books of a run. Times are since its start.
#[derive(Debug, Default)]
pub struct Books {
    phones: BTreeMap<DeviceId, Phone>,
    /// Whose incident would have this id.
    whose: BTreeMap<IncidentId, DeviceId>,
    shown: BTreeMap<IncidentId, Shown>,
    unjudged: VecDeque<Unjudged>,
}

/// What a run came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Presses that phones took.
    pub raised: u64,
    /// Presses with a receipt.
    pub receipted: u64,
    /// Presses on the console, each once.
    pub on_board: u64,
    /// Presses that are not.
    pub lost: u64,
    /// Presses on the console too many.
    pub duplicated: u64,
    /// Incidents at a wrong desk.
    pub map_mismatches: u64,
}

impl Counts {
    /// Whether nothing is lost, doubled or mismatched.
    #[must_use]
    pub fn are_right(&self) -> bool {
        (self.lost, self.duplicated, self.map_mismatches) == (0, 0, 0)
    }

    /// Whether moreover nothing is under way any more.
    #[must_use]
    pub fn are_settled(&self) -> bool {
        self.are_right() && self.receipted == self.raised
    }
}

/// Times from press to console, in milliseconds; absent before the first.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Times {
    /// Half of the presses were faster.
    pub p50_ms: Option<f64>,
    /// One of a hundred was slower.
    pub p99_ms: Option<f64>,
}

impl Books {
    /// A phone took a press.
    pub fn pressed(&mut self, device: DeviceId, alert: AlertId, at: Duration) {
        self.whose.insert(IncidentId::of(&device, &alert), device);
        let phone = self.phones.entry(device).or_default();
        phone.alerts.push((alert, at));
    }

    /// A phone says where it is, with a press or later; `at` is a time before it left the phone.
    pub fn said(&mut self, device: DeviceId, place: Place, at: Duration) {
        let places = &mut self.phones.entry(device).or_default().places;
        let is_new = places.last().is_none_or(|last| last.place != place);
        if !is_new || places.len() >= MAX_PLACES {
            return;
        }
        self.unjudged.push_back(Unjudged {
            place,
            device,
            number: places.len(),
        });
        places.push(Said {
            place,
            at,
            right_desks: None,
        });
    }

    /// The next place of which it is to be said which desks are right.
    pub fn poll_unjudged(&mut self) -> Option<Unjudged> {
        self.unjudged.pop_front()
    }

    /// These desks are right for what the phone said.
    pub fn judged(&mut self, unjudged: Unjudged, right_desks: RightDesks) {
        let phone = self.phones.entry(unjudged.device).or_default();
        if let Some(said) = phone.places.get_mut(unjudged.number) {
            said.right_desks = Some(right_desks);
        }
    }

    /// A receipt came back for a press.
    pub fn receipted(&mut self, device: DeviceId, alert: AlertId) {
        self.phones
            .entry(device)
            .or_default()
            .receipted
            .insert(alert);
    }

    /// A card came to the console.
    pub fn shown(&mut self, seen: Seen, at: Duration) {
        let Seen {
            incident,
            desk,
            presses,
        } = seen;
        let shown = self.shown.entry(incident).or_default();
        if shown.desk != desk {
            shown.desk = desk;
            shown.since = at;
        }
        shown.presses = presses;
        let held = usize::try_from(presses)
            .unwrap_or(usize::MAX)
            .min(MAX_TIMED_PRESSES);
        if shown.arrivals.len() < held {
            shown.arrivals.resize(held, at);
        }
    }

    /// An incident left the console's view.
    pub fn left(&mut self, incident: &IncidentId) {
        self.shown.remove(incident);
    }

    /// Counts everything.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut on_console: BTreeMap<DeviceId, Vec<&Shown>> = BTreeMap::new();
        for (id, shown) in &self.shown {
            match self.whose.get(id) {
                Some(device) => on_console.entry(*device).or_default().push(shown),
                None => counts.duplicated += shown.presses.max(1),
            }
        }
        for (device, phone) in &self.phones {
            let incidents = on_console
                .get(device)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let raised = phone.alerts.len() as u64;
            let held: u64 = incidents.iter().map(|shown| shown.presses).sum();
            let wrong = |shown: &&&Shown| !phone.may_be_at(&shown.desk, shown.since);
            counts.raised += raised;
            counts.receipted += phone.receipted.len() as u64;
            counts.on_board += held.min(raised);
            counts.lost += raised.saturating_sub(held);
            // A second incident of a phone is one too many even when it took its press from the first.
            let split = (incidents.len() as u64).saturating_sub(1);
            counts.duplicated += held.saturating_sub(raised).max(split);
            counts.map_mismatches += incidents.iter().filter(wrong).count() as u64;
        }
        counts
    }

    /// How long it took from press to console: to the first card that held the press.
    #[must_use]
    pub fn times(&self) -> Times {
        let Ok(mut histogram) = Histogram::<u64>::new_with_max(LONGEST_US, DIGITS) else {
            return Times::default();
        };
        for (id, shown) in &self.shown {
            let phone = self
                .whose
                .get(id)
                .and_then(|device| self.phones.get(device));
            let presses = phone
                .map(|phone| phone.alerts.as_slice())
                .unwrap_or_default();
            for ((_, pressed), arrived) in presses.iter().zip(&shown.arrivals) {
                let micros = arrived.saturating_sub(*pressed).as_micros();
                histogram.saturating_record(u64::try_from(micros).unwrap_or(LONGEST_US));
            }
        }
        let at = |quantile| {
            (!histogram.is_empty())
                .then(|| (histogram.value_at_quantile(quantile) as f64 / 10.0).round() / 100.0)
        };
        Times {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
        }
    }
}

#[cfg(test)]
mod tests;

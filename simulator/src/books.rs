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
//! - *mismatched* is an incident at another desk than the one that the plain loop names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hdrhistogram::Histogram;
use protocol::{AlertId, DeviceId, IncidentId};
use serde::Serialize;

/// The longest time from press to console that is told apart, in microseconds: ten minutes.
const LONGEST_US: u64 = 600_000_000;

/// Digits to which times are kept.
const DIGITS: u8 = 3;

/// Presses of one incident whose arrival is timed: nobody in a plan presses so often.
const MAX_TIMED_PRESSES: usize = 64;

/// Desks at which an incident may rightly be, as cards name them.
pub type RightDesks = BTreeSet<String>;

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
    right_desks: RightDesks,
}

/// An incident on the console.
#[derive(Debug, Default)]
struct Shown {
    desk: String,
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
    /// A phone took a press at a place for which these desks are right.
    pub fn pressed(
        &mut self,
        device: DeviceId,
        alert: AlertId,
        at: Duration,
        right_desks: &RightDesks,
    ) {
        self.whose.insert(IncidentId::of(&device, &alert), device);
        let phone = self.phones.entry(device).or_default();
        phone.alerts.push((alert, at));
        phone.right_desks.clone_from(right_desks);
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
        shown.desk = desk;
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
            let wrong = |shown: &&&Shown| !phone.right_desks.contains(&shown.desk);
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
mod tests {
    use protocol::UnixMillis;

    use super::*;

    fn device(n: u8) -> DeviceId {
        DeviceId::Enrolled([n; 16])
    }

    fn alert(n: u8) -> AlertId {
        AlertId::new(UnixMillis::new(1_795_245_000_000), [n; 10])
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn desks() -> RightDesks {
        BTreeSet::from(["station:a".to_owned()])
    }

    fn card(of: (u8, u8), desk: &str, presses: u64) -> Seen {
        let incident = IncidentId::of(&device(of.0), &alert(of.1));
        Seen {
            incident,
            desk: desk.to_owned(),
            presses,
        }
    }

    /// Phone 1 pressed once, phone 2 twice; all receipted.
    fn books() -> Books {
        let mut books = Books::default();
        for (who, what, at) in [(1, 1, 0), (2, 2, 100), (2, 3, 500)] {
            books.pressed(device(who), alert(what), ms(at), &desks());
            books.receipted(device(who), alert(what));
        }
        books
    }

    #[test]
    fn a_run_without_a_fault() {
        let mut books = books();
        books.shown(card((1, 1), "station:a", 1), ms(7));
        books.shown(card((2, 2), "station:a", 1), ms(109));
        books.shown(card((2, 2), "station:a", 2), ms(530));
        let counts = books.counts();
        let right = Counts {
            raised: 3,
            receipted: 3,
            on_board: 3,
            ..Counts::default()
        };
        assert_eq!(counts, right);
        assert!(counts.are_settled());
        let Times {
            p50_ms: Some(p50_ms),
            p99_ms: Some(p99_ms),
        } = books.times()
        else {
            panic!("three presses were timed");
        };
        assert!((p50_ms - 9.0).abs() < 0.05 && (p99_ms - 30.0).abs() < 0.05);
    }

    #[test]
    fn a_card_may_come_before_the_phone_says_that_it_pressed() {
        let mut books = Books::default();
        books.shown(card((1, 1), "station:a", 1), ms(3));
        assert_eq!(books.counts().duplicated, 1, "until then it is nobody's");
        books.pressed(device(1), alert(1), ms(1), &desks());
        books.receipted(device(1), alert(1));
        assert!(books.counts().are_settled());
        assert!(
            books
                .times()
                .p50_ms
                .is_some_and(|ms| (ms - 2.0).abs() < 0.05)
        );
    }

    #[test]
    fn a_missing_incident_and_a_missing_press_are_lost() {
        let mut books = books();
        books.shown(card((2, 2), "station:a", 1), ms(109));
        let counts = books.counts();
        assert_eq!((counts.on_board, counts.lost, counts.duplicated), (1, 2, 0));
    }

    #[test]
    fn what_left_the_console_is_lost() {
        let mut books = books();
        let seen = card((1, 1), "station:a", 1);
        let incident = seen.incident;
        books.shown(seen, ms(7));
        books.left(&incident);
        assert_eq!(books.counts().lost, 3);
    }

    #[test]
    fn too_many_presses_a_second_incident_and_a_stranger_are_duplicates() {
        let mut pressed_too_often = books();
        pressed_too_often.shown(card((1, 1), "station:a", 3), ms(7));
        assert_eq!(pressed_too_often.counts().duplicated, 2);

        let mut two_incidents = books();
        two_incidents.shown(card((2, 2), "station:a", 1), ms(7));
        two_incidents.shown(card((2, 3), "station:a", 1), ms(7));
        assert_eq!(two_incidents.counts().duplicated, 1);

        let mut stranger = books();
        stranger.shown(card((9, 1), "station:a", 1), ms(7));
        assert_eq!(stranger.counts().duplicated, 1);
        assert!(!stranger.counts().are_right());
    }

    #[test]
    fn a_wrong_desk_is_a_mismatch_until_it_is_corrected() {
        let mut books = books();
        books.shown(card((1, 1), "national", 1), ms(7));
        assert_eq!(books.counts().map_mismatches, 1);
        books.shown(card((1, 1), "station:a", 1), ms(9));
        assert_eq!(books.counts().map_mismatches, 0);
    }

    #[test]
    fn without_a_receipt_nothing_is_settled() {
        let mut books = Books::default();
        books.pressed(device(1), alert(1), ms(0), &desks());
        books.shown(card((1, 1), "station:a", 1), ms(1));
        let counts = books.counts();
        assert!(counts.are_right() && !counts.are_settled());
    }
}

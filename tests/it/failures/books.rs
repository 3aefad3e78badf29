//! What people have done and were told, kept by themselves.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard};

use protocol::{AlertId, DeviceId, IncidentId, ReportKind, ReportNumber};

/// The books of a scenario.
#[derive(Default)]
pub(super) struct Books(Mutex<Pages>);

#[derive(Default)]
pub(super) struct Pages {
    people: Vec<Person>,
    /// Incidents of which an officer was told that they have them now.
    pub(super) acknowledged: BTreeSet<String>,
    /// At which dispatcher each officer signed in last.
    at: [Option<usize>; 2],
}

/// One who has pressed, once.
struct Person {
    alert: AlertId,
    incident: String,
    is_receipted: bool,
    /// What they have written or claimed and has no receipt.
    owed: BTreeSet<ReportNumber>,
    has_said_all: bool,
    /// They have claimed that it is over.
    has_claimed: bool,
}

impl Books {
    pub(super) fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap()
    }
}

impl Pages {
    pub(super) fn pressed(&mut self, device: DeviceId, alert: AlertId) {
        self.people.push(Person {
            alert,
            incident: IncidentId::of(&device, &alert).to_string(),
            is_receipted: false,
            owed: BTreeSet::new(),
            has_said_all: false,
            has_claimed: false,
        });
    }

    /// An officer has signed in at a dispatcher.
    pub(super) fn signed_in(&mut self, officer: usize, at: usize) {
        self.at[officer] = Some(at);
    }

    /// At which dispatcher each officer signed in last.
    pub(super) fn officers_at(&self) -> [Option<usize>; 2] {
        self.at
    }

    fn who(&mut self, alert: AlertId) -> &mut Person {
        let mut people = self.people.iter_mut();
        let who = people.find(|person| person.alert == alert);
        who.expect("they have pressed")
    }

    /// They have written something, which may be the last.
    pub(super) fn said(&mut self, alert: AlertId, number: ReportNumber, is_last: bool) {
        let person = self.who(alert);
        person.owed.insert(number);
        person.has_said_all |= is_last;
    }

    /// They claim that it is over.
    pub(super) fn claimed(&mut self, alert: AlertId, number: ReportNumber) {
        let person = self.who(alert);
        person.owed.insert(number);
        person.has_claimed = true;
    }

    /// A receipt came, of which there may be several.
    pub(super) fn receipted(&mut self, alert: AlertId, number: ReportNumber, kind: ReportKind) {
        let person = self.who(alert);
        if kind == ReportKind::Raise {
            person.is_receipted = true;
        } else {
            person.owed.remove(&number);
        }
    }

    pub(super) fn raised(&self) -> usize {
        self.people.len()
    }

    pub(super) fn receipts(&self) -> usize {
        let receipted = self.people.iter().filter(|person| person.is_receipted);
        receipted.count()
    }

    /// People to whom nothing is owed, and who have said all that they have to say.
    pub(super) fn settled(&self) -> usize {
        let settled = self
            .people
            .iter()
            .filter(|person| person.is_receipted && person.has_said_all && person.owed.is_empty());
        settled.count()
    }

    pub(super) fn incidents(&self) -> BTreeSet<String> {
        let incidents = self.people.iter().map(|person| person.incident.clone());
        incidents.collect()
    }

    /// Incidents of those who have claimed that it is over.
    pub(super) fn claims(&self) -> BTreeSet<String> {
        let claimed = self.people.iter().filter(|person| person.has_claimed);
        claimed.map(|person| person.incident.clone()).collect()
    }
}

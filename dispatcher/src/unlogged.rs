//! Beside the board: alerts that a relay has receipted and the log does not have.
//!
//! The board is a fold of the log and of nothing else. What relays offer by the side door is folded here, by the
//! same code, on a copy of what the board knows of that phone; so it has the ids that it will have in the log, and is gone from
//! here as soon as the log has it. It is for showing: nothing here is decided about, written down or handed on.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use protocol::side_door::Answer;
use protocol::{
    Assigned, Decision, DeviceId, Effect, Header, IncidentId, Millis, Subject, UnixMillis,
};

use crate::board::{Applied, Board, Incident};
use crate::jurisdiction::JurisdictionIndex;
use crate::opened::{Body, Opened};
use crate::proposer::{Policy, propose_assignment};

/// Phones whose reports are kept here, each with the copy of an incident: some 20 MB, and more than all desks of a nation could
/// look at while their log is away. Beyond it, verified ones take the place of unverified ones.
pub const MAX_PHONES: usize = 2_048;

/// Reports kept of one phone: a press, and an hour of silent talk.
pub const MAX_REPORTS_PER_PHONE: usize = 256;

/// Reports kept in all, 2 KB each at the most: eight for each phone.
pub const MAX_REPORTS: usize = 16_384;

/// Digests kept of one phone: the same report comes sealed anew from each relay at which it was said.
const MAX_DIGESTS_PER_PHONE: usize = 4 * MAX_REPORTS_PER_PHONE;

/// What is not offered again for so long is not shown any more. A relay that is gone has its reports on its disk, and until it
/// returns nobody else knows of them; and a dispatcher that is cut off from the log does not see what a relay has shipped meanwhile.
/// Within an hour whoever is shown it has acted on it.
pub const FORGET_AFTER: Millis = Millis::from_secs(3600);

/// What is not offered again for so long makes room, when there is none, for what is. Relays offer every few seconds, and at
/// the longest after half a minute.
const QUIET_AFTER: Millis = Millis::from_secs(90);

/// Age of a report beyond which it is not taken. The board remembers alerts for seven days, so what somebody has recorded and offers
/// again is known; of an older one nobody could say.
pub const MAX_AGE: Millis = Millis::from_secs(6 * 24 * 3600);

/// SHA-256 of an entry as it was offered: the same bytes need not be opened again to be believed again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EntryDigest([u8; 32]);

impl EntryDigest {
    /// The digest of an entry.
    #[must_use]
    pub fn of(entry: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, entry).as_ref());
        Self(bytes)
    }
}

/// Whether an entry with this header can be one that is offered: a recent report of the alert log. To be asked before a key is
/// looked for.
#[must_use]
pub fn may_be_offered(header: &Header, now: UnixMillis) -> bool {
    let is_promised = matches!(&header.subject, Subject::Report(report) if !report.kind.is_track());
    is_promised && header.day == header.time.day() && now.since(header.time) <= MAX_AGE
}

/// Whether an entry was made by somebody with the site's day keys: its body has opened.
#[must_use]
pub fn is_authentic(opened: &Opened) -> bool {
    matches!(opened.body, Body::Report(_) | Body::Cancel(..))
}

/// An incident with what the log lacks of it.
#[derive(Clone, Debug)]
pub struct Shown {
    incident: Incident,
    /// Since when it is here.
    since: UnixMillis,
    assigned: Option<Assigned>,
    due_at: Option<UnixMillis>,
    /// The log's incident is at another revision, or there is none.
    is_ahead: bool,
    change: u64,
}

impl Shown {
    /// The incident.
    #[must_use]
    pub fn incident(&self) -> &Incident {
        &self.incident
    }

    /// Since when it is shown: its deadline runs from then on, also when the log has it.
    #[must_use]
    pub fn since(&self) -> UnixMillis {
        self.since
    }

    /// Who would answer for it, by this dispatcher's own map.
    #[must_use]
    pub fn assigned(&self) -> Option<&Assigned> {
        self.assigned.as_ref()
    }

    /// Until when somebody must have looked.
    #[must_use]
    pub fn due_at(&self) -> Option<UnixMillis> {
        self.due_at
    }

    /// Whether nothing can be decided about it: what would be decided is not what the log has.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.is_ahead
    }
}

/// What has been offered of one phone.
#[derive(Debug)]
struct Phone {
    reports: Vec<Opened>,
    digests: BTreeSet<EntryDigest>,
    /// What they are folded to.
    incidents: BTreeSet<IncidentId>,
    offered_at: UnixMillis,
}

impl Phone {
    fn is_verified(&self) -> bool {
        self.reports
            .iter()
            .any(|opened| match &opened.header.subject {
                Subject::Report(report) => report.verification.is_verified(),
                _ => false,
            })
    }

    fn note(&mut self, digest: EntryDigest) {
        if self.digests.len() < MAX_DIGESTS_PER_PHONE {
            self.digests.insert(digest);
        }
    }
}

/// What it is folded on and assigned by.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The log's board.
    pub board: &'a Board,
    /// Finds whose place it is.
    pub index: &'a JurisdictionIndex,
    /// How long an officer has.
    pub policy: Policy,
    /// The time.
    pub now: UnixMillis,
}

/// Everything that was offered and is not in the log.
#[derive(Debug, Default)]
pub struct Unlogged {
    phones: BTreeMap<DeviceId, Phone>,
    shown: BTreeMap<IncidentId, Shown>,
    /// Incidents in the order of their last change, the newest last.
    changes: BTreeMap<u64, IncidentId>,
    change: u64,
    reports: usize,
    /// Phones of which the log has said something since.
    stale: BTreeSet<DeviceId>,
}

impl Unlogged {
    /// An entry with this digest is known: takes note that it was offered again.
    pub fn handle_known(
        &mut self,
        device: &DeviceId,
        entry: &EntryDigest,
        now: UnixMillis,
    ) -> bool {
        let phone = self.phones.get_mut(device);
        let known = phone.filter(|phone| phone.digests.contains(entry));
        known.map(|phone| phone.offered_at = now).is_some()
    }

    /// Takes entries that are offered, that may be, and that are authentic.
    pub fn handle_offer(
        &mut self,
        offered: impl IntoIterator<Item = (EntryDigest, Opened)>,
        around: Around<'_>,
    ) -> Answer {
        let mut answer = Answer::default();
        for (entry, opened) in offered {
            let Subject::Report(report) = &opened.header.subject else {
                answer.refused += 1;
                continue;
            };
            let device = report.device;
            if self.handle_known(&device, &entry, around.now) {
                answer.known += 1;
            } else if !self.make_room(&device, report.verification.is_verified(), around.now) {
                answer.left_out += 1;
            } else {
                let phone = self.phones.entry(device).or_insert_with(|| Phone {
                    reports: Vec::new(),
                    digests: BTreeSet::new(),
                    incidents: BTreeSet::new(),
                    offered_at: around.now,
                });
                phone.note(entry);
                phone.offered_at = around.now;
                phone.reports.push(opened);
                self.reports += 1;
                self.stale.insert(device);
                answer.taken += 1;
            }
        }
        let kept = self.reports;
        self.handle_log(around);
        // What the log or another relay has said is known; nothing else leaves while it is folded.
        let doubled = u32::try_from(kept - self.reports).unwrap_or(u32::MAX);
        let doubled = doubled.min(answer.taken);
        answer.taken -= doubled;
        answer.known += doubled;
        answer
    }

    /// The log has said something about this phone; to be followed by [`Self::handle_log`].
    pub fn note_logged(&mut self, device: &DeviceId) {
        if self.phones.contains_key(device) {
            self.stale.insert(*device);
        }
    }

    /// The log is another one, or the map is.
    pub fn note_anew(&mut self) {
        self.stale.extend(self.phones.keys());
    }

    /// Folds anew what may have come into the log.
    pub fn handle_log(&mut self, around: Around<'_>) {
        while let Some(device) = self.stale.pop_first() {
            self.refold(&device, around);
        }
    }

    /// Forgets what is not offered any more.
    pub fn handle_tick(&mut self, now: UnixMillis) {
        let is_old = |phone: &Phone| now.since(phone.offered_at) > FORGET_AFTER;
        let old = self.phones.iter().filter(|(_, phone)| is_old(phone));
        let old: Vec<DeviceId> = old.map(|(device, _)| *device).collect();
        for device in &old {
            self.forget(device);
        }
    }

    /// Alerts of verified phones are not left out for those of unverified ones, and none for what nobody offers any more.
    fn make_room(&mut self, device: &DeviceId, is_verified: bool, now: UnixMillis) -> bool {
        let known = self.phones.get(device);
        if known.is_some_and(|phone| phone.reports.len() >= MAX_REPORTS_PER_PHONE) {
            return false;
        }
        let is_verified = is_verified || known.is_some_and(Phone::is_verified);
        let has_place = known.is_some() || self.phones.len() < MAX_PHONES;
        if has_place && self.reports < MAX_REPORTS {
            return true;
        }
        let is_quiet = |phone: &Phone| now.since(phone.offered_at) > QUIET_AFTER;
        let others = || self.phones.iter().filter(|(other, _)| *other != device);
        let gives_way = others()
            .find(|(_, phone)| is_quiet(phone))
            .or_else(|| others().find(|(_, phone)| is_verified && !phone.is_verified()));
        let Some((gives_way, _)) = gives_way else {
            return false;
        };
        let gives_way = *gives_way;
        self.forget(&gives_way);
        true
    }

    fn forget(&mut self, device: &DeviceId) {
        self.stale.remove(device);
        if let Some(phone) = self.phones.remove(device) {
            self.reports -= phone.reports.len();
            self.hide(phone.incidents);
        }
    }

    /// Folds what was offered of a phone on what the board knows of it.
    fn refold(&mut self, device: &DeviceId, around: Around<'_>) {
        let Some(phone) = self.phones.get_mut(device) else {
            return;
        };
        let mut excerpt = around.board.excerpt(device);
        let (partition, offset) = around.board.next_place(device);
        let mut found = BTreeSet::new();
        let before = phone.reports.len();
        phone.reports.retain(
            |opened| match excerpt.apply_alert(partition, offset, opened) {
                Applied::Incident(_, Effect::Duplicate) | Applied::Nowhere | Applied::Early => {
                    false
                }
                Applied::Incident(id, _) => {
                    found.insert(id);
                    true
                }
            },
        );
        self.reports -= before - phone.reports.len();
        let was = std::mem::replace(&mut phone.incidents, found.clone());
        if phone.reports.is_empty() {
            self.phones.remove(device);
        }
        self.hide(was.difference(&found).copied());
        for id in found {
            if let Some(incident) = excerpt.get(&id) {
                self.show(incident.clone(), around);
            }
        }
    }

    fn show(&mut self, incident: Incident, around: Around<'_>) {
        let id = incident.id();
        let known = self.shown.get(&id);
        let since = known.map_or(around.now, |known| known.since);
        if let Some(known) = known {
            self.changes.remove(&known.change);
        }
        let version = around.index.map().version();
        let proposal = propose_assignment(&incident, around.index, version, around.policy, since);
        let due_at = proposal
            .as_ref()
            .and_then(|proposal| proposal.header.due_at);
        let assigned = proposal.and_then(|proposal| match proposal.decision {
            Decision::Assigned(assigned) => Some(assigned),
            _ => None,
        });
        let logged = around.board.get(&id);
        let is_ahead = logged.map(|logged| logged.lifecycle().revision())
            != Some(incident.lifecycle().revision());
        self.change += 1;
        self.changes.insert(self.change, id);
        let shown = Shown {
            incident,
            since,
            assigned,
            due_at,
            is_ahead,
            change: self.change,
        };
        self.shown.insert(id, shown);
    }

    fn hide(&mut self, incidents: impl IntoIterator<Item = IncidentId>) {
        for id in incidents {
            if let Some(shown) = self.shown.remove(&id) {
                self.changes.remove(&shown.change);
                // Whoever has been shown it looks again.
                self.change += 1;
            }
        }
    }

    /// An incident by its id.
    #[must_use]
    pub fn get(&self, id: &IncidentId) -> Option<&Shown> {
        self.shown.get(id)
    }

    /// Incidents that changed after a change number of this count, the oldest change first.
    pub fn changed_since(&self, change: u64) -> impl Iterator<Item = (u64, &Shown)> {
        self.changes
            .range(change.saturating_add(1)..)
            .filter_map(|(change, id)| Some((*change, self.shown.get(id)?)))
    }

    /// The number of the newest change.
    #[must_use]
    pub fn change(&self) -> u64 {
        self.change
    }

    /// How many incidents are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    /// Whether the log has everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

#[cfg(test)]
mod tests;

//! A dispatcher as a state machine: entries and commands in, decisions and answers out.
//!
//! The log decides. A command becomes a decision, and its answer is the board's verdict when the
//! decision comes back through the log.

mod decide;
mod early;
mod side_door;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use journal::{LogName, Offset, Partition};
use protocol::{
    Assigned, Decision, DecisionHeader, DecisionId, DeskId, Effect, FormatVersion, IncidentId,
    Millis, OfficerId, Outcome, Revision, Site, State, Subject, UnixMillis,
};

use decide::decide;
use early::Early;

use crate::board::{Applied, Board, By, HistoryItem, Incident};
use crate::card::{Card, Surroundings};
use crate::desk::{Desk, Officer};
use crate::format::Format;
use crate::jurisdiction::{JurisdictionIndex, JurisdictionMap};
use crate::opened::Opened;
use crate::proposer::{Policy, Proposal, propose_assignment};
use crate::unlogged::{Shown, Unlogged};

/// Commands whose decision has been appended and has not come back. A desk of 500 officers who all
/// press at once stays below; beyond it a command is told to wait.
const MAX_COMMANDS_UNDER_WAY: usize = 10_000;

/// After how long an entry that should come back is given up and its proposal made again.
const PROPOSE_AGAIN_AFTER: Millis = Millis::from_secs(5);

/// What an officer wants.
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    /// Made by the console: the same command twice is one decision.
    pub id: DecisionId,
    /// About what.
    pub incident: IncidentId,
    /// What.
    pub wish: Wish,
}

/// What an officer wants with an incident.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Take it, as it was seen at this revision.
    Acknowledge(Revision),
    /// Write to the phone.
    Message(String),
    /// Write for officers.
    Note(String),
    /// End it, as it was seen at this revision.
    Close {
        /// The revision that the officer saw.
        revision: Revision,
        /// How it ended.
        outcome: Outcome,
        /// In the officer's words; may be empty.
        note: String,
    },
    /// Say that the console has drawn it, or sounded.
    Delivered {
        /// Heard, not only drawn.
        sounded: bool,
    },
    /// Look into it.
    View,
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It took effect.
    Effective,
    /// Somebody else was first: who, and when. Nothing was changed.
    Superseded(Option<(OfficerId, UnixMillis)>),
}

/// Why a command was not taken. Nothing has been recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such incident, or it belongs to another desk: the two look the same.
    #[error("no such incident at this desk")]
    NotFound,
    /// The officer's role does not decide.
    #[error("your role looks and does not decide")]
    MayNotDecide,
    /// More commands are under way than are kept.
    #[error("too many commands are waiting for the log; try again")]
    Busy,
    /// The log does not have it yet, so nothing can be decided about it.
    #[error(
        "the log does not have this alert yet: it cannot be acknowledged, answered or closed here until it has; \
         act by radio and telephone meanwhile"
    )]
    Unlogged,
}

/// The state of a dispatcher.
#[derive(Debug)]
pub struct Dispatch {
    board: Board,
    /// What the log does not have yet.
    unlogged: Unlogged,
    /// With the map that it answers by: names, sight and proposals never come from two.
    index: Arc<JurisdictionIndex>,
    policy: Policy,
    /// Proposals on their way through the log, by incident, with what they would give.
    proposed: BTreeMap<IncidentId, Proposed>,
    /// Commands on their way through the log.
    under_way: BTreeMap<DecisionId, IncidentId>,
    appends: VecDeque<Proposal>,
    verdicts: VecDeque<(DecisionId, Verdict)>,
    to_look_at: VecDeque<IncidentId>,
    /// Decisions that came before what they are about.
    early: Early,
    /// Until both logs have been read to where they ended at the start, nothing is proposed.
    caught_up: bool,
    format: Format,
    /// The newest time that anybody told.
    now: UnixMillis,
}

#[derive(Debug)]
struct Proposed {
    id: DecisionId,
    revision: Revision,
    assigned: Option<Assigned>,
    due_at: Option<UnixMillis>,
    /// When it was first proposed: its deadline runs from then on, however often it is proposed again.
    since: UnixMillis,
    at: UnixMillis,
}

impl Dispatch {
    /// Begins with an empty board.
    #[must_use]
    pub fn new(index: Arc<JurisdictionIndex>, policy: Policy) -> Self {
        Self {
            board: Board::default(),
            unlogged: Unlogged::default(),
            index,
            policy,
            proposed: BTreeMap::new(),
            under_way: BTreeMap::new(),
            appends: VecDeque::new(),
            verdicts: VecDeque::new(),
            to_look_at: VecDeque::new(),
            early: Early::default(),
            caught_up: false,
            format: Format::of_release(FormatVersion::KNOWN),
            now: UnixMillis::default(),
        }
    }

    /// Forgets the board, to fold the log anew. Changes count on, so that whoever follows them by
    /// number is shown every incident again; commands under way are answered by the new fold.
    pub fn begin_anew(&mut self) {
        self.board = Board::counting_on(self.board.change());
        self.unlogged.note_anew();
        self.proposed.clear();
        self.to_look_at.clear();
        self.early = Early::default();
        self.caught_up = false;
        self.format.begin_anew();
    }

    /// Folds an entry, and says what it did.
    pub fn handle_entry(
        &mut self,
        partition: Partition,
        log: LogName,
        offset: Offset,
        opened: &Opened,
    ) -> Applied {
        let applied = match log {
            LogName::Alerts => self.board.apply_alert(partition, offset, opened),
            LogName::Tracks => self.board.apply_track(partition, offset, opened),
        };
        match &opened.header.subject {
            Subject::Decision(decision) => {
                self.unlogged.note_logged(&decision.device);
                if applied == Applied::Early {
                    self.early.keep(decision, &opened.body);
                } else {
                    self.early.forget(decision);
                    self.give_verdict(decision, &applied);
                }
            }
            Subject::Report(report) => self.unlogged.note_logged(&report.device),
            Subject::Site(Site::FormatInForce(format)) => self.format.handle_in_force(*format),
            Subject::Site(_) | Subject::Unknown => {}
        }
        if let Applied::Incident(id, effect) = applied
            && effect != Effect::Duplicate
        {
            self.to_look_at.push_back(id);
        }
        applied
    }

    /// Says that both logs have been read to where they ended at the start.
    pub fn handle_caught_up(&mut self) {
        if self.caught_up {
            return;
        }
        self.caught_up = true;
        self.to_look_at
            .extend(self.board.incidents().map(Incident::id));
    }

    /// Whether the board is as new as the log was at the start.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.caught_up
    }

    /// The format of the log. Behind a newer one than is known alerts go on being shown, and nothing is proposed: what
    /// this release does not understand may have decided it already.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Proposes what is due for the incidents that changed. Call after each run of entries.
    pub fn handle_changes(&mut self, now: UnixMillis) {
        self.now = now;
        if !self.caught_up || self.format.newer().is_some() {
            self.to_look_at.clear();
        }
        while let Some(id) = self.to_look_at.pop_front() {
            self.say_again(&id);
            self.propose(id, now);
        }
        // Behind the proposals: a deadline that is running goes on in the log.
        self.refold_unlogged(now);
    }

    /// Proposes again what has not come back through the log in time.
    pub fn handle_tick(&mut self, now: UnixMillis) {
        let overdue = self
            .proposed
            .iter()
            .filter(|(_, proposed)| now.since(proposed.at) >= PROPOSE_AGAIN_AFTER)
            .map(|(id, _)| *id);
        self.to_look_at.extend(overdue);
        self.unlogged.handle_tick(now);
        self.handle_changes(now);
    }

    /// Takes a command of an officer; the verdict comes with [`Dispatch::poll_verdict`].
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn handle_command(&mut self, officer: &Officer, command: Command) -> Result<(), Refused> {
        let Some(incident) = self.visible(&officer.desk, &command.incident) else {
            return Err(Refused::NotFound);
        };
        let only_looks = matches!(command.wish, Wish::Delivered { .. } | Wish::View);
        if !officer.role.may_decide() && !only_looks {
            return Err(Refused::MayNotDecide);
        }
        if self.is_held_back(&command.incident) {
            return Err(Refused::Unlogged);
        }
        if self.under_way.get(&command.id) == Some(&command.incident) {
            // It is on its way, however long that takes: once more would fill an own journal while the log is away.
            return Ok(());
        }
        if self.under_way.len() >= MAX_COMMANDS_UNDER_WAY {
            return Err(Refused::Busy);
        }
        if let Some(verdict) = self.verdict_so_far(&command) {
            self.verdicts.push_back((command.id, verdict));
            return Ok(());
        }
        let proposal = decide(incident, officer, &command);
        if self.is_beyond(incident, &proposal.header) {
            // Whoever has not seen what it is about decides nothing; in the log it would wait for that, and count then.
            self.verdicts
                .push_back((command.id, Verdict::Superseded(None)));
            return Ok(());
        }
        self.under_way.insert(command.id, command.incident);
        self.appends.push_back(proposal);
        Ok(())
    }

    /// Whether a decision names a revision that no card has shown: of a pending one the next is shown.
    fn is_beyond(&self, incident: &Incident, decision: &DecisionHeader) -> bool {
        let lifecycle = incident.lifecycle();
        let is_pending = lifecycle.state() == State::New && self.pending(incident).is_some();
        let is_next = decision.revision == lifecycle.revision().next();
        lifecycle.is_ahead(decision) && !(is_pending && is_next)
    }

    /// A decision that is known already is not appended again: a console that repeats a command
    /// after a lost answer is told what became of it, and of deliveries and looks the first counts.
    fn verdict_so_far(&self, command: &Command) -> Option<Verdict> {
        let incident = self.board.get(&command.incident)?;
        if let Some(item) = self.board.history_of(&command.incident, &command.id) {
            return Some(match item.effect {
                Effect::Superseded => {
                    let on = item.decision.map(|(_, revision)| revision);
                    Verdict::Superseded(on.and_then(|on| winner(incident, on)))
                }
                _ => Verdict::Effective,
            });
        }
        None
    }

    /// The append of a decision has failed: nothing was recorded, and it may be tried again.
    /// A proposal is not forgotten: the tick makes it again.
    pub fn handle_append_failed(&mut self, id: &DecisionId) {
        self.under_way.remove(id);
    }

    /// The next decision to append.
    pub fn poll_append(&mut self) -> Option<Proposal> {
        self.appends.pop_front()
    }

    /// The next verdict on a command.
    pub fn poll_verdict(&mut self) -> Option<(DecisionId, Verdict)> {
        self.verdicts.pop_front()
    }

    /// What was decided before the log had what it is about is put behind that. Each dispatcher does it: the author may be
    /// the one that is gone, and the same decision counts once.
    fn say_again(&mut self, id: &IncidentId) {
        if let Some(incident) = self.board.get(id) {
            let revision = incident.lifecycle().revision();
            self.appends.extend(self.early.take(id, revision));
        }
    }

    fn propose(&mut self, id: IncidentId, now: UnixMillis) {
        let Some(incident) = self.board.get(&id) else {
            return;
        };
        let revision = incident.lifecycle().revision();
        if let Some(proposed) = self.proposed.get(&id)
            && proposed.revision == revision
            && now.since(proposed.at) < PROPOSE_AGAIN_AFTER
        {
            return;
        }
        let before = self.proposed.remove(&id);
        let version = self.map().version();
        let ahead = self.unlogged.get(&id).filter(|shown| shown.is_ahead());
        let again = before.filter(|before| before.revision == revision);
        let shown = ahead.map(Shown::since);
        let since = shown.or(again.map(|again| again.since)).unwrap_or(now);
        let proposal = propose_assignment(incident, &self.index, version, self.policy, since);
        let Some(proposal) = proposal else { return };
        let assigned = match &proposal.decision {
            Decision::Assigned(assigned) => Some(assigned.clone()),
            _ => None,
        };
        self.proposed.insert(
            id,
            Proposed {
                id: proposal.header.id,
                revision,
                assigned,
                due_at: proposal.header.due_at,
                since,
                at: now,
            },
        );
        self.appends.push_back(proposal);
    }

    fn give_verdict(&mut self, decision: &DecisionHeader, applied: &Applied) {
        if let Some(proposed) = self.proposed.get(&decision.incident)
            && proposed.id == decision.id
        {
            self.proposed.remove(&decision.incident);
        }
        if self.under_way.remove(&decision.id).is_none() {
            return;
        }
        let verdict = match applied {
            Applied::Incident(id, Effect::Superseded) => {
                let incident = self.board.get(id);
                Verdict::Superseded(incident.and_then(|one| winner(one, decision.revision)))
            }
            Applied::Nowhere | Applied::Early => Verdict::Superseded(None),
            Applied::Incident(..) => Verdict::Effective,
        };
        self.verdicts.push_back((decision.id, verdict));
    }

    /// An incident, when officers of a desk see it.
    #[must_use]
    pub fn visible(&self, desk: &Desk, id: &IncidentId) -> Option<&Incident> {
        self.shown(id).filter(|incident| self.sees(desk, incident))
    }

    /// Whether officers of a desk see an incident; what is proposed counts before it is durable.
    #[must_use]
    pub fn sees(&self, desk: &Desk, incident: &Incident) -> bool {
        if desk.sees(incident, self.map()) {
            return true;
        }
        // A desk is added and never swapped: who has handled an open incident goes on seeing it.
        let is_open = incident.lifecycle().state() != State::Closed;
        let mut had = incident.desks().iter();
        if is_open && had.any(|owner| desk.covers(Some(owner), self.map())) {
            return true;
        }
        // Whoever was told of a split may have been the one who closed it.
        let durable = incident.assigned().map(|(assigned, _)| assigned);
        if durable.is_some_and(|assigned| self.was_told(desk, assigned)) {
            return true;
        }
        let pending = self
            .pending(incident)
            .filter(|_| incident.lifecycle().state() == State::New);
        pending.is_some_and(|assigned| {
            let owner = crate::card::owner_of(assigned);
            desk.covers(Some(&owner), self.map()) || self.was_told(desk, assigned)
        })
    }

    fn was_told(&self, desk: &Desk, assigned: &Assigned) -> bool {
        let mut told = assigned.assignment.also_told().map(DeskId::station);
        told.any(|told| desk.covers(Some(&told), self.map()))
    }

    /// The card of an incident.
    #[must_use]
    pub fn card(
        &self,
        incident: &Incident,
        officer_name: &dyn Fn(&OfficerId) -> String,
        now: UnixMillis,
    ) -> Card {
        Card::of(
            incident,
            Surroundings {
                map: self.map(),
                officer_name,
                pending: self.pending(incident),
                pending_due: self.pending_due(incident),
                unlogged: self.unlogged.get(&incident.id()),
                latest_due: now.plus(self.policy.acknowledge_within),
            },
        )
    }

    fn pending(&self, incident: &Incident) -> Option<&Assigned> {
        let id = incident.id();
        let proposed = self.proposed.get(&id);
        let proposed = proposed.and_then(|proposed| proposed.assigned.as_ref());
        proposed.or_else(|| self.unlogged.get(&id)?.assigned())
    }

    fn pending_due(&self, incident: &Incident) -> Option<UnixMillis> {
        let proposed = self.proposed.get(&incident.id());
        let proposed = proposed.filter(|one| one.revision == incident.lifecycle().revision());
        proposed.and_then(|proposed| proposed.due_at)
    }

    /// The board.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Takes what is long closed off the board.
    pub fn retire(&mut self) -> Vec<IncidentId> {
        self.board.retire(self.now)
    }

    /// The map in use.
    #[must_use]
    pub fn map(&self) -> &Arc<JurisdictionMap> {
        self.index.map()
    }

    /// What finds whose place it is.
    #[must_use]
    pub fn index(&self) -> &Arc<JurisdictionIndex> {
        &self.index
    }

    /// Puts another map in force. What has been decided stands and names the map that it was decided
    /// by; what is under way through the log is decided by the one before.
    pub fn handle_map(&mut self, index: Arc<JurisdictionIndex>) {
        self.index = index;
        self.unlogged.note_anew();
    }
}

#[cfg(test)]
impl Dispatch {
    /// Makes it one of another release.
    pub(crate) fn become_release(&mut self, known: FormatVersion) {
        self.format = Format::of_release(known);
    }
}

/// Whose decision took effect on a revision; nobody's when it was the person who pressed again, or a
/// dispatcher.
fn winner(incident: &Incident, revision: Revision) -> Option<(OfficerId, UnixMillis)> {
    let won = |item: &&HistoryItem| {
        item.effect == Effect::Changed && item.decision.is_some_and(|(_, on)| on == revision)
    };
    let item = incident.history().find(won)?;
    match &item.by {
        By::Officer(officer) => Some((officer.clone(), item.time)),
        By::Phone | By::Dispatcher => None,
    }
}

#[cfg(test)]
mod tests;

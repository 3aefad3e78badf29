//! A failover has taken reports and decisions, and the decisions come back first.

use super::*;
use crate::dispatch::early::MAX_EARLY;

const FURTHER: AlertId = AlertId::from_bytes([3; 16]);

impl Site {
    /// Lets everything that waits go through the log, and says what it was.
    fn decided(&mut self) -> Vec<Proposal> {
        let mut decided = Vec::new();
        while let Some(proposal) = self.dispatch.poll_append() {
            self.decide(&proposal);
            decided.push(proposal);
        }
        decided
    }

    fn decide(&mut self, proposal: &Proposal) {
        self.append(
            Subject::Decision(proposal.header.clone()),
            Body::Decision(proposal.decision.clone()),
        );
    }

    fn acknowledge(&mut self, id: u8) -> Vec<Proposal> {
        let kim = officer("kim", "station:a", Role::Officer);
        let wish = Wish::Acknowledge(self.incident().lifecycle().revision());
        self.command(id, &kim, wish).unwrap();
        self.decided()
    }

    fn owner(&self) -> Option<&str> {
        let owner = self.incident().lifecycle().owner_desk();
        owner.map(DeskId::as_str)
    }
}

/// What was decided about a press at a, which an officer took and answered.
fn taken_and_answered() -> Vec<Proposal> {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let mut decided = site.decided();
    decided.extend(site.acknowledge(1));
    let kim = officer("kim", "station:a", Role::Officer);
    let words = Wish::Message("가고 있습니다".to_owned());
    site.command(2, &kim, words).unwrap();
    decided.extend(site.decided());
    assert_eq!(decided.len(), 3);
    decided
}

#[test]
fn what_was_decided_counts_although_the_log_had_it_before_the_alert() {
    let decided = taken_and_answered();
    for is_read_later in [false, true] {
        let mut site = Site::new();
        site.dispatch.caught_up = !is_read_later;
        for decision in &decided {
            site.decide(decision);
        }
        assert_eq!(site.dispatch.board().incidents().len(), 0);
        site.now = UnixMillis::new(5_000);
        site.raise(1, Some(37.01));
        if is_read_later {
            site.dispatch.handle_caught_up();
            site.dispatch.handle_changes(site.now);
        }
        site.settle();
        let incident = site.incident();
        assert_eq!(incident.lifecycle().state(), State::Acknowledged);
        assert_eq!(incident.talk().count(), 1, "once");
        let by = incident.lifecycle().acknowledged();
        assert_eq!(by.map(|(by, _)| by), Some(&OfficerId::new("kim")));
        let superseded = |item: &&HistoryItem| item.effect == Effect::Superseded;
        assert_eq!(incident.history().find(superseded), None);
        site.dispatch.handle_tick(site.now);
        assert_eq!(site.settle(), 0, "nothing is left to say");
    }
}

#[test]
fn an_assignment_that_came_before_its_press_does_not_keep_the_press_from_the_desk_where_the_person_is()
 {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let mut decided = site.decided();
    decided.extend(site.acknowledge(1));
    site.press_again(FURTHER, Some(35.01));
    decided.extend(site.decided());
    assert_eq!(site.owner(), Some("station:b"));

    let mut site = Site::new();
    site.raise(1, Some(37.01));
    for decision in &decided {
        site.decide(decision);
    }
    site.decided();
    assert_eq!(site.incident().lifecycle().state(), State::Acknowledged);
    site.press_again(FURTHER, Some(35.01));
    site.settle();
    assert_eq!(site.owner(), Some("station:b"));
    assert!(site.incident().lifecycle().due_at().is_some());
    site.now = site.now.plus(PROPOSE_AGAIN_AFTER);
    site.dispatch.handle_tick(site.now);
    assert_eq!(site.settle(), 0, "it is not proposed for ever");
}

#[test]
fn an_officer_is_told_when_it_has_come_to_count() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let assigned = site.decided();
    let kim = officer("kim", "station:a", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    let acknowledged = site.dispatch.poll_append().unwrap();
    site.dispatch.begin_anew();
    site.dispatch.handle_caught_up();
    site.decide(&acknowledged);
    assert_eq!(site.dispatch.poll_verdict(), None, "not yet");
    site.raise(1, Some(37.01));
    site.decide(&assigned[0]);
    site.settle();
    let told = site.dispatch.poll_verdict();
    assert_eq!(told, Some((acknowledged.header.id, Verdict::Effective)));
    assert_eq!(site.dispatch.poll_verdict(), None);
}

#[test]
fn nobody_decides_about_what_is_still_to_come() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let next = site.incident().lifecycle().revision().next();
    site.command(1, &kim, Wish::Acknowledge(next)).unwrap();
    assert_eq!(site.settle(), 0);
    let told = site.dispatch.poll_verdict().map(|(_, verdict)| verdict);
    assert_eq!(told, Some(Verdict::Superseded(None)));
    assert_eq!(site.acknowledge(2).len(), 1);
    site.press_again(FURTHER, Some(37.01));
    site.settle();
    assert_eq!(site.incident().lifecycle().state(), State::Assigned);
}

#[test]
fn so_many_wait_and_none_twice() {
    let [assigned, ..] = &taken_and_answered()[..] else {
        panic!("it was assigned");
    };
    let body = Body::Decision(assigned.decision.clone());
    let mut early = Early::default();
    early.keep(&assigned.header, &body);
    early.keep(&assigned.header, &body);
    early.keep(&assigned.header, &Body::Gone);
    let incident = assigned.header.incident;
    assert!(early.take(&incident, Revision(0)).is_empty());
    assert_eq!(early.take(&incident, Revision(1)).len(), 1);
    let numbered = |n: usize| {
        let mut header = assigned.header.clone();
        header.id = DecisionId::from_bytes((n as u128).to_be_bytes());
        header
    };
    for n in 0..=MAX_EARLY {
        early.keep(&numbered(n), &body);
    }
    early.forget(&numbered(0));
    assert_eq!(early.take(&incident, Revision(1)).len(), MAX_EARLY - 1);
}

use geo::polygon;
use protocol::{
    AlertId, Content, Day, DeviceId, Header, JurisdictionId, LatLon, Position, Raise, Report,
    ReportHeader, ReportKind, ReportNumber, Verification,
};

use super::*;
use crate::desk::Role;
use crate::jurisdiction::{Area, Authority, DEFAULT_REACH_M, MapParts, Station};
use crate::opened::Body;

const ALERT: AlertId = AlertId::from_bytes([2; 16]);
const DEVICE: DeviceId = DeviceId::Enrolled([1; 16]);

mod early;
mod side_door;
mod split;

/// A dispatcher with its log at hand: what it appends comes back as the next entry.
struct Site {
    dispatch: Dispatch,
    offset: u64,
    now: UnixMillis,
}

impl Site {
    fn new() -> Self {
        let stations = [("a", 37.0), ("b", 35.0)].map(|(id, lat)| Station {
            jurisdiction: JurisdictionId::new(id),
            name: format!("{id} station"),
            agency: Some("North".to_owned()),
            at: LatLon::new(lat, 127.0).unwrap(),
        });
        Self::with_map(Vec::new(), stations.to_vec())
    }

    /// Two areas of one degree whose border is at 36 degrees north.
    fn with_border() -> Self {
        let areas = [("a", 36.0), ("b", 35.0)].map(|(id, south)| Area {
            id: JurisdictionId::new(id),
            name: format!("{id} station"),
            agency: Some(format!("agency of {id}")),
            polygons: vec![polygon![
                (x: 126.5, y: south), (x: 127.5, y: south), (x: 127.5, y: south + 1.0), (x: 126.5, y: south + 1.0),
            ]],
        });
        Self::with_map(areas.to_vec(), Vec::new())
    }

    fn with_map(areas: Vec<Area>, stations: Vec<Station>) -> Self {
        let map = JurisdictionMap::new(MapParts {
            name: "test".to_owned(),
            authority: Authority::Invented,
            label: None,
            areas,
            stations,
            reach_m: DEFAULT_REACH_M,
        });
        let index = Arc::new(JurisdictionIndex::new(map));
        let mut dispatch = Dispatch::new(index, Policy::default());
        dispatch.handle_caught_up();
        Self {
            dispatch,
            offset: 0,
            now: UnixMillis::new(1_000),
        }
    }

    fn append(&mut self, subject: Subject, body: Body) {
        let opened = Opened {
            header: Header {
                time: self.now,
                day: Day(0),
                subject,
            },
            body,
        };
        let offset = Offset(self.offset);
        self.dispatch
            .handle_entry(Partition::ZERO, LogName::Alerts, offset, &opened);
        self.offset += 1;
        self.dispatch.handle_changes(self.now);
    }

    fn press_again(&mut self, alert: AlertId, lat: Option<f64>) {
        self.raise_as(alert, 1, lat);
    }

    fn raise(&mut self, number: u64, lat: Option<f64>) {
        self.raise_as(ALERT, number, lat);
    }

    fn raise_as(&mut self, alert: AlertId, number: u64, lat: Option<f64>) {
        let position = lat.map(|lat| Position::at(LatLon::new(lat, 127.0).unwrap()));
        self.raise_with(alert, number, position);
    }

    fn raise_with(&mut self, alert: AlertId, number: u64, position: Option<Position>) {
        let fix = position.map(Ok);
        let content = Content::Raise(Raise {
            fix,
            ..Raise::default()
        });
        let report = Report {
            alert,
            number: ReportNumber(number),
            sent_at: None,
            install_key: None,
            content,
        };
        let header = ReportHeader {
            device: DEVICE,
            alert,
            number: report.number,
            kind: ReportKind::Raise,
            verification: Verification::Verified,
            drill: false,
        };
        self.append(Subject::Report(header), Body::Report(report));
    }

    /// Lets everything that waits go through the log.
    fn settle(&mut self) -> usize {
        let mut appended = 0;
        while let Some(proposal) = self.dispatch.poll_append() {
            appended += 1;
            self.append(
                Subject::Decision(proposal.header),
                Body::Decision(proposal.decision),
            );
        }
        appended
    }

    fn incident(&self) -> &Incident {
        self.dispatch.board().incidents().next().unwrap()
    }

    fn command(&mut self, id: u8, officer: &Officer, wish: Wish) -> Result<(), Refused> {
        let id = DecisionId::from_bytes([id; 16]);
        let incident = self.incident().id();
        self.dispatch
            .handle_command(officer, Command { id, incident, wish })
    }
}

fn officer(id: &str, desk: &str, role: Role) -> Officer {
    Officer {
        id: OfficerId::new(id),
        name: id.to_owned(),
        role,
        desk: Desk::parse(desk).unwrap(),
    }
}

#[test]
fn an_alert_is_given_to_its_station_with_a_deadline() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    assert_eq!(site.settle(), 1);
    let lifecycle = site.incident().lifecycle();
    assert_eq!(
        lifecycle.owner_desk().map(|desk| desk.as_str()),
        Some("station:a")
    );
    assert_eq!(lifecycle.state(), State::Assigned);
    assert_eq!(lifecycle.due_at(), Some(UnixMillis::new(16_000)));
    assert_eq!(site.settle(), 0, "nothing is left to propose");
}

#[test]
fn what_is_computed_is_shown_as_pending_before_it_is_durable() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let name = |id: &OfficerId| id.to_string();
    let station = Desk::parse("station:a").unwrap();
    let id = site.incident().id();
    let seen = site.dispatch.visible(&station, &id).unwrap();
    let card = site.dispatch.card(seen, &name, site.now);
    assert!(card.pending);
    assert_eq!(card.station.id, "station:a");
    site.settle();
    let card = site.dispatch.card(site.incident(), &name, site.now);
    assert!(!card.pending);
    assert_eq!(
        (card.station.id.as_str(), card.state),
        ("station:a", "assigned")
    );
}

#[test]
fn a_deadline_runs_while_the_log_takes_nothing_and_is_not_put_off() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let name = |id: &OfficerId| id.to_string();
    let first = site.dispatch.poll_append().unwrap();
    assert_eq!(first.header.due_at, Some(UnixMillis::new(16_000)));
    for _ in 0..3 {
        let card = site.dispatch.card(site.incident(), &name, site.now);
        assert!(card.pending);
        assert_eq!(card.due_at_ms, Some(16_000));
        site.now = site.now.plus(PROPOSE_AGAIN_AFTER);
        site.dispatch.handle_tick(site.now);
        let again = site.dispatch.poll_append().unwrap();
        assert_eq!(again.header, first.header);
    }
    // A press after somebody has it is a deadline of its own.
    site.append(
        Subject::Decision(first.header.clone()),
        Body::Decision(first.decision),
    );
    let kim = officer("kim", "station:a", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    let card = site.dispatch.card(site.incident(), &name, site.now);
    assert_eq!(card.due_at_ms, None);
    site.now = UnixMillis::new(60_000);
    site.press_again(AlertId::from_bytes([3; 16]), None);
    let card = site.dispatch.card(site.incident(), &name, site.now);
    assert_eq!((card.state, card.due_at_ms), ("assigned", Some(75_000)));
}

/// Somebody who is quick answers what is not durable yet; nobody else was first.
#[test]
fn who_acknowledges_a_pending_card_is_the_one_who_has_it() {
    for is_durable_by_then in [false, true] {
        let mut site = Site::new();
        site.raise(1, Some(37.01));
        let name = |id: &OfficerId| id.to_string();
        let card = site.dispatch.card(site.incident(), &name, site.now);
        assert!(card.pending);
        if is_durable_by_then {
            site.settle();
        }
        let kim = officer("kim", "station:a", Role::Officer);
        let wish = Wish::Acknowledge(Revision(card.revision));
        site.command(1, &kim, wish).unwrap();
        site.settle();
        let verdict = site.dispatch.poll_verdict().map(|(_, verdict)| verdict);
        assert_eq!(verdict, Some(Verdict::Effective), "{is_durable_by_then}");
        let lifecycle = site.incident().lifecycle();
        assert_eq!(lifecycle.state(), State::Acknowledged);
    }
}

#[test]
fn an_alert_without_a_place_is_the_national_desks_until_a_place_comes() {
    let mut site = Site::new();
    site.raise(1, None);
    site.settle();
    assert_eq!(
        site.incident().lifecycle().owner_desk(),
        Some(&DeskId::national())
    );
    site.raise(2, Some(35.01));
    site.settle();
    let owner = site.incident().lifecycle().owner_desk();
    assert_eq!(owner.map(|desk| desk.as_str()), Some("station:b"));
}

#[test]
fn two_officers_claim_at_once_and_the_log_decides() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let (kim, lee) = (
        officer("kim", "station:a", Role::Officer),
        officer("lee", "province:North", Role::Officer),
    );
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    site.command(2, &lee, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    let first = site.dispatch.poll_verdict().unwrap();
    let second = site.dispatch.poll_verdict().unwrap();
    assert_eq!(first, (DecisionId::from_bytes([1; 16]), Verdict::Effective));
    let told = Verdict::Superseded(Some((OfficerId::new("kim"), site.now)));
    assert_eq!(second, (DecisionId::from_bytes([2; 16]), told));
}

#[test]
fn a_command_repeated_after_a_lost_answer_is_told_what_became_of_it() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    assert!(site.dispatch.poll_verdict().is_some());
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    assert_eq!(site.settle(), 0, "it is not appended twice");
    assert_eq!(
        site.dispatch.poll_verdict().map(|(_, verdict)| verdict),
        Some(Verdict::Effective)
    );
}

#[test]
fn a_command_that_is_on_its_way_is_not_appended_again() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let wish = Wish::Acknowledge(site.incident().lifecycle().revision());
    site.command(1, &kim, wish.clone()).unwrap();
    let under_way = site.dispatch.poll_append().unwrap();
    site.command(1, &kim, wish.clone()).unwrap();
    assert!(site.dispatch.poll_append().is_none());
    // Unless it is known that it did not go.
    site.dispatch.handle_append_failed(&under_way.header.id);
    site.command(1, &kim, wish).unwrap();
    site.settle();
    let told = site.dispatch.poll_verdict();
    assert_eq!(told, Some((under_way.header.id, Verdict::Effective)));
    assert_eq!(site.dispatch.poll_verdict(), None);
}

#[test]
fn another_desk_and_a_viewer_decide_nothing() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let revision = site.incident().lifecycle().revision();
    let other = officer("park", "station:b", Role::Officer);
    let viewer = officer("wall", "national", Role::Viewer);
    let wish = Wish::Acknowledge(revision);
    assert_eq!(
        site.command(1, &other, wish.clone()),
        Err(Refused::NotFound)
    );
    assert_eq!(site.command(2, &viewer, wish), Err(Refused::MayNotDecide));
    assert_eq!(site.settle(), 0);
}

#[test]
fn a_press_after_the_acknowledgement_runs_a_deadline_again() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    assert_eq!(site.incident().lifecycle().due_at(), None);
    let header = ReportHeader {
        device: DEVICE,
        alert: AlertId::from_bytes([3; 16]),
        number: ReportNumber(1),
        kind: ReportKind::Raise,
        verification: Verification::Verified,
        drill: false,
    };
    site.append(Subject::Report(header), Body::Gone);
    site.settle();
    let lifecycle = site.incident().lifecycle();
    assert_eq!(
        (lifecycle.state(), lifecycle.presses()),
        (State::Assigned, 2)
    );
    assert!(lifecycle.due_at().is_some());
}

#[test]
fn a_proposal_that_the_log_lost_is_made_again_under_the_same_id() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let lost = site.dispatch.poll_append().unwrap();
    site.dispatch.handle_tick(site.now);
    assert!(site.dispatch.poll_append().is_none(), "it is still awaited");
    site.now = site.now.plus(PROPOSE_AGAIN_AFTER);
    site.dispatch.handle_tick(site.now);
    let again = site.dispatch.poll_append().unwrap();
    assert_eq!(again.header.id, lost.header.id);
}

#[test]
fn nothing_is_proposed_before_the_log_has_been_read() {
    let mut site = Site::new();
    site.dispatch.caught_up = false;
    site.raise(1, Some(37.01));
    assert!(site.dispatch.poll_append().is_none());
    site.dispatch.handle_caught_up();
    site.dispatch.handle_changes(site.now);
    assert!(site.dispatch.poll_append().is_some());
}

#[test]
fn a_board_that_is_folded_anew_shows_every_incident_again() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let seen = site.dispatch.board().change();
    site.dispatch.begin_anew();
    assert_eq!(site.dispatch.board().incidents().len(), 0);
    site.raise(1, Some(37.01));
    assert_eq!(site.dispatch.board().changed_since(seen).count(), 1);
    assert!(!site.dispatch.is_caught_up());
}

#[test]
fn a_press_that_reopens_goes_to_the_station_of_the_place_where_the_person_is_now() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    let end = Wish::Close {
        revision,
        outcome: Outcome::FalsePress,
        note: String::new(),
    };
    site.command(1, &kim, end).unwrap();
    site.settle();
    site.now = site.now.plus(Millis::from_secs(3600));
    site.press_again(AlertId::from_bytes([3; 16]), Some(35.01));
    site.settle();
    let lifecycle = site.incident().lifecycle();
    assert!(lifecycle.reopened() && lifecycle.due_at().is_some());
    assert_eq!(
        lifecycle.owner_desk().map(|desk| desk.as_str()),
        Some("station:b")
    );
}

#[test]
fn a_proposal_that_could_not_be_appended_is_made_again() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    let refused = site.dispatch.poll_append().unwrap();
    site.dispatch.handle_append_failed(&refused.header.id);
    site.now = site.now.plus(PROPOSE_AGAIN_AFTER);
    site.dispatch.handle_tick(site.now);
    assert_eq!(site.settle(), 1);
    assert!(site.incident().lifecycle().due_at().is_some());
}

#[test]
fn who_was_overtaken_by_a_further_press_is_not_told_of_an_officer() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let lee = officer("lee", "province:North", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    site.dispatch.poll_verdict();
    let seen = site.incident().lifecycle().revision();
    site.press_again(AlertId::from_bytes([3; 16]), None);
    let end = Wish::Close {
        revision: seen,
        outcome: Outcome::Helped,
        note: String::new(),
    };
    site.command(2, &lee, end).unwrap();
    site.settle();
    let verdict = site.dispatch.poll_verdict().map(|(_, verdict)| verdict);
    assert_eq!(verdict, Some(Verdict::Superseded(None)));
}

#[test]
fn a_press_across_a_border_takes_the_incident_from_nobody_who_handles_it() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let kim = officer("kim", "station:a", Role::Officer);
    let revision = site.incident().lifecycle().revision();
    site.command(1, &kim, Wish::Acknowledge(revision)).unwrap();
    site.settle();
    site.now = site.now.plus(Millis::from_secs(60));
    site.press_again(AlertId::from_bytes([3; 16]), Some(35.01));
    site.settle();
    let id = site.incident().id();
    for desk in ["station:a", "station:b"] {
        let desk = Desk::parse(desk).unwrap();
        assert!(site.dispatch.visible(&desk, &id).is_some(), "{desk:?}");
    }
}

#[test]
fn a_log_of_a_newer_format_is_shown_and_nothing_is_proposed() {
    let mut site = Site::new();
    let known = protocol::Site::FormatInForce(FormatVersion::KNOWN);
    site.append(Subject::Site(known), Body::None);
    assert_eq!(site.dispatch.format().newer(), None);
    let newer = FormatVersion(FormatVersion::KNOWN.0 + 1);
    site.append(
        Subject::Site(protocol::Site::FormatInForce(newer)),
        Body::None,
    );
    site.raise(1, Some(37.01));
    assert_eq!(site.dispatch.format().newer(), Some(newer));
    assert_eq!(site.dispatch.board().incidents().len(), 1);
    assert_eq!(site.settle(), 0);
    site.dispatch.handle_tick(site.now);
    assert_eq!(site.settle(), 0);
    site.dispatch.begin_anew();
    assert_eq!(site.dispatch.format().newer(), None, "as the log says it");
}

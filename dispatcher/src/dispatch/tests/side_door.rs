//! What relays offer before the log has it.

use super::*;
use crate::unlogged::EntryDigest;

impl Site {
    fn press(&self, alert: AlertId, lat: f64) -> Opened {
        let fix = Position::at(LatLon::new(lat, 127.0).unwrap());
        let report = Report {
            alert,
            number: ReportNumber(1),
            sent_at: None,
            install_key: None,
            content: Content::Raise(Raise {
                fix: Some(Ok(fix)),
                ..Raise::default()
            }),
        };
        let header = ReportHeader {
            device: DEVICE,
            alert,
            number: report.number,
            kind: ReportKind::Raise,
            verification: Verification::Verified,
            drill: false,
        };
        Opened {
            header: Header {
                time: self.now,
                day: self.now.day(),
                subject: Subject::Report(header),
            },
            body: Body::Report(report),
        }
    }

    fn offer(&mut self, opened: &Opened) {
        let digest = EntryDigest::of(&opened.header.encode());
        let offered = [(digest, opened.clone())];
        let answer = self.dispatch.handle_offer(offered, self.now);
        assert_eq!(answer.taken, 1);
    }

    fn log(&mut self, opened: Opened) {
        self.append(opened.header.subject, opened.body);
    }

    fn card(&self, desk: &str) -> Option<Card> {
        let desk = Desk::parse(desk).unwrap();
        let id = IncidentId::of(&DEVICE, &ALERT);
        let shown = self.dispatch.visible(&desk, &id)?;
        let name = |id: &OfficerId| id.to_string();
        Some(self.dispatch.card(shown, &name, self.now))
    }
}

#[test]
fn an_offered_alert_is_shown_at_its_desk_and_becomes_the_logs_under_the_same_deadline() {
    let mut site = Site::new();
    let press = site.press(ALERT, 37.01);
    site.offer(&press);
    assert_eq!(
        site.dispatch.board().incidents().len(),
        0,
        "the board is the log's"
    );
    assert!(
        site.dispatch.poll_append().is_none(),
        "nothing is decided about it"
    );
    assert!(site.card("station:b").is_none());
    let unlogged = site.card("station:a").unwrap();
    assert!(unlogged.unlogged && unlogged.pending);
    assert_eq!(unlogged.due_at_ms, Some(16_000));

    site.now = UnixMillis::new(60_000);
    site.log(press);
    let pending = site.card("station:a").unwrap();
    assert!(pending.pending && !pending.unlogged);
    assert_eq!(site.settle(), 1);
    let logged = site.card("station:a").unwrap();
    assert!(!logged.unlogged && !logged.pending);
    assert_eq!(
        (logged.id, logged.revision, logged.presses, logged.due_at_ms),
        (
            unlogged.id,
            unlogged.revision,
            unlogged.presses,
            unlogged.due_at_ms
        )
    );
    assert!(site.dispatch.unlogged().is_empty());
}

#[test]
fn nothing_can_be_decided_about_it_until_the_log_has_it() {
    let mut site = Site::new();
    let press = site.press(ALERT, 37.01);
    site.offer(&press);
    let kim = officer("kim", "station:a", Role::Officer);
    let park = officer("park", "station:b", Role::Officer);
    let acknowledge = |site: &mut Site, id, officer: &Officer| {
        let revision = site.card("national").unwrap().revision;
        let command = Command {
            id: DecisionId::from_bytes([id; 16]),
            incident: IncidentId::of(&DEVICE, &ALERT),
            wish: Wish::Acknowledge(Revision(revision)),
        };
        site.dispatch.handle_command(officer, command)
    };
    assert_eq!(acknowledge(&mut site, 1, &kim), Err(Refused::Unlogged));
    assert_eq!(acknowledge(&mut site, 1, &park), Err(Refused::NotFound));
    site.log(press);
    site.settle();
    assert_eq!(acknowledge(&mut site, 1, &kim), Ok(()));
    site.settle();
    assert_eq!(site.card("station:a").unwrap().state, "acknowledged");
}

#[test]
fn a_further_press_is_shown_on_the_incident_that_it_will_join() {
    let mut site = Site::new();
    site.raise(1, Some(37.01));
    site.settle();
    let further = site.press(AlertId::from_bytes([3; 16]), 37.01);
    site.offer(&further);
    let shown = site.card("station:a").unwrap();
    assert!(shown.unlogged);
    assert_eq!((shown.presses, shown.station.id.as_str()), (2, "station:a"));
    assert_eq!(site.dispatch.unlogged().len(), 1);
    // Folded anew, as after a rewind, from a log that has nothing.
    site.dispatch.begin_anew();
    site.dispatch.handle_changes(site.now);
    assert_eq!(site.dispatch.unlogged().len(), 1, "still shown");
}

//! Two dispatchers with two maps.

use journal::LogName;
use protocol::{Header, MapVersion, Site, Subject};

use super::place::{Place, press, until};
use crate::io::engine::reader::Reader;

async fn in_force(place: &Place, reader: &mut Reader, version: MapVersion) -> Vec<String> {
    let header = Header {
        time: place.now(),
        day: place.now().day(),
        subject: Subject::Site(Site::MapInForce(version)),
    };
    let entry = protocol::join(&header.encode(), &[]);
    let appended = place.journal.append(LogName::Alerts, vec![entry]).await;
    let end = appended.unwrap().first.plus(1);
    until(reader, "the map is read", |dispatch| {
        dispatch
            .board()
            .cursors()
            .iter()
            .any(|one| one.alerts >= end)
    })
    .await;
    reader.look_at_clock();
    let state = reader.engine.state();
    assert!(state.ready, "{:?}", state.problems);
    state.warnings
}

#[tokio::test]
async fn who_answers_by_another_map_than_the_log_names_says_so_and_goes_on() {
    let place = Place::new();
    let mut reader = place.reader().await;
    reader.note_caught_up();
    let own = reader.engine.maps().borrow().clone();
    let said = in_force(&place, &mut reader, MapVersion::new("of tomorrow")).await;
    assert!(said[0].contains("of tomorrow") && said[0].contains(own.as_str()));
    place.append(place.entry(1, 1, press())).await;
    until(&mut reader, "it is given to a desk", |dispatch| {
        let mut incidents = dispatch.board().incidents();
        incidents.any(|incident| incident.assigned().is_some())
    })
    .await;
    let said = in_force(&place, &mut reader, own).await;
    assert_eq!(said, [""; 0]);
}

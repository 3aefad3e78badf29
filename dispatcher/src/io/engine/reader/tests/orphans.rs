//! Positions that stand in their log before the alert that they belong to stands in the other.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use journal::LogName;
use protocol::{AlertId, Content, DeviceId};
use tokio_util::sync::CancellationToken;

use super::place::{DEVICE, Place, SOON, at, id_of, press, tidy, until};
use crate::board::Incident;
use crate::dispatch::Dispatch;
use crate::io::engine::reader::Reader;
use crate::orphans::WAIT_FOR;

/// Where the phone is at last.
const LAST_LAT: f64 = 37.9;

fn position(place: &Place, number: u64, lat: f64) -> Bytes {
    place.entry(1, number, Content::Position(Ok(at(lat))))
}

async fn track(place: &Place, entries: Vec<Bytes>) {
    let appended = place.journal.append(LogName::Tracks, entries).await;
    appended.unwrap();
}

/// Two positions, and nothing of the alert; the newest comes first, as from two relays.
async fn two_positions(place: &Place) {
    track(place, vec![position(place, 3, LAST_LAT)]).await;
    track(place, vec![position(place, 2, 37.5)]).await;
}

fn tracks_folded(reader: &Reader) -> u64 {
    reader.engine.shared.metrics.entries(LogName::Tracks).get()
}

fn is_there(dispatch: &Dispatch) -> bool {
    let incident = dispatch.board().get(&id_of(1));
    incident.is_some_and(|one| one.position() == Some(&at(LAST_LAT)))
}

/// Reads on until the board has seen them, and has no use for them.
async fn until_orphaned(reader: &mut Reader) {
    let alert = (DEVICE, AlertId::from_bytes([1; 16]));
    let stop = CancellationToken::new();
    let reading = async {
        while tracks_folded(reader) < 2 {
            assert!(reader.turn(&stop).await.unwrap());
        }
    };
    tokio::time::timeout(SOON, reading).await.unwrap();
    assert!(reader.orphans.wait_for(&alert));
    let incidents = |dispatch: &Dispatch| dispatch.board().incidents().len();
    assert_eq!(reader.engine.read(incidents), 0);
}

#[tokio::test]
async fn positions_that_come_before_their_alert_are_on_the_board_when_it_comes() {
    let place = Place::new();
    let mut reader = place.reader().await;
    two_positions(&place).await;
    until_orphaned(&mut reader).await;
    // Nobody else's alert calls for them.
    let other = place.entry_of(DeviceId::Enrolled([2; 16]), 1, 1, press());
    place.append(other).await;
    until(&mut reader, "another's alert", |dispatch| {
        dispatch.board().incidents().len() == 1
    })
    .await;
    place.raise(1).await;
    until(&mut reader, "the newest position", is_there).await;
    let trail = |incident: &Incident| incident.trail().points().count();
    let trail = reader
        .engine
        .read(|dispatch| dispatch.board().get(&id_of(1)).map(trail));
    assert_eq!(trail, Some(3), "where they pressed, and both positions");

    // The board of who starts now is the same, when the tracks are gone too.
    tidy(&place, &mut reader).await;
    place.advance_hours(2);
    tidy(&place, &mut reader).await;
    let first = place.journal.first(LogName::Tracks).await.unwrap();
    assert_eq!(first, place.journal.end(LogName::Tracks));
    drop(reader);
    assert!(place.reader().await.engine.read(is_there));
}

#[tokio::test]
async fn positions_whose_alert_does_not_come_for_too_long_are_dropped() {
    let place = Place::new();
    let mut reader = place.reader().await;
    two_positions(&place).await;
    until_orphaned(&mut reader).await;
    let late = WAIT_FOR.0 + 1;
    place.now_ms.fetch_add(late, Ordering::SeqCst);
    reader.look_at_clock();
    place.raise(1).await;
    until(&mut reader, "the alert", |dispatch| {
        dispatch.board().get(&id_of(1)).is_some()
    })
    .await;
    assert!(!reader.engine.read(is_there));
}

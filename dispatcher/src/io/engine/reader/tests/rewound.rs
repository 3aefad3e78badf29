//! A log on a server that has lost what the board has folded.

use journal::Redis;
use journal::io::redis::test_server::{TestServer, is_here};

use super::*;

/// The board hears of a failover a moment after the server is there again, and others do not wait for that.
#[tokio::test]
async fn what_came_into_the_place_of_what_was_lost_is_on_the_board_whatever_was_written_meanwhile()
{
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = server.settings();
    let place = Place::over(|_, options| Journal::Redis(Redis::start(settings, &options)));
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    let folded = reader.followed[0].alerts.cursor();

    server.command(&["DEL", "{ansim:p0}:alerts"]);
    while (server.alerts() as u64) < folded.0 {
        place.raise(2).await;
    }
    // The reader was not told yet, and its minute comes.
    tidy(&place, &mut reader).await;
    until(&mut reader, "the new alert", |dispatch| {
        dispatch.board().get(&id_of(2)).is_some()
    })
    .await;
    let engine = reader.engine.clone();
    let has_lost = engine.read(|dispatch| dispatch.board().get(&id_of(1)).is_some());
    assert!(!has_lost, "the board is the log's");
    assert_eq!(engine.shared.metrics.refolds.get(), 1);
}

/// A snapshot that is lost with its server cannot be told from one that is there, but for its mark.
#[tokio::test]
async fn a_snapshot_that_a_failover_took_back_is_written_again_before_one_goes_on_behind_it() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = server.settings();
    let place = Place::over(|_, options| Journal::Redis(Redis::start(settings, &options)));
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    tidy(&place, &mut reader).await;
    let entries = place.kept().await.alerts;
    assert!(!entries.is_empty());

    // The log has everything, so nobody is told of anything.
    server.command(&["DEL", "{ansim:p0}:snapshot", "{ansim:p0}:snapshot_mark"]);
    let other = DeviceId::Enrolled([2; 16]);
    let next = place.entry_of(other, 1, 1, press());
    place.append(next.clone()).await;
    until(&mut reader, "the next", |dispatch| {
        dispatch.board().incidents().len() == 2
    })
    .await;
    let engine = reader.engine.clone();
    place.now_ms.fetch_add(TIDY_EVERY.0, Ordering::SeqCst);
    reader.look_at_clock();
    until(&mut reader, "the board is folded anew", |_| {
        engine.shared.metrics.refolds.get() == 1
    })
    .await;
    until(&mut reader, "both", |dispatch| {
        dispatch.board().incidents().len() == 2
    })
    .await;
    tidy(&place, &mut reader).await;
    let kept: Vec<Bytes> = place
        .kept()
        .await
        .alerts
        .into_iter()
        .map(|(_, entry)| entry)
        .collect();
    assert!(kept.contains(&next));
    assert!(entries.iter().all(|(_, entry)| kept.contains(entry)));
}

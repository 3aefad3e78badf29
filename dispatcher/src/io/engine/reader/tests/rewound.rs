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

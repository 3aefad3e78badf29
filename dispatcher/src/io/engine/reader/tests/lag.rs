//! A board that is behind.

use bytes::Bytes;
use journal::LogName;
use tokio_util::sync::CancellationToken;

use super::place::{Place, until};
use crate::dispatch::Dispatch;

#[tokio::test]
async fn a_board_is_behind_by_what_it_has_not_folded() {
    // What is in them makes no difference.
    let entries = vec![Bytes::from_static(b"entry"); 1_000];
    let place = Place::new();
    let mut reader = place.reader().await;
    until(&mut reader, "caught up", Dispatch::is_caught_up).await;
    for _ in 0..11 {
        let appended = place.journal.append(LogName::Alerts, entries.clone()).await;
        appended.unwrap();
    }
    reader.look_at_clock();
    let state = reader.engine.state();
    assert_eq!((state.lag_entries, state.takes_consoles), (11_000, false));
    let end = place.journal.end(LogName::Alerts);
    let stop = CancellationToken::new();
    while reader.followed[0].alerts.cursor() < end {
        reader.turn(&stop).await.unwrap();
    }
    reader.look_at_clock();
    let state = reader.engine.state();
    assert_eq!((state.lag_entries, state.takes_consoles), (0, true));
}

//! A log whose server is away.

use std::time::Duration;

use journal::io::redis::settings::{Address, Settings};
use journal::{Journal, LogName, Offset};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::place::{Place, id_of, press};

/// Long enough for a first attempt to begin; the board stays however long it is.
const A_WHILE: Duration = Duration::from_millis(200);

#[tokio::test]
async fn the_board_of_before_is_shown_until_the_log_can_be_read_anew() {
    // A server that takes connections and answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = silent.local_addr().unwrap();
    let server = Settings::at(Address {
        host: at.ip().to_string(),
        port: at.port(),
    });
    let place = Place::over(|folder, options| {
        Journal::open_held(folder.join("own.redb"), server, options).unwrap()
    });
    let mut reader = place.reader_that_has_read_nothing(None);
    let entries = vec![(Offset(0), place.entry(1, 1, press()))];
    reader.fold(0, LogName::Alerts, entries, true);
    reader.engine.catch_up();
    let stop = CancellationToken::new();
    let folding = timeout(A_WHILE, reader.fold_anew(&stop)).await;
    assert!(folding.is_err(), "the log cannot be read");
    reader.engine.read(|dispatch| {
        assert!(dispatch.is_caught_up());
        assert!(dispatch.board().get(&id_of(1)).is_some());
    });
}

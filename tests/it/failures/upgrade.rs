//! Another release, one process after the other, as docs/operations.md says.

use journal::io::redis::test_server::is_here;
use protocol::FormatVersion;

use super::MEANWHILE;
use super::load::Load;
use super::scenario::under;
use super::servers::Servers;
use super::site::{Site, Who};
use crate::support::tell;

/// Dispatchers first, so that they know whatever newer relays may say.
const ONE_AFTER_THE_OTHER: [Who; 4] = [
    Who::Dispatcher(0),
    Who::Dispatcher(1),
    Who::Relay(0),
    Who::Relay(1),
];

/// What a dispatcher says that meets a newer format than it knows.
const NEWER: &str = "of a newer release";

#[tokio::test(flavor = "multi_thread")]
async fn dispatchers_and_then_relays_are_stopped_and_started_one_after_the_other() {
    under(
        "each stopped and started again, one after the other",
        Servers::alone,
        async |site, load| {
            for who in ONE_AFTER_THE_OTHER {
                site.keep_door(who);
                site.stop(who);
                load.receipts(MEANWHILE).await;
                if let Who::Dispatcher(stopped) = who {
                    load.officers_at(1 - stopped).await;
                    load.acknowledgements(1).await;
                }
                site.start_again(who);
                site.is_ready_at(who).await;
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_newer_format_relays_give_receipts_and_older_dispatchers_show_what_they_give_to_nobody()
 {
    if !is_here() {
        return;
    }
    let mut site = Site::start(Servers::alone().await).await;
    let mut load = Load::start(&site.doors());
    load.acknowledgements(2).await;
    // As a dispatcher of a newer release does when its operators raise the format.
    let newer = FormatVersion(FormatVersion::KNOWN.0 + 1);
    let raised = [protocol::Site::FormatInForce(newer)];
    site.servers.append(raised).await;
    for dispatcher in [Who::Dispatcher(0), Who::Dispatcher(1)] {
        site.complains_of(dispatcher, NEWER).await;
    }
    // Who pressed in that moment may have been given to a desk.
    load.receipts(2).await;
    let before = load.incidents();
    load.receipts(MEANWHILE).await;
    // Whoever starts behind that entry has read it.
    site.stop(Who::Dispatcher(1));
    site.start_again(Who::Dispatcher(1));
    site.complains_of(Who::Dispatcher(1), NEWER).await;
    load.receipts(MEANWHILE).await;
    load.end().await;
    for relay in [Who::Relay(0), Who::Relay(1)] {
        site.is_ready_at(relay).await;
    }
    let (all, receipted) = (load.incidents(), load.receipted());
    assert_eq!(receipted, all.len());
    for dispatcher in 0..2 {
        let board = site.board(dispatcher).await;
        board.knows(&all).await;
        let cards = board.cards().await;
        assert_eq!(cards.len(), all.len());
        for incident in all.difference(&before) {
            let card = &cards[incident];
            assert!(
                card["state"] == "new" && card["pending"].is_null(),
                "{card}"
            );
        }
        site.complains_of(Who::Dispatcher(dispatcher), NEWER).await;
    }
    tell(&format!(
        "a newer format in force: raised {}, receipted {receipted}, on both boards {}, lost 0, doubled 0",
        all.len(),
        all.len()
    ));
}

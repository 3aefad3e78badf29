//! What phones hear when the log is shared and replicas are wanted.

use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestServer, is_here};
use journal::kept::CLOSED_FOR;
use journal::{Held, Journal, Offset};
use protocol::wire::{Durability, Receipt};
use protocol::{Content, DecisionKind, Millis, Progress, Raise};

use super::site::{Phone, Site, frame, raise, soon, text, until};
use super::way_back::{decide, hear_progress};

fn site(server: &TestServer, replicas: u8) -> Site {
    let settings = Settings {
        replicas,
        ..server.settings()
    };
    Site::with(move |folder, options| {
        Journal::open_held(folder.join("journal.redb"), settings, options).unwrap()
    })
}

fn grade(receipt: Receipt) -> (Durability, bool) {
    (receipt.durability, receipt.is_final)
}

fn held(site: &Site) -> &Held {
    match &site.journal {
        Journal::Held(held) => held,
        _ => unreachable!("it is held"),
    }
}

async fn confirmed(site: &Site, entries: u64) {
    let mut progress = held(site).progress();
    let is_there = progress.wait_for(|progress| progress.confirmed.0 == entries);
    soon(is_there).await.unwrap();
}

const ON_ITS_WAY: (Durability, bool) = (Durability::Local, false);
const REPLICATED: (Durability, bool) = (Durability::Replicated, true);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_final_when_the_replica_has_the_report() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut replica = server.replica();
    let site = site(&server, 1);
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    for report in [raise(1, 1), text(1, 2)] {
        phone.say(&report).await;
        assert_eq!(grade(phone.hear_receipt().await), ON_ITS_WAY);
        assert_eq!(grade(phone.hear_receipt().await), REPLICATED);
    }
    assert_eq!(relay.metrics().receipts.get(), 2);
    assert_eq!(relay.metrics().receipts_replicated.get(), 2);

    replica.kill();
    phone.say(&raise(2, 1)).await;
    assert_eq!(grade(phone.hear_receipt().await), ON_ITS_WAY);
    // The connection is gone, and whoever comes back hears what is true then.
    drop(phone);
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(2, 1)).await;
    assert_eq!(grade(phone.hear_receipt().await), ON_ITS_WAY);
    let _another = server.replica();
    let second = phone.hear_receipt().await;
    assert_eq!((second.number.0, grade(second)), (1, REPLICATED));
    phone.say(&raise(2, 1)).await;
    assert_eq!(grade(phone.hear_receipt().await), REPLICATED);
    until(|| relay.metrics().duplicates.get() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_replica_is_wanted_the_first_receipt_is_final_and_the_only_one() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let site = site(&server, 0);
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    confirmed(&site, 1).await;
    phone.say(&text(1, 2)).await;
    let receipt = phone.hear_receipt().await;
    assert_eq!(receipt.number.0, 2, "no second receipt came between");
    assert_eq!(grade(receipt), (Durability::Local, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_closed_for_an_hour_goes_from_the_own_journal_and_what_is_open_stays() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let site = site(&server, 0);
    let relay = site.relay();
    assert_eq!(held(&site).keeps_from(), Some(Offset(0)), "everything");
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    hear_progress(&mut phone, Progress::Received).await;
    let look_at = |tick: u64| {
        while relay.hub().look_at_closed(Millis(tick)) {}
        held(&site).keeps_from().unwrap().0
    };
    let start = relay.hub().tick().0;
    assert_eq!(look_at(start + CLOSED_FOR.0), 0, "it is open");
    decide(&site, 2, 1, DecisionKind::Closed, None).await;
    hear_progress(&mut phone, Progress::Closed).await;
    let closed = start + 2 * CLOSED_FOR.0;
    assert_eq!(look_at(closed), 0);
    // Somebody else's, behind the close.
    let other = frame(2, 1, Content::Raise(Raise::default()), site.token(2));
    phone.say(&other).await;
    phone.hear_receipt().await;
    confirmed(&site, 3).await;
    assert_eq!(look_at(closed + CLOSED_FOR.0 - 1), 0);
    assert_eq!(
        look_at(closed + CLOSED_FOR.0 + 60_000),
        1,
        "the raise alone"
    );
}

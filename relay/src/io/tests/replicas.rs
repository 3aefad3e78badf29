//! What phones hear when the log is shared and replicas are wanted.

use journal::Journal;
use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestServer, is_here};
use protocol::wire::{Durability, Receipt};

use super::site::{Phone, Site, raise, text, until};

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
    let Journal::Held(held) = &site.journal else {
        unreachable!("it is held")
    };
    let mut progress = held.progress();
    super::site::soon(progress.wait_for(|progress| progress.confirmed.0 == 1))
        .await
        .unwrap();
    phone.say(&text(1, 2)).await;
    let receipt = phone.hear_receipt().await;
    assert_eq!(receipt.number.0, 2, "no second receipt came between");
    assert_eq!(grade(receipt), (Durability::Local, true));
}

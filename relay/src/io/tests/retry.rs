//! Proofs of address, and the certificate.

use std::sync::Arc;

use protocol::Millis;
use quinn::TokenMemoryCache;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::gate::Gate;
use super::site::{Phone, Site, certificate, raise, socket, soon, until};
use crate::RetryPolicy;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_1_000_handshakes_that_all_go_through_retry_none_hangs() {
    const HANDSHAKES: u64 = 1_000;
    const AT_ONCE: usize = 50;
    let site = Site::new();
    let mut config = site.config();
    config.retry = RetryPolicy::Always;
    let relay = site.relay_with(config);
    let (client, socket) = (site.client(), socket());
    let mut connections = Vec::new();
    for _ in 0..HANDSHAKES as usize / AT_ONCE {
        let attempts: Vec<_> = (0..AT_ONCE)
            .map(|_| socket.connect_with(client.clone(), relay.local_addr(), "localhost"))
            .map(|attempt| tokio::spawn(soon(attempt.unwrap())))
            .collect();
        for attempt in attempts {
            connections.push(attempt.await.unwrap().unwrap());
        }
    }
    assert_eq!(connections.len() as u64, HANDSHAKES);
    assert!(relay.metrics().retries.get() >= HANDSHAKES);
    assert_eq!(relay.metrics().connections.get(), HANDSHAKES as i64);
}

#[tokio::test]
async fn a_phone_that_comes_back_skips_retry() {
    let site = Site::new();
    let mut config = site.config();
    config.retry = RetryPolicy::Always;
    let relay = site.relay_with(config);
    let mut client = site.client();
    client.token_store(Arc::new(TokenMemoryCache::default()));
    for n in 0..3 {
        let phone = Phone::connect(&client, relay.local_addr()).await;
        phone.raise_and_leave(n).await;
    }
    assert_eq!(relay.metrics().retries.get(), 1);
}

#[tokio::test]
async fn retry_is_asked_for_above_a_number_of_handshakes_only() {
    let site = Site::new();
    let mut config = site.config();
    config.retry = RetryPolicy::AboveHandshakes(0);
    let relay = site.relay_with(config);
    let client = site.client();
    Phone::connect(&client, relay.local_addr()).await;
    assert_eq!(relay.metrics().retries.get(), 0, "nobody else was there");
    until(|| relay.metrics().connections.get() == 0).await;
    let gate = Gate::before(relay.local_addr()).await;
    let slow = socket();
    let under_way = slow.connect_with(client.clone(), gate.address, "localhost");
    let _held = soon(under_way.unwrap()).await.unwrap();
    Phone::connect(&client, relay.local_addr()).await;
    assert_eq!(relay.metrics().retries.get(), 1);
}

#[tokio::test]
async fn whoever_waits_too_long_has_no_answer_and_operators_hear_of_it() {
    let site = Site::new();
    let mut config = site.config();
    config.patience.waiting = Millis(0);
    let relay = site.relay_with(config);
    let phone = socket();
    let attempt = phone.connect_with(site.client(), relay.local_addr(), "localhost");
    until(|| !relay.problems().is_empty()).await;
    assert!(relay.problems()[0].contains("more phones come than can be answered"));
    assert!(relay.metrics().attempts_left_out.get() > 0);
    assert_eq!(relay.metrics().handshakes.get(), 0);
    assert!(relay.is_ready(), "whom it takes it serves");
    drop(attempt);
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_whoever_connects_next() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    relay.certificate().swap(certificate().0);
    let stranger = socket();
    let attempt = stranger.connect_with(site.client(), relay.local_addr(), "localhost");
    assert!(
        soon(attempt.unwrap()).await.is_err(),
        "not the one it trusts"
    );
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_change_under_load_and_no_raise_is_without_its_receipt() {
    const PHONES: u8 = 200;
    const AT_ONCE: usize = 20;
    let site = Site::new();
    let relay = site.relay();
    let (client, address) = (site.client(), relay.local_addr());
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut phones = JoinSet::new();
    for n in 0..PHONES {
        let turn = Arc::clone(&room).acquire_owned().await.unwrap();
        // Renewed for the same key, as an authority does it: a new one for each phone.
        relay.certificate().swap(site.certificate.clone());
        let client = client.clone();
        phones.spawn(async move {
            let phone = Phone::connect(&client, address).await;
            phone.raise_and_leave(n).await;
            drop(turn);
        });
    }
    while let Some(phone) = phones.join_next().await {
        phone.unwrap();
    }
    assert_eq!(relay.metrics().receipts.get(), u64::from(PHONES));
}

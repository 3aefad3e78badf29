//! Ends and beginnings of a relay.

use journal::io::sim_backend::SimDisk;
use journal::{Journal, LogName};
use protocol::{Millis, ReportKind};
use quinn::ConnectionError;
use tokio::runtime::Runtime;

use super::site::{Phone, SOON, Site, closed, position, raise, socket, soon, until};
use crate::CloseCode;

#[tokio::test]
async fn after_a_restart_with_kept_keys_a_phone_notices_without_waiting_for_a_timeout() {
    let site = Site::new();
    // What a killed process leaves: no farewell, and its keys.
    let process = Runtime::new().unwrap();
    let relay = {
        let _inside = process.enter();
        site.relay()
    };
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    let mut config = site.config();
    config.listen = relay.local_addr();
    // The tasks first: dropping the relay would say goodbye.
    let ended = tokio::task::spawn_blocking(move || process.shutdown_timeout(SOON));
    ended.await.unwrap();
    drop(relay);
    let relay = site.relay_with(config);
    let begun = std::time::Instant::now();
    phone.connection.send_datagram(position(1, 2)).unwrap();
    let end = soon(phone.connection.closed()).await;
    assert!(matches!(end, ConnectionError::Reset), "{end:?}");
    // quinn's own idle timeout, which the phone did not need, is 30 s.
    assert!(begun.elapsed().as_secs() < 15);
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
}

#[tokio::test]
async fn a_shutdown_gives_the_receipt_and_sends_phones_to_another_relay() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    relay.shutdown().await;
    assert_eq!(closed(&phone.connection).await, CloseCode::ShuttingDown);
    assert!(!relay.is_ready());
    assert_eq!(relay.metrics().connections.get(), 0);
}

#[tokio::test]
async fn receipts_that_were_given_right_before_a_shutdown_arrive() {
    const RAISES: u8 = 40;
    let site = Site::new();
    // However slow the disk is: what is tested is that they are waited for.
    let mut config = site.config();
    config.patience.farewell = Millis::from_secs(60);
    let relay = site.relay_with(config);
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    let burst: Vec<_> = (0..RAISES)
        .map(|n| protocol::wire::delimit(&raise(n, 1)))
        .collect();
    soon(phone.sending.write_all(&burst.concat()))
        .await
        .unwrap();
    until(|| relay.metrics().reports_of(ReportKind::Raise).get() >= u64::from(RAISES)).await;
    let shutdown = relay.shutdown();
    let hearing = async {
        for _ in 0..RAISES {
            phone.hear_receipt().await;
        }
    };
    tokio::join!(shutdown, hearing);
    assert_eq!(closed(&phone.connection).await, CloseCode::ShuttingDown);
}

#[tokio::test]
async fn whoever_comes_during_a_shutdown_is_refused_at_once_and_an_alert_that_waits_is_kept() {
    let disk = SimDisk::new();
    let site = Site::with(|_, mut options| {
        options.limits.queue_entries_max = 1;
        Journal::over(disk.backend(), options).unwrap()
    });
    let mut config = site.config();
    config.patience.farewell = Millis::from_secs(60);
    let relay = site.relay_with(config);
    let client = site.client();
    let held_syncs = disk.hold_syncs();
    let mut phones = Vec::new();
    for n in 0..3 {
        let mut phone = Phone::connect(&client, relay.local_addr()).await;
        phone.say(&raise(n, 1)).await;
        phones.push(phone);
    }
    // One whose raise has not come when the shutdown begins has nothing to wait for.
    let raises = relay.metrics().reports_of(ReportKind::Raise);
    until(|| relay.metrics().held.get() >= 1 && raises.get() == 3).await;
    let late = async {
        until(|| !relay.is_ready()).await;
        let socket = socket();
        let attempt = socket.connect_with(client.clone(), relay.local_addr(), "localhost");
        let refused = soon(attempt.unwrap()).await.unwrap_err();
        assert!(
            matches!(refused, ConnectionError::ConnectionClosed(_)),
            "{refused:?}"
        );
        assert_eq!(relay.metrics().refused_connections.get(), 1);
        drop(held_syncs);
        for phone in &mut phones {
            phone.hear_receipt().await;
        }
    };
    tokio::join!(relay.shutdown(), late);
    assert_eq!(site.journal.end(LogName::Alerts).0, 3);
}

#[tokio::test]
async fn an_address_in_use_is_said_so() {
    let site = Site::new();
    let relay = site.relay();
    let mut config = site.config();
    config.listen = relay.local_addr();
    let error = crate::Relay::start(config, site.parts(), &mut Default::default()).unwrap_err();
    assert!(error.to_string().contains(&relay.local_addr().to_string()));
}

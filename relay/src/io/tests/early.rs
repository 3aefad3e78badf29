//! What may be said before the handshake has completed.

use journal::LogName;
use protocol::wire::BrokenRule;
use protocol::{ReportKind, ReportNumber};
use quinn::ClientConfig;

use super::gate::Gate;
use super::site::{Phone, Site, alert, cancel, raise, socket, soon, until};
use crate::RelayHandle;

/// A client that has a ticket of this relay.
async fn with_ticket(site: &Site, relay: &RelayHandle) -> ClientConfig {
    let client = site.client();
    let phone = Phone::connect(&client, relay.local_addr()).await;
    phone.raise_and_leave(0).await;
    client
}

async fn early(client: &ClientConfig, gate: &Gate) -> Phone {
    let socket = socket();
    let connecting = socket.connect_with(client.clone(), gate.address, "localhost");
    let Ok((connection, _)) = connecting.unwrap().into_0rtt() else {
        panic!("no ticket");
    };
    Phone::on(connection).await
}

#[tokio::test]
async fn a_raise_in_0_rtt_is_receipted_and_counted_as_such() {
    let site = Site::new();
    let relay = site.relay();
    let client = with_ticket(&site, &relay).await;
    assert_eq!(relay.metrics().early_data_accepted.get(), 0);
    let gate = Gate::before(relay.local_addr()).await;
    let mut phone = early(&client, &gate).await;
    phone.say(&raise(1, 1)).await;
    // The second flight waits before the gate, and the raise is durable.
    let entries = site.entries(LogName::Alerts, 2).await;
    assert_eq!(entries[1].0.alert, alert(1));
    assert_eq!(relay.metrics().early_data_accepted.get(), 1);
    assert_eq!(relay.metrics().handshakes.get(), 1);
    gate.open();
    assert_eq!(phone.hear_receipt().await.alert, alert(1));
    until(|| relay.metrics().handshakes.get() == 2).await;
    assert_eq!(relay.metrics().early_data_replayed.get(), 0);
}

#[tokio::test]
async fn a_cancel_in_0_rtt_is_refused_and_taken_after_the_handshake() {
    let site = Site::new();
    let relay = site.relay();
    let client = with_ticket(&site, &relay).await;
    let gate = Gate::before(relay.local_addr()).await;
    let mut phone = early(&client, &gate).await;
    phone.say(&cancel(0, 2)).await;
    let refused = relay.metrics().refusals_of(BrokenRule::EarlyData);
    until(|| refused.get() == 1).await;
    gate.open();
    let refusal = phone.hear_refusal().await;
    assert_eq!(refusal.rule, "early_data");
    assert_eq!(refusal.report, Some((alert(0), ReportNumber(2))));
    phone.say(&cancel(0, 2)).await;
    phone.hear_receipt().await;
    let entries = site.entries(LogName::Alerts, 2).await;
    assert_eq!(entries.len(), 2, "stored once");
    assert_eq!(entries[1].0.kind, ReportKind::Cancel);
}

#[tokio::test]
async fn a_raise_that_is_said_again_in_0_rtt_is_counted_as_a_replay_and_stored_once() {
    let site = Site::new();
    let relay = site.relay();
    let client = with_ticket(&site, &relay).await;
    let gate = Gate::before(relay.local_addr()).await;
    let mut phone = early(&client, &gate).await;
    phone.say(&raise(0, 1)).await;
    until(|| relay.metrics().early_data_replayed.get() == 1).await;
    assert_eq!(relay.metrics().handshakes.get(), 1, "before the handshake");
    gate.open();
    phone.hear_receipt().await;
    assert_eq!(relay.metrics().duplicates.get(), 1);
    assert_eq!(site.journal.end(LogName::Alerts).0, 1);
}

#[tokio::test]
async fn a_handshake_that_is_never_completed_is_given_up() {
    let site = Site::new();
    let mut config = site.config();
    config.patience.handshake = protocol::Millis(100);
    let relay = site.relay_with(config);
    let gate = Gate::before(relay.local_addr()).await;
    let socket = socket();
    let connecting = socket.connect_with(site.client(), gate.address, "localhost");
    // For the phone it is complete; its last flight waits before the gate.
    let connection = soon(connecting.unwrap()).await.unwrap();
    soon(connection.closed()).await;
    until(|| relay.metrics().connections.get() == 0).await;
    assert_eq!(relay.metrics().handshakes.get(), 0);
}

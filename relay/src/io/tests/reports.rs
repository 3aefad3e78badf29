//! What becomes of what phones say.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use journal::LogName;
use protocol::token::Issuer;
use protocol::wire::{BrokenRule, Durability, Receipt};
use protocol::{Content, DeviceId, Raise, ReportKind, ReportNumber, Verification};

use super::site::{
    NOON, Phone, Site, alert, closed, device, frame, position, raise, socket, soon, text, token,
    until,
};
use crate::CloseCode;

#[tokio::test]
async fn a_raise_is_receipted_once_it_is_durable() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 9)).await;
    let receipt = Receipt {
        alert: alert(1),
        number: ReportNumber(9),
        durability: Durability::Local,
        is_final: true,
    };
    assert_eq!(phone.hear_receipt().await, receipt);
    assert_eq!(site.journal.end(LogName::Alerts).0, 1);
    let metrics = relay.metrics();
    assert_eq!(metrics.receipts.get(), 1);
    assert_eq!(metrics.reports_of(ReportKind::Raise).get(), 1);
    assert_eq!(metrics.verification_of(Verification::NoToken).get(), 1);
    until(|| metrics.incidents.get() == 1).await;
    assert!(metrics.receive_buffer_bytes.get() > 0);
}

#[tokio::test]
async fn an_undecodable_frame_is_answered_with_its_rule_and_the_connection_goes_on() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&[0xff; 30]).await;
    assert_eq!(phone.hear_refusal().await.rule, "undecodable");
    phone.say(&[]).await;
    assert_eq!(phone.hear_refusal().await.rule, "no_alert_id");
    phone.connection.send_datagram(raise(1, 1).into()).unwrap();
    assert_eq!(phone.hear_refusal().await.rule, "not_for_datagram");
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    let refusals = |rule| relay.metrics().refusals_of(rule).get();
    assert_eq!(refusals(BrokenRule::Undecodable), 1);
    assert_eq!(refusals(BrokenRule::NoAlertId), 1);
    assert_eq!(refusals(BrokenRule::NotForDatagram), 1);
}

#[tokio::test]
async fn a_missing_expired_or_foreign_token_is_accepted_and_marked() {
    let site = Site::new();
    let relay = site.relay();
    let foreigner = Issuer::from_seed(&[9; 32]).unwrap();
    let cases = [
        (site.token(1), Verification::Verified, enrolled(1)),
        (Bytes::new(), Verification::NoToken, device()),
        (
            token(&site.issuer, 2, NOON as i64),
            Verification::Expired,
            enrolled(2),
        ),
        (
            token(&foreigner, 3, i64::MAX),
            Verification::Foreign,
            device(),
        ),
        (
            Bytes::from_static(b"token"),
            Verification::Malformed,
            device(),
        ),
    ];
    let client = site.client();
    for (n, (token, _, _)) in (0_u8..).zip(&cases) {
        let mut phone = Phone::connect(&client, relay.local_addr()).await;
        let content = Content::Raise(Raise::default());
        phone.say(&frame(n, 1, content, token.clone())).await;
        phone.hear_receipt().await;
    }
    let entries = site.entries(LogName::Alerts, cases.len()).await;
    for ((report, _), (_, verification, device)) in entries.iter().zip(&cases) {
        assert_eq!(
            (report.verification, report.device),
            (*verification, *device)
        );
        assert_eq!(relay.metrics().verification_of(*verification).get(), 1);
    }
}

fn enrolled(n: u8) -> DeviceId {
    DeviceId::Enrolled([n; 16])
}

#[tokio::test]
async fn the_token_of_the_first_frame_holds_for_the_connection() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    let content = Content::Raise(Raise::default());
    phone.say(&frame(1, 1, content, site.token(4))).await;
    phone.say(&text(1, 2)).await;
    phone.hear_receipt().await;
    phone.hear_receipt().await;
    let entries = site.entries(LogName::Alerts, 2).await;
    for (report, _) in entries {
        assert_eq!(report.device, enrolled(4));
        assert_eq!(report.verification, Verification::Verified);
    }
}

#[tokio::test]
async fn an_unknown_field_and_an_unknown_kind_end_in_the_journal_byte_for_byte() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    let mut unknown_field = raise(1, 1);
    unknown_field.extend_from_slice(&[0xf8, 0x07, 0x2a]); // field 127, varint 42
    let mut unknown_kind = frame(1, 2, Content::Unknown, Bytes::new());
    unknown_kind.extend_from_slice(&[0xa2, 0x06, 0x02, 0x08, 0x01]); // field 100: a later report
    for golden in [&unknown_field, &unknown_kind] {
        phone.say(golden).await;
        phone.hear_receipt().await;
    }
    let entries = site.entries(LogName::Alerts, 2).await;
    assert_eq!(entries[0].1, unknown_field);
    assert_eq!(entries[0].0.kind, ReportKind::Raise);
    assert_eq!(entries[1].1, unknown_kind);
    assert_eq!(entries[1].0.kind, ReportKind::Unknown);
}

#[tokio::test]
async fn a_duplicate_is_receipted_again_and_stored_once() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    // Two in one write: the second finds the first under way, or durable already.
    let twice = [
        protocol::wire::delimit(&raise(1, 1)),
        protocol::wire::delimit(&raise(1, 1)),
    ]
    .concat();
    soon(phone.sending.write_all(&twice)).await.unwrap();
    let first = phone.hear_receipt().await;
    assert_eq!(phone.hear_receipt().await, first);
    let mut other = Phone::connect(&client, relay.local_addr()).await;
    other.say(&raise(1, 1)).await;
    assert_eq!(other.hear_receipt().await, first);
    assert_eq!(site.journal.end(LogName::Alerts).0, 1);
    assert_eq!(relay.metrics().duplicates.get(), 2);
}

#[tokio::test]
async fn a_position_without_an_open_alert_is_answered_and_nothing_is_stored() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&position(1, 1)).await;
    let refusal = phone.hear_refusal().await;
    assert_eq!(refusal.rule, "no_open_alert");
    assert_eq!(refusal.report, Some((alert(1), ReportNumber(1))));
    phone.connection.send_datagram(position(1, 2)).unwrap();
    assert_eq!(phone.hear_refusal().await.rule, "no_open_alert");
    phone.say(&raise(1, 3)).await;
    phone.hear_receipt().await;
    phone.connection.send_datagram(position(1, 4)).unwrap();
    let stored = site.entries(LogName::Tracks, 1).await;
    assert_eq!(stored.len(), 1, "the first two are not there");
    assert_eq!(stored[0].0.number, ReportNumber(4));
    let mut other = Phone::connect(&client, relay.local_addr()).await;
    other.say(&position(1, 5)).await;
    let stored = site.entries(LogName::Tracks, 2).await;
    assert_eq!(
        stored[1].0.number,
        ReportNumber(5),
        "raised elsewhere, and open"
    );
}

#[tokio::test]
async fn without_a_day_key_nothing_is_promised_and_nothing_is_stored() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    let tomorrow = journal::Day(site.now().day().0 + 1);
    until(|| site.day_keys.get(tomorrow).unwrap().is_some()).await;
    std::fs::remove_dir_all(site.folder.path().join("days")).unwrap();
    site.now_ms.fetch_add(2 * 24 * 3_600_000, Ordering::SeqCst);
    phone.connection.send_datagram(position(1, 2)).unwrap();
    until(|| relay.metrics().datagrams_dropped.get() == 1).await;
    phone.say(&text(1, 3)).await;
    assert_eq!(closed(&phone.connection).await, CloseCode::NotDurable);
    assert_eq!(relay.metrics().not_durable.get(), 1);
    assert_eq!(relay.metrics().receipts.get(), 1);
    assert_eq!(site.journal.end(LogName::Alerts).0, 1);
}

#[tokio::test]
async fn when_the_journal_takes_nothing_more_phones_are_sent_to_another_relay() {
    let site = Site::new();
    let relay = site.relay();
    let client = site.client();
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    assert!(relay.is_ready());
    site.journal.close().await;
    assert_eq!(closed(&phone.connection).await, CloseCode::NotDurable);
    assert!(!relay.is_ready());
    let socket = socket();
    let attempt = socket.connect_with(client, relay.local_addr(), "localhost");
    assert!(soon(attempt.unwrap()).await.is_err());
    assert_eq!(relay.metrics().refused_connections.get(), 1);
    assert_eq!(relay.metrics().closes_with(CloseCode::NotDurable).get(), 1);
}

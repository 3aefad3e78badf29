//! Phones that ask for too much.

use protocol::Millis;
use protocol::limit::MAX_FRAME_BYTES;
use protocol::wire::delimit;
use quinn::{TransportConfig, VarInt};

use super::site::{Phone, Site, closed, raise, soon, until};
use crate::CloseCode;

#[tokio::test]
async fn an_oversized_frame_closes_with_its_code() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    let head = &delimit(&vec![0; MAX_FRAME_BYTES + 1])[..3];
    soon(phone.sending.write_all(head)).await.unwrap();
    assert_eq!(closed(&phone.connection).await, CloseCode::BrokenStream);
    assert_eq!(
        relay.metrics().closes_with(CloseCode::BrokenStream).get(),
        1
    );
}

#[tokio::test]
async fn a_frame_of_the_largest_size_is_taken() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    let mut frame = raise(1, 1);
    let rest = MAX_FRAME_BYTES - frame.len() - 5;
    frame.extend_from_slice(&[0xfa, 0x07]); // field 127, bytes
    frame.extend_from_slice(&[(rest & 0x7f) as u8 | 0x80, (rest >> 7) as u8 & 0x7f]);
    frame.resize(frame.len() + rest, 1);
    phone.say(&frame).await;
    phone.hear_receipt().await;
}

#[tokio::test]
async fn a_second_stream_closes_with_its_code_and_others_cannot_be_opened() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.hear_receipt().await;
    let one_way = tokio::select! {
        biased;
        opened = phone.connection.open_uni() => opened.is_ok(),
        () = std::future::ready(()) => false,
    };
    assert!(!one_way, "the relay gives no credit for it");
    let (mut second, _) = soon(phone.connection.open_bi()).await.unwrap();
    soon(second.write_all(&delimit(&raise(1, 2))))
        .await
        .unwrap();
    assert_eq!(closed(&phone.connection).await, CloseCode::TooManyStreams);
}

#[tokio::test]
async fn a_reader_that_never_reads_is_bounded_and_cut() {
    let site = Site::new();
    let mut config = site.config();
    config.patience.reader = Millis(300);
    let relay = site.relay_with(config);
    let mut client = site.client();
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(512));
    client.transport_config(transport.into());
    let mut phone = Phone::connect(&client, relay.local_addr()).await;
    let broken = delimit(&[0xff; 30]);
    let flood = async { while phone.sending.write_all(&broken).await.is_ok() {} };
    soon(flood).await;
    assert_eq!(closed(&phone.connection).await, CloseCode::ReaderStalled);
}

#[tokio::test]
async fn a_frame_that_does_not_end_closes_with_its_code() {
    let site = Site::new();
    let mut config = site.config();
    config.patience.frame = Millis(100);
    let relay = site.relay_with(config);
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    soon(phone.sending.write_all(&delimit(&raise(1, 1))[..7]))
        .await
        .unwrap();
    assert_eq!(closed(&phone.connection).await, CloseCode::BrokenStream);
}

#[tokio::test]
async fn an_idle_phone_without_an_alert_is_closed_with_its_code() {
    let site = Site::new();
    let mut config = site.config();
    config.patience.idle = Millis(100);
    let relay = site.relay_with(config);
    let phone = Phone::connect(&site.client(), relay.local_addr()).await;
    assert_eq!(closed(&phone.connection).await, CloseCode::Idle);
    until(|| relay.metrics().connections.get() == 0).await;
}

#[tokio::test]
async fn a_phone_that_has_said_all_still_hears_its_receipt() {
    let site = Site::new();
    let relay = site.relay();
    let mut phone = Phone::connect(&site.client(), relay.local_addr()).await;
    phone.say(&raise(1, 1)).await;
    phone.sending.finish().unwrap();
    phone.hear_receipt().await;
    drop(relay);
}

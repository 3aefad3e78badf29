//! The shell against a relay of a few lines that receipts whatever it can decode. The real relay
//! and the real phone meet in the tests of the root.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::{
    Deframer, Durability, Receipt, RelayFrame, decode_frame, delimit, encode_relay_frame,
};
use protocol::{Enrolment, ReportKind, SitePrivateKey};
use quinn::crypto::rustls::QuicServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::mpsc;

use super::*;
use crate::{Event, Receipted, close};

/// Far beyond what any of this takes: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct Certificate {
    der: rustls::pki_types::CertificateDer<'static>,
    key: Vec<u8>,
    pem: String,
}

fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    Certificate {
        der: made.cert.der().clone(),
        key: made.signing_key.serialize_der(),
        pem: made.cert.pem(),
    }
}

/// What a small relay does with a connection.
#[derive(Clone, Copy)]
enum Manner {
    Receipts,
    ClosesWith(u64),
}

struct SmallRelay {
    endpoint: quinn::Endpoint,
    frames: mpsc::UnboundedReceiver<(ReportKind, SocketAddr)>,
}

impl SmallRelay {
    fn start(certificate: &Certificate, manner: Manner) -> Self {
        let any_port = (Ipv4Addr::LOCALHOST, 0).into();
        let endpoint = quinn::Endpoint::server(server_config(certificate), any_port).unwrap();
        let (heard, frames) = mpsc::unbounded_channel();
        let accepting = endpoint.clone();
        tokio::spawn(async move {
            while let Some(incoming) = accepting.accept().await {
                tokio::spawn(serve(incoming, manner, heard.clone()));
            }
        });
        Self { endpoint, frames }
    }

    fn address(&self) -> SocketAddr {
        self.endpoint.local_addr().unwrap()
    }

    async fn hears(&mut self, kind: ReportKind) -> SocketAddr {
        loop {
            let heard = tokio::time::timeout(PATIENCE, self.frames.recv()).await;
            let (found, from) = heard.expect("the relay hears something").unwrap();
            if found == kind {
                return from;
            }
        }
    }
}

fn server_config(certificate: &Certificate) -> quinn::ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certificate.key.clone()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der.clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = u32::MAX;
    let crypto = QuicServerConfig::try_from(tls).unwrap();
    quinn::ServerConfig::with_crypto(Arc::new(crypto))
}

async fn serve(
    incoming: quinn::Incoming,
    manner: Manner,
    heard: mpsc::UnboundedSender<(ReportKind, SocketAddr)>,
) {
    let Ok((connection, _)) = incoming.accept().unwrap().into_0rtt() else {
        return;
    };
    if let Manner::ClosesWith(code) = manner {
        return connection.close(quinn::VarInt::from_u64(code).unwrap(), b"");
    }
    let datagrams = async {
        while let Ok(bytes) = connection.read_datagram().await {
            let frame = decode_frame(&bytes).unwrap();
            let kind = ReportKind::of(&frame.report.content);
            heard.send((kind, connection.remote_address())).unwrap();
        }
    };
    let stream = async {
        let Ok((mut send, mut receive)) = connection.accept_bi().await else {
            return;
        };
        let mut deframer = Deframer::default();
        while let Ok(Some(chunk)) = receive.read_chunk(4_096, true).await {
            deframer.push(&chunk.bytes);
            while let Some(frame) = deframer.next_frame().unwrap() {
                let report = decode_frame(&frame).unwrap().report;
                let receipt = encode_relay_frame(&RelayFrame::Receipt(Receipt {
                    alert: report.alert,
                    number: report.number,
                    durability: Durability::Local,
                    is_final: true,
                }));
                // The test may be over and the phone gone.
                let _ = send.write_all(&delimit(&receipt)).await;
                let kind = ReportKind::of(&report.content);
                let _ = heard.send((kind, connection.remote_address()));
            }
        }
    };
    tokio::join!(datagrams, stream);
}

fn enrolment(certificate: &Certificate, relays: &[SocketAddr]) -> Enrolment {
    let site_key = SitePrivateKey::from_bytes([5; 32]).unwrap();
    Enrolment {
        relays: relays
            .iter()
            .map(|address| protocol::RelayAddress {
                address: address.to_string(),
                server_name: "localhost".to_owned(),
            })
            .collect(),
        authority_pem: certificate.pem.clone(),
        token: Vec::new(),
        site_key: site_key.public_key().unwrap(),
    }
}

fn endpoint() -> Arc<Endpoint> {
    let local = Some((Ipv4Addr::LOCALHOST, 0).into());
    Endpoint::bind(&EndpointOptions {
        local,
        ..EndpointOptions::default()
    })
    .unwrap()
}

async fn until<T>(
    events: &mut mpsc::Receiver<PhoneEvent>,
    mut found: impl FnMut(&PhoneEvent) -> Option<T>,
) -> T {
    loop {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await;
        let event = event
            .expect("the phone says something")
            .expect("the phone runs");
        if let Some(found) = found(&event) {
            return found;
        }
    }
}

fn any_receipt(event: &PhoneEvent) -> Option<Receipted> {
    match event.event {
        Event::Receipted(receipted) => Some(receipted),
        _ => None,
    }
}

fn ready(event: &PhoneEvent) -> Option<()> {
    assert_ne!(event.event, Event::NotReady);
    matches!(event.event, Event::Ready { .. }).then_some(())
}

#[tokio::test]
async fn a_raise_is_receipted_and_its_press_is_remembered() {
    let certificate = certificate();
    let relay = SmallRelay::start(&certificate, Manner::Receipts);
    let enrolment = enrolment(&certificate, &[relay.address()]);
    let (phone, mut events) =
        Phone::start(endpoint(), &enrolment, PhoneOptions::default()).unwrap();
    let alert = phone.raise(None).await.unwrap();
    let (receipted, at, pressed) = until(&mut events, |event| {
        any_receipt(event).map(|found| (found, event.at, event.triggered_at))
    })
    .await;
    assert_eq!(
        (receipted.alert, receipted.kind),
        (alert, ReportKind::Raise)
    );
    assert!(!receipted.early);
    assert!(at >= pressed.expect("it was pressed here"));
}

#[tokio::test]
async fn after_a_ready_check_the_raise_goes_early_and_two_phones_share_no_ticket() {
    let certificate = certificate();
    let relay = SmallRelay::start(&certificate, Manner::Receipts);
    let enrolment = enrolment(&certificate, &[relay.address()]);
    let endpoint = endpoint();
    let start = || Phone::start(endpoint.clone(), &enrolment, PhoneOptions::default()).unwrap();
    let (phone, mut events) = start();
    phone.check_ready().await.unwrap();
    until(&mut events, ready).await;
    phone.raise(None).await.unwrap();
    assert!(until(&mut events, any_receipt).await.early);

    let (other, mut others_events) = start();
    other.raise(None).await.unwrap();
    assert!(!until(&mut others_events, any_receipt).await.early);
}

#[tokio::test]
async fn early_data_that_a_restarted_relay_does_not_take_is_sent_again() {
    let certificate = certificate();
    let relay = SmallRelay::start(&certificate, Manner::Receipts);
    let enrolment = enrolment(&certificate, &[relay.address()]);
    let (phone, mut events) =
        Phone::start(endpoint(), &enrolment, PhoneOptions::default()).unwrap();
    phone.check_ready().await.unwrap();
    until(&mut events, ready).await;
    // The same certificate and none of the sessions.
    relay
        .endpoint
        .set_server_config(Some(server_config(&certificate)));
    phone.raise(None).await.unwrap();
    let mut rejected = false;
    let receipted = until(&mut events, |event| {
        let refused = matches!(
            event.event,
            Event::Connected {
                early_accepted: false,
                ..
            }
        );
        rejected |= refused;
        any_receipt(event)
    })
    .await;
    assert!(rejected && !receipted.early);
}

#[tokio::test]
async fn a_relay_that_shuts_down_is_left_for_the_next() {
    let certificate = certificate();
    let leaving = SmallRelay::start(&certificate, Manner::ClosesWith(close::SHUTTING_DOWN));
    let staying = SmallRelay::start(&certificate, Manner::Receipts);
    let enrolment = enrolment(&certificate, &[leaving.address(), staying.address()]);
    let (phone, mut events) =
        Phone::start(endpoint(), &enrolment, PhoneOptions::default()).unwrap();
    phone.raise(None).await.unwrap();
    until(&mut events, any_receipt).await;
}

#[tokio::test]
async fn another_socket_goes_on_without_another_handshake() {
    let certificate = certificate();
    let mut relay = SmallRelay::start(&certificate, Manner::Receipts);
    let enrolment = enrolment(&certificate, &[relay.address()]);
    let (phone, mut events) =
        Phone::start(endpoint(), &enrolment, PhoneOptions::default()).unwrap();
    let alert = phone.raise(None).await.unwrap();
    until(&mut events, any_receipt).await;
    let before = relay.hears(ReportKind::Raise).await;
    phone.rebind_socket().unwrap();
    phone.text(alert, "문 뒤에 있어요").await.unwrap();
    until(&mut events, |event| {
        assert!(
            !matches!(event.event, Event::Connected { .. }),
            "a new handshake"
        );
        any_receipt(event)
    })
    .await;
    relay.hears(ReportKind::Text).await;
    let position = protocol::Position::at(protocol::LatLon::new(37.5, 127.0).unwrap());
    phone.position(alert, position).await.unwrap();
    assert_ne!(relay.hears(ReportKind::Position).await, before);
}

#[tokio::test]
async fn without_any_relay_the_phone_says_not_delivered() {
    let certificate = certificate();
    let nobody = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let enrolment = enrolment(&certificate, &[nobody.local_addr().unwrap()]);
    let options = PhoneOptions {
        not_delivered_after: Duration::from_millis(50),
        ..PhoneOptions::default()
    };
    let (phone, mut events) = Phone::start(endpoint(), &enrolment, options).unwrap();
    phone.raise(None).await.unwrap();
    until(&mut events, |event| {
        assert!(any_receipt(event).is_none());
        matches!(event.event, Event::NotDelivered { .. }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_alert_outlives_its_process() {
    let certificate = certificate();
    let folder = tempfile::tempdir().unwrap();
    let outbox = Some(folder.path().join("outbox.json"));
    let options = PhoneOptions {
        outbox,
        ..PhoneOptions::default()
    };
    let nobody = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let unreachable = enrolment(&certificate, &[nobody.local_addr().unwrap()]);
    let (phone, _events) = Phone::start(endpoint(), &unreachable, options.clone()).unwrap();
    let alert = phone.raise(None).await.unwrap();
    phone.text(alert, "2층").await.unwrap();
    phone.close().await;

    let relay = SmallRelay::start(&certificate, Manner::Receipts);
    let reachable = enrolment(&certificate, &[relay.address()]);
    let (_phone, mut events) = Phone::start(endpoint(), &reachable, options).unwrap();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let receipted = until(&mut events, any_receipt).await;
        assert_eq!(receipted.alert, alert);
        kinds.push(receipted.kind);
    }
    assert_eq!(kinds, [ReportKind::Raise, ReportKind::Text]);
}

#[tokio::test]
async fn a_broken_outbox_file_is_set_aside_and_the_press_goes_out() {
    let certificate = certificate();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outbox.json");
    std::fs::write(&file, "{\"version\":1,").unwrap();
    let relay = SmallRelay::start(&certificate, Manner::Receipts);
    let enrolment = enrolment(&certificate, &[relay.address()]);
    let outbox = Some(file.clone());
    let options = PhoneOptions {
        outbox,
        ..PhoneOptions::default()
    };
    let (phone, mut events) = Phone::start(endpoint(), &enrolment, options).unwrap();
    phone.raise(None).await.unwrap();
    let mut told = false;
    until(&mut events, |event| {
        told |= matches!(event.event, Event::StoreFailed { .. });
        any_receipt(event)
    })
    .await;
    assert!(told);
    let aside = std::fs::read_to_string(folder.path().join("outbox.json.broken")).unwrap();
    assert_eq!(aside, "{\"version\":1,");
}

#[tokio::test]
async fn an_enrolment_without_relay_or_authority_is_refused() {
    let certificate = certificate();
    let nobody = enrolment(&certificate, &[]);
    let refused = Phone::start(endpoint(), &nobody, PhoneOptions::default()).err();
    assert_eq!(refused, Some(BadEnrolment::NoRelay));
    let mut unsigned = enrolment(&certificate, &[(Ipv4Addr::LOCALHOST, 1).into()]);
    unsigned.authority_pem = "no certificate".to_owned();
    let refused = Phone::start(endpoint(), &unsigned, PhoneOptions::default()).err();
    assert!(matches!(refused, Some(BadEnrolment::Authority(_))));
}

#[cfg(unix)]
#[test]
fn the_outbox_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("outbox.json"));
    assert!(store.read().unwrap().is_none());
    let text = format!(
        "{{\"version\":1,\"install_key\":\"{}\",\"numbers_reserved_to\":258,\"alerts\":[]}}",
        "07".repeat(16)
    );
    let saved = crate::Saved::from_json(&text).unwrap();
    store.write(&saved).unwrap();
    let file = std::fs::metadata(folder.path().join("outbox.json")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    assert_eq!(store.read().unwrap().unwrap().numbers_reserved_to(), 258);
}

//! A site with one relay, and phones that speak raw QUIC.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use journal::{Clock, DayKeys, Journal, LogName, Offset, Options, Tailed};
use prometheus_client::registry::Registry;
use protocol::token::{Claims, Issuer, PersonRef};
use protocol::wire::{
    Deframer, Frame, Message, Receipt, Refusal, RelayFrame, Status, decode_relay_frame, delimit,
    encode_frame,
};
use protocol::{
    AlertId, Content, DeviceId, Entry, InstallKey, Raise, Report, ReportHeader, ReportNumber,
    Subject, UnixMillis, Unusable,
};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::CloseCode;
use crate::io::relay::{Parts, Relay, RelayConfig, RelayHandle};
use crate::io::tls::{ALPN, Certificate};

/// 2026-11-21T00:00:00Z.
pub(super) const NOON: u64 = 1_795_219_200_000;

/// What takes longer is a failure. Generous: the machine may be busy with other things.
pub(super) const SOON: Duration = Duration::from_secs(60);

pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(SOON, future).await;
    answer.expect("it did not happen in time")
}

/// Waits for what no future tells of.
pub(super) async fn until(condition: impl Fn() -> bool) {
    soon(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

pub(super) struct Site {
    pub(super) folder: tempfile::TempDir,
    pub(super) journal: Journal,
    pub(super) day_keys: Arc<DayKeys>,
    pub(super) now_ms: Arc<AtomicU64>,
    pub(super) issuer: Issuer,
    pub(super) certificate: Certificate,
    trusted: CertificateDer<'static>,
}

pub(super) fn certificate() -> (Certificate, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let certificate = Certificate::new(vec![der.clone()], key).unwrap();
    (certificate, der)
}

fn journal(folder: &Path, options: Options) -> Journal {
    Journal::open_embedded(folder.join("journal.redb"), options).unwrap()
}

impl Site {
    pub(super) fn new() -> Self {
        Self::with(journal)
    }

    pub(super) fn with(journal: impl FnOnce(&Path, Options) -> Journal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicU64::new(NOON));
        let options = Options {
            clock: Clock::Manual(Arc::clone(&now_ms)),
            ..Options::default()
        };
        let (certificate, trusted) = certificate();
        Self {
            journal: journal(folder.path(), options),
            day_keys: Arc::new(DayKeys::open(folder.path().join("days")).unwrap()),
            now_ms,
            issuer: Issuer::from_seed(&[1; 32]).unwrap(),
            certificate,
            trusted,
            folder,
        }
    }

    pub(super) fn config(&self) -> RelayConfig {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let keys = self.folder.path().join("relay");
        RelayConfig::new(any_port, keys, self.certificate.clone())
    }

    pub(super) fn parts(&self) -> Parts {
        Parts {
            journal: self.journal.clone(),
            authority: self.issuer.authority(),
            day_keys: Arc::clone(&self.day_keys),
            clock: Clock::Manual(Arc::clone(&self.now_ms)),
        }
    }

    pub(super) fn relay(&self) -> RelayHandle {
        self.relay_with(self.config())
    }

    pub(super) fn relay_with(&self, config: RelayConfig) -> RelayHandle {
        Relay::start(config, self.parts(), &mut Registry::default()).unwrap()
    }

    pub(super) fn now(&self) -> UnixMillis {
        UnixMillis::new(i64::try_from(self.now_ms.load(Ordering::SeqCst)).unwrap())
    }

    pub(super) fn token(&self, device: u8) -> Bytes {
        token(&self.issuer, device, self.now().as_i64() + 60_000)
    }

    /// One TLS configuration for all its connections, as rustls resumes only under the very same. X25519 alone, so
    /// that the first flight is one datagram.
    pub(super) fn client(&self) -> ClientConfig {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        provider.kx_groups = vec![rustls::crypto::aws_lc_rs::kx_group::X25519];
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        tls.enable_early_data = true;
        let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
        config.token_store(Arc::new(quinn::NoneTokenStore));
        config
    }

    /// The entries of a log with their bodies, once there are so many.
    pub(super) async fn entries(&self, log: LogName, count: usize) -> Vec<(ReportHeader, Vec<u8>)> {
        let mut tail = self.journal.tail(log, Offset::ZERO);
        let mut found = Vec::new();
        while found.len() < count {
            let Tailed::Entries { entries, .. } = soon(tail.next()).await.unwrap() else {
                panic!("the log has a gap");
            };
            found.extend(entries.iter().map(|entry| self.open(entry)));
        }
        found
    }

    fn open(&self, entry: &Bytes) -> (ReportHeader, Vec<u8>) {
        let entry = Entry::decode(entry).unwrap();
        let Subject::Report(report) = entry.header.subject else {
            panic!("{:?}", entry.header);
        };
        let day = journal::Day(entry.header.day.0);
        let body = journal::open(
            &self.day_keys.get(day).unwrap().unwrap(),
            &report.device.to_bytes(),
            report.alert.as_bytes(),
            &entry.header_bytes,
            &entry.sealed,
        );
        (report, body.unwrap())
    }
}

pub(super) fn token(issuer: &Issuer, device: u8, expires_ms: i64) -> Bytes {
    let claims = Claims {
        device: [device; 16],
        person: PersonRef([2; 16]),
        issued_at: UnixMillis::new(0),
        expires_at: UnixMillis::new(expires_ms),
        drill: false,
    };
    issuer.issue(&claims).unwrap().into()
}

pub(super) fn alert(n: u8) -> AlertId {
    AlertId::from_bytes([n; 16])
}

pub(super) fn device() -> DeviceId {
    DeviceId::Install(InstallKey([0x22; 16]))
}

pub(super) fn frame(n: u8, number: u64, content: Content, token: Bytes) -> Vec<u8> {
    encode_frame(&Frame {
        report: Report {
            alert: alert(n),
            number: ReportNumber(number),
            sent_at: None,
            install_key: Some(InstallKey([0x22; 16])),
            content,
        },
        token,
    })
}

pub(super) fn raise(n: u8, number: u64) -> Vec<u8> {
    frame(n, number, Content::Raise(Raise::default()), Bytes::new())
}

pub(super) fn text(n: u8, number: u64) -> Vec<u8> {
    frame(n, number, Content::Text("문 뒤".to_owned()), Bytes::new())
}

pub(super) fn cancel(n: u8, number: u64) -> Vec<u8> {
    frame(n, number, Content::Cancel(vec![7; 64]), Bytes::new())
}

pub(super) fn position(n: u8, number: u64) -> Bytes {
    let nowhere = Content::Position(Err(Unusable::NullIsland));
    frame(n, number, nowhere, Bytes::new()).into()
}

pub(super) fn socket() -> Endpoint {
    Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

/// A phone with its one stream.
pub(super) struct Phone {
    pub(super) connection: Connection,
    pub(super) sending: SendStream,
    receiving: RecvStream,
    deframer: Deframer,
}

impl Phone {
    pub(super) async fn connect(client: &ClientConfig, relay: SocketAddr) -> Self {
        Self::connect_from(&socket(), client, relay).await
    }

    pub(super) async fn connect_from(
        socket: &Endpoint,
        client: &ClientConfig,
        relay: SocketAddr,
    ) -> Self {
        let connecting = socket.connect_with(client.clone(), relay, "localhost");
        Self::on(soon(connecting.unwrap()).await.unwrap()).await
    }

    pub(super) async fn on(connection: Connection) -> Self {
        let (sending, receiving) = soon(connection.open_bi()).await.unwrap();
        Self {
            connection,
            sending,
            receiving,
            deframer: Deframer::default(),
        }
    }

    pub(super) async fn say(&mut self, frame: &[u8]) {
        soon(self.sending.write_all(&delimit(frame))).await.unwrap();
    }

    pub(super) async fn hear(&mut self) -> RelayFrame {
        loop {
            if let Some(frame) = self.deframer.next_frame().unwrap() {
                return decode_relay_frame(&frame).unwrap();
            }
            let chunk = soon(self.receiving.read_chunk(4_096, true)).await.unwrap();
            self.deframer.push(&chunk.expect("the relay goes on").bytes);
        }
    }

    /// The next word that is no status.
    async fn hear_answer(&mut self) -> RelayFrame {
        loop {
            match self.hear().await {
                RelayFrame::Status(_) => {}
                other => return other,
            }
        }
    }

    pub(super) async fn hear_receipt(&mut self) -> Receipt {
        match self.hear_answer().await {
            RelayFrame::Receipt(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn hear_refusal(&mut self) -> Refusal {
        match self.hear_answer().await {
            RelayFrame::Refusal(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn hear_status(&mut self) -> Status {
        loop {
            match self.hear().await {
                RelayFrame::Status(status) => return status,
                RelayFrame::Receipt(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message. A status may overtake the receipt: both follow from the same commit.
    pub(super) async fn hear_message(&mut self) -> Message {
        loop {
            match self.hear().await {
                RelayFrame::Message(message) => return message,
                RelayFrame::Status(_) | RelayFrame::Receipt(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Waits for a session ticket: the next connection can begin with data.
    pub(super) async fn raise_and_leave(mut self, n: u8) {
        self.say(&raise(n, 1)).await;
        self.hear_receipt().await;
        self.connection.close(0_u32.into(), b"");
    }
}

/// The code with which the relay closed.
pub(super) async fn closed(connection: &Connection) -> CloseCode {
    match soon(connection.closed()).await {
        ConnectionError::ApplicationClosed(close) => {
            let is_code =
                |code: &CloseCode| u64::from(code.code()) == close.error_code.into_inner();
            CloseCode::ALL.into_iter().find(is_code).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

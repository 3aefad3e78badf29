//! Phones that speak raw QUIC: the same for the relay and for bare quinn, to which a raise is just
//! some bytes.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use protocol::token::{Claims, Issuer, PersonRef};
use protocol::wire::{Frame, delimit, encode_frame};
use protocol::{
    AlertId, Content, InstallKey, LatLon, Position, RadiusMetres, Raise, Report, ReportNumber,
    UnixMillis,
};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream, TransportConfig, VarInt};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The name of the protocol in the handshake.
pub(crate) const ALPN: &[u8] = relay::io::tls::ALPN;

/// Signs the tokens of all phones.
pub(crate) const ISSUER_SEED: [u8; 32] = [1; 32];

/// The same in PEM, for servers that are not ours.
pub(crate) const CERTIFICATE_PEM: &str = "certificate.pem";
pub(crate) const KEY_PEM: &str = "key.pem";

const CERTIFICATE_FILE: &str = "certificate.der";
const KEY_FILE: &str = "key.der";

/// What a server shows: ECDSA on P-256, self-signed.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Makes one and leaves it in the folder.
    pub(crate) fn create(folder: &Path) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join(CERTIFICATE_FILE), made.cert.der()).unwrap();
        std::fs::write(folder.join(KEY_FILE), made.signing_key.serialize_der()).unwrap();
        std::fs::write(folder.join(CERTIFICATE_PEM), made.cert.pem()).unwrap();
        std::fs::write(folder.join(KEY_PEM), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    pub(crate) fn read(folder: &Path) -> Self {
        let read = |name| std::fs::read(folder.join(name)).unwrap();
        Self {
            certificate: read(CERTIFICATE_FILE).into(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(read(KEY_FILE))),
        }
    }

    /// TLS 1.3 of a server that speaks one protocol.
    pub(crate) fn server(self, protocol: &[u8]) -> rustls::ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], self.key)
            .unwrap();
        tls.alpn_protocols = vec![protocol.to_vec()];
        tls
    }
}

/// Phones, and the sockets that they share.
pub(crate) struct Phones {
    endpoints: Vec<Endpoint>,
    config: ClientConfig,
    issuer: Issuer,
    next: AtomicU64,
}

/// A phone that is connected.
pub(crate) struct Phone {
    pub(crate) connection: Connection,
    number: u64,
    token: Bytes,
    streams: Option<(SendStream, RecvStream)>,
}

impl Phones {
    pub(crate) fn new(trusted: CertificateDer<'static>, sockets: usize) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let socket = |_| Endpoint::client(any).unwrap();
        Self {
            endpoints: (0..sockets).map(socket).collect(),
            config: config(trusted),
            issuer: Issuer::from_seed(&ISSUER_SEED).unwrap(),
            next: AtomicU64::new(1),
        }
    }

    /// One that nobody has seen before: a full handshake.
    pub(crate) async fn connect(&self, server: SocketAddr) -> Phone {
        self.try_connect(server).await.unwrap()
    }

    /// As [`Phones::connect`]; `None` when the server sends it away or does not answer.
    pub(crate) async fn try_connect(&self, server: SocketAddr) -> Option<Phone> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let endpoint = &self.endpoints[number as usize % self.endpoints.len()];
        let connecting = endpoint.connect_with(self.config.clone(), server, "localhost");
        Some(Phone {
            connection: connecting.unwrap().await.ok()?,
            number,
            token: token(&self.issuer, number),
            streams: None,
        })
    }

    /// What one that nobody has seen before raises, for doors that are not QUIC's.
    pub(crate) fn next_raise(&self) -> Vec<u8> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        frame(number, &token(&self.issuer, number), 1, raise())
    }

    /// Where one says that it is, for such doors.
    pub(crate) fn position(number: u64) -> Vec<u8> {
        frame(
            1,
            &Bytes::new(),
            number,
            Content::Position(Ok(place(number))),
        )
    }

    /// Until the last connection is forgotten.
    pub(crate) async fn idle(&self) {
        for endpoint in &self.endpoints {
            endpoint.wait_idle().await;
        }
    }
}

impl Phone {
    /// Raises, and waits for the first word of the answer: the receipt, or the raise itself.
    pub(crate) async fn raise(&mut self) {
        let answered = self.try_raise().await;
        answered.expect("the server has said nothing");
    }

    /// As [`Phone::raise`]; `None` when the connection is lost.
    pub(crate) async fn try_raise(&mut self) -> Option<()> {
        let frame = self.frame(1, raise());
        let (mut sending, mut receiving) = self.connection.open_bi().await.ok()?;
        sending.write_all(&delimit(&frame)).await.ok()?;
        receiving.read_chunk(usize::MAX, true).await.ok()??;
        self.streams = Some((sending, receiving));
        Some(())
    }

    /// Says where it is; `number` is above one and grows.
    pub(crate) fn send_position(&self, number: u64) {
        let frame = self.frame(number, Content::Position(Ok(place(number))));
        self.connection.send_datagram(frame.into()).unwrap();
    }

    pub(crate) fn close(self) {
        self.connection.close(VarInt::from_u32(0), b"");
    }

    fn frame(&self, number: u64, content: Content) -> Vec<u8> {
        frame(self.number, &self.token, number, content)
    }
}

/// What a phone says; the token comes with the first frame.
fn frame(phone: u64, token: &Bytes, number: u64, content: Content) -> Vec<u8> {
    let mut alert = [0x11; 16];
    alert[8..].copy_from_slice(&phone.to_be_bytes());
    let token = if number == 1 {
        token.clone()
    } else {
        Bytes::new()
    };
    encode_frame(&Frame {
        report: Report {
            alert: AlertId::from_bytes(alert),
            number: ReportNumber(number),
            sent_at: Some(UnixMillis::new(1_795_219_200_000)),
            install_key: (number == 1).then_some(InstallKey([0x22; 16])),
            content,
        },
        token,
    })
}

fn raise() -> Content {
    Content::Raise(Raise {
        fix: Some(Ok(place(0))),
        ..Raise::default()
    })
}

/// Somewhere in Seoul, a little further with each step.
fn place(step: u64) -> Position {
    let at = LatLon::from_e7(375_665_000 + (step % 1_000) as i32 * 90, 1_269_780_000).unwrap();
    Position {
        radius: Some(RadiusMetres::new(12.0).unwrap()),
        fix_at: Some(UnixMillis::new(1_795_219_200_000)),
        ..Position::at(at)
    }
}

fn token(issuer: &Issuer, phone: u64) -> Bytes {
    let mut device = [0x50; 16];
    device[..8].copy_from_slice(&phone.to_be_bytes());
    let claims = Claims {
        device,
        person: PersonRef([2; 16]),
        issued_at: UnixMillis::new(0),
        expires_at: UnixMillis::new(i64::MAX / 2),
        drill: false,
    };
    issuer.issue(&claims).unwrap().into()
}

/// The groups and ciphers of the client, and no resumption.
pub(crate) fn tls(trusted: CertificateDer<'static>) -> rustls::ClientConfig {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![
        aws_lc_rs::kx_group::X25519,
        aws_lc_rs::kx_group::X25519MLKEM768,
    ];
    provider.cipher_suites = vec![
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
    ];
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted).unwrap();
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.resumption = Resumption::disabled();
    tls
}

fn config(trusted: CertificateDer<'static>) -> ClientConfig {
    let mut tls = tls(trusted);
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .mtu_discovery_config(None);
    config.transport_config(Arc::new(transport));
    config.token_store(Arc::new(quinn::NoneTokenStore));
    config
}

//! The socket, shared by as many phones as one likes, and what all of them trust and ask for.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{TokenMemoryCache, TransportConfig, VarInt};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::tickets::TicketStore;

/// The application protocol that phone and relay agree on (RFC 7301).
pub const ALPN: &[u8] = b"ansim/1";

/// Frames of the relay are small, and there is one stream.
const STREAM_WINDOW_BYTES: u32 = 16 * 1024;
/// Of the whole connection.
const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024;
/// Unsent bytes of the stream: an outbox of texts is below this.
const SEND_WINDOW_BYTES: u64 = 64 * 1024;
/// Unsent positions; beyond, the oldest go.
const DATAGRAM_BUFFER_BYTES: usize = 16 * 1024;
/// Handshake bytes out of order: a certificate chain is a quarter of it.
const CRYPTO_BUFFER_BYTES: usize = 16 * 1024;
/// A phone is connected only while an alert is open (or for the seconds of a ready check); a silent
/// path has to be noticed, and networks forget a flow after 30 s.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Three keep-alives lost in a row, and the path is gone.
const IDLE_TIMEOUT_MS: u32 = 35_000;
/// Address tokens of one relay (RFC 9000, section 8.1.3). Each saves a round trip once.
const ADDRESS_TOKENS: usize = 2;
/// Relays whose address tokens are kept.
const ADDRESS_TOKEN_RELAYS: u32 = 8;
/// Sites whose authorities one endpoint remembers; a phone has one, a simulator few.
const MAX_AUTHORITIES: usize = 16;

/// How to open the socket.
#[derive(Clone, Debug)]
pub struct EndpointOptions {
    /// Where to bind; without it any port of both address families, or of IPv4 alone where there is
    /// no IPv6.
    pub local: Option<SocketAddr>,
    /// Several packets per system call. Some virtual networks say that they can and lose them.
    pub segmentation_offload: bool,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            local: None,
            segmentation_offload: true,
        }
    }
}

/// An enrolment that no connection can be made with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadEnrolment {
    /// No relay.
    #[error("the enrolment names no relay; issue it again with --relay")]
    NoRelay,
    /// No certificate, or one that cannot be an authority.
    #[error("the enrolment's authority_pem holds no usable certificate: {0}")]
    Authority(String),
}

/// One socket for many phones. All share verifier and settings, each has its own tickets.
pub struct Endpoint {
    quic: quinn::Endpoint,
    transport: Arc<TransportConfig>,
    /// By their PEM. One configuration per authority, since rustls resumes only sessions whose
    /// verifier is the very same.
    authorities: Mutex<BTreeMap<String, rustls::ClientConfig>>,
}

impl Endpoint {
    /// Opens the socket. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the socket cannot be opened.
    pub fn bind(options: &EndpointOptions) -> io::Result<Arc<Self>> {
        warm_up();
        let any_v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);
        let quic = match options.local {
            Some(local) => quinn::Endpoint::client(local)?,
            None => quinn::Endpoint::client(any_v6).or_else(|_| {
                quinn::Endpoint::client(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0))
            })?,
        };
        Ok(Arc::new(Self::of(quic, options)))
    }

    /// Over a socket of the caller's, such as one that needs what this machine's network does not: an
    /// Android kernel without ECN, a network that loses packets on purpose. `options.local` is not looked at.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn over(
        socket: Arc<dyn quinn::AsyncUdpSocket>,
        options: &EndpointOptions,
    ) -> io::Result<Arc<Self>> {
        warm_up();
        let quic = quinn::Endpoint::new_with_abstract_socket(
            quinn::EndpointConfig::default(),
            None,
            socket,
            Arc::new(quinn::TokioRuntime),
        )?;
        Ok(Arc::new(Self::of(quic, options)))
    }

    fn of(quic: quinn::Endpoint, options: &EndpointOptions) -> Self {
        Self {
            quic,
            transport: Arc::new(transport(options)),
            authorities: Mutex::default(),
        }
    }

    /// Where the socket is bound.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.quic.local_addr()
    }

    /// Goes on with another socket on another port, as when a phone changes its network. The
    /// connections of all phones of this endpoint migrate (RFC 9000, section 9).
    ///
    /// # Errors
    /// When no socket can be opened.
    pub fn rebind(&self) -> io::Result<SocketAddr> {
        let ip = self.quic.local_addr()?.ip();
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0))?;
        let local = socket.local_addr()?;
        self.quic.rebind(socket)?;
        Ok(local)
    }

    /// Waits until the relays have been told of all closed connections.
    pub async fn wait_idle(&self) {
        self.quic.wait_idle().await;
    }

    pub(crate) fn quic(&self) -> &quinn::Endpoint {
        &self.quic
    }

    /// A phone's own configuration: shared trust, own tickets and address tokens.
    pub(crate) fn phone_config(
        &self,
        authority_pem: &str,
        tickets: Arc<TicketStore>,
    ) -> Result<quinn::ClientConfig, BadEnrolment> {
        let mut tls = self.trust(authority_pem)?;
        tls.resumption = Resumption::store(tickets);
        let crypto = QuicClientConfig::try_from(tls)
            .map_err(|error| BadEnrolment::Authority(error.to_string()))?;
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(self.transport.clone());
        let tokens = TokenMemoryCache::new(ADDRESS_TOKEN_RELAYS, ADDRESS_TOKENS);
        config.token_store(Arc::new(tokens));
        Ok(config)
    }

    fn trust(&self, authority_pem: &str) -> Result<rustls::ClientConfig, BadEnrolment> {
        let mut known = self
            .authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = known.get(authority_pem) {
            return Ok(config.clone());
        }
        let config = client_config(authority_pem)?;
        if known.len() >= MAX_AUTHORITIES {
            known.pop_first();
        }
        known.insert(authority_pem.to_owned(), config.clone());
        Ok(config)
    }
}

/// AWS-LC gathers entropy at the first use of a process, which takes 40 ms on a small machine: now
/// and not between a press and its first packet.
fn warm_up() {
    let random = aws_lc_rs::default_provider().secure_random;
    // Whether it works is the handshake's question.
    let _ = random.fill(&mut [0; 1]);
}

/// Says whether phones could trust what this PEM holds.
///
/// # Errors
/// [`BadEnrolment::Authority`].
pub fn check_authority(authority_pem: &str) -> Result<(), BadEnrolment> {
    client_config(authority_pem).map(drop)
}

/// TLS 1.3, one authority, X25519 first: with it a raise in 0-RTT fits into one datagram. The
/// hybrid group is offered behind it.
fn client_config(authority_pem: &str) -> Result<rustls::ClientConfig, BadEnrolment> {
    let bad = |why: String| BadEnrolment::Authority(why);
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("it is empty".to_owned()));
    }
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![
        aws_lc_rs::kx_group::X25519,
        aws_lc_rs::kx_group::X25519MLKEM768,
    ];
    // A relay takes the phone's first choice. SHA-256 has instructions of its own on servers and on
    // phones, and the key schedule of a handshake is many small hashes.
    provider.cipher_suites = vec![
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
    ];
    let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_early_data = true;
    Ok(config)
}

fn transport(options: &EndpointOptions) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        // The relay opens no stream; it answers on the phone's.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .crypto_buffer_size(CRYPTO_BUFFER_BYTES)
        // Without a receive buffer quinn sends none either.
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_BUFFER_BYTES)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_TIMEOUT_MS).into()))
        .enable_segmentation_offload(options.segmentation_offload);
    transport
}

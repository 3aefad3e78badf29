//! TLS of the QUIC door: 1.3 only, our protocol's name, early data, and a certificate that can be swapped.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use quinn::crypto::rustls::QuicServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::session_store::SessionStore;
use crate::limits::TLS_TICKETS_SENT;

/// The name of the protocol in the handshake (ALPN, RFC 7301).
pub const ALPN: &[u8] = b"ansim/1";

/// A certificate chain and its key, known to belong together.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<CertifiedKey>);

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The file is no PEM, or has none of what it should hold.
    #[error("the {what} is not readable as PEM: {source}")]
    Pem {
        /// Certificate chain or private key.
        what: &'static str,
        /// What the reader says.
        source: rustls::pki_types::pem::Error,
    },
    /// Chain and key do not belong together, or the key is of a kind that nobody can use.
    #[error("certificate and private key cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Certificate {
    /// Takes a chain (the relay's own certificate first) and its private key.
    ///
    /// # Errors
    /// [`CertificateError::Unusable`].
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, CertificateError> {
        let certified = CertifiedKey::from_der(chain, key, &provider())?;
        Ok(Self(Arc::new(certified)))
    }

    /// Reads chain and key from PEM.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let pem = |what| move |source| CertificateError::Pem { what, source };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(pem("certificate chain"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(pem("private key"))?;
        Self::new(chain, key)
    }
}

/// The certificate in use, to be swapped while connections and their resumption live on.
#[derive(Clone)]
pub struct CertificateSwitch(Arc<RwLock<Certificate>>);

impl CertificateSwitch {
    pub(crate) fn new(certificate: Certificate) -> Self {
        Self(Arc::new(RwLock::new(certificate)))
    }

    /// Every handshake from now on gets this certificate.
    pub fn swap(&self, certificate: Certificate) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }

    fn current(&self) -> Arc<CertifiedKey> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.0)
    }
}

impl fmt::Debug for CertificateSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateSwitch")
    }
}

impl ResolvesServerCert for CertificateSwitch {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

/// AWS-LC with the hybrid post-quantum group offered first; a phone that sends a share of X25519 gets X25519.
pub(crate) fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// The server's side of every handshake.
///
/// # Errors
/// When the provider cannot speak TLS 1.3 over QUIC.
pub(crate) fn server_crypto(
    certificate: &CertificateSwitch,
    sessions: Arc<SessionStore>,
) -> Result<QuicServerConfig, rustls::Error> {
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate.clone()));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // RFC 9001, section 4.6.1: the only value besides 0 that QUIC allows. What may travel early is the session's
    // rule; a ticketer would switch early data off without a word.
    config.max_early_data_size = u32::MAX;
    config.session_storage = sessions;
    config.send_tls13_tickets = TLS_TICKETS_SENT;
    QuicServerConfig::try_from(Arc::new(config))
        .map_err(|error| rustls::Error::General(error.to_string()))
}

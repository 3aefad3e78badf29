//! What every QUIC server pays: quinn with the relay's transport settings and certificate, TLS by
//! rustls with its own store of sessions, and nothing else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Endpoint, EndpointConfig, IdleTimeout, Incoming, ServerConfig, TokioRuntime, TransportConfig,
    VarInt,
};
use relay::limits;

use crate::phones::{ALPN, Identity};

pub(crate) struct BareServer {
    endpoint: Endpoint,
    datagrams: Arc<AtomicU64>,
}

impl BareServer {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut tls = Identity::read(folder).server(ALPN);
        tls.max_early_data_size = u32::MAX;
        let crypto = Arc::new(QuicServerConfig::try_from(tls).unwrap());
        let mut config = ServerConfig::with_crypto(crypto);
        config.transport_config(Arc::new(transport()));
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
        let _ = socket.set_recv_buffer_size(limits::SOCKET_RECEIVE_BUFFER_BYTES);
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        let endpoint = Endpoint::new(
            EndpointConfig::default(),
            Some(config),
            socket.into(),
            Arc::new(TokioRuntime),
        );
        let server = Self {
            endpoint: endpoint.unwrap(),
            datagrams: Arc::default(),
        };
        let (endpoint, datagrams) = (server.endpoint.clone(), Arc::clone(&server.datagrams));
        tokio::spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(attend(incoming, Arc::clone(&datagrams)));
            }
        });
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.endpoint.local_addr().unwrap()
    }

    pub(crate) fn positions(&self) -> u64 {
        self.datagrams.load(Ordering::Relaxed)
    }
}

/// One connection: an echo and a sink.
async fn attend(incoming: Incoming, datagrams: Arc<AtomicU64>) {
    let Ok(connection) = incoming.await else {
        return;
    };
    let echo = async {
        while let Ok((mut sending, mut receiving)) = connection.accept_bi().await {
            while let Ok(Some(chunk)) = receiving.read_chunk(usize::MAX, true).await {
                if sending.write_chunk(chunk.bytes).await.is_err() {
                    break;
                }
            }
        }
    };
    let sink = async {
        while connection.read_datagram().await.is_ok() {
            datagrams.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::join!(echo, sink);
}

/// As the relay's.
fn transport() -> TransportConfig {
    let idle_ms = u32::try_from(limits::TRANSPORT_IDLE.0).unwrap();
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(limits::BIDIRECTIONAL_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(limits::STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(limits::CONNECTION_WINDOW_BYTES))
        .send_window(limits::SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(Some(limits::DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(limits::DATAGRAM_BUFFER_BYTES)
        .crypto_buffer_size(limits::CRYPTO_BUFFER_BYTES)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle_ms))))
        .keep_alive_interval(None)
        .mtu_discovery_config(None);
    transport
}

//! The QUIC endpoint: transport settings and the socket.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::{
    BloomTokenLog, ConnectionIdGenerator, Endpoint, EndpointConfig, IdleTimeout, Runtime as _,
    ServerConfig, TokioRuntime, TransportConfig, ValidationTokenConfig, VarInt,
};
use quinn_proto::{ConnectionId, InvalidCid};

use super::hub::Hub;
use super::intake_socket::IntakeSocket;
use super::keys::Keys;
use super::rng;
use crate::connection_id::{CONNECTION_ID_BYTES, ConnectionIds, RANDOM_BYTES};
use crate::limits;

struct Generator(ConnectionIds);

impl ConnectionIdGenerator for Generator {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut random = [0; RANDOM_BYTES];
        rng::fill(&mut random);
        ConnectionId::new(&self.0.make(random))
    }

    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        if self.0.is_ours(id) {
            Ok(())
        } else {
            Err(InvalidCid)
        }
    }

    fn cid_len(&self) -> usize {
        CONNECTION_ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

fn endpoint_config(keys: &Keys) -> EndpointConfig {
    let mut config = EndpointConfig::new(Arc::clone(&keys.reset));
    let ids = keys.connection_ids.clone();
    config.cid_generator(move || Box::new(Generator(ids.clone())));
    config
}

pub(crate) fn server_config(
    crypto: Arc<dyn quinn::crypto::ServerConfig>,
    keys: &Keys,
    segmentation_offload: bool,
) -> ServerConfig {
    let mut tokens = ValidationTokenConfig::default();
    tokens
        .lifetime(limits::ADDRESS_TOKEN_LIFETIME.to_duration())
        .sent(limits::ADDRESS_TOKENS_SENT)
        .log(Arc::new(BloomTokenLog::new_expected_items(
            limits::ADDRESS_TOKEN_LOG_BYTES,
            limits::ADDRESS_TOKEN_LOG_USES,
        )));
    let mut config = ServerConfig::new(crypto, Arc::clone(&keys.address_token));
    config
        .transport_config(Arc::new(transport(segmentation_offload)))
        .validation_token_config(tokens)
        .retry_token_lifetime(limits::RETRY_TOKEN_LIFETIME.to_duration())
        .max_incoming(limits::INCOMING_MAX)
        .incoming_buffer_size(limits::INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(limits::INCOMING_BUFFER_TOTAL_BYTES);
    config
}

fn transport(segmentation_offload: bool) -> TransportConfig {
    let idle_ms = u32::try_from(limits::TRANSPORT_IDLE.0).unwrap_or(u32::MAX);
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
        // The phone keeps the connection alive while an alert is open; what the relay says fits the smallest packet,
        // so larger ones are not looked for.
        .keep_alive_interval(None)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(segmentation_offload);
    transport
}

/// Binds the socket and asks for a receive buffer that holds a burst; the system may grant less. Returns what it
/// granted, in bytes.
pub(crate) fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, usize)> {
    let domain = socket2::Domain::for_address(listen);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    if listen.is_ipv6() {
        // One socket for both families; where the system has none of it, IPv6 alone.
        let _ = socket.set_only_v6(false);
    }
    let _ = socket.set_recv_buffer_size(limits::SOCKET_RECEIVE_BUFFER_BYTES);
    socket.bind(&listen.into())?;
    let granted = socket.recv_buffer_size()?;
    Ok((socket.into(), granted))
}

/// Listens at a socket behind an intake, which is returned too.
pub(crate) fn listen(
    keys: &Keys,
    server: ServerConfig,
    socket: UdpSocket,
    hub: &Arc<Hub>,
) -> io::Result<(Endpoint, Arc<IntakeSocket>)> {
    let runtime = Arc::new(TokioRuntime);
    let socket = runtime.wrap_udp_socket(socket)?;
    let intake = IntakeSocket::new(socket, keys.connection_ids.clone(), Arc::clone(hub));
    let (config, intake) = (endpoint_config(keys), Arc::new(intake));
    let socket = Arc::clone(&intake);
    let endpoint = Endpoint::new_with_abstract_socket(config, Some(server), socket, runtime)?;
    Ok((endpoint, intake))
}

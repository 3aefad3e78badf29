//! One QUIC connection: opening it, and what happens on it next.

use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use protocol::RelayAddress;
use protocol::wire::delimit;
use quinn::{Connection, ConnectionError, RecvStream, SendStream, VarInt, ZeroRttAccepted};
use tokio::time::{Instant, timeout_at};

use crate::{Lost, Transmit};

/// Unwritten bytes of the stream before no more frames are taken from the outbox.
const MAX_UNWRITTEN_BYTES: usize = 16 * 1024;

/// Bytes taken from the stream at a time.
const READ_BYTES: usize = 4 * 1024;

/// QUIC's code for a server that takes no connections (RFC 9000, section 20.1).
const CONNECTION_REFUSED: u64 = 2;

/// Between the end of the relay's half and its close: a round trip of a slow link.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

type Opening = Pin<Box<dyn Future<Output = Result<Open, Lost>> + Send>>;

/// At most one connection.
pub(crate) enum Wire {
    None,
    Opening(Opening),
    Open(Box<Open>),
}

/// What has happened.
pub(crate) enum WireEvent {
    /// The stream is open. `early`: the handshake is still running, and 0-RTT data may be sent.
    Opened {
        early: bool,
    },
    /// The handshake of an early connection has completed, with the early data taken.
    EarlyAccepted,
    Read(Bytes),
    Written,
    Lost(Lost),
}

impl Wire {
    pub(crate) fn open(
        endpoint: quinn::Endpoint,
        config: quinn::ClientConfig,
        relay: RelayAddress,
        early: bool,
    ) -> Self {
        Self::Opening(Box::pin(connect(endpoint, config, relay, early)))
    }

    pub(crate) fn close(&mut self, code: u64) {
        if let Self::Open(open) = self {
            let code = VarInt::from_u64(code).unwrap_or_default();
            open.connection.close(code, b"");
        }
        *self = Self::None;
    }

    /// The next event; can be dropped at any time without losing one.
    pub(crate) async fn next(&mut self, read: bool) -> WireEvent {
        let event = match self {
            Self::None => pending().await,
            Self::Opening(opening) => match opening.await {
                Ok(open) => {
                    let early = open.accepted.is_some();
                    *self = Self::Open(Box::new(open));
                    WireEvent::Opened { early }
                }
                Err(lost) => WireEvent::Lost(lost),
            },
            Self::Open(open) => match open.next(read).await {
                OpenEvent::Ready(event) => event,
                OpenEvent::Rejected => {
                    let connection = open.connection.clone();
                    *self = Self::Opening(Box::pin(open_stream(connection, None)));
                    return Box::pin(self.next(read)).await;
                }
            },
        };
        if let WireEvent::Lost(_) = event {
            *self = Self::None;
        }
        event
    }

    /// Whether another frame may be handed over.
    pub(crate) fn takes_more(&self) -> bool {
        matches!(self, Self::Open(open) if open.unwritten.len() < MAX_UNWRITTEN_BYTES)
    }

    pub(crate) fn send(&mut self, transmit: Transmit) {
        let Self::Open(open) = self else { return };
        match transmit {
            Transmit::Stream(bytes) => open.unwritten.extend_from_slice(&bytes),
            Transmit::Datagram(frame) => {
                let frame = Bytes::from(frame);
                if open.connection.send_datagram(frame.clone()).is_err() {
                    open.unwritten.extend_from_slice(&delimit(&frame));
                }
            }
        }
    }
}

pub(crate) struct Open {
    connection: Connection,
    send: SendStream,
    receive: RecvStream,
    /// Until the handshake has completed.
    accepted: Option<ZeroRttAccepted>,
    unwritten: BytesMut,
    /// Set when the relay has ended its half: by then it says why, however often it is asked.
    close_by: Option<Instant>,
}

enum OpenEvent {
    Ready(WireEvent),
    /// The relay did not take the early data: the connection stands, its stream does not.
    Rejected,
}

impl Open {
    async fn next(&mut self, read: bool) -> OpenEvent {
        let unwritten = !self.unwritten.is_empty();
        let handshake = self.accepted.is_some();
        tokio::select! {
            biased;
            accepted = completed(&mut self.accepted), if handshake => {
                self.accepted = None;
                if accepted {
                    OpenEvent::Ready(WireEvent::EarlyAccepted)
                } else {
                    OpenEvent::Rejected
                }
            }
            chunk = self.receive.read_chunk(READ_BYTES, true), if read && !handshake => {
                OpenEvent::Ready(match chunk {
                    Ok(Some(chunk)) => WireEvent::Read(chunk.bytes),
                    Ok(None) => {
                        let by = self.close_by.get_or_insert_with(|| Instant::now() + CLOSE_WITHIN);
                        WireEvent::Lost(why_it_ended(&self.connection, *by).await)
                    }
                    Err(error) => WireEvent::Lost(read_lost(error)),
                })
            }
            written = self.send.write(&self.unwritten), if unwritten => {
                OpenEvent::Ready(match written {
                    Ok(bytes) => {
                        self.unwritten.advance(bytes);
                        WireEvent::Written
                    }
                    Err(quinn::WriteError::ConnectionLost(error)) => {
                        WireEvent::Lost(lost(&error))
                    }
                    Err(_) => WireEvent::Lost(Lost::Broken),
                })
            }
            reason = self.connection.closed() => {
                OpenEvent::Ready(WireEvent::Lost(lost(&reason)))
            }
        }
    }
}

async fn completed(accepted: &mut Option<ZeroRttAccepted>) -> bool {
    match accepted {
        Some(accepted) => accepted.await,
        None => pending().await,
    }
}

async fn connect(
    endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
    relay: RelayAddress,
    early: bool,
) -> Result<Open, Lost> {
    let address = resolve(&endpoint, &relay.address).await?;
    let connecting = endpoint
        .connect_with(config, address, &relay.server_name)
        .map_err(|_| Lost::Unreachable)?;
    let connecting = if early {
        match connecting.into_0rtt() {
            Ok((connection, accepted)) => return open_stream(connection, Some(accepted)).await,
            Err(connecting) => connecting,
        }
    } else {
        connecting
    };
    let connection = connecting.await.map_err(|error| match lost(&error) {
        Lost::Broken => Lost::Handshake,
        other => other,
    })?;
    open_stream(connection, None).await
}

/// Opening sends nothing: the relay sees the stream with its first frame.
async fn open_stream(
    connection: Connection,
    accepted: Option<ZeroRttAccepted>,
) -> Result<Open, Lost> {
    let (send, receive) = connection.open_bi().await.map_err(|error| lost(&error))?;
    Ok(Open {
        connection,
        send,
        receive,
        accepted,
        unwritten: BytesMut::new(),
        close_by: None,
    })
}

async fn resolve(endpoint: &quinn::Endpoint, address: &str) -> Result<SocketAddr, Lost> {
    if let Ok(address) = address.parse() {
        return Ok(address);
    }
    let local = endpoint.local_addr().map_err(|_| Lost::Unreachable)?;
    tokio::net::lookup_host(address)
        .await
        .map_err(|_| Lost::Unreachable)?
        .find(|found| local.is_ipv6() || found.is_ipv4())
        .ok_or(Lost::Unreachable)
}

fn read_lost(error: quinn::ReadError) -> Lost {
    match error {
        quinn::ReadError::ConnectionLost(error) => lost(&error),
        _ => Lost::Broken,
    }
}

/// A relay that ends its half says why a round trip later, when it closes; one that does not will not
/// receipt any more either.
async fn why_it_ended(connection: &Connection, by: Instant) -> Lost {
    match timeout_at(by, connection.closed()).await {
        Ok(error) => lost(&error),
        Err(_) => Lost::Broken,
    }
}

fn lost(error: &ConnectionError) -> Lost {
    match error {
        ConnectionError::ApplicationClosed(frame) => Lost::Closed {
            code: frame.error_code.into_inner(),
        },
        ConnectionError::ConnectionClosed(frame)
            if u64::from(frame.error_code) == CONNECTION_REFUSED =>
        {
            Lost::Unreachable
        }
        ConnectionError::Reset => Lost::Reset,
        ConnectionError::TimedOut => Lost::TimedOut,
        _ => Lost::Broken,
    }
}

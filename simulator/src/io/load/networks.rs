//! The sockets of all phones: good networks, and bad ones that lose packets.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use client::io::{Endpoint, EndpointOptions};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Runtime as _, TokioRuntime, UdpPoller};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use socket2::{Domain, Protocol, Socket, Type};

use super::host;
use crate::scenario::Scenario;

/// Sockets for phones: with a single one its receive queue would be a bottleneck that no site has, and
/// with one for each phone the kernel's tables would be.
pub const ENDPOINTS: usize = 8;

/// Sockets of bad networks, where a scenario has them.
const BAD_ENDPOINTS: usize = 2;

/// Of one socket, as far as the system allows: a phone has a socket of its own, and what thousands of them hear waits
/// in a single one here.
const RECEIVE_BUFFER_BYTES: usize = 16 << 20;

/// Where phones are connected.
pub(super) struct Networks {
    good: Vec<Arc<Endpoint>>,
    bad: Vec<Arc<Endpoint>>,
}

impl Networks {
    pub(super) fn of(scenario: &Scenario) -> io::Result<Self> {
        let options = EndpointOptions::default();
        let good = (0..ENDPOINTS).map(|_| Endpoint::over(open_socket()?, &options));
        let phones = &scenario.phones;
        let count = if phones.bad_network_share > 0.0 {
            BAD_ENDPOINTS
        } else {
            0
        };
        let seeds = (0..count as u64).map(|number| scenario.seed ^ (number + 1).rotate_left(48));
        let bad = seeds.map(|seed| {
            let socket = LossySocket::bind(phones.bad_network_loss, seed)?;
            Endpoint::over(socket, &options)
        });
        Ok(Self {
            good: good.collect::<Result<_, _>>()?,
            bad: bad.collect::<Result<_, _>>()?,
        })
    }

    /// The socket of this device: always the same one.
    pub(super) fn endpoint(&self, device: &[u8; 16], is_bad: bool) -> Arc<Endpoint> {
        let of = if is_bad && !self.bad.is_empty() {
            &self.bad
        } else {
            &self.good
        };
        Arc::clone(&of[usize::from(device[0]) % of.len()])
    }

    /// Packets that the kernel dropped because this process did not read them in time.
    pub(super) fn packets_dropped(&self) -> u64 {
        host::packets_dropped(&self.good) + host::packets_dropped(&self.bad)
    }
}

/// A socket for thousands of phones, for both address families or for IPv4 alone where there is no IPv6. The
/// system may grant a smaller buffer; what it drops is counted.
fn open_socket() -> io::Result<Arc<dyn AsyncUdpSocket>> {
    let of = |any: SocketAddr| {
        let socket = Socket::new(Domain::for_address(any), Type::DGRAM, Some(Protocol::UDP))?;
        if any.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
        socket.bind(&any.into())?;
        Ok(socket)
    };
    let any_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let socket = of(any_v6).or_else(|_: io::Error| of((Ipv4Addr::UNSPECIFIED, 0).into()))?;
    TokioRuntime.wrap_udp_socket(socket.into())
}

/// Loses packets both ways, each with the same probability.
struct LossySocket {
    inner: Arc<dyn AsyncUdpSocket>,
    loss: f64,
    rng: Mutex<ChaCha8Rng>,
}

impl LossySocket {
    fn bind(loss: f64, seed: u64) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        Ok(Arc::new(Self {
            inner: open_socket()?,
            loss,
            rng: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
        }))
    }

    fn loses(&self) -> bool {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        rng.random::<f64>() < self.loss
    }
}

impl fmt::Debug for LossySocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LossySocket")
            .field("loss", &self.loss)
            .finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for LossySocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if self.loses() {
            return Ok(());
        }
        self.inner.try_send(transmit)
    }

    /// A packet that is lost has no bytes; what the kernel has put together is lost together.
    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(self.inner.poll_recv(context, bufs, meta))?;
        for packet in &mut meta[..count] {
            if self.loses() {
                packet.len = 0;
            }
        }
        Poll::Ready(Ok(count))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// One packet at a time: each is lost by itself.
    fn max_transmit_segments(&self) -> usize {
        1
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

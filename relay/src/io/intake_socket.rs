//! The socket as QUIC sees it: packets come in rounds, the most important first (see [`crate::intake`]).

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use super::hub::Hub;
use crate::connection_id::ConnectionIds;
use crate::intake::{Intake, Packet};
use crate::limits::{READ_PACKETS_MAX, ROUND_PACKETS};

/// Reads in one system call at most: with what the kernel puts together, more than come in a round.
const READS_AT_ONCE: usize = 16;

/// Bytes of one read: as much as the kernel puts together (udp(7), `UDP_GRO`).
const READ_BYTES: usize = 1 << 16;

/// A socket with an [`Intake`] before it.
pub(crate) struct IntakeSocket {
    inner: Arc<dyn AsyncUdpSocket>,
    hub: Arc<Hub>,
    state: Mutex<State>,
}

struct State {
    intake: Intake<RecvMeta>,
    buffer: Box<[u8]>,
    /// What is left of the round that goes in.
    round: VecDeque<Packet<RecvMeta>>,
    /// A round has gone in, and everybody has a turn before the next one.
    rests: bool,
    /// Who waits for the next pulse.
    waker: Option<Waker>,
}

impl IntakeSocket {
    pub(crate) fn new(inner: Arc<dyn AsyncUdpSocket>, ids: ConnectionIds, hub: Arc<Hub>) -> Self {
        Self {
            inner,
            state: Mutex::new(State {
                intake: Intake::new(ids, hub.patience.waiting),
                buffer: vec![0; READS_AT_ONCE * READ_BYTES].into_boxed_slice(),
                round: VecDeque::with_capacity(ROUND_PACKETS),
                rests: false,
                waker: None,
            }),
            hub,
        }
    }

    /// Reads what has come. Returns whether that was all, and `context` is woken when more comes.
    fn read(&self, state: &mut State, context: &mut Context<'_>) -> io::Result<bool> {
        let State { intake, buffer, .. } = state;
        let mut metas = [RecvMeta::default(); READS_AT_ONCE];
        let mut parts = buffer.chunks_exact_mut(READ_BYTES);
        let mut bufs: [IoSliceMut<'_>; READS_AT_ONCE] =
            std::array::from_fn(|_| IoSliceMut::new(parts.next().unwrap_or_default()));
        let mut count = 0;
        while count < READ_PACKETS_MAX {
            let Poll::Ready(read) = self.inner.poll_recv(context, &mut bufs, &mut metas) else {
                return Ok(true);
            };
            let now = self.hub.tick();
            for (meta, buf) in metas.iter().zip(&bufs).take(read?) {
                for bytes in buf[..meta.len].chunks(meta.stride.max(1)) {
                    count += 1;
                    let (len, stride) = (bytes.len(), bytes.len());
                    let meta = RecvMeta {
                        len,
                        stride,
                        ..*meta
                    };
                    let bytes = bytes.to_vec();
                    intake.handle_packet(now, Packet { bytes, meta });
                }
            }
        }
        Ok(false)
    }

    /// A task that slept woke so late.
    pub(crate) fn handle_pulse(&self, late: Duration) {
        let mut state = self.lock();
        state.intake.handle_pulse(late);
        if state.intake.has_round()
            && let Some(waker) = state.waker.take()
        {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_left_out(&self, state: &mut State) {
        let left_out = state.intake.take_left_out();
        let metrics = &self.hub.metrics;
        metrics.attempts_left_out.inc_by(left_out.attempts);
        metrics
            .packets_left_out
            .inc_by(left_out.small + left_out.begun);
    }
}

impl AsyncUdpSocket for IntakeSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    /// One round, then nothing until the caller has been woken again: the tasks that wait have their turns meanwhile.
    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let state = &mut *self.lock();
        if state.round.is_empty() {
            let was_all = match self.read(state, context) {
                Ok(was_all) => was_all,
                Err(error) => return Poll::Ready(Err(error)),
            };
            if !std::mem::take(&mut state.rests) {
                state.round = state.intake.poll_round(self.hub.tick());
                self.count_left_out(state);
            }
            if state.round.is_empty() {
                if !was_all || state.intake.has_round() {
                    context.waker().wake_by_ref();
                } else {
                    state.waker = Some(context.waker().clone());
                }
                return Poll::Pending;
            }
        }
        let mut count = 0;
        for (buf, meta) in bufs.iter_mut().zip(metas) {
            let Some(packet) = state.round.pop_front() else {
                break;
            };
            // What is longer than QUIC has room for is cut, as the kernel would.
            let len = packet.bytes.len().min(buf.len());
            buf[..len].copy_from_slice(&packet.bytes[..len]);
            *meta = RecvMeta { len, ..packet.meta };
            count += 1;
        }
        state.rests = state.round.is_empty();
        Poll::Ready(Ok(count))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    /// What the kernel has put together is taken apart.
    fn max_receive_segments(&self) -> usize {
        1
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

impl fmt::Debug for IntakeSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntakeSocket")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

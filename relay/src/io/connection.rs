//! The loop of one connection: wait for input or the deadline, feed the session, drain it. Nothing here decides.

use std::future::{Future as _, pending};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use bytes::Bytes;
use protocol::Millis;
use quinn::{
    AcceptBi, Chunk, Connection, ReadDatagram, ReadError, RecvStream, SendStream, VarInt,
    WriteError, ZeroRttAccepted,
};
use tokio::sync::futures::Notified;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::acceptor::Handshaking;
use super::hub::Seat;
use super::mailbox::Stop;
use crate::close::CloseCode;
use crate::session::Session;

/// Bytes that are read from a stream at once: what its window holds.
const READ_BYTES_MAX: usize = crate::limits::STREAM_WINDOW_BYTES as usize;

/// What one wait brought.
enum Arrived {
    Mail,
    Stream((SendStream, RecvStream)),
    Bytes(Option<Chunk>),
    Datagram(Bytes),
    Written(usize),
    HandshakeEnded,
    Deadline,
    Lost,
}

/// One connection with what has been opened on it.
struct Shell<'a> {
    seat: &'a Seat,
    session: Session,
    connection: Connection,
    handshake: Option<(ZeroRttAccepted, Handshaking)>,
    writing: Option<SendStream>,
    reading: Option<RecvStream>,
    has_stream: bool,
}

/// What is waited for from one turn to the next. To wait anew each time would be to queue up and to leave the queue
/// again, several times for each position.
struct Waits<'a, 'pin> {
    mail: Pin<&'pin mut Notified<'a>>,
    stream: Pin<&'pin mut AcceptBi<'a>>,
    datagram: Pin<&'pin mut ReadDatagram<'a>>,
    timer: Pin<&'pin mut Sleep>,
    /// When the timer rings. It is set again only when an earlier deadline comes up or it has rung: most deadlines
    /// move away with every frame.
    armed: Millis,
}

/// Runs a connection to its end.
pub(crate) async fn run(
    seat: Seat,
    connection: Connection,
    accepted: ZeroRttAccepted,
    handshaking: Handshaking,
) {
    let mut shell = Shell {
        session: seat.session(),
        seat: &seat,
        connection,
        handshake: Some((accepted, handshaking)),
        writing: None,
        reading: None,
        has_stream: false,
    };
    let transport = shell.connection.clone();
    let mut waits = Waits {
        mail: pin!(seat.mailbox.arrived()),
        stream: pin!(transport.accept_bi()),
        datagram: pin!(transport.read_datagram()),
        timer: pin!(sleep_until(Instant::now())),
        armed: Millis(u64::MAX),
    };
    loop {
        if let Some(code) = shell.session.poll_close() {
            if code == CloseCode::ShuttingDown {
                shell.end_stream().await;
            }
            shell.close(code);
            break;
        }
        if let Some(due) = shell.session.next_deadline()
            && due < waits.armed
        {
            waits.armed = due;
            waits.timer.as_mut().reset(seat.hub.instant(due));
        }
        let arrived = waits.wait(&mut shell, &transport).await;
        if !shell.handle(arrived) {
            break;
        }
    }
}

impl<'a> Waits<'a, '_> {
    async fn wait(&mut self, shell: &mut Shell<'a>, transport: &'a Connection) -> Arrived {
        let has_room = shell.session.has_room();
        tokio::select! {
            biased;
            () = self.mail.as_mut() => {
                self.mail.set(shell.seat.mailbox.arrived());
                Arrived::Mail
            }
            () = ended(&mut shell.handshake) => Arrived::HandshakeEnded,
            written = write(&mut shell.writing, shell.session.poll_write()) => match written {
                Ok(bytes) => Arrived::Written(bytes),
                Err(WriteError::ConnectionLost(_)) => Arrived::Lost,
                // The phone wants no answers: they are dropped, its reports are taken.
                Err(_) => Arrived::Written(shell.session.poll_write().len()),
            },
            stream = self.stream.as_mut() => {
                self.stream.set(transport.accept_bi());
                stream.map_or(Arrived::Lost, Arrived::Stream)
            }
            read = read(&mut shell.reading), if has_room => match read {
                Ok(chunk) => Arrived::Bytes(chunk),
                Err(ReadError::ConnectionLost(_)) => Arrived::Lost,
                Err(_) => Arrived::Bytes(None),
            },
            datagram = self.datagram.as_mut(), if has_room => {
                self.datagram.set(transport.read_datagram());
                datagram.map_or(Arrived::Lost, Arrived::Datagram)
            }
            () = self.timer.as_mut(), if self.armed.0 < u64::MAX => {
                self.armed = Millis(u64::MAX);
                Arrived::Deadline
            }
        }
    }
}

impl Shell<'_> {
    /// False when the connection has ended.
    fn handle(&mut self, arrived: Arrived) -> bool {
        if matches!(arrived, Arrived::HandshakeEnded) || self.handshake_has_ended() {
            self.end_handshake();
        }
        let now = self.seat.hub.now();
        match arrived {
            Arrived::Mail => self.handle_mail(),
            Arrived::HandshakeEnded => {}
            Arrived::Stream(stream) => self.take_stream(stream),
            Arrived::Bytes(Some(chunk)) => self.session.handle_stream_bytes(now, &chunk.bytes),
            Arrived::Bytes(None) => {
                self.session.handle_stream_finished(now);
                self.reading = None;
            }
            Arrived::Datagram(bytes) => self.session.handle_datagram(now, bytes),
            Arrived::Written(bytes) => self.session.handle_written(now, bytes),
            Arrived::Deadline => self.session.handle_timeout(now),
            Arrived::Lost => return false,
        }
        self.seat.append(&mut self.session);
        for event in self.session.poll_events() {
            self.seat.hub.metrics.count(event);
        }
        true
    }

    fn handle_mail(&mut self) {
        let now = self.seat.hub.now();
        let mail = self.seat.mailbox.take();
        self.session.handle_committed(now, &mail.outcomes);
        self.session.handle_replicated(now, &mail.replicated);
        for word in &mail.words {
            self.session.handle_way_back(now, word);
        }
        if mail.overflow {
            self.session.handle_overflow();
        }
        match mail.stop {
            Some(Stop::ShuttingDown) => self.session.handle_shutdown(now),
            Some(Stop::NotDurable) => self.session.handle_not_durable(),
            None => {}
        }
    }

    /// What was read may have come before the handshake ended. quinn makes both visible under one lock, so if the
    /// handshake is not over now, the bytes came early.
    fn handshake_has_ended(&mut self) -> bool {
        self.handshake.as_mut().is_some_and(|(accepted, _)| {
            let mut context = Context::from_waker(Waker::noop());
            Pin::new(accepted).poll(&mut context).is_ready()
        })
    }

    /// quinn also calls it over when the connection was lost before.
    fn end_handshake(&mut self) {
        if self.handshake.take().is_some() && self.connection.close_reason().is_none() {
            self.seat.hub.metrics.handshakes.inc();
            let now = self.seat.hub.now();
            self.session.handle_handshake_completed(now);
        }
    }

    fn take_stream(&mut self, (writing, reading): (SendStream, RecvStream)) {
        if self.has_stream {
            self.session.handle_further_stream();
        } else {
            self.has_stream = true;
            self.writing = Some(writing);
            self.reading = Some(reading);
        }
    }

    /// Waits until the phone has all that it was told: a close sends nothing that was written before (RFC 9000,
    /// section 10.2).
    async fn end_stream(&mut self) {
        if let Some(stream) = &mut self.writing
            && stream.finish().is_ok()
        {
            let patience = self.seat.hub.patience.farewell.to_duration();
            // Who does not answer in time is closed all the same.
            let _ = timeout(patience, stream.stopped()).await;
        }
    }

    fn close(&self, code: CloseCode) {
        self.seat.hub.metrics.count_close(code);
        tracing::debug!(%code, "closing a connection");
        close(&self.connection, code);
    }
}

/// Closes with the words that belong to the code.
pub(crate) fn close(connection: &Connection, code: CloseCode) {
    connection.close(VarInt::from_u32(code.code()), code.words().as_bytes());
}

async fn ended(handshake: &mut Option<(ZeroRttAccepted, Handshaking)>) {
    match handshake {
        Some((accepted, _)) => drop(accepted.await),
        None => pending().await,
    }
}

async fn write(stream: &mut Option<SendStream>, bytes: &[u8]) -> Result<usize, WriteError> {
    match stream {
        Some(stream) if !bytes.is_empty() => stream.write(bytes).await,
        _ => pending().await,
    }
}

async fn read(stream: &mut Option<RecvStream>) -> Result<Option<Chunk>, ReadError> {
    match stream {
        Some(stream) => stream.read_chunk(READ_BYTES_MAX, true).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    fn size_of_future<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    /// quinn's own part of an idle connection is about 29 KiB, and all together may take 36.
    #[test]
    fn the_task_of_a_connection_is_small() {
        let bytes = size_of_future(super::run);
        assert!(bytes <= 3 * 1024, "{bytes} bytes");
    }
}

//! What leaves the phone, in which order and by which way.

use bytes::Bytes;
use protocol::limit::{MAX_DATAGRAM_FRAME_BYTES, MAX_FRAME_BYTES};
use protocol::wire::{Frame, delimit, encode_frame};
use protocol::{Content, Report};

use super::{Now, Phone};
use crate::outbox::{MAX_TRACK, take_track};

/// Bytes for the wire.
#[derive(Clone, PartialEq, Eq)]
pub enum Transmit {
    /// For the stream, with the length before the frame.
    Stream(Vec<u8>),
    /// For a datagram. If the connection carries none of this size, [`delimit`] it for the stream.
    Datagram(Vec<u8>),
}

impl Phone {
    /// The next bytes to send: raises, then what waits for a receipt, then positions. Until the
    /// handshake has completed there are only raises, and only if the connection has a ticket.
    pub fn poll_transmit(&mut self, now: Now) -> Option<Transmit> {
        let connected = self.link.is_connected();
        if !connected && !self.early {
            return None;
        }
        if let Some(kept) = self.outbox.next_unsent(!connected) {
            kept.sent = true;
            let report = Report {
                sent_at: Some(kept.sent_at(now.since_start, now.wall)),
                ..kept.report.clone()
            };
            let transmit = self.on_stream(report);
            if connected {
                self.expect_receipts(now.since_start);
            }
            return Some(transmit);
        }
        if connected {
            self.next_track(now)
        } else {
            None
        }
    }

    fn on_stream(&mut self, report: Report) -> Transmit {
        let token = if self.token_sent {
            Bytes::new()
        } else {
            self.config.token.clone()
        };
        self.token_sent = true;
        Transmit::Stream(delimit(&encode_frame(&Frame { report, token })))
    }

    fn next_track(&mut self, now: Now) -> Option<Transmit> {
        self.outbox.next_track()?;
        let number = self.numbers.take()?;
        let mut most = MAX_TRACK;
        loop {
            let alert = self.outbox.next_track()?;
            let (id, content) = (alert.id(), take_track(&mut alert.track, most)?);
            let is_position = matches!(content, Content::Position(_));
            let report = Report {
                alert: id,
                number,
                ..self.report(now, content)
            };
            let token = Bytes::new();
            let frame = Frame { report, token };
            let bytes = encode_frame(&frame);
            if is_position && bytes.len() <= MAX_DATAGRAM_FRAME_BYTES {
                return Some(Transmit::Datagram(bytes));
            }
            match frame.report.content {
                // Labels make it too long: in two parts.
                Content::Trail(fixes) if bytes.len() > MAX_FRAME_BYTES && fixes.len() > 1 => {
                    most = fixes.len() / 2;
                    let alert = self.outbox.next_track_of(id)?;
                    for position in fixes.into_iter().rev().flatten() {
                        alert.track.push_front(position);
                    }
                }
                _ => return Some(Transmit::Stream(delimit(&bytes))),
            }
        }
    }
}

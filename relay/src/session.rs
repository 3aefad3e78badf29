//! One connection of a phone as a state machine: bytes, commits and the log's words go in; appends, answers and a
//! close come out.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use protocol::limit::MAX_DATAGRAM_FRAME_BYTES;
use protocol::token::Authority;
use protocol::wire::{
    BrokenRule, Deframer, Message, Receipt, Refusal, RelayFrame, Status, decode_frame, delimit,
    encode_relay_frame,
};
use protocol::{
    AlertId, DeviceId, Header, Millis, Progress, ReportHeader, ReportKind, ReportNumber, Subject,
    UnixMillis, Verification,
};

use crate::admission::Admission;
use crate::append::{Append, Fate, Outcome, ReportKey};
use crate::close::CloseCode;
use crate::limits::{
    ALERTS_PER_SESSION_MAX, IN_FLIGHT_PER_SESSION_MAX, OUTPUT_HIGH_BYTES, OUTPUT_MAX_BYTES,
    Patience,
};
use crate::receipts::Grade;

/// The time, twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The site's clock, which stamps reports. It may jump.
    pub stamp: UnixMillis,
    /// Milliseconds since the relay's start, which deadlines are counted in. It never goes back.
    pub tick: Millis,
}

/// What the log says to a phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// Where an alert stands.
    Status(Status),
    /// An officer's words.
    Message(Message),
}

/// What happened in a session, to be counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A report was admitted.
    Report(ReportKind, Verification),
    /// A raise was admitted before the handshake had completed.
    EarlyRaise,
    /// A receipt was given.
    Receipt,
    /// A further receipt said that the report is on the replicas.
    ReceiptReplicated,
    /// A frame broke a rule.
    Refused(BrokenRule),
    /// A status was told.
    Status,
    /// A message was told.
    Message,
}

/// How a frame arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Stream,
    Datagram,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    patience: Patience,
    admission: Admission,
    deframer: Deframer,
    handshake_completed: bool,
    opened_at: Millis,
    /// When the phone last said something whole.
    heard_at: Millis,
    /// When the frame began that has not ended.
    frame_since: Option<Millis>,
    /// Since when the phone has taken nothing of what it is told.
    unread_since: Option<Millis>,
    /// When the shutdown began.
    farewell_since: Option<Millis>,
    open: BTreeSet<(AlertId, DeviceId)>,
    appends: VecDeque<Append>,
    in_flight: usize,
    output: BytesMut,
    events: Vec<Event>,
    close: Option<CloseCode>,
}

impl Session {
    /// A connection whose handshake has begun.
    #[must_use]
    pub fn new(authority: Arc<Authority>, patience: Patience, now: Now) -> Self {
        Self {
            patience,
            admission: Admission::new(authority),
            deframer: Deframer::default(),
            handshake_completed: false,
            opened_at: now.tick,
            heard_at: now.tick,
            frame_since: None,
            unread_since: None,
            farewell_since: None,
            open: BTreeSet::new(),
            appends: VecDeque::new(),
            in_flight: 0,
            output: BytesMut::new(),
            events: Vec::new(),
            close: None,
        }
    }

    /// The phone has proved that it is here now; from here on it may say anything.
    pub fn handle_handshake_completed(&mut self, now: Now) {
        self.handshake_completed = true;
        self.heard_at = self.heard_at.max(now.tick);
    }

    /// Bytes of the phone's stream, in whatever pieces they arrive.
    pub fn handle_stream_bytes(&mut self, now: Now, bytes: &[u8]) {
        self.deframer.push(bytes);
        let mut ended = false;
        while self.close.is_none() {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => {
                    ended = true;
                    self.handle_frame(now, frame, Door::Stream);
                }
                Ok(None) => break,
                Err(rule) => {
                    self.refuse(now, rule, None);
                    self.close_with(CloseCode::BrokenStream);
                }
            }
        }
        if !self.deframer.is_inside_frame() {
            self.frame_since = None;
        } else if ended || self.frame_since.is_none() {
            self.frame_since = Some(now.tick);
        }
    }

    /// The phone will say nothing more on its stream.
    pub fn handle_stream_finished(&mut self, now: Now) {
        if self.deframer.is_inside_frame() {
            self.refuse(now, BrokenRule::Undecodable, None);
            self.close_with(CloseCode::BrokenStream);
        }
    }

    /// A datagram: one frame.
    pub fn handle_datagram(&mut self, now: Now, bytes: Bytes) {
        if bytes.len() > MAX_DATAGRAM_FRAME_BYTES {
            return self.refuse(now, BrokenRule::FrameTooLong, None);
        }
        self.handle_frame(now, bytes, Door::Datagram);
    }

    /// The phone opened a further stream.
    pub fn handle_further_stream(&mut self) {
        self.close_with(CloseCode::TooManyStreams);
    }

    fn handle_frame(&mut self, now: Now, bytes: Bytes, door: Door) {
        self.heard_at = now.tick;
        let frame = match decode_frame(&bytes) {
            Ok(frame) => frame,
            Err(rule) => return self.refuse(now, rule, None),
        };
        let (alert, number) = (frame.report.alert, frame.report.number);
        let kind = ReportKind::of(&frame.report.content);
        if !self.handshake_completed && kind != ReportKind::Raise {
            return self.refuse(now, BrokenRule::EarlyData, Some((alert, number)));
        }
        if door == Door::Datagram && kind != ReportKind::Position {
            return self.refuse(now, BrokenRule::NotForDatagram, Some((alert, number)));
        }
        let admitted = self.admission.admit(now.stamp, &frame);
        self.events.push(Event::Report(kind, admitted.verification));
        let device = admitted.device;
        if kind == ReportKind::Raise {
            self.remember_open(alert, device);
            if !self.handshake_completed {
                self.events.push(Event::EarlyRaise);
            }
        }
        let report = ReportHeader {
            device,
            alert,
            number,
            kind,
            verification: admitted.verification,
            drill: admitted.drill,
        };
        self.in_flight += 1;
        self.appends.push_back(Append {
            key: ReportKey {
                device,
                alert,
                number,
            },
            kind,
            header: Header {
                time: now.stamp,
                day: now.stamp.day(),
                subject: Subject::Report(report),
            },
            frame: bytes,
            is_early: !self.handshake_completed,
            needs_open: kind.is_track() && !self.open.contains(&(alert, device)),
        });
    }

    /// Alert ids grow with time, so the first is the oldest.
    fn remember_open(&mut self, alert: AlertId, device: DeviceId) {
        self.open.insert((alert, device));
        if self.open.len() > ALERTS_PER_SESSION_MAX {
            self.open.pop_first();
        }
    }

    /// What became of appends.
    pub fn handle_committed(&mut self, now: Now, outcomes: &[Outcome]) {
        let had_room = self.has_room();
        for outcome in outcomes {
            self.in_flight = self.in_flight.saturating_sub(1);
            let (alert, number) = (outcome.key.alert, outcome.key.number);
            match outcome.fate {
                Fate::Durable(grade) => {
                    let receipt = receipt(outcome.key, grade);
                    self.say(now, &receipt, Event::Receipt);
                }
                Fate::NoOpenAlert => {
                    self.refuse(now, BrokenRule::NoOpenAlert, Some((alert, number)));
                }
                Fate::NotDurable => self.close_with(CloseCode::NotDurable),
                Fate::Unpromised => {}
            }
        }
        self.resume_reading(now, had_room);
    }

    /// Reports that had a receipt are on the replicas now.
    pub fn handle_replicated(&mut self, now: Now, keys: &[ReportKey]) {
        for key in keys {
            let receipt = receipt(*key, Grade::REPLICATED);
            self.say(now, &receipt, Event::ReceiptReplicated);
        }
    }

    /// The log says something about an alert of this phone.
    pub fn handle_way_back(&mut self, now: Now, word: &Word) {
        match word {
            Word::Status(status) => {
                if status.progress == Progress::Closed {
                    self.open.retain(|(alert, _)| *alert != status.alert);
                }
                self.say(now, &RelayFrame::Status(*status), Event::Status);
            }
            Word::Message(message) => {
                self.say(now, &RelayFrame::Message(message.clone()), Event::Message);
            }
        }
    }

    /// More waits for this phone than is kept.
    pub fn handle_overflow(&mut self) {
        self.close_with(CloseCode::ReaderStalled);
    }

    /// The relay is being shut down: what is under way is finished, then the connection is closed.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.farewell_since.get_or_insert(now.tick);
    }

    /// Reports cannot be made durable here any more.
    pub fn handle_not_durable(&mut self) {
        self.close_with(CloseCode::NotDurable);
    }

    /// A deadline has come.
    pub fn handle_timeout(&mut self, now: Now) {
        for (due, code) in self.deadlines().into_iter().flatten() {
            if due <= now.tick {
                self.close_with(code);
            }
        }
    }

    /// The next report to be appended.
    pub fn poll_append(&mut self) -> Option<Append> {
        self.appends.pop_front()
    }

    /// What is to be written on the stream; empty when nothing is.
    #[must_use]
    pub fn poll_write(&self) -> &[u8] {
        &self.output
    }

    /// So many bytes of [`Session::poll_write`] were taken by the transport.
    pub fn handle_written(&mut self, now: Now, bytes: usize) {
        let had_room = self.has_room();
        self.output.advance(bytes.min(self.output.len()));
        if self.output.is_empty() {
            self.output = BytesMut::new();
            self.unread_since = None;
        } else if bytes > 0 {
            self.unread_since = Some(now.tick);
        }
        self.resume_reading(now, had_room);
    }

    /// The code with which the connection is to be closed now.
    #[must_use]
    pub fn poll_close(&self) -> Option<CloseCode> {
        let said_all = self.in_flight == 0 && self.output.is_empty();
        let farewell = self.farewell_since.filter(|_| said_all);
        self.close.or(farewell.map(|_| CloseCode::ShuttingDown))
    }

    /// What has happened since the last call, to be counted.
    pub fn poll_events(&mut self) -> std::vec::Drain<'_, Event> {
        self.events.drain(..)
    }

    /// Whether there is room for what the phone says. While there is none, nothing is read and the phone's flow control
    /// holds it back.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.in_flight < IN_FLIGHT_PER_SESSION_MAX
            && self.output.len() < OUTPUT_HIGH_BYTES
            && self.farewell_since.is_none()
    }

    /// Whether an alert of this connection is open.
    #[must_use]
    pub fn has_open_alert(&self) -> bool {
        !self.open.is_empty()
    }

    /// When [`Session::handle_timeout`] has something to do, in milliseconds since the relay's start.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Millis> {
        let deadlines = self.deadlines().into_iter().flatten();
        deadlines.map(|(due, _)| due).min()
    }

    fn deadlines(&self) -> [Option<(Millis, CloseCode)>; 5] {
        let after = |since: Millis, patience: Millis| Millis(since.0.saturating_add(patience.0));
        let Patience {
            handshake,
            frame,
            reader,
            idle,
            farewell,
            waiting: _,
        } = self.patience;
        let handshaking = (!self.handshake_completed).then_some(self.opened_at);
        // Whom the relay does not read is not late.
        let in_frame = self.frame_since.filter(|_| self.has_room());
        let is_idle = self.open.is_empty() && self.in_flight == 0;
        [
            handshaking.map(|since| (after(since, handshake), CloseCode::Idle)),
            in_frame.map(|since| (after(since, frame), CloseCode::BrokenStream)),
            self.unread_since
                .map(|since| (after(since, reader), CloseCode::ReaderStalled)),
            is_idle.then(|| (after(self.heard_at, idle), CloseCode::Idle)),
            self.farewell_since
                .map(|since| (after(since, farewell), CloseCode::ShuttingDown)),
        ]
    }

    /// A frame that could not be read to its end gets its whole time again.
    fn resume_reading(&mut self, now: Now, had_room: bool) {
        if self.frame_since.is_some() && !had_room && self.has_room() {
            self.frame_since = Some(now.tick);
        }
    }

    fn refuse(&mut self, now: Now, rule: BrokenRule, report: Option<(AlertId, ReportNumber)>) {
        let refusal = RelayFrame::Refusal(Refusal::of(rule, report));
        self.say(now, &refusal, Event::Refused(rule));
    }

    fn say(&mut self, now: Now, frame: &RelayFrame, event: Event) {
        self.events.push(event);
        if self.output.len() > OUTPUT_MAX_BYTES {
            return self.close_with(CloseCode::ReaderStalled);
        }
        self.unread_since.get_or_insert(now.tick);
        self.output
            .extend_from_slice(&delimit(&encode_relay_frame(frame)));
    }

    /// The first reason stands.
    fn close_with(&mut self, code: CloseCode) {
        self.close.get_or_insert(code);
    }
}

fn receipt(key: ReportKey, grade: Grade) -> RelayFrame {
    RelayFrame::Receipt(Receipt {
        alert: key.alert,
        number: key.number,
        durability: grade.durability,
        is_final: grade.is_final,
    })
}

#[cfg(test)]
mod tests;

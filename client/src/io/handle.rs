//! What an app holds of a running phone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::{
    AlertId, CancelMeaning, DeviceState, Enrolment, InstallKey, Position, Raise, ReportNumber,
};
use tokio::sync::{mpsc, oneshot};

use super::clock::instant;
use super::endpoint::{BadEnrolment, Endpoint};
use super::quic::Shell;
use crate::{Event, NOT_DELIVERED_AFTER, NotTaken};

/// Calls that wait for the phone's task. It answers in microseconds; a flood waits outside.
const COMMANDS: usize = 64;

/// Events that wait for the app.
const EVENTS: usize = 256;

/// What is special about one phone.
#[derive(Clone, Debug)]
pub struct PhoneOptions {
    /// Where alerts outlive the process; without it they do not.
    pub outbox: Option<PathBuf>,
    /// See [`NOT_DELIVERED_AFTER`].
    pub not_delivered_after: Duration,
    /// This installation; without it one is made, and kept in the outbox file.
    pub install_key: Option<InstallKey>,
    /// Seed of ids, jitter and sealing. Only for simulated phones: who knows it can open cancel
    /// codes. Without it the system gives one.
    pub seed: Option<[u8; 32]>,
}

impl Default for PhoneOptions {
    fn default() -> Self {
        Self {
            outbox: None,
            not_delivered_after: NOT_DELIVERED_AFTER,
            install_key: None,
            seed: None,
        }
    }
}

/// Something that the app is to know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneEvent {
    /// When the phone knew.
    pub at: Instant,
    /// For the receipt of a raise of this process: when [`PhoneHandle::raise`] was called.
    pub triggered_at: Option<Instant>,
    /// What it is.
    pub event: Event,
}

/// A call that came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotSent {
    /// The phone was closed.
    #[error("this phone was closed; start it again")]
    Closed,
    /// The phone did not take the report.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// Starts phones.
pub struct Phone;

impl Phone {
    /// Starts a phone as a task of the current tokio runtime. It ends when the last handle is dropped
    /// or [`PhoneHandle::close`] is called. Events that nobody takes hold up the relay's words and
    /// nothing else.
    ///
    /// # Errors
    /// When the enrolment names no relay or no usable authority.
    pub fn start(
        endpoint: Arc<Endpoint>,
        enrolment: &Enrolment,
        options: PhoneOptions,
    ) -> Result<(PhoneHandle, mpsc::Receiver<PhoneEvent>), BadEnrolment> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (events, outlet) = mpsc::channel(EVENTS);
        let shell = Shell::new(endpoint.clone(), enrolment, options, inbox, events)?;
        tokio::spawn(shell.run());
        Ok((PhoneHandle { commands, endpoint }, outlet))
    }
}

/// A running phone. Clones are the same phone.
#[derive(Clone)]
pub struct PhoneHandle {
    commands: mpsc::Sender<Command>,
    endpoint: Arc<Endpoint>,
}

pub(crate) enum Command {
    Raise {
        raise: Box<Raise>,
        at: Instant,
        reply: oneshot::Sender<AlertId>,
    },
    Position {
        alert: AlertId,
        position: Box<Position>,
    },
    Report {
        alert: AlertId,
        say: Say,
        reply: oneshot::Sender<Result<ReportNumber, NotTaken>>,
    },
    CheckReady,
    Owed {
        reply: oneshot::Sender<usize>,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

pub(crate) enum Say {
    Text(String),
    Cancel(CancelMeaning),
    DeviceState(DeviceState),
}

impl PhoneHandle {
    /// The button was pressed; this call is the moment that latency is measured from. `position` is
    /// the newest fix at hand, or none: nobody waits for one.
    ///
    /// # Errors
    /// [`NotSent::Closed`].
    pub async fn raise(&self, position: Option<Position>) -> Result<AlertId, NotSent> {
        let raise = Raise {
            fix: position.map(Ok),
            ..Raise::default()
        };
        self.raise_with(raise).await
    }

    /// As [`PhoneHandle::raise`], with all that a raise can say.
    ///
    /// # Errors
    /// [`NotSent::Closed`].
    pub async fn raise_with(&self, raise: Raise) -> Result<AlertId, NotSent> {
        let (at, raise) = (instant(), Box::new(raise));
        self.ask(|reply| Command::Raise { raise, at, reply }).await
    }

    /// The phone is here now. Without an open alert it is dropped.
    ///
    /// # Errors
    /// [`NotSent::Closed`].
    pub async fn position(&self, alert: AlertId, position: Position) -> Result<(), NotSent> {
        let position = Box::new(position);
        self.send(Command::Position { alert, position }).await
    }

    /// The person typed something.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn text(&self, alert: AlertId, text: &str) -> Result<ReportNumber, NotSent> {
        self.report(alert, Say::Text(text.to_owned())).await
    }

    /// The phone says that the alert is to end.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn cancel(
        &self,
        alert: AlertId,
        meaning: CancelMeaning,
    ) -> Result<ReportNumber, NotSent> {
        self.report(alert, Say::Cancel(meaning)).await
    }

    /// The battery has changed.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn device_state(
        &self,
        alert: AlertId,
        state: DeviceState,
    ) -> Result<ReportNumber, NotSent> {
        self.report(alert, Say::DeviceState(state)).await
    }

    /// Reaches a relay and gets a ticket for 0-RTT; answered by [`Event::Ready`] or
    /// [`Event::NotReady`].
    ///
    /// # Errors
    /// [`NotSent::Closed`].
    pub async fn check_ready(&self) -> Result<(), NotSent> {
        self.send(Command::CheckReady).await
    }

    /// How many reports have no receipt yet; right after the start, what the outbox file held.
    ///
    /// # Errors
    /// [`NotSent::Closed`].
    pub async fn owed(&self) -> Result<usize, NotSent> {
        self.ask(|reply| Command::Owed { reply }).await
    }

    /// Takes another socket, as when the phone changes its network. Every phone of the same endpoint
    /// moves along.
    ///
    /// # Errors
    /// When no socket can be opened.
    pub fn rebind_socket(&self) -> std::io::Result<std::net::SocketAddr> {
        self.endpoint.rebind()
    }

    /// Closes the connection, writes the outbox file if there is one, and ends the phone. What has no
    /// receipt is sent by the next start with the same file, and else never.
    pub async fn close(&self) {
        // An error means that it is closed already.
        let _ = self.ask(|reply| Command::Close { reply }).await;
    }

    async fn report(&self, alert: AlertId, say: Say) -> Result<ReportNumber, NotSent> {
        let command = |reply| Command::Report { alert, say, reply };
        Ok(self.ask(command).await??)
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, NotSent> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply)).await?;
        answer.await.map_err(|_| NotSent::Closed)
    }

    async fn send(&self, command: Command) -> Result<(), NotSent> {
        self.commands
            .send(command)
            .await
            .map_err(|_| NotSent::Closed)
    }
}

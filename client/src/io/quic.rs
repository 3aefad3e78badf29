//! The loop that runs a phone: wait for input or the deadline, `handle_*`, drain `poll_*`.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Enrolment, InstallKey, RelayAddress};
use rand::rngs::{ChaCha20Rng, SysRng};
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use super::clock::Clock;
use super::endpoint::{BadEnrolment, Endpoint};
use super::handle::{Command, PhoneEvent, PhoneOptions, Say};
use super::store::{Store, StoreError};
use super::tickets::TicketStore;
use super::wire::{Wire, WireEvent};
use crate::{Action, Event, Now, Phone, PhoneConfig, Saved, close};

/// A phone that has just started lets its disk reserve numbers for as long, before it takes calls.
const FIRST_SAVE_TIMEOUT: Duration = Duration::from_millis(500);

type Save = JoinHandle<(Saved, Result<(), StoreError>)>;

/// What a phone waits for.
enum Input {
    Command(Command),
    AllHandlesDropped,
    Wire(WireEvent),
    /// A ticket has arrived.
    Ticket,
    Saved(Result<Saved, String>),
    /// The app has taken events.
    Room,
    Deadline,
}

pub(crate) struct Shell {
    phone: Phone,
    clock: Clock,
    rng: ChaCha20Rng,
    endpoint: Arc<Endpoint>,
    config: quinn::ClientConfig,
    tickets: Arc<TicketStore>,
    relays: Vec<RelayAddress>,
    wire: Wire,
    store: Option<Store>,
    save: Option<Save>,
    inbox: mpsc::Receiver<Command>,
    events: mpsc::Sender<PhoneEvent>,
    /// The event that found no room.
    held: Option<PhoneEvent>,
}

impl Shell {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        enrolment: &Enrolment,
        options: PhoneOptions,
        inbox: mpsc::Receiver<Command>,
        events: mpsc::Sender<PhoneEvent>,
    ) -> Result<Self, BadEnrolment> {
        if enrolment.relays.is_empty() {
            return Err(BadEnrolment::NoRelay);
        }
        let tickets = Arc::new(TicketStore::default());
        let config = endpoint.phone_config(&enrolment.authority_pem, tickets.clone())?;
        let clock = Clock::start();
        let mut rng = match options.seed {
            Some(seed) => ChaCha20Rng::from_seed(seed),
            None => seeded_by_system(),
        };
        let made = InstallKey(rng.random());
        let phone_config = PhoneConfig {
            relays: enrolment.relays.len(),
            token: enrolment.token.clone().into(),
            site_key: enrolment.site_key,
            install_key: options.install_key.unwrap_or(made),
            persistent: options.outbox.is_some(),
            not_delivered_after: options.not_delivered_after,
        };
        let store = options.outbox.map(Store::new);
        let phone = begin(phone_config, store.as_ref(), clock.now());
        Ok(Self {
            phone,
            clock,
            rng,
            endpoint,
            config,
            tickets,
            relays: enrolment.relays.clone(),
            wire: Wire::None,
            store,
            save: None,
            inbox,
            events,
            held: None,
        })
    }

    pub(crate) async fn run(mut self) {
        self.drain();
        if self.save.is_some() {
            // Late is not lost: the loop goes on waiting for it.
            let first = tokio::time::timeout(FIRST_SAVE_TIMEOUT, finished(&mut self.save)).await;
            if let Ok(result) = first {
                self.saved(result);
            }
        }
        loop {
            self.drain();
            match self.next_input().await {
                Input::Command(Command::Close { reply }) => {
                    self.end().await;
                    let _ = reply.send(()); // nobody has to wait for it
                    return;
                }
                Input::AllHandlesDropped => return self.end().await,
                Input::Command(command) => self.command(command),
                Input::Wire(event) => self.wire_event(event),
                Input::Saved(result) => self.saved(result),
                Input::Deadline => {
                    let now = self.clock.now();
                    self.phone.handle_timeout(now, &mut self.rng);
                }
                Input::Ticket | Input::Room => {} // drain() looks
            }
        }
    }

    async fn next_input(&mut self) -> Input {
        let deadline = self.phone.next_deadline();
        let deadline = deadline.map(|at| self.clock.instant(at));
        let read = self.phone.wants_input();
        tokio::select! {
            biased;
            command = self.inbox.recv() => {
                command.map_or(Input::AllHandlesDropped, Input::Command)
            }
            event = self.wire.next(read) => Input::Wire(event),
            () = self.tickets.arrived() => Input::Ticket,
            result = finished(&mut self.save) => Input::Saved(result),
            _ = self.events.reserve(), if self.held.is_some() => Input::Room,
            () = at(deadline) => Input::Deadline,
        }
    }

    fn drain(&mut self) {
        let now = self.clock.now();
        self.greet_ticket(now);
        while let Some(action) = self.phone.poll_action() {
            self.act(action);
        }
        while self.wire.takes_more() {
            match self.phone.poll_transmit(now) {
                Some(transmit) => self.wire.send(transmit),
                None => break,
            }
        }
        if let (None, Some(store)) = (&self.save, &self.store)
            && let Some(saved) = self.phone.poll_save(now)
        {
            let store = store.clone();
            let write = move || {
                let result = store.write(&saved);
                (saved, result)
            };
            self.save = Some(tokio::task::spawn_blocking(write));
        }
        self.tell();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Close { code } => self.wire.close(code),
            Action::Connect { relay } => {
                if let Some(relay) = self.relays.get(relay) {
                    self.wire = Wire::open(
                        self.endpoint.quic().clone(),
                        self.config.clone(),
                        relay.clone(),
                        !self.phone.is_idle(),
                    );
                }
            }
        }
    }

    /// A ready check ends when a relay has answered and a ticket is at hand.
    fn greet_ticket(&mut self, now: Now) {
        let relay = self.phone.checks_ready_at();
        let relay = relay.and_then(|relay| self.relays.get(relay));
        if relay.is_some_and(|relay| self.tickets.has_ticket(&relay.server_name)) {
            self.phone.handle_ticket(now);
        }
    }

    /// Gives the app its events as far as there is room.
    fn tell(&mut self) {
        while let Some(event) = self.held.take().or_else(|| self.next_event()) {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.held = Some(event);
                    return;
                }
                // An app that does not listen still has its alerts sent.
                Err(TrySendError::Closed(_)) => {}
            }
        }
    }

    fn next_event(&mut self) -> Option<PhoneEvent> {
        let event = self.phone.poll_event()?;
        let triggered = match &event {
            Event::Receipted(receipted) => receipted.triggered,
            _ => None,
        };
        Some(PhoneEvent {
            at: super::clock::instant(),
            triggered_at: triggered.map(|at| self.clock.instant(at)),
            event,
        })
    }

    fn command(&mut self, command: Command) {
        let now = self.clock.now();
        match command {
            Command::Raise { raise, at, reply } => {
                let pressed = self.clock.at(at);
                let alert = self.phone.raise(pressed, *raise, &mut self.rng);
                let _ = reply.send(alert); // the alert stands, whoever waits
            }
            Command::Position { alert, position } => {
                // A position without an open alert is nobody's business.
                let _ = self.phone.position(alert, *position);
            }
            Command::Report { alert, say, reply } => {
                let result = match say {
                    Say::Text(text) => self.phone.text(now, alert, &text),
                    Say::Cancel(meaning) => self.phone.cancel(now, alert, meaning, &mut self.rng),
                    Say::DeviceState(state) => self.phone.device_state(now, alert, state),
                };
                let _ = reply.send(result); // the report stands, whoever waits
            }
            Command::Owed { reply } => {
                let _ = reply.send(self.phone.owed()); // nobody has to wait for it
            }
            Command::CheckReady => self.phone.check_ready(now),
            Command::Close { .. } => {}
        }
    }

    fn wire_event(&mut self, event: WireEvent) {
        let now = self.clock.now();
        match event {
            WireEvent::Opened { early: true } => self.phone.handle_early(),
            WireEvent::Opened { early: false } => self.phone.handle_connected(now, false),
            WireEvent::EarlyAccepted => self.phone.handle_connected(now, true),
            WireEvent::Read(bytes) => {
                self.phone.handle_stream_bytes(now, &bytes, &mut self.rng);
            }
            WireEvent::Written => {}
            WireEvent::Lost(lost) => self.phone.handle_lost(now, lost, &mut self.rng),
        }
    }

    fn saved(&mut self, result: Result<Saved, String>) {
        match result {
            Ok(saved) => self.phone.handle_saved(&saved),
            Err(why) => self.phone.handle_save_failed(self.clock.now(), why),
        }
    }

    /// Says goodbye and leaves the outbox on the disk.
    async fn end(mut self) {
        self.wire.close(close::DONE);
        if self.save.is_some() {
            let result = finished(&mut self.save).await;
            self.saved(result);
        }
        self.drain();
        if self.save.is_some() {
            let result = finished(&mut self.save).await;
            self.saved(result);
        }
        self.wire.close(close::DONE);
        self.tell();
    }
}

/// A phone starts whatever its file is like: a press must go out.
fn begin(config: PhoneConfig, store: Option<&Store>, now: Now) -> Phone {
    let Some(store) = store else {
        return Phone::new(config);
    };
    let why = match store.read() {
        Ok(None) => return Phone::new(config),
        Ok(Some(saved)) => match Phone::restore(config.clone(), &saved, now) {
            Ok(phone) => return phone,
            Err(error) => error.to_string(),
        },
        Err(error @ StoreError::Broken { .. }) => match store.set_aside() {
            Ok(aside) => format!("{error}; it was moved to {}", aside.display()),
            Err(aside) => format!("{error}; {aside}"),
        },
        Err(error) => error.to_string(),
    };
    let mut phone = Phone::new(config);
    phone.handle_save_failed(now, why);
    phone
}

fn seeded_by_system() -> ChaCha20Rng {
    ChaCha20Rng::try_from_rng(&mut SysRng)
        .expect("the system gives random bytes; without them no connection could be made either")
}

async fn finished(save: &mut Option<Save>) -> Result<Saved, String> {
    let Some(running) = save else {
        return pending().await;
    };
    let result = running.await;
    *save = None;
    match result {
        Ok((saved, Ok(()))) => Ok(saved),
        Ok((_, Err(error))) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn at(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

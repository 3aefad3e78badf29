//! One phone of a load, from before its press until it leaves.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::Event;
use client::io::{Phone, PhoneEvent, PhoneHandle, PhoneOptions};
use protocol::token::Issuer;
use protocol::{AlertId, InstallKey, ReportKind};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, sleep_until};

use super::networks::Networks;
use super::world::World;
use crate::books::Place;
use crate::io::phone::{enrolment, wall};
use crate::io::run::{RunError, Site};
use crate::measure::{Begun, PhoneNumber};
use crate::people::Person;
use crate::plan::Press;

/// The app while it runs.
pub(super) struct App {
    pub(super) handle: PhoneHandle,
    pub(super) events: mpsc::Receiver<PhoneEvent>,
}

impl App {
    /// Starts it in its network; `again` after it was closed, or it would draw the same ids.
    pub(super) fn start(
        site: &Site,
        foreign_issuer: &Issuer,
        networks: &Networks,
        (person, has_bad_network): (&Person, bool),
        again: bool,
    ) -> Result<Self, RunError> {
        let mut seed = person.seed;
        seed[0] ^= u8::from(again);
        let options = PhoneOptions {
            install_key: Some(InstallKey(person.device)),
            seed: Some(seed),
            ..PhoneOptions::default()
        };
        let endpoint = networks.endpoint(&person.device, has_bad_network);
        let enrolment = enrolment(site, foreign_issuer, person)?;
        let (handle, events) = Phone::start(endpoint, &enrolment, options)?;
        Ok(Self { handle, events })
    }
}

/// Waits until it is let go, presses, and does what the plan has; a phone that does not track leaves
/// with its receipt, and comes back for a redial.
pub(super) async fn live(
    world: Arc<World>,
    press: Press,
    redial_at: Option<Duration>,
    app: Option<App>,
    go: oneshot::Receiver<()>,
) -> Result<(), RunError> {
    let mut life = Life {
        world: &world,
        press: &press,
        redial_at,
        app,
        number: None,
        alerts: Vec::new(),
        receipted: 0,
        is_connected: false,
        is_away: false,
    };
    life.start(false)?;
    if go.await.is_err() {
        return Ok(());
    }
    life.press(press.at).await;
    life.go_on().await?;
    life.close().await;
    Ok(())
}

struct Life<'a> {
    world: &'a World,
    press: &'a Press,
    /// When the person presses again, until they have.
    redial_at: Option<Duration>,
    app: Option<App>,
    number: Option<PhoneNumber>,
    /// In the order of the presses.
    alerts: Vec<AlertId>,
    receipted: usize,
    is_connected: bool,
    is_away: bool,
}

impl Life<'_> {
    fn start(&mut self, again: bool) -> Result<(), RunError> {
        if self.app.is_none() {
            let World {
                site,
                foreign_issuer,
                networks,
                ..
            } = self.world;
            let who = (&self.press.person, self.press.conduct.has_bad_network);
            self.app = Some(App::start(site, foreign_issuer, networks, who, again)?);
        }
        Ok(())
    }

    async fn press(&mut self, intended: Duration) {
        let Some(app) = &self.app else { return };
        let begun = self.world.now();
        let raise = self
            .press
            .raise(begun.saturating_sub(self.press.at), wall());
        let place = raise.fix.as_ref().and_then(|fix| fix.as_ref().ok());
        let place = place.map(Place::from);
        if let (Some(number), Some(place)) = (self.number, place) {
            self.world.measures().will_say(number, place);
        }
        // A phone that is closed takes nothing, and then the press is not begun.
        let Ok(alert) = app.handle.raise_with(raise).await else {
            return;
        };
        let press = Begun {
            device: self.press.person.device_id(),
            alert,
            intended,
            begun,
            place,
        };
        self.alerts.push(alert);
        let mut measures = self.world.measures();
        match self.number {
            None => self.number = Some(measures.begun(&press)),
            Some(number) => measures.begun_again(number, &press),
        }
    }

    async fn go_on(&mut self) -> Result<(), RunError> {
        let interval = self.press.person.interval;
        let mut tick = tokio::time::interval_at((Instant::now() + interval).into(), interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let tracks = self.press.conduct.tracks;
        loop {
            if !tracks && self.receipted == self.alerts.len() {
                self.close().await;
                if self.redial_at.is_none() {
                    return Ok(());
                }
            }
            let redial_at = self.redial_at.map(|at| self.world.at(at));
            tokio::select! {
                event = next_event(&mut self.app) => self.hear(&event),
                () = until(redial_at) => self.redial().await?,
                _ = tick.tick(), if tracks => self.send_position().await,
            }
        }
    }

    async fn redial(&mut self) -> Result<(), RunError> {
        let Some(intended) = self.redial_at.take() else {
            return Ok(());
        };
        if !self.world.raised.is_cancelled() {
            self.start(true)?;
            self.press(intended).await;
        }
        Ok(())
    }

    fn hear(&mut self, event: &PhoneEvent) {
        let at = self.world.since_start(event.at);
        match &event.event {
            Event::Receipted(receipted) if receipted.kind == ReportKind::Raise => {
                let number = self.alerts.iter().position(|id| *id == receipted.alert);
                if let (Some(phone), Some(number)) = (self.number, number) {
                    let mut measures = self.world.measures();
                    measures.receipted(phone, number, at, receipted.early);
                    self.receipted = self.receipted.max(number + 1);
                }
            }
            Event::Connected { .. } => self.now_connected(true, at),
            Event::Lost { .. } => self.now_connected(false, at),
            _ => {}
        }
    }

    fn now_connected(&mut self, is_connected: bool, at: Duration) {
        if self.is_connected == is_connected {
            return;
        }
        self.is_connected = is_connected;
        self.world
            .count_connected(if is_connected { 1 } else { -1 });
        if !self.press.conduct.tracks {
            return;
        }
        if !is_connected && !self.is_away {
            self.is_away = true;
            self.world.count_cut_off();
        } else if is_connected && self.is_away {
            self.is_away = false;
            self.world.count_return(at);
        }
    }

    async fn send_position(&mut self) {
        let (Some(app), Some(phone)) = (&self.app, self.number) else {
            return;
        };
        let Some(alert) = self.alerts.last() else {
            return;
        };
        let at = self.world.now();
        let since_press = at.saturating_sub(self.press.at);
        if let Some(position) = self.press.person.position(since_press, wall()) {
            let place = Place::from(&position);
            self.world.measures().will_say(phone, place);
            if app.handle.position(*alert, position).await.is_ok() {
                self.world.measures().positioned(at);
            }
        }
    }

    async fn close(&mut self) {
        if let Some(mut app) = self.app.take() {
            app.handle.close().await;
            // Receipts that arrived before the end were heard all the same.
            while let Ok(event) = app.events.try_recv() {
                self.hear(&event);
            }
        }
        if std::mem::take(&mut self.is_connected) {
            self.world.count_connected(-1);
        }
    }
}

async fn next_event(app: &mut Option<App>) -> PhoneEvent {
    if let Some(app) = app
        && let Some(event) = app.events.recv().await
    {
        return event;
    }
    pending().await
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}

//! One person with a phone, from the first press until the phone leaves.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::Event;
use client::io::{
    Endpoint, EndpointOptions, NotSent, Phone, PhoneEvent, PhoneHandle, PhoneOptions,
};
use protocol::token::{Claims, Issuer, PersonRef};
use protocol::{AlertId, Enrolment, InstallKey, Millis, ReportKind, ReportNumber, UnixMillis};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, sleep_until};

use super::run::{RunError, Site, World};
use crate::books::Place;
use crate::people::{Act, Person, Trust};

/// How long a phone stays with an open alert. It bounds how many are connected in a run without end.
const STAY: Duration = Duration::from_secs(15 * 60);

/// How long a token is good, and was good when it has expired.
const TOKEN_LIFE: Millis = Millis::from_secs(24 * 3600);

/// Bytes that look like nothing.
const NO_TOKEN: &[u8] = b"this is no token";

/// The app while it runs.
struct App {
    handle: PhoneHandle,
    events: mpsc::Receiver<PhoneEvent>,
}

struct Life<'a> {
    world: &'a World,
    person: &'a Person,
    endpoint: Arc<Endpoint>,
    enrolment: Enrolment,
    app: Option<App>,
    pressed_at: Instant,
    /// The newest alert, which everything later is about.
    alert: Option<AlertId>,
}

/// Presses the button and does what the person does, until the run ends.
pub(super) async fn live(world: Arc<World>, person: Person) -> Result<(), RunError> {
    let endpoint = if person.changes_network() {
        Endpoint::bind(&EndpointOptions::default()).map_err(RunError::Socket)?
    } else {
        Arc::clone(&world.endpoint)
    };
    let mut life = Life {
        world: &world,
        person: &person,
        endpoint,
        enrolment: enrolment(&world.site, &world.foreign_issuer, &person)?,
        app: None,
        pressed_at: Instant::now(),
        alert: None,
    };
    life.start(person.seed)?;
    life.press().await;
    life.go_on().await?;
    life.close().await;
    Ok(())
}

impl Life<'_> {
    /// Starts the app; one that comes back goes on with its outbox.
    fn start(&mut self, seed: [u8; 32]) -> Result<(), RunError> {
        let outbox = self
            .person
            .goes_away()
            .then(|| self.world.outbox_of(&self.person.device));
        let options = PhoneOptions {
            outbox,
            install_key: Some(InstallKey(self.person.device)),
            seed: Some(seed),
            ..PhoneOptions::default()
        };
        let (handle, events) = Phone::start(Arc::clone(&self.endpoint), &self.enrolment, options)?;
        self.app = Some(App { handle, events });
        Ok(())
    }

    async fn press(&mut self) {
        let Some(app) = &self.app else { return };
        let raise = self.person.raise(self.pressed_at.elapsed(), wall());
        let at = self.world.now();
        let place = raise.fix.as_ref().and_then(|fix| fix.as_ref().ok());
        let place = place.map(Place::from);
        if let Ok(alert) = app.handle.raise_with(raise).await {
            self.alert = Some(alert);
            let device = self.person.device_id();
            let mut books = self.world.books();
            books.pressed(device, alert, at);
            if let Some(place) = place {
                books.said(device, place, at);
            }
        }
    }

    async fn go_on(&mut self) -> Result<(), RunError> {
        let person = self.person;
        let mut acts = person.acts.iter().peekable();
        let mut tick = tokio::time::interval_at(self.pressed_at + person.interval, person.interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next_act = acts.peek().map(|(after, _)| self.pressed_at + *after);
            tokio::select! {
                () = self.world.ended.cancelled() => return Ok(()),
                () = sleep_until(self.pressed_at + STAY) => return Ok(()),
                event = next_event(&mut self.app) => self.hear(&event),
                () = until(next_act) => {
                    if let Some((_, act)) = acts.next() {
                        self.act(act).await?;
                    }
                }
                _ = tick.tick() => self.send_position().await,
            }
        }
    }

    fn hear(&self, event: &PhoneEvent) {
        if let Event::Receipted(receipted) = &event.event
            && receipted.kind == ReportKind::Raise
        {
            self.world
                .books()
                .receipted(self.person.device_id(), receipted.alert);
        }
    }

    async fn act(&mut self, act: &Act) -> Result<(), RunError> {
        match act {
            Act::GoAway => self.close().await,
            Act::ComeBack => {
                let mut seed = self.person.seed;
                seed[0] ^= 1; // or it would draw the same ids again
                self.start(seed)?;
            }
            Act::PressAgain if self.world.raising.is_cancelled() => {}
            Act::PressAgain => self.press().await,
            Act::ChangeNetwork => drop(self.endpoint.rebind().map_err(RunError::Socket)?),
            Act::Text(words) => {
                self.say(async |app, alert| app.text(alert, words).await)
                    .await;
            }
            Act::Cancel(meaning) => {
                self.say(async |app, alert| app.cancel(alert, *meaning).await)
                    .await;
            }
        }
        Ok(())
    }

    /// Says something, if the app runs. What it does not take (no number from the disk yet, an alert
    /// that officers have closed) is nothing that the books promise.
    async fn say(
        &self,
        words: impl AsyncFnOnce(&PhoneHandle, AlertId) -> Result<ReportNumber, NotSent>,
    ) {
        if let (Some(app), Some(alert)) = (&self.app, self.alert)
            && let Err(error) = words(&app.handle, alert).await
        {
            tracing::debug!(%error, "a phone did not take what its person said");
        }
    }

    async fn send_position(&self) {
        let position = self.person.position(self.pressed_at.elapsed(), wall());
        if let (Some(app), Some(alert), Some(position)) = (&self.app, self.alert, position) {
            let (place, at) = (Place::from(&position), self.world.now());
            // A closed alert takes none, and that is right.
            if app.handle.position(alert, position).await.is_ok() {
                let device = self.person.device_id();
                self.world.books().said(device, place, at);
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
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// What a phone knows of the site, with the token that its person has.
pub(super) fn enrolment(
    site: &Site,
    foreign_issuer: &Issuer,
    person: &Person,
) -> Result<Enrolment, RunError> {
    let now = wall();
    let issued_at = if person.trust == Trust::Expired {
        now.minus(TOKEN_LIFE).minus(TOKEN_LIFE)
    } else {
        now
    };
    let claims = Claims {
        device: person.device,
        person: PersonRef(person.device),
        issued_at,
        expires_at: issued_at.plus(TOKEN_LIFE),
        drill: site.drill,
    };
    let token = match person.trust {
        Trust::Enrolled | Trust::Expired => (site.sign)(&claims)?,
        Trust::Foreign => foreign_issuer.issue(&claims)?,
        Trust::Malformed => NO_TOKEN.to_vec(),
        Trust::NoToken => Vec::new(),
    };
    let mut enrolment = Enrolment {
        token,
        ..site.enrolment.clone()
    };
    // Each begins with another relay, or the first would have them all.
    let relays = enrolment.relays.len().max(1);
    enrolment
        .relays
        .rotate_left(usize::from(person.device[0]) % relays);
    Ok(enrolment)
}

/// The clock of every phone.
pub(super) fn wall() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

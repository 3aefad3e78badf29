//! The stream of what changes. It is asked, never told: a message is made when the connection takes
//! one, so a slow console skips revisions, never an incident, and nothing waits for it in memory.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::Event;
use futures_util::Stream;
use futures_util::stream::unfold;
use prometheus_client::metrics::gauge::Gauge;
use protocol::{IncidentId, MapVersion};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Interval, MissedTickBehavior};
use utoipa::ToSchema;

use super::cursor::CursorText;
use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{SignedIn, query};
use super::view::{Slice, Viewer, look, look_unlogged};
use crate::board::Cursors;
use crate::card::Card;
use crate::io::EngineState;
use crate::io::sessions::Session;

/// How often a console hears that the service lives; it calls itself disconnected after 12 s.
const HEARTBEAT: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Where the stream goes on; the header `Last-Event-ID` wins.
    cursor: Option<String>,
}

/// After how long a browser asks again when its line was cut; by itself it waits several seconds.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// The data of a `change`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Change {
    /// The service's clock, in milliseconds since 1970.
    server_at_ms: i64,
    /// Names the fold of the log that the cards are of. When it is another, the log was folded anew, and lower revisions of it
    /// are newer all the same.
    fold: String,
    /// They replace cards of the same id.
    cards: Vec<Card>,
    /// Incidents that leave the view.
    #[schema(value_type = Vec<String>)]
    left: Vec<IncidentId>,
    /// Once on a stream: all incidents in view that the log does not have. What a console shows as such from a stream before, and
    /// is not named, has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    unlogged: Option<Vec<IncidentId>>,
}

/// What changes on the board of the officer's desk: `change` with the cursor as its id, and
/// `health` at once, when it changes, and every five seconds. When its map has another version, load
/// the board and the areas anew: other incidents may be in view.
#[utoipa::path(get, path = "/api/events", tag = "board", params(EventsQuery), responses(
    (status = 200, content_type = "text/event-stream", body = Change),
    (status = 401, body = Problem),
    (status = 422, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn events(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
    headers: HeaderMap,
    parameters: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let parameters = query(parameters)?;
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok());
    let last = last.filter(|id| !id.is_empty());
    let is_resumed = last.is_some();
    let (at, cursors) = match last.or(parameters.cursor.as_deref()) {
        Some(text) => {
            let cursor: CursorText = text.parse()?;
            let at = door
                .engine
                .read(|dispatch| cursor.change_of(dispatch.board(), door.run));
            (at, cursor.cursors)
        }
        None => (0, Cursors::default()),
    };
    door.take_console().await?;
    let feed = Feed::open(door, session, at, cursors, is_resumed)?;
    Ok(Sse::new(unfold(feed, Feed::next)))
}

/// One console's stream: where it stands, and what wakes it.
struct Feed {
    door: Arc<Door>,
    session: Session,
    /// The newest change that was sent, by the board's count.
    at: u64,
    /// Where in the log a console stands who has got that.
    cursors: Cursors,
    shown_pending: BTreeSet<IncidentId>,
    /// The newest change beside the board that was sent.
    unlogged_at: u64,
    shown_unlogged: BTreeSet<IncidentId>,
    /// The console has not been told which incidents the log does not have, and goes on from another stream.
    names_due: bool,
    is_resumed: bool,
    changed: watch::Receiver<u64>,
    states: watch::Receiver<EngineState>,
    maps: watch::Receiver<MapVersion>,
    heartbeat: Interval,
    /// What the console was told last, without the lag, which changes all the time.
    told: (bool, Vec<String>),
    health_due: bool,
    _counted: Counted,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    fn open(
        door: Arc<Door>,
        session: Session,
        at: u64,
        cursors: Cursors,
        is_resumed: bool,
    ) -> Result<Self, ApiError> {
        let permit = Arc::clone(&door.streams)
            .try_acquire_owned()
            .map_err(|_| ApiError::busy())?;
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        Ok(Self {
            changed: door.engine.changed(),
            states: door.engine.states(),
            maps: door.engine.maps(),
            _counted: Counted::new(&door.metrics.consoles),
            _permit: permit,
            door,
            session,
            at,
            cursors,
            shown_pending: BTreeSet::new(),
            unlogged_at: 0,
            shown_unlogged: BTreeSet::new(),
            names_due: true,
            is_resumed,
            heartbeat,
            told: (false, Vec::new()),
            health_due: true,
        })
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if self.session.ended.is_cancelled() || self.door.shutdown.is_cancelled() {
                return None;
            }
            if let Some(event) = self.health().or_else(|| self.change()) {
                return Some((Ok(event), self));
            }
            if self.is_behind() {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                biased;
                () = self.door.shutdown.cancelled() => return None,
                () = self.session.ended.cancelled() => return None,
                changed = self.changed.changed() => changed.ok()?,
                changed = self.states.changed() => {
                    changed.ok()?;
                    self.look_at_state();
                }
                changed = self.maps.changed() => {
                    changed.ok()?;
                    self.health_due = true;
                }
                _ = self.heartbeat.tick() => {
                    // An open stream keeps its session in use.
                    if !self.door.sessions.is_open(&self.session, self.door.engine.now()) {
                        return None;
                    }
                    self.health_due = true;
                }
            }
        }
    }

    /// Level, not edge: whatever has been missed, the board says where it stands.
    fn is_behind(&mut self) -> bool {
        let newest = self
            .door
            .engine
            .read(|dispatch| (dispatch.board().change(), dispatch.unlogged().change()));
        newest != (self.at, self.unlogged_at)
    }

    fn look_at_state(&mut self) {
        let state = self.states.borrow_and_update();
        self.health_due |= self.told.0 != state.ready || self.told.1 != state.problems;
    }

    fn health(&mut self) -> Option<Event> {
        if !std::mem::take(&mut self.health_due) {
            return None;
        }
        self.heartbeat.reset();
        let health = self.door.health(&self.session.officer.desk);
        self.told = (health.ready, health.problems.clone());
        self.door.metrics.event("health");
        Event::default()
            .event("health")
            .retry(ASK_AGAIN)
            .json_data(health)
            .ok()
    }

    fn change(&mut self) -> Option<Event> {
        self.changed.mark_unchanged();
        let now = self.door.engine.now();
        let viewer = Viewer {
            desk: &self.session.officer.desk,
            users: &self.door.users,
            now,
            shown_pending: &self.shown_pending,
        };
        let (at, unlogged_at, shown) = (self.at, self.unlogged_at, &mut self.shown_unlogged);
        let cursors = &self.cursors;
        let (mut slice, unlogged) = self.door.engine.read(|dispatch| {
            let slice = look(dispatch, &viewer, at, cursors);
            // The log first: what it has got meanwhile is not gone.
            let unlogged =
                (!slice.more).then(|| look_unlogged(dispatch, &viewer, unlogged_at, shown));
            (slice, unlogged)
        });
        self.at = slice.to;
        let mut names = None;
        if let Some(unlogged) = unlogged {
            self.unlogged_at = unlogged.to;
            slice.cards.extend(unlogged.cards);
            slice.left.extend(unlogged.left);
            if !unlogged.more && std::mem::take(&mut self.names_due) {
                let any = self.is_resumed || self.unlogged_at > 0;
                names = any.then(|| self.shown_unlogged.iter().copied().collect());
            }
        }
        self.remember_pending(&slice);
        if let Some(cursors) = &slice.cursor {
            self.cursors.clone_from(cursors);
        }
        if slice.cards.is_empty() && slice.left.is_empty() && names.is_none() {
            return None;
        }
        self.door.metrics.event("change");
        let change = Change {
            server_at_ms: now.as_i64(),
            fold: self.door.fold(slice.began_at).to_string(),
            cards: slice.cards,
            left: slice.left,
            unlogged: names,
        };
        let event = Event::default().event("change").json_data(change).ok()?;
        // Without an id of its own, the console goes on from the one before: it gets more, not less.
        Some(match slice.cursor {
            Some(cursors) => event.id(self.door.cursor(cursors, slice.began_at).to_string()),
            None => event,
        })
    }

    fn remember_pending(&mut self, slice: &Slice) {
        for card in &slice.cards {
            if card.pending {
                self.shown_pending.insert(card.id);
            } else {
                self.shown_pending.remove(&card.id);
            }
        }
        for id in &slice.left {
            self.shown_pending.remove(id);
        }
    }
}

/// Counts a console for as long as it is there.
struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

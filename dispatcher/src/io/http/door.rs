//! What all endpoints share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::Rng as _;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::areas::Areas;
use super::cursor::{CursorText, Fold};
use super::error::ApiError;
use super::throttle::Throttle;
use crate::board::Cursors;
use crate::desk::Desk;
use crate::io::Engine;
use crate::io::metrics::{Metrics, Registry};
use crate::io::sessions::Sessions;
use crate::io::users::Users;
use crate::jurisdiction::JurisdictionMap;

/// Passwords that are looked at at once: each takes 19 MiB and some 50 ms of one core.
const MAX_VERIFICATIONS: usize = 4;

/// Consoles with an open stream: every station of Korea with 15 pages each.
const MAX_STREAMS: usize = 4_096;

/// For how long somebody new waits for a board that catches up: a start with a small log, or a fold anew, is over by then.
/// Longer, and an officer had better hear why.
const CATCHING_UP_WITHIN: Duration = Duration::from_secs(2);

/// Offers of relays that come in at once, a quarter of a megabyte each.
const MAX_OFFERS: usize = 16;

/// What all endpoints share.
pub(super) struct Door {
    pub(super) engine: Engine,
    /// Tells this run from others.
    pub(super) run: u32,
    pub(super) users: Arc<Users>,
    pub(super) sessions: Sessions,
    throttle: Mutex<Throttle>,
    pub(super) verifications: Semaphore,
    pub(super) streams: Arc<Semaphore>,
    pub(super) offers: Semaphore,
    pub(super) metrics: Metrics,
    pub(super) registry: Arc<Mutex<Registry>>,
    areas: tokio::sync::Mutex<Arc<Areas>>,
    /// Held while a map is read anew.
    pub(super) reloading: tokio::sync::Mutex<()>,
    /// The API described by itself, as JSON.
    pub(super) document: String,
    /// The name of this build.
    pub(super) build: String,
    /// Over TLS.
    pub(super) secure: bool,
    pub(super) shutdown: CancellationToken,
}

/// What a [`Door`] is made of.
pub(super) struct Parts {
    pub(super) engine: Engine,
    pub(super) users: Arc<Users>,
    pub(super) registry: Arc<Mutex<Registry>>,
    pub(super) areas: Areas,
    pub(super) document: String,
    pub(super) build: String,
    pub(super) secure: bool,
    pub(super) shutdown: CancellationToken,
}

impl Door {
    pub(super) fn new(parts: Parts) -> Self {
        let metrics = Metrics::register(
            &mut parts
                .registry
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        Self {
            engine: parts.engine,
            run: rand::rng().next_u32(),
            users: parts.users,
            sessions: Sessions::default(),
            throttle: Mutex::default(),
            verifications: Semaphore::new(MAX_VERIFICATIONS),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            offers: Semaphore::new(MAX_OFFERS),
            metrics,
            registry: parts.registry,
            areas: tokio::sync::Mutex::new(Arc::new(parts.areas)),
            reloading: tokio::sync::Mutex::default(),
            document: parts.document,
            build: parts.build,
            secure: parts.secure,
            shutdown: parts.shutdown,
        }
    }

    /// A fold of this run.
    pub(super) fn fold(&self, began_at: u64) -> Fold {
        let run = self.run;
        Fold { run, began_at }
    }

    /// Where a console stands in a fold of this run.
    pub(super) fn cursor(&self, cursors: Cursors, began_at: u64) -> CursorText {
        CursorText {
            cursors,
            fold: Some(self.fold(began_at)),
        }
    }

    pub(super) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the board may be shown to somebody new; one that is about to be, as after a start, is waited for.
    pub(super) async fn take_console(&self) -> Result<(), ApiError> {
        let mut states = self.engine.states();
        let decided = states.wait_for(|state| state.takes_consoles || state.ended.is_some());
        // Whatever came of the wait, the state says.
        let _ = timeout(CATCHING_UP_WITHIN, decided).await;
        let state = self.engine.state();
        if state.takes_consoles {
            return Ok(());
        }
        Err(ApiError::not_caught_up(&state.problems))
    }

    /// The map in force, and how it is written. The first who asks after another was put in force
    /// waits until it is, and everybody else with them.
    pub(super) async fn areas(&self) -> Result<(Arc<JurisdictionMap>, Arc<Areas>), ApiError> {
        let mut areas = self.areas.lock().await;
        let map = self.engine.read(|dispatch| Arc::clone(dispatch.map()));
        if !areas.are_of(&map) {
            let to_write = Arc::clone(&map);
            let written = tokio::task::spawn_blocking(move || Areas::write(&to_write)).await;
            *areas = Arc::new(written.map_err(|_| ApiError::internal())?);
        }
        Ok((map, Arc::clone(&areas)))
    }

    /// How the service is, for officers of a desk.
    pub(super) fn health(&self, desk: &Desk) -> Health {
        let state = self.engine.state();
        let now = self.engine.now();
        let (lag_ms, map, desk_on_map) = self.engine.read(|dispatch| {
            let lag = match state.lag_entries {
                0 => 0,
                _ => now.since(dispatch.board().log_time()).0,
            };
            let map = dispatch.map();
            let facts = MapFacts {
                version: map.version().as_str().to_owned(),
                authority: map.authority().as_str(),
                label: map.label().map(str::to_owned),
            };
            (lag, facts, desk.is_on(dispatch.map()))
        });
        Health {
            server_at_ms: now.as_i64(),
            ready: state.ready,
            problems: state.problems,
            lag_ms,
            build: self.build.clone(),
            map,
            desk_on_map,
        }
    }
}

/// How the service is.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// The service's clock, in milliseconds since 1970.
    server_at_ms: i64,
    /// Officers may rely on the board.
    pub(super) ready: bool,
    /// What is wrong, in words.
    pub(super) problems: Vec<String>,
    /// By how many milliseconds the board is behind the log, at most.
    lag_ms: u64,
    /// The build of the service.
    build: String,
    /// The map in use.
    map: MapFacts,
    /// The map knows the officer's desk. Otherwise no new alert comes there; what the desk owns stays.
    desk_on_map: bool,
}

/// What a map says about itself.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(super) struct MapFacts {
    /// Its name and the hash of its content.
    version: String,
    /// `official`, `approximate` or `invented`.
    authority: &'static str,
    /// What it wants to be shown beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

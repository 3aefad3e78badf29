//! Another map while the service runs: read, compared, refused or put in force.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::{DeskId, State as Stage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{Body, SignedIn};
use crate::desk::Desk;
use crate::dispatch::Dispatch;
use crate::io::NotRecorded;
use crate::jurisdiction::{JurisdictionIndex, JurisdictionMap, MapChange, Orphan};

/// What is taken from who may ask for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    /// Put it in force although it leaves somebody out.
    #[serde(default)]
    force: bool,
}

/// What came of a map that was read anew.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct Reloaded {
    /// The version in force.
    pub version: String,
    /// The version that was in force before; the same when nothing has changed.
    pub was: String,
    /// Whom it leaves out, which is taken only with force.
    #[serde(flatten)]
    pub left_out: LeftOut,
}

/// Whom another map would leave out.
#[derive(Clone, PartialEq, Debug, Default, Serialize, ToSchema)]
pub struct LeftOut {
    /// Places that had an area and would have none near, by their old area, the largest first.
    pub orphaned: Vec<OrphanedArea>,
    /// Desks that would be on the map no more, and are in use.
    pub desks_gone: Vec<DeskGone>,
}

/// Places that had an area and would have none near.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct OrphanedArea {
    /// Whose they are.
    pub id: String,
    /// What an officer reads.
    pub name: String,
    /// Their surface in square metres.
    pub area_m2: f64,
    /// Metres from the farthest of them to the nearest area of the new map; absent when none is
    /// within its reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub farthest_m: Option<f64>,
}

/// A desk that would be on the map no more, and is in use.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct DeskGone {
    /// `station:…` or `province:…`.
    pub id: String,
    /// What an officer reads.
    pub name: String,
    /// Open incidents that it owns.
    pub open_incidents: usize,
    /// Sessions of its officers.
    pub signed_in: usize,
    /// Its officers in the users' file.
    pub officers: usize,
}

/// Why the map in force is still the old one.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Another reload is under way.
    #[error("the map is being read already; wait for that to end")]
    Busy,
    /// The service would not start with it.
    #[error("the map cannot be used, and the old one stays in force: {0}")]
    Unusable(String),
    /// It would leave somebody out.
    #[error(
        "map {version} is refused, and the old one stays in force: it would leave {} areas and {} \
         desks out; mend the map, or force it with POST /api/map/reload",
        left_out.orphaned.len(), left_out.desks_gone.len()
    )]
    LeavesOut {
        /// The version that was refused.
        version: String,
        /// Whom.
        left_out: LeftOut,
    },
    /// It is in force, and the log has failed: this process ends.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// The task that reads it was broken off.
    #[error("the map could not be read: the task was broken off")]
    BrokenOff,
}

impl ReloadError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::LeavesOut { .. } => "refused",
            Self::Unusable(_) | Self::NotRecorded(_) | Self::BrokenOff => "failed",
        }
    }
}

/// Reads the map anew when it is asked to. Clones share the service.
#[derive(Clone)]
pub struct MapReloader(Arc<Door>);

impl MapReloader {
    pub(super) fn new(door: Arc<Door>) -> Self {
        Self(door)
    }

    /// Reads the map anew and puts it in force for engine, views and consoles at once. What came of
    /// it is counted and logged.
    ///
    /// # Errors
    /// See [`ReloadError`].
    pub async fn reload(&self, force: bool) -> Result<Reloaded, ReloadError> {
        let reloaded = self.0.reload(force).await;
        let outcome = match &reloaded {
            Ok(reloaded) if reloaded.version == reloaded.was => "unchanged",
            Ok(_) => "in_force",
            Err(error) => error.outcome(),
        };
        self.0.engine.count_map_reload(outcome);
        match &reloaded {
            Ok(reloaded) => {
                let Reloaded {
                    version,
                    was,
                    left_out,
                } = reloaded;
                let (orphaned, desks_gone) = (ids(&left_out.orphaned), left_out.desks_gone.len());
                tracing::info!(outcome, version, was, orphaned, desks_gone, "map read anew");
            }
            Err(ReloadError::LeavesOut { version, left_out }) => {
                let orphaned = ids(&left_out.orphaned);
                let desks: Vec<_> = left_out
                    .desks_gone
                    .iter()
                    .map(|desk| desk.id.as_str())
                    .collect();
                let desks_gone = desks.join(", ");
                tracing::error!(outcome, version, orphaned, desks_gone, "map refused");
            }
            Err(error) => {
                let why = without_coordinates(&error.to_string());
                tracing::error!(outcome, why, "the map was not read anew");
            }
        }
        reloaded
    }
}

/// Every number with a decimal point, left out. A corner of a map is nobody's place; but a log that
/// never has coordinates needs no second look. Whoever asked is told in full.
fn without_coordinates(words: &str) -> String {
    let is_of_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let mut kept = String::new();
    let mut rest = words;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let end = from
            .find(|letter| !is_of_number(letter))
            .unwrap_or(from.len());
        let (number, after) = from.split_at(end);
        let is_decimal = number.trim_end_matches('.').contains('.');
        kept.push_str(before);
        kept.push_str(if is_decimal { "…" } else { number });
        rest = after;
    }
    kept + rest
}

fn ids(orphaned: &[OrphanedArea]) -> String {
    let ids: Vec<_> = orphaned.iter().map(|area| area.id.as_str()).collect();
    ids.join(", ")
}

impl fmt::Debug for MapReloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapReloader")
    }
}

impl Door {
    async fn reload(&self, force: bool) -> Result<Reloaded, ReloadError> {
        let _turn = self.reloading.try_lock().map_err(|_| ReloadError::Busy)?;
        let (source, old) = (self.engine.map_source(), self.engine.index());
        let was = old.map().version().clone();
        // Reading, indexing and comparing take seconds of a core that answers nobody else.
        let read = tokio::task::spawn_blocking(move || prepare(&source.read()?, old.map()));
        let prepared = read.await.map_err(|_| ReloadError::BrokenOff)?;
        let Prepared { index, orphans } = prepared.map_err(ReloadError::Unusable)?;
        let version = index.map().version().clone();
        let reloaded = |left_out| Reloaded {
            version: version.as_str().to_owned(),
            was: was.as_str().to_owned(),
            left_out,
        };
        if version == was {
            return Ok(reloaded(LeftOut::default()));
        }
        let mut left_out = LeftOut {
            orphaned: orphans.iter().map(OrphanedArea::of).collect(),
            desks_gone: Vec::new(),
        };
        let new = Arc::clone(index.map());
        let refuse = |dispatch: &Dispatch| {
            left_out.desks_gone = self.desks_gone(dispatch, &new);
            let is_nobody = left_out.orphaned.is_empty() && left_out.desks_gone.is_empty();
            (!force && !is_nobody).then(|| left_out.clone())
        };
        match self.engine.put_map_in_force(index, refuse).await? {
            Some(left_out) => Err(ReloadError::LeavesOut {
                version: version.as_str().to_owned(),
                left_out,
            }),
            None => Ok(reloaded(left_out)),
        }
    }

    /// Desks that are on the map in force, not on the new one, and in use.
    fn desks_gone(&self, dispatch: &Dispatch, new: &JurisdictionMap) -> Vec<DeskGone> {
        let mut in_use: BTreeMap<DeskId, DeskGone> = BTreeMap::new();
        let (old_desks, new_desks) = (desks_of(dispatch.map()), desks_of(new));
        let mut note = |id: DeskId, counted: fn(&mut DeskGone)| {
            if !old_desks.contains(&id) || new_desks.contains(&id) {
                return;
            }
            let name = Desk::parse(id.as_str())
                .map_or_else(|_| id.to_string(), |desk| desk.name(dispatch.map()));
            counted(in_use.entry(id.clone()).or_insert_with(|| DeskGone {
                id: id.to_string(),
                name,
                open_incidents: 0,
                signed_in: 0,
                officers: 0,
            }));
        };
        for incident in dispatch.board().incidents() {
            let lifecycle = incident.lifecycle();
            if lifecycle.state() != Stage::Closed
                && let Some(owner) = lifecycle.owner_desk()
            {
                note(owner.clone(), |desk| desk.open_incidents += 1);
            }
        }
        for officer in self.sessions.officers(self.engine.now()) {
            note(officer.desk.id(), |desk| desk.signed_in += 1);
        }
        for officer in self.users.officers() {
            note(officer.desk.id(), |desk| desk.officers += 1);
        }
        in_use.into_values().collect()
    }
}

/// Every desk that a map knows.
fn desks_of(map: &JurisdictionMap) -> BTreeSet<DeskId> {
    let ids = map.jurisdictions();
    ids.into_iter().flat_map(|id| map.desks(Some(id))).collect()
}

impl OrphanedArea {
    fn of(orphan: &Orphan) -> Self {
        Self {
            id: orphan.id.to_string(),
            name: orphan.name.clone(),
            area_m2: orphan.area_m2,
            farthest_m: orphan.farthest_m,
        }
    }
}

struct Prepared {
    index: Arc<JurisdictionIndex>,
    orphans: Vec<Orphan>,
}

fn prepare(new: &JurisdictionMap, old: &JurisdictionMap) -> Result<Prepared, String> {
    let index = JurisdictionIndex::new(new.clone());
    let orphans = MapChange::between(old, new).orphans(&index);
    Ok(Prepared {
        index: Arc::new(index),
        orphans,
    })
}

/// What is said when a map is refused: the problem, and whom it would leave out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusedMap {
    #[serde(flatten)]
    problem: Problem,
    /// The version that was refused.
    version: String,
    #[serde(flatten)]
    left_out: LeftOut,
}

/// Read the map anew and put it in force. For supervisors of the national desk.
#[utoipa::path(post, path = "/api/map/reload", tag = "map", request_body = Wish, responses(
    (status = 200, body = Reloaded), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 409, body = RefusedMap, description = "it would leave somebody out, or cannot be used"),
    (status = 422, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn reload(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
    Body(wish): Body<Wish>,
) -> Result<Response, ApiError> {
    if !session.officer.may_change_site() {
        return Err(ApiError::may_not_reload());
    }
    tracing::info!(officer = %session.officer.id, force = wish.force, "a new map was asked for");
    match MapReloader::new(door).reload(wish.force).await {
        Ok(reloaded) => Ok(Json(reloaded).into_response()),
        Err(error) => refused(error),
    }
}

fn refused(error: ReloadError) -> Result<Response, ApiError> {
    let words = error.to_string();
    match error {
        ReloadError::Busy => Err(ApiError::busy()),
        ReloadError::Unusable(_) => Err(ApiError::map_unusable(words)),
        ReloadError::LeavesOut { version, left_out } => {
            let body = RefusedMap {
                problem: Problem::new("leaves_out", words),
                version,
                left_out,
            };
            Ok((StatusCode::CONFLICT, Json(body)).into_response())
        }
        ReloadError::NotRecorded(_) | ReloadError::BrokenOff => Err(ApiError::internal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_no_coordinates() {
        for (words, logged) in [
            (
                "m.geojson: feature 3 (a) has the place [37.123456, -127.65], which is swapped",
                "m.geojson: feature 3 (a) has the place […, -…], which is swapped",
            ),
            (
                "2 features have the id `11/7`.",
                "2 features have the id `11/7`.",
            ),
            ("at 127.5", "at …"),
            ("line 12.", "line 12."),
            ("", ""),
        ] {
            assert_eq!(without_coordinates(words), logged);
        }
    }
}

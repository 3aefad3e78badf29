//! What happened to an incident. Who looks is recorded.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use protocol::{DecisionId, Effect, Revision};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{InSight, query};
use crate::board::{By, HistoryItem, HistoryKind};
use crate::dispatch::{Command, Wish};
use crate::io::users::Users;

/// Lines that are sent at once: some 40 KB.
const MAX_LINES: usize = 200;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// The `next` of the page before; 0 or nothing for the beginning.
    #[serde(default)]
    from: u64,
}

/// A page of an incident's history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HistoryAnswer {
    /// The oldest first.
    items: Vec<Line>,
    /// Where the next page begins.
    next: u64,
}

/// One line of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Line {
    /// Its place in the log.
    offset: u64,
    /// When it was appended, in milliseconds since 1970.
    at_ms: i64,
    /// What happened.
    kind: &'static str,
    /// Who did it.
    by: LineBy,
    /// False when somebody else had been first and it changed nothing.
    effective: bool,
    /// Words that belong to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// What this kind has besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LineBy {
    /// `phone`, `officer` or `dispatcher`.
    kind: &'static str,
    /// The officer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What a kind has besides.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Detail {
    /// What a claim to cancel meant.
    meaning: &'static str,
}

impl Line {
    fn of(item: &HistoryItem, users: &Users) -> Self {
        let (kind, name) = match &item.by {
            By::Phone => ("phone", None),
            By::Dispatcher => ("dispatcher", None),
            By::Officer(id) => ("officer", Some(users.name_of(id))),
        };
        Self {
            offset: item.offset.0,
            at_ms: item.time.as_i64(),
            kind: item.kind.as_str(),
            by: LineBy { kind, name },
            effective: item.effect != Effect::Superseded,
            text: (!item.text.is_empty()).then(|| item.text.clone()),
            detail: match item.kind {
                HistoryKind::Cancel(meaning) => Some(Detail {
                    meaning: meaning.as_str(),
                }),
                _ => None,
            },
        }
    }
}

/// What happened to an incident, by pages.
#[utoipa::path(get, path = "/api/incidents/{id}/history", tag = "incidents",
    params(("id" = String, Path, description = "the incident"), HistoryQuery), responses(
    (status = 200, body = HistoryAnswer),
    (status = 401, body = Problem),
    (status = 404, body = Problem),
    (status = 422, body = Problem),
))]
pub(super) async fn history(
    State(door): State<Arc<Door>>,
    sight: InSight,
    parameters: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HistoryAnswer>, ApiError> {
    let from = query(parameters)?.from;
    record_look(&door, &sight).await;
    let desk = &sight.session.officer.desk;
    let items = door.engine.read(|dispatch| {
        let incident = dispatch.visible(desk, &sight.incident)?;
        let lines = incident
            .history()
            .filter(|item| item.offset.0 >= from)
            .take(MAX_LINES);
        Some(
            lines
                .map(|item| Line::of(item, &door.users))
                .collect::<Vec<_>>(),
        )
    });
    let items = items.ok_or_else(ApiError::not_found)?;
    let next = items
        .last()
        .map_or(from, |line| line.offset.saturating_add(1));
    Ok(Json(HistoryAnswer { items, next }))
}

/// Records that the officer has looked, once per officer and incident. An officer in an emergency
/// sees what is known also when the log does not take it; that this happened is in the traces.
async fn record_look(door: &Door, sight: &InSight) {
    let officer = &sight.session.officer;
    let kind = format!("viewed by {}", officer.id);
    let command = Command {
        id: DecisionId::of_proposal(&sight.incident, &kind, Revision(0)),
        incident: sight.incident,
        wish: Wish::View,
    };
    let verdict = match door.engine.command(officer, command).await {
        Ok(_) => "effective",
        Err(error) => {
            tracing::warn!(officer = %officer.id, %error, "a look could not be recorded");
            "failed"
        }
    };
    door.metrics.command("view", verdict);
}

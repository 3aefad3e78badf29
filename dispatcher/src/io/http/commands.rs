//! What officers do. The answer is the log's: who was first is first everywhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::limit::MAX_TEXT_BYTES;
use protocol::{DecisionId, Outcome, Revision};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::door::Door;
use super::error::{ApiError, Problem};
use super::extract::{Body, InSight};
use crate::card::{Card, OfficerAt};
use crate::dispatch::{Command, Verdict, Wish};

/// Characters of a message or note. A phone in a covert view shows no more at once.
const MAX_TEXT_CHARS: usize = 500;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledge {
    /// Made by the console; the same again is the same command.
    #[schema(format = "uuid")]
    command_id: String,
    /// The revision that the officer saw.
    revision: u64,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// Made by the console; the same again is the same command.
    #[schema(format = "uuid")]
    command_id: String,
    /// 1 to 500 characters.
    text: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    /// Made by the console; the same again is the same command.
    #[schema(format = "uuid")]
    command_id: String,
    /// The revision that the officer saw.
    revision: u64,
    /// `helped`, `false_press`, `duplicate`, `unreachable` or `other`.
    outcome: String,
    /// At most 500 characters.
    #[serde(default)]
    note: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delivered {
    /// Made by the console; the same again is the same command.
    #[schema(format = "uuid")]
    command_id: String,
    /// `drawn` or `sounded`.
    how: String,
}

/// What became of a command.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer {
    /// `effective`, or `superseded` when somebody else was first and nothing was changed.
    outcome: &'static str,
    /// Who was first, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<OfficerAt>,
    /// The incident as it is now; absent when it has left the desk meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<Card>,
}

/// Take an incident.
#[utoipa::path(post, path = "/api/incidents/{id}/acknowledge", tag = "incidents",
    params(("id" = String, Path)), request_body = Acknowledge, responses(
    (status = 200, body = Answer), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn acknowledge(
    State(door): State<Arc<Door>>,
    sight: InSight,
    Body(body): Body<Acknowledge>,
) -> Result<Json<Answer>, ApiError> {
    let wish = Wish::Acknowledge(Revision(body.revision));
    command(&door, &sight, "acknowledge", &body.command_id, wish).await
}

/// Write to the phone.
#[utoipa::path(post, path = "/api/incidents/{id}/message", tag = "incidents",
    params(("id" = String, Path)), request_body = Words, responses(
    (status = 200, body = Answer), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn message(
    State(door): State<Arc<Door>>,
    sight: InSight,
    Body(body): Body<Words>,
) -> Result<Json<Answer>, ApiError> {
    let wish = Wish::Message(words("text", body.text, 1)?);
    command(&door, &sight, "message", &body.command_id, wish).await
}

/// Write for officers.
#[utoipa::path(post, path = "/api/incidents/{id}/note", tag = "incidents",
    params(("id" = String, Path)), request_body = Words, responses(
    (status = 200, body = Answer), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn note(
    State(door): State<Arc<Door>>,
    sight: InSight,
    Body(body): Body<Words>,
) -> Result<Json<Answer>, ApiError> {
    let wish = Wish::Note(words("text", body.text, 1)?);
    command(&door, &sight, "note", &body.command_id, wish).await
}

/// End an incident.
#[utoipa::path(post, path = "/api/incidents/{id}/close", tag = "incidents",
    params(("id" = String, Path)), request_body = Close, responses(
    (status = 200, body = Answer), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn close(
    State(door): State<Arc<Door>>,
    sight: InSight,
    Body(body): Body<Close>,
) -> Result<Json<Answer>, ApiError> {
    let outcome = Outcome::parse(&body.outcome).ok_or_else(|| {
        ApiError::bad_input(
            "`outcome` is none: helped, false_press, duplicate, unreachable or other",
        )
    })?;
    let wish = Wish::Close {
        revision: Revision(body.revision),
        outcome,
        note: words("note", body.note, 0)?,
    };
    command(&door, &sight, "close", &body.command_id, wish).await
}

/// Say that the console has drawn an incident, or sounded. The first of a desk is recorded.
#[utoipa::path(post, path = "/api/incidents/{id}/delivered", tag = "incidents",
    params(("id" = String, Path)), request_body = Delivered, responses(
    (status = 200, body = Answer), (status = 401, body = Problem), (status = 404, body = Problem),
    (status = 409, body = Problem), (status = 422, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn delivered(
    State(door): State<Arc<Door>>,
    sight: InSight,
    Body(body): Body<Delivered>,
) -> Result<Json<Answer>, ApiError> {
    let sounded = match body.how.as_str() {
        "drawn" => false,
        "sounded" => true,
        _ => return Err(ApiError::bad_input("`how` is none: drawn or sounded")),
    };
    let desk = &sight.session.officer.desk;
    let known = door.engine.read(|dispatch| {
        let incident = dispatch.visible(desk, &sight.incident);
        incident.is_some_and(|incident| incident.delivered().contains_key(&desk.id()))
    });
    if known {
        let _ = command_id(&body.command_id)?;
        door.metrics.command("delivered", "known");
        return Ok(Json(answer(&door, &sight, "effective", None)));
    }
    command(
        &door,
        &sight,
        "delivered",
        &body.command_id,
        Wish::Delivered { sounded },
    )
    .await
}

async fn command(
    door: &Door,
    sight: &InSight,
    kind: &'static str,
    id: &str,
    wish: Wish,
) -> Result<Json<Answer>, ApiError> {
    let command = Command {
        id: command_id(id)?,
        incident: sight.incident,
        wish,
    };
    match door.engine.command(&sight.session.officer, command).await {
        Ok(Verdict::Effective) => {
            door.metrics.command(kind, "effective");
            Ok(Json(answer(door, sight, "effective", None)))
        }
        Ok(Verdict::Superseded(first)) => {
            door.metrics.command(kind, "superseded");
            let by = first.map(|(id, at)| OfficerAt {
                user: id.to_string(),
                name: door.users.name_of(&id),
                at_ms: at.as_i64(),
            });
            Ok(Json(answer(door, sight, "superseded", by)))
        }
        Err(error) => {
            let error = ApiError::from(error);
            door.metrics.command(kind, error.code);
            Err(error)
        }
    }
}

fn answer(door: &Door, sight: &InSight, outcome: &'static str, by: Option<OfficerAt>) -> Answer {
    let now = door.engine.now();
    let card = door.engine.read(|dispatch| {
        let incident = dispatch.visible(&sight.session.officer.desk, &sight.incident)?;
        Some(dispatch.card(incident, &|officer| door.users.name_of(officer), now))
    });
    Answer { outcome, by, card }
}

fn command_id(text: &str) -> Result<DecisionId, ApiError> {
    text.parse()
        .map_err(|_| ApiError::bad_input("`command_id` is no UUID; make one per command"))
}

/// Words as an officer wrote them, without the space around them.
fn words(field: &str, text: String, least_chars: usize) -> Result<String, ApiError> {
    let trimmed = text.trim();
    let fits = trimmed.chars().count() <= MAX_TEXT_CHARS && trimmed.len() <= MAX_TEXT_BYTES;
    if trimmed.chars().count() < least_chars || !fits {
        return Err(ApiError::bad_input(format!(
            "`{field}` has {least_chars} to {MAX_TEXT_CHARS} characters and at most \
             {MAX_TEXT_BYTES} bytes; shorten it"
        )));
    }
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bounded_in_characters_and_bytes() {
        let five_hundred = "가".repeat(MAX_TEXT_CHARS);
        assert_eq!(
            words("text", format!(" {five_hundred}\n"), 1),
            Ok(five_hundred.clone())
        );
        assert!(words("text", format!("{five_hundred}가"), 1).is_err());
        assert!(
            words("text", "🚔".repeat(MAX_TEXT_CHARS), 1).is_err(),
            "2,000 bytes"
        );
        assert!(words("text", " \n".to_owned(), 1).is_err());
        assert_eq!(words("note", String::new(), 0), Ok(String::new()));
    }
}

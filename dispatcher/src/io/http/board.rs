//! The board as a desk sees it, at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::door::{Door, Health};
use super::error::{ApiError, Problem};
use super::extract::SignedIn;
use super::view::{Viewer, look, look_unlogged};
use crate::card::Card;

/// All incidents that a desk sees.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoardAnswer {
    /// Where the stream of events goes on.
    cursor: String,
    /// The service's clock, in milliseconds since 1970.
    server_at_ms: i64,
    /// Names the fold of the log that the cards are of, as changes do.
    fold: String,
    /// In no order that means anything.
    cards: Vec<Card>,
    /// How the service is.
    health: Health,
}

/// The board of the officer's desk.
#[utoipa::path(get, path = "/api/board", tag = "board", responses(
    (status = 200, body = BoardAnswer),
    (status = 401, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn board(
    State(door): State<Arc<Door>>,
    SignedIn(session): SignedIn,
) -> Result<Json<BoardAnswer>, ApiError> {
    door.take_console().await?;
    let now = door.engine.now();
    // What changes while the slices are read comes again by the stream, which goes on from here.
    let (cursors, began_at, newest) = door.engine.read(|dispatch| {
        let board = dispatch.board();
        (board.cursors().clone(), board.began_at(), board.change())
    });
    let shown_pending = BTreeSet::new();
    let viewer = Viewer {
        desk: &session.officer.desk,
        users: &door.users,
        now,
        shown_pending: &shown_pending,
    };
    let mut cards = BTreeMap::new();
    let mut at = 0;
    loop {
        let slice = door
            .engine
            .read(|dispatch| look(dispatch, &viewer, at, &cursors));
        for id in &slice.left {
            cards.remove(id);
        }
        cards.extend(slice.cards.into_iter().map(|card| (card.id, card)));
        at = slice.to;
        if !slice.more || at >= newest {
            break;
        }
        tokio::task::yield_now().await;
    }
    let (mut at, mut shown) = (0, BTreeSet::new());
    loop {
        let slice = door
            .engine
            .read(|dispatch| look_unlogged(dispatch, &viewer, at, &mut shown));
        cards.extend(slice.cards.into_iter().map(|card| (card.id, card)));
        at = slice.to;
        if !slice.more {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(Json(BoardAnswer {
        cursor: door.cursor(cursors, began_at).to_string(),
        server_at_ms: now.as_i64(),
        fold: door.fold(began_at).to_string(),
        cards: cards.into_values().collect(),
        health: door.health(&session.officer.desk),
    }))
}

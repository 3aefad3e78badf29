//! What officers see, as it is to be judged.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::Value;

use super::scenario::patiently;
use super::site::Doors;
use crate::support::site::Console;

/// By the ids of their incidents.
pub(super) type Cards = BTreeMap<String, Value>;

/// The board of a dispatcher.
pub(super) struct Board(Console);

/// What has happened to an incident, as far as it is to be judged.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// What the phone said, in the order of the log.
    pub(super) texts: Vec<String>,
    /// What the phone claimed when it said that it is over.
    pub(super) claims: Vec<String>,
    /// How often somebody took it, and it counted.
    pub(super) acknowledged: usize,
    /// How often it was given to a desk, and it counted.
    pub(super) assigned: usize,
}

impl Board {
    pub(super) async fn of(doors: &Doors, dispatcher: usize) -> Self {
        let (at, officer) = (doors.console(dispatcher), doors.officer(dispatcher));
        patiently("a board that has caught up", async || {
            let console = Console::try_sign_in_at(at, officer).await;
            let console = console.map_err(|error| error.to_string())?;
            console.map(Self).ok_or_else(|| "it has not".to_owned())
        })
        .await
    }

    async fn get(&self, path: &str) -> Value {
        // While it is folded anew, it is shown to nobody.
        patiently(path, async || match self.0.get(path).await {
            (StatusCode::SERVICE_UNAVAILABLE, answer) => Err(answer.to_string()),
            (status, answer) => {
                assert_eq!(status, StatusCode::OK, "{answer}");
                Ok(answer)
            }
        })
        .await
    }

    pub(super) async fn cards(&self) -> Cards {
        let board = self.get("/api/board").await;
        let cards = board["cards"].as_array().unwrap();
        let by_id = cards.iter().map(|card| {
            let id = card["id"].as_str().unwrap();
            (id.to_owned(), card.clone())
        });
        let by_id: Cards = by_id.collect();
        assert_eq!(by_id.len(), cards.len(), "a card is there twice");
        by_id
    }

    /// Returns when all of these are on it.
    pub(super) async fn knows(&self, incidents: &BTreeSet<String>) {
        patiently("they are on the board", async || {
            let cards = self.cards().await;
            let missing = incidents.iter().filter(|id| !cards.contains_key(*id));
            match missing.count() {
                0 => Ok(()),
                count => Err(format!("{count} of {} are not", incidents.len())),
            }
        })
        .await;
    }

    /// Returns when officers are told of some trouble in these words, among others.
    pub(super) async fn says(&self, words: &str) {
        patiently("officers are told", async || {
            let health = self.get("/api/board").await["health"].to_string();
            match health.contains(words) {
                true => Ok(()),
                false => Err(health),
            }
        })
        .await;
    }

    pub(super) async fn past(&self, incident: &str) -> Past {
        let history = self
            .get(&format!("/api/incidents/{incident}/history"))
            .await;
        let mut past = Past::default();
        for line in history["items"].as_array().unwrap() {
            let counts = usize::from(line["effective"] == true);
            match line["kind"].as_str().unwrap() {
                "text" => past.texts.push(line["text"].as_str().unwrap().to_owned()),
                "cancel" => {
                    let meaning = line["detail"]["meaning"].as_str().unwrap();
                    past.claims.push(meaning.to_owned());
                }
                "acknowledged" => past.acknowledged += counts,
                "assigned" => past.assigned += counts,
                _ => {}
            }
        }
        past
    }
}

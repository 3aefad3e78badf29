//! A signed-in console that notes when it heard of what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ansim::demo_site::DemoOfficer;
use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use protocol::IncidentId;
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Change {
    cards: Vec<Card>,
}

#[derive(Deserialize)]
struct Card {
    id: IncidentId,
    state: String,
}

/// When what arrived first.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    /// Any card; its assignment may be pending.
    pub(crate) card: BTreeMap<IncidentId, Instant>,
    /// A card whose assignment is durable.
    pub(crate) assignment: BTreeMap<IncidentId, Instant>,
}

#[derive(Clone)]
pub(crate) struct Console {
    heard: Arc<Mutex<Heard>>,
}

impl Console {
    /// Signs in, and follows what changes from now on.
    pub(crate) async fn open(url: &str, officer: &DemoOfficer) -> Self {
        let http = Client::builder()
            .cookie_store(true)
            .no_proxy()
            .build()
            .unwrap();
        let credentials = json!({ "user": officer.user, "password": officer.password });
        let url = url.trim_end_matches('/');
        let sign_in = http.post(format!("{url}/api/sign-in")).json(&credentials);
        sign_in.send().await.unwrap().error_for_status().unwrap();
        let board = http.get(format!("{url}/api/board")).send().await.unwrap();
        let board: Value = board.json().await.unwrap();
        let cursor = board["cursor"].as_str().unwrap();
        let events = http.get(format!("{url}/api/events?cursor={cursor}"));
        let events = events.send().await.unwrap().error_for_status().unwrap();
        let console = Self {
            heard: Arc::default(),
        };
        let listener = console.clone();
        tokio::spawn(async move {
            let mut events = events.bytes_stream().eventsource();
            while let Some(Ok(event)) = events.next().await {
                if event.event == "change" {
                    listener.hear(&event.data);
                }
            }
        });
        console
    }

    fn hear(&self, data: &str) {
        // The moment at which a page could begin to draw: the words have been understood.
        let change: Change = serde_json::from_str(data).unwrap();
        let now = Instant::now();
        let mut heard = self.heard.lock().unwrap();
        for card in change.cards {
            heard.card.entry(card.id).or_insert(now);
            if card.state == "assigned" {
                heard.assignment.entry(card.id).or_insert(now);
            }
        }
    }

    pub(crate) fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    /// Incidents whose durable assignment has arrived.
    pub(crate) fn assigned(&self) -> usize {
        self.heard.lock().unwrap().assignment.len()
    }
}

//! A console without a screen.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

/// Nothing here takes a second; a test that would wait for ever ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser's view of the door: an address and a cookie.
pub(super) struct Console {
    pub(super) client: Client,
    base: String,
}

impl Console {
    pub(super) fn new(base: &str) -> Self {
        let client = Client::builder()
            .cookie_store(true)
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            client,
            base: base.to_owned(),
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(super) async fn sign_in(&self, user: &str, password: &str) -> (u16, Value) {
        self.post(
            "/api/sign-in",
            &json!({ "user": user, "password": password }),
        )
        .await
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(
            self.request(Method::POST, path)
                .json(body)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// A command about an incident, under a fresh id made of `n`.
    pub(super) async fn command(&self, id: &str, kind: &str, n: u32, more: Value) -> (u16, Value) {
        let mut body = more;
        body["command_id"] = command_id(n).into();
        self.post(&format!("/api/incidents/{id}/{kind}"), &body)
            .await
    }

    pub(super) async fn board(&self) -> Value {
        let (status, board) = self.get("/api/board").await;
        assert_eq!(status, 200, "{board}");
        board
    }

    /// Opens the stream, from a cursor by the address and by the header that a browser sends.
    pub(super) async fn events(&self, cursor: Option<&str>, last_id: Option<&str>) -> Events {
        let path = match cursor {
            Some(cursor) => format!("/api/events?cursor={cursor}"),
            None => "/api/events".to_owned(),
        };
        let mut request = self.request(Method::GET, &path);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events {
            response,
            unread: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// Follows the stream until a card of this incident is as it should be.
    pub(super) async fn card_when(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut events = self.events(None, None).await;
        let mut desk = DeskView::default();
        loop {
            desk.take(&events.next().await.expect("the stream goes on"));
            if let Some(card) = desk.cards.get(id)
                && holds(card)
            {
                return card.clone();
            }
        }
    }
}

pub(super) fn command_id(n: u32) -> String {
    format!("c0ffee00-0000-4000-8000-{n:012}")
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

/// One event as a browser hands it to a page.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) event: String,
    pub(super) id: Option<String>,
    pub(super) data: Value,
}

/// A stream of events (WHATWG HTML, section 9.2.6, as far as the service uses it).
pub(super) struct Events {
    response: Response,
    unread: Vec<u8>,
    /// All that came, as it came.
    pub(super) raw: Vec<u8>,
}

impl Events {
    /// The next event; `None` when the service has ended the stream.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .expect("an event comes in time")
    }

    async fn read(&mut self) -> Option<Heard> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(parse(std::str::from_utf8(&block).unwrap()));
            }
            let chunk = self.response.chunk().await.ok().flatten()?;
            self.raw.extend_from_slice(&chunk);
            self.unread.extend_from_slice(&chunk);
        }
    }

    /// The next event of this name.
    pub(super) async fn next_named(&mut self, name: &str) -> Heard {
        loop {
            let heard = self.next().await.expect("the stream goes on");
            if heard.event == name {
                return heard;
            }
        }
    }
}

fn parse(block: &str) -> Heard {
    let field = |name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| {
            value
                .trim_start_matches(": ")
                .trim_start_matches(':')
                .to_owned()
        })
    };
    Heard {
        event: field("event").unwrap(),
        id: field("id"),
        data: serde_json::from_str(&field("data").unwrap()).unwrap(),
    }
}

/// What a page knows after the events that it has heard.
#[derive(Default)]
pub(super) struct DeskView {
    pub(super) cards: BTreeMap<String, Value>,
    pub(super) cursor: Option<String>,
    /// Cards that came although they were known exactly so.
    pub(super) twice: Vec<Value>,
}

impl DeskView {
    pub(super) fn take(&mut self, heard: &Heard) {
        if heard.event != "change" {
            return;
        }
        for card in heard.data["cards"].as_array().unwrap() {
            let id = card["id"].as_str().unwrap().to_owned();
            if self.cards.insert(id, card.clone()).as_ref() == Some(card) {
                self.twice.push(card.clone());
            }
        }
        for id in heard.data["left"].as_array().unwrap() {
            self.cards.remove(id.as_str().unwrap());
        }
        if heard.id.is_some() {
            self.cursor.clone_from(&heard.id);
        }
    }
}

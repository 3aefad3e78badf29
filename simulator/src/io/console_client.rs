//! A console without a page: signs in, reads the board, follows the stream of events, and comes back
//! where it was when the stream ends.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use protocol::IncidentId;
use reqwest::{Client, Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::books::Seen;
use crate::measure::Sighting;
use crate::sse::{EventStream, ServerEvent};

/// A request that has no answer by then has failed. A sign-in costs a second where cores are few.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A stream that is silent for so long is dead: two of its heartbeats and a little.
const SILENCE: Duration = Duration::from_secs(12);

/// The state of an incident about which nothing has been decided.
const NOT_ASSIGNED: &str = "new";

/// Between two attempts to follow the stream.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// No answer, or one that cannot be read.
    #[error("the console at {url} does not answer: {source}")]
    Http {
        /// What was asked for.
        url: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The answer is no.
    #[error("the console answers {status} to {url}: {words}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// The answer's own words.
        words: String,
    },
}

/// What the console hears, in the order in which it does.
#[derive(Debug)]
pub(super) enum Heard {
    Card(Sighting),
    Left(IncidentId),
}

#[derive(Deserialize)]
struct Board {
    cursor: String,
    cards: Vec<Card>,
}

#[derive(Deserialize)]
struct Change {
    cards: Vec<Card>,
    left: Vec<IncidentId>,
}

/// What is needed of a card; the rest is passed over.
#[derive(Deserialize)]
struct Card {
    id: IncidentId,
    state: String,
    #[serde(default)]
    pending: bool,
    presses: u64,
    station: Desk,
    position: Option<Fix>,
}

#[derive(Deserialize)]
struct Desk {
    id: String,
}

#[derive(Deserialize)]
struct Fix {
    fix_at_ms: Option<i64>,
}

impl From<Card> for Heard {
    fn from(card: Card) -> Self {
        Self::Card(Sighting {
            incident: card.id,
            desk: card.station.id,
            presses: card.presses,
            is_assigned: !card.pending && card.state != NOT_ASSIGNED,
            fix_at_ms: card.position.and_then(|fix| fix.fix_at_ms),
        })
    }
}

impl From<Sighting> for Seen {
    fn from(sighting: Sighting) -> Self {
        Self {
            incident: sighting.incident,
            desk: sighting.desk,
            presses: sighting.presses,
        }
    }
}

/// A signed-in console.
pub(super) struct ConsoleClient {
    http: Client,
    base: String,
    user: String,
    password: String,
    /// Where the stream goes on; absent until the board was read.
    cursor: Option<String>,
}

impl ConsoleClient {
    /// Signs in at `base`, a URL without a slash at its end.
    pub(super) async fn sign_in(
        base: &str,
        user: &str,
        password: &str,
    ) -> Result<Self, ConsoleError> {
        let http = Client::builder()
            .cookie_store(true)
            .no_proxy()
            .build()
            .map_err(|source| ConsoleError::Http {
                url: base.to_owned(),
                source,
            })?;
        let client = Self {
            http,
            base: base.to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
            cursor: None,
        };
        client.open_session().await?;
        Ok(client)
    }

    async fn open_session(&self) -> Result<(), ConsoleError> {
        let url = format!("{}/api/sign-in", self.base);
        let body = serde_json::json!({ "user": self.user, "password": self.password });
        let request = self.http.post(&url).json(&body).timeout(ANSWER_WITHIN);
        taken(&url, request.send().await).await.map(drop)
    }

    /// Reads the board as it is; the stream goes on from there.
    pub(super) async fn read_board(
        &mut self,
        mut hear: impl FnMut(Heard, Instant),
    ) -> Result<(), ConsoleError> {
        let url = format!("{}/api/board", self.base);
        let request = self.http.get(&url).timeout(ANSWER_WITHIN);
        let board: Board = read(&url, taken(&url, request.send().await).await?).await?;
        let now = Instant::now();
        for card in board.cards {
            hear(card.into(), now);
        }
        self.cursor = Some(board.cursor);
        Ok(())
    }

    /// Follows what changes, for ever.
    pub(super) async fn follow(mut self, mut hear: impl FnMut(Heard, Instant)) {
        loop {
            match self.follow_once(&mut hear).await {
                Ok(()) => {}
                Err(ConsoleError::Refused {
                    status: StatusCode::UNAUTHORIZED,
                    ..
                }) => {
                    if let Err(error) = self.open_session().await {
                        tracing::warn!(%error, "the console cannot sign in again");
                    }
                }
                Err(error) => tracing::warn!(%error, "the console has lost its stream"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    /// Until the stream ends or is silent.
    async fn follow_once(
        &mut self,
        hear: &mut impl FnMut(Heard, Instant),
    ) -> Result<(), ConsoleError> {
        let url = format!("{}/api/events", self.base);
        let mut request = self
            .http
            .get(&url)
            .header(header::ACCEPT, "text/event-stream");
        if let Some(cursor) = &self.cursor {
            request = request.header("Last-Event-ID", cursor);
        }
        let response = taken(&url, request.send().await).await?;
        let mut bytes = response.bytes_stream();
        let mut events = EventStream::default();
        while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENCE, bytes.next()).await {
            if let Err(error) = events.push(&piece) {
                tracing::warn!(%error, "the console gives up its stream");
                break;
            }
            while let Some(event) = events.poll() {
                self.hear(event, hear);
            }
        }
        Ok(())
    }

    fn hear(&mut self, event: ServerEvent, hear: &mut impl FnMut(Heard, Instant)) {
        if event.kind == "change"
            && let Ok(change) = serde_json::from_slice::<Change>(&event.data)
        {
            // The moment at which a page could begin to draw: the words have been understood.
            let now = Instant::now();
            for card in change.cards {
                hear(card.into(), now);
            }
            for incident in change.left {
                hear(Heard::Left(incident), now);
            }
        }
        if !event.id.is_empty() {
            self.cursor = Some(event.id);
        }
    }
}

/// What is on the board of a console at this moment, as whoever signs in there sees it.
///
/// # Errors
/// When the console does not answer, or answers no.
pub async fn read_board(
    console: &str,
    user: &str,
    password: &str,
) -> Result<Vec<Seen>, ConsoleError> {
    let mut client = ConsoleClient::sign_in(console, user, password).await?;
    let mut seen = Vec::new();
    let hear = |heard, _| {
        if let Heard::Card(sighting) = heard {
            seen.push(sighting.into());
        }
    };
    client.read_board(hear).await?;
    Ok(seen)
}

async fn taken(
    url: &str,
    answer: Result<Response, reqwest::Error>,
) -> Result<Response, ConsoleError> {
    let response = answer.map_err(|source| http(url, source))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let words = response.text().await.unwrap_or_default();
    Err(ConsoleError::Refused {
        url: url.to_owned(),
        status,
        words,
    })
}

async fn read<T: DeserializeOwned>(url: &str, response: Response) -> Result<T, ConsoleError> {
    response.json().await.map_err(|source| http(url, source))
}

fn http(url: &str, source: reqwest::Error) -> ConsoleError {
    ConsoleError::Http {
        url: url.to_owned(),
        source,
    }
}

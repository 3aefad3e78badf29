//! A whole service on loopback, phones and consoles for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::Service;
use client::Event;
use client::io::{Endpoint, EndpointOptions, Phone, PhoneEvent, PhoneHandle, PhoneOptions};
use dispatcher::jurisdiction::{Authority, DEFAULT_REACH_M, JurisdictionMap, MapParts, Station};
use eventsource_stream::{Event as SseEvent, Eventsource as _};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use protocol::{Enrolment, JurisdictionId, LatLon, Position, UnixMillis};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

/// Everything on loopback is there in milliseconds; a machine that needs this long is broken.
pub(crate) const IN_TIME: Duration = Duration::from_secs(60);

/// How often somebody signs in who was told to come again.
const SIGN_IN_EVERY: Duration = Duration::from_millis(50);

/// Waits for what must come.
///
/// # Panics
/// When it does not.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(IN_TIME, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not in time"))
}

/// A service with two stations, *north* at 38° and *south* at 35°, of one agency each.
pub(crate) struct Site {
    pub(crate) demo: DemoSite,
    pub(crate) service: Service,
    pub(crate) officers: Vec<DemoOfficer>,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn two_stations() -> JurisdictionMap {
    let station = |id: &str, lat: f64| Station {
        jurisdiction: JurisdictionId::new(id),
        name: format!("{id} station"),
        agency: Some(format!("{id} agency")),
        at: LatLon::new(lat, 127.0).unwrap(),
    };
    JurisdictionMap::new(MapParts {
        name: "two-stations".to_owned(),
        authority: Authority::Invented,
        label: None,
        areas: Vec::new(),
        stations: vec![station("north", 38.0), station("south", 35.0)],
        reach_m: DEFAULT_REACH_M,
    })
}

impl Site {
    pub(crate) async fn start() -> Self {
        let demo = DemoSite::new().unwrap();
        let officers = [
            ("kim", "김하나", "station:north"),
            ("lee", "이두리", "province:north agency"),
            ("park", "박세찬", "station:south"),
            ("choi", "최나라", "national"),
        ]
        .map(|(user, name, desk)| DemoOfficer::new(user, name, desk));
        let folder = tempfile::tempdir().unwrap();
        let parts = demo
            .parts(folder.path(), two_stations(), &officers)
            .unwrap();
        let service = Service::start(parts).await.unwrap();
        Self {
            demo,
            service,
            officers: officers.to_vec(),
            folder,
        }
    }

    pub(crate) fn enrolment(&self, device: u8) -> Enrolment {
        let relay = self.service.relay_address().unwrap();
        self.demo.enrolment(relay, [device; 16], now()).unwrap()
    }

    /// An enrolled phone.
    pub(crate) fn phone(&self, device: u8) -> TestPhone {
        TestPhone::start(&self.enrolment(device))
    }

    /// A console at which an officer has signed in.
    pub(crate) async fn console(&self, user: &str) -> Console {
        let officer = self
            .officers
            .iter()
            .find(|officer| officer.user == user)
            .unwrap();
        Console::sign_in(&self.service, officer).await
    }
}

/// The test's own clock, for tokens.
pub(crate) fn now() -> UnixMillis {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    UnixMillis::new(i64::try_from(now.as_millis()).unwrap())
}

/// A position at a latitude on the meridian of the two stations.
pub(crate) fn at(lat: f64) -> Position {
    Position::at(LatLon::new(lat, 127.0).unwrap())
}

/// A phone and what it tells its app.
pub(crate) struct TestPhone {
    pub(crate) handle: PhoneHandle,
    events: mpsc::Receiver<PhoneEvent>,
}

impl TestPhone {
    pub(crate) fn start(enrolment: &Enrolment) -> Self {
        let local = Some("127.0.0.1:0".parse().unwrap());
        let options = EndpointOptions {
            local,
            ..EndpointOptions::default()
        };
        Self::on(Endpoint::bind(&options).unwrap(), enrolment)
    }

    pub(crate) fn on(endpoint: Arc<Endpoint>, enrolment: &Enrolment) -> Self {
        let (handle, events) = Phone::start(endpoint, enrolment, PhoneOptions::default()).unwrap();
        Self { handle, events }
    }

    /// What it tells next.
    pub(crate) async fn next_event(&mut self) -> Event {
        self.events.recv().await.expect("the phone runs").event
    }

    /// The first event from here on that `wanted` takes.
    pub(crate) async fn event<T>(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> T {
        in_time(what, async {
            loop {
                if let Some(found) = wanted(&self.next_event().await) {
                    return found;
                }
            }
        })
        .await
    }
}

/// A signed-in console.
pub(crate) struct Console {
    http: Client,
    url: String,
}

impl Console {
    /// Of an officer of this service.
    pub(crate) async fn sign_in(service: &Service, officer: &DemoOfficer) -> Self {
        Self::sign_in_at(service.console_address().unwrap(), officer).await
    }

    /// Of an officer of the service whose console is here, as soon as its board has caught up.
    pub(crate) async fn sign_in_at(console: SocketAddr, officer: &DemoOfficer) -> Self {
        in_time("a board that has caught up", async {
            loop {
                if let Some(console) = Self::try_sign_in_at(console, officer).await.unwrap() {
                    return console;
                }
                tokio::time::sleep(SIGN_IN_EVERY).await;
            }
        })
        .await
    }

    /// The same where nobody may answer; none while the board has not caught up.
    pub(crate) async fn try_sign_in_at(
        console: SocketAddr,
        officer: &DemoOfficer,
    ) -> reqwest::Result<Option<Self>> {
        let http = Client::builder().cookie_store(true).no_proxy();
        let console = Self {
            http: http.build()?,
            url: format!("http://{console}"),
        };
        let credentials = json!({ "user": officer.user, "password": officer.password });
        let (status, answer) = console.try_post("/api/sign-in", &credentials).await?;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return Ok(None);
        }
        assert_eq!(status, StatusCode::OK, "{answer}");
        Ok(Some(console))
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.try_post(path, body).await.unwrap()
    }

    /// The same where nobody may answer.
    pub(crate) async fn try_get(&self, path: &str) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.http.get(format!("{}{path}", self.url));
        let answer = request.send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or(Value::Null)))
    }

    /// The same where nobody may answer.
    pub(crate) async fn try_post(
        &self,
        path: &str,
        body: &Value,
    ) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.http.post(format!("{}{path}", self.url));
        let answer = request.json(body).send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or(Value::Null)))
    }

    /// Follows the board from where it is now.
    pub(crate) async fn follow(&self) -> Follower {
        let (_, board) = self.get("/api/board").await;
        let cursor = board["cursor"].as_str().unwrap().to_owned();
        let url = format!("{}/api/events?cursor={cursor}", self.url);
        let answer = self.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let stream = answer
            .bytes_stream()
            .eventsource()
            .map(|event| event.unwrap())
            .boxed();
        let cards = board["cards"].as_array().unwrap().clone();
        Follower {
            stream,
            waiting: cards,
        }
    }
}

/// A stream of cards.
pub(crate) struct Follower {
    stream: BoxStream<'static, SseEvent>,
    waiting: Vec<Value>,
}

impl Follower {
    /// The first card from here on for which `wanted` holds.
    pub(crate) async fn card(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        in_time(what, async {
            loop {
                while !self.waiting.is_empty() {
                    let card = self.waiting.remove(0);
                    if wanted(&card) {
                        return card;
                    }
                }
                let event = self.stream.next().await.expect("the stream goes on");
                if event.event == "change" {
                    let change: Value = serde_json::from_str(&event.data).unwrap();
                    self.waiting
                        .extend(change["cards"].as_array().unwrap().iter().cloned());
                }
            }
        })
        .await
    }

    /// The first word on how the service is, from here on, for which `wanted` holds. Cards that come before it are passed over.
    pub(crate) async fn health(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) {
        in_time(what, async {
            loop {
                let event = self.stream.next().await.expect("the stream goes on");
                let is_wanted = || wanted(&serde_json::from_str(&event.data).unwrap());
                if event.event == "health" && is_wanted() {
                    return;
                }
            }
        })
        .await;
    }
}

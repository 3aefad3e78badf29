//! While the log on a real Redis server takes nothing: a relay tells every dispatcher, and the log has it later, once.

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::{Role, Service};
use client::Event;
use dispatcher::io::http::TlsFiles;
use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestServer, is_here};
use journal::{Partition, PartitionCount};
use protocol::{DeviceId, IncidentId, Progress};
use relay::Dispatchers;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::site::{Console, Follower, TestPhone, at, in_time, now, two_stations};

const COMMAND: &str = "11111111-1111-4111-8111-111111111111";

/// Two dispatchers, and a relay that knows them.
struct Fleet {
    demo: DemoSite,
    officers: Vec<DemoOfficer>,
    relay: Service,
    dispatchers: Vec<Service>,
    _folder: tempfile::TempDir,
}

impl Fleet {
    /// With a certificate the second dispatcher speaks TLS.
    async fn start(log: &Settings, with_tls: bool) -> Self {
        let demo = DemoSite::new().unwrap();
        let officers = vec![
            DemoOfficer::new("kim", "김하나", "station:north"),
            DemoOfficer::new("park", "박세찬", "station:south"),
        ];
        let folder = tempfile::tempdir().unwrap();
        let parts = |name: &str, role: Role| {
            let own = folder.path().join(name);
            let mut parts = demo.parts(&own, two_stations(), &officers).unwrap();
            parts.log = Some(log.clone());
            // All seal under the same keys.
            parts.day_keys = folder.path().join("day-keys");
            match role {
                Role::Relay => parts.dispatcher = None,
                Role::Dispatcher | Role::Site => parts.relay = None,
            }
            parts
        };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let tls = TlsFiles {
            certificate: folder.path().join("console.pem"),
            key: folder.path().join("console-key.pem"),
        };
        std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
        std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();

        let mut dispatchers = Vec::new();
        let mut addresses = Vec::new();
        for number in 0..2 {
            let mut parts = parts(&format!("dispatcher-{number}"), Role::Dispatcher);
            let is_tls = with_tls && number == 1;
            if is_tls && let Some(dispatcher) = &mut parts.dispatcher {
                dispatcher.console.tls = Some(tls.clone());
            }
            let dispatcher = Service::start(parts).await.unwrap();
            let port = dispatcher.console_address().unwrap().port();
            let address = if is_tls {
                format!("https://localhost:{port}")
            } else {
                format!("http://127.0.0.1:{port}")
            };
            addresses.push(address.parse().unwrap());
            dispatchers.push(dispatcher);
        }
        let mut parts = parts("relay", Role::Relay);
        if let Some(relay) = &mut parts.relay {
            let authority = made.cert.pem();
            relay.config.dispatchers = Dispatchers::new(addresses, authority.as_bytes()).unwrap();
        }
        let relay = Service::start(parts).await.unwrap();
        Self {
            demo,
            officers,
            relay,
            dispatchers,
            _folder: folder,
        }
    }

    fn phone(&self, device: u8) -> TestPhone {
        let relay = self.relay.relay_address().unwrap();
        let enrolment = self.demo.enrolment(relay, [device; 16], now()).unwrap();
        TestPhone::start(&enrolment)
    }

    async fn console(&self, dispatcher: usize, user: &str) -> Console {
        let mut officers = self.officers.iter();
        let officer = officers.find(|officer| officer.user == user).unwrap();
        Console::sign_in(&self.dispatchers[dispatcher], officer).await
    }

    async fn shutdown(self) {
        self.relay.shutdown().await;
        for dispatcher in self.dispatchers {
            dispatcher.shutdown().await;
        }
    }
}

fn said(event: &Event, progress: Progress) -> Option<()> {
    matches!(event, Event::Status(status) if status.progress == progress).then_some(())
}

/// A phone of its own presses and has its receipt.
async fn press_of(fleet: &Fleet, device: u8) -> (DeviceId, IncidentId) {
    let mut phone = fleet.phone(device);
    let alert = phone.handle.raise(Some(at(38.01))).await.unwrap();
    phone
        .event("the receipt", |event| {
            matches!(event, Event::Receipted(receipt) if receipt.alert == alert).then_some(())
        })
        .await;
    let device = DeviceId::Enrolled([device; 16]);
    (device, IncidentId::of(&device, &alert))
}

async fn card(follower: &mut Follower, what: &str, is_unlogged: bool, presses: u64) -> Value {
    let wanted = |card: &Value| {
        assert!(
            card["presses"].as_u64().unwrap() <= presses,
            "nobody pressed again: {card}"
        );
        let is_assigned = is_unlogged || card["state"] == "assigned";
        (card["unlogged"] == true) == is_unlogged && is_assigned && card["presses"] == presses
    };
    follower.card(what, wanted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_hangs_is_passed_by_and_what_it_takes_later_is_shown_once() {
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let fleet = Fleet::start(&redis.settings(), false).await;
    let consoles = [fleet.console(0, "kim").await, fleet.console(1, "kim").await];
    let elsewhere = fleet.console(1, "park").await;
    let mut boards = [consoles[0].follow().await, consoles[1].follow().await];
    redis.stop();

    let mut phone = fleet.phone(1);
    let alert = phone.handle.raise(Some(at(38.01))).await.unwrap();
    phone
        .event("the receipt", |event| {
            matches!(event, Event::Receipted(receipt) if receipt.alert == alert).then_some(())
        })
        .await;
    phone
        .event("stored", |event| said(event, Progress::Stored))
        .await;
    let mut ids = Vec::new();
    for board in &mut boards {
        let card = card(board, "it is shown without the log", true, 1).await;
        assert_eq!(card["station"]["id"], "station:north");
        ids.push(card["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    let path = format!("/api/incidents/{}/acknowledge", ids[0].as_str().unwrap());
    let acknowledge = json!({ "command_id": COMMAND, "revision": 1 });
    let (status, answer) = consoles[0].post(&path, &acknowledge).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::CONFLICT, &json!("unlogged"))
    );
    let (status, _) = elsewhere.post(&path, &acknowledge).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it is of another desk");

    phone.handle.text(alert, "2층이에요").await.unwrap();
    for board in &mut boards {
        let says = |card: &Value| card["talk"]["last"]["text"] == "2층이에요";
        board.card("what the phone says next", says).await;
    }

    redis.go_on();
    phone
        .event("received", |event| said(event, Progress::Received))
        .await;
    for (board, id) in boards.iter_mut().zip(&ids) {
        let card = card(board, "the log has it", false, 1).await;
        assert_eq!(&card["id"], id, "it is the same");
        assert_eq!(card["station"]["id"], "station:north");
    }
    for (console, service) in consoles.iter().zip(&fleet.dispatchers) {
        let (_, board) = console.get("/api/board").await;
        assert_eq!(board["cards"].as_array().unwrap().len(), 1, "{board}");
        let engine = service.engine().unwrap();
        assert!(engine.read(|dispatch| dispatch.unlogged().is_empty()));
    }
    let (_, board) = consoles[0].get("/api/board").await;
    let revision = board["cards"][0]["revision"].clone();
    let acknowledge = json!({ "command_id": COMMAND, "revision": revision });
    let (status, answer) = consoles[0].post(&path, &acknowledge).await;
    assert_eq!(
        (status, &answer["outcome"]),
        (StatusCode::OK, &json!("effective"))
    );
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_gone_is_passed_by_over_tls_as_well() {
    const PHONES: u8 = 6;
    if !is_here() {
        return;
    }
    let mut redis = TestServer::start();
    let fleet = Fleet::start(&redis.settings(), true).await;
    redis.kill();
    let mut incidents = Vec::new();
    for device in 1..=PHONES {
        incidents.push(press_of(&fleet, device).await.1);
    }
    for service in &fleet.dispatchers {
        let engine = service.engine().unwrap();
        let mut changed = engine.changed();
        in_time("all of them without the log", async {
            while engine.read(|dispatch| dispatch.unlogged().len()) < usize::from(PHONES) {
                changed.changed().await.unwrap();
            }
        })
        .await;
        for id in &incidents {
            assert!(engine.read(|dispatch| dispatch.unlogged().get(id).is_some()));
        }
    }
    let relay = fleet.relay.relay().unwrap();
    assert_eq!(relay.metrics().side_door_open.get(), 1);
    redis.restart();
    for service in &fleet.dispatchers {
        let engine = service.engine().unwrap();
        let mut changed = engine.changed();
        in_time("all of them in the log", async {
            while engine.read(|dispatch| {
                dispatch.board().incidents().len() < usize::from(PHONES)
                    || !dispatch.unlogged().is_empty()
            }) {
                changed.changed().await.unwrap();
            }
        })
        .await;
        let known = engine.read(|dispatch| {
            incidents
                .iter()
                .filter(|id| dispatch.board().get(id).is_some())
                .count()
        });
        assert_eq!(known, usize::from(PHONES));
        assert_eq!(
            engine.read(|dispatch| dispatch.board().incidents().len()),
            known
        );
    }
    println!(
        "Redis killed and back: raised {PHONES}, shown unlogged at both dispatchers {PHONES}, then logged {PHONES}, doubled 0"
    );
    fleet.shutdown().await;
}

/// One server of several is away: the alerts of its phones are told directly, and those of others are in the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_log_that_is_gone_is_passed_by_while_the_rest_takes_everything() {
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let partitions = PartitionCount::new(4).unwrap();
    let fleet = Fleet::start(
        &Settings {
            partitions,
            ..redis.settings()
        },
        false,
    )
    .await;
    let away = Partition(2);
    let alerts = "{ansim:p2}:alerts";
    redis.command(&["SET", alerts, "no stream"]);
    let mut waiting = Vec::new();
    let mut logged = Vec::new();
    for device in 1..=12 {
        let (device, id) = press_of(&fleet, device).await;
        match partitions.of_device(&device) == away {
            true => waiting.push(id),
            false => logged.push(id),
        }
    }
    assert!(!waiting.is_empty() && !logged.is_empty());
    for service in &fleet.dispatchers {
        let engine = service.engine().unwrap();
        let mut changed = engine.changed();
        in_time("what the log lacks, and what it has", async {
            while !engine.read(|dispatch| {
                let has = |id| dispatch.board().get(id).is_some();
                dispatch.unlogged().len() == waiting.len() && logged.iter().all(has)
            }) {
                changed.changed().await.unwrap();
            }
        })
        .await;
        for id in &waiting {
            assert!(engine.read(|dispatch| dispatch.unlogged().get(id).is_some()));
        }
    }
    redis.command(&["DEL", alerts]);
    for service in &fleet.dispatchers {
        let engine = service.engine().unwrap();
        let mut changed = engine.changed();
        in_time("all of them in the log", async {
            while !engine.read(|dispatch| {
                let has = |id| dispatch.board().get(id).is_some();
                dispatch.unlogged().is_empty() && waiting.iter().all(has)
            }) {
                changed.changed().await.unwrap();
            }
        })
        .await;
    }
    fleet.shutdown().await;
}

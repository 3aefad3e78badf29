//! What whoever takes a copy of Redis has in hand: its files after a snapshot and a rewrite. Day keys stay outside, so places and
//! words must not be there, in whatever dress.

use std::path::Path;

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::Service;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use client::Event;
use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestServer, is_here};
use journal::{Journal, LogName, Offset, Options, Tailed};
use protocol::{LatLon, Position, hex};
use serde_json::json;

use crate::support::site::{Console, TestPhone, in_time, now, two_stations};

/// No two bytes of it come twice, so that a part of it is found as well.
const PHONE_SAYS: &str = "그가 문 앞에 서 있어요 canary-of-the-phone 7Qz";
const OFFICER_SAYS: &str = "순찰차가 갑니다 canary-of-the-officer 4Wx";
const OFFICER_NOTES: &str = "무기 있음 canary-of-the-note 9Kv";

/// A place that nobody would come upon by chance.
const LAT: f64 = 38.012_345_678;
const LON: f64 = 127.087_654_321;

const COMMANDS: [&str; 3] = [
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
    "33333333-3333-4333-8333-333333333333",
];

/// What is looked for, by what it is.
#[derive(Default)]
struct Wanted(Vec<(String, Vec<Vec<u8>>)>);

impl Wanted {
    fn bytes(&mut self, what: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((what.to_owned(), vec![bytes.into()]));
    }

    /// As it is, and as it is written in texts.
    fn secret(&mut self, what: &str, bytes: &[u8]) {
        self.bytes(what, bytes);
        self.bytes(&format!("{what}, in hex"), hex::encode(bytes));
        let upper = hex::encode(bytes).to_uppercase();
        self.bytes(&format!("{what}, in upper hex"), upper);
        // The last digits depend on what follows.
        for (alphabet, text) in [
            ("base64", BASE64_STANDARD_NO_PAD.encode(bytes)),
            ("base64url", BASE64_URL_SAFE_NO_PAD.encode(bytes)),
        ] {
            let sure = &text[..bytes.len() / 3 * 4];
            self.bytes(&format!("{what}, in {alphabet}"), sure);
        }
    }

    /// A place, as programs write it. Both coordinates have to be there: four bytes are somewhere by chance.
    fn place(&mut self, what: &str, lat: f64, lon: f64) {
        let e7 = |degrees: f64| (degrees * 1e7).round() as i32;
        let e6 = |degrees: f64| (degrees * 1e6).round() as i32;
        type Dress<'a> = (&'a str, &'a dyn Fn(f64) -> Vec<u8>);
        let dresses: [Dress<'_>; 8] = [
            ("f64 LE", &|degrees| degrees.to_le_bytes().to_vec()),
            ("f64 BE", &|degrees| degrees.to_be_bytes().to_vec()),
            ("f32 LE", &|degrees| (degrees as f32).to_le_bytes().to_vec()),
            ("e7 LE", &|degrees| e7(degrees).to_le_bytes().to_vec()),
            ("e7 BE", &|degrees| e7(degrees).to_be_bytes().to_vec()),
            ("text", &|degrees| {
                degrees.to_string().as_bytes()[..7].to_vec()
            }),
            ("e7 text", &|degrees| e7(degrees).to_string().into_bytes()),
            ("e6 text", &|degrees| e6(degrees).to_string().into_bytes()),
        ];
        for (dress, write) in dresses {
            let both = vec![write(lat), write(lon)];
            self.0.push((format!("{what}, as {dress}"), both));
        }
    }

    /// Which of it is there.
    fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let found = self
            .0
            .iter()
            .filter(|(_, parts)| parts.iter().all(|part| is_in(bytes, part)));
        found.map(|(what, _)| what.as_str()).collect()
    }
}

fn is_in(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// A relay and a dispatcher over one log on Redis.
struct Site {
    relay: Service,
    dispatcher: Service,
    demo: DemoSite,
    officer: DemoOfficer,
    folder: tempfile::TempDir,
}

impl Site {
    async fn start(log: &Settings) -> Self {
        let demo = DemoSite::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let officer = DemoOfficer::new("kim", "김하나", "station:north");
        let parts = |name: &str| {
            let place = folder.path().join(name);
            let officers = std::slice::from_ref(&officer);
            let mut parts = demo.parts(&place, two_stations(), officers).unwrap();
            parts.log = Some(log.clone());
            parts.day_keys = folder.path().join("day-keys");
            parts
        };
        let (mut relay, mut dispatcher) = (parts("relay"), parts("dispatcher"));
        relay.dispatcher = None;
        dispatcher.relay = None;
        Self {
            relay: Service::start(relay).await.unwrap(),
            dispatcher: Service::start(dispatcher).await.unwrap(),
            demo,
            officer,
            folder,
        }
    }

    /// The bytes of all keys.
    fn day_keys(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(self.folder.path().join("day-keys")).unwrap();
        let keys = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        let keys: Vec<_> = keys.collect();
        assert!(!keys.is_empty() && keys.iter().all(|key| key.len() == 32));
        keys
    }

    /// An alert of which everybody says something that nobody else should read.
    async fn talk(&self) {
        let relay = self.relay.relay_address().unwrap();
        let enrolment = self.demo.enrolment(relay, [1; 16], now()).unwrap();
        let mut phone = TestPhone::start(&enrolment);
        let console = Console::sign_in(&self.dispatcher, &self.officer).await;
        let mut cards = console.follow().await;
        let alert = phone.handle.raise(Some(here())).await.unwrap();
        phone.handle.text(alert, PHONE_SAYS).await.unwrap();
        let card = cards
            .card("the person's words", |card| {
                card["state"] == "assigned" && card["talk"]["last"]["text"] == PHONE_SAYS
            })
            .await;
        let id = card["id"].as_str().unwrap();
        let post = async |what: &str, body: serde_json::Value| {
            let path = format!("/api/incidents/{id}/{what}");
            let (status, answer) = console.post(&path, &body).await;
            assert_eq!(status, 200, "{answer}");
        };
        let revision = card["revision"].clone();
        let body = json!({ "command_id": COMMANDS[0], "revision": revision });
        post("acknowledge", body).await;
        let body = json!({ "command_id": COMMANDS[1], "text": OFFICER_SAYS });
        post("message", body).await;
        let body = json!({ "command_id": COMMANDS[2], "text": OFFICER_NOTES });
        post("note", body).await;
        phone
            .event("the officer's words", |event| match event {
                Event::Message(message) => (message.text == OFFICER_SAYS).then_some(()),
                _ => None,
            })
            .await;
        phone.handle.position(alert, moved()).await.unwrap();
        cards
            .card("where the person is now", |card| {
                card["position"]["lat"]
                    .as_f64()
                    .is_some_and(|lat| lat > LAT + 0.005)
            })
            .await;
    }

    /// In good order, so that the snapshot is in Redis too.
    async fn shutdown(self) {
        self.relay.shutdown().await;
        self.dispatcher.shutdown().await;
    }
}

fn here() -> Position {
    Position::at(LatLon::new(LAT, LON).unwrap())
}

fn moved() -> Position {
    Position::at(LatLon::new(LAT + 0.01, LON + 0.01).unwrap())
}

/// All that must not be in a copy of Redis.
fn secrets(day_keys: &[Vec<u8>]) -> Wanted {
    let mut wanted = Wanted::default();
    for key in day_keys {
        wanted.secret("a day key", key);
    }
    for (what, words) in [
        ("what the phone said", PHONE_SAYS),
        ("what the officer said", OFFICER_SAYS),
        ("what the officer noted", OFFICER_NOTES),
        ("a part of a text", "canary-of-the"),
        ("a part of the talk", "서 있어요"),
    ] {
        wanted.bytes(what, words);
    }
    wanted.place("where the person was", LAT, LON);
    wanted.place("where the person is", LAT + 0.01, LON + 0.01);
    wanted
}

/// All files of a server, after it has written them anew.
fn files(redis: &TestServer) -> Vec<(String, Vec<u8>)> {
    redis.command(&["BGSAVE"]);
    redis.await_info("rdb_bgsave_in_progress", "0");
    assert_eq!(redis.info("rdb_last_bgsave_status"), "ok");
    redis.command(&["BGREWRITEAOF"]);
    redis.until("the rewrite", || {
        redis.info("aof_rewrite_in_progress") == "0" && redis.info("aof_rewrite_scheduled") == "0"
    });
    assert_eq!(redis.info("aof_last_bgrewrite_status"), "ok");
    let mut found = Vec::new();
    collect(redis.folder(), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.push((name, std::fs::read(path).unwrap()));
        }
    }
}

/// The entries of both logs, as they stand on the server.
async fn entries(settings: Settings) -> Vec<bytes::Bytes> {
    let journal = Journal::open_redis(settings, Options::default())
        .await
        .unwrap();
    let mut all = Vec::new();
    for log in [LogName::Alerts, LogName::Tracks] {
        let end = journal.end(log);
        let mut tail = journal.tail(log, Offset::ZERO);
        while tail.cursor() < end {
            match in_time("the log", tail.next()).await.unwrap() {
                Tailed::Entries { entries, .. } => all.extend(entries),
                other => panic!("{other:?}"),
            }
        }
    }
    journal.close().await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_redis_has_neither_day_keys_nor_places_nor_words() {
    if !is_here() {
        return;
    }
    // What is compressed would hide what is looked for.
    let redis = TestServer::with(&["--rdbcompression", "no"]);
    let site = Site::start(&redis.settings()).await;
    site.talk().await;
    let wanted = secrets(&site.day_keys());
    site.shutdown().await;
    // As the commands came, before a rewrite.
    let mut copies = Vec::new();
    collect(redis.folder(), &mut copies);
    copies.extend(files(&redis));
    for (name, bytes) in &copies {
        assert_eq!(wanted.found_in(bytes), Vec::<&str>::new(), "in {name}");
    }

    // What is there is found: each entry, sealed, in the snapshot and in the append-only file.
    let entries = entries(redis.settings()).await;
    assert!(
        entries.len() >= 7,
        "raise, text, position and decisions: {}",
        entries.len()
    );
    for end in [".rdb", ".aof"] {
        for entry in &entries {
            let mut with_it = copies
                .iter()
                .filter(|(name, bytes)| name.ends_with(end) && is_in(bytes, entry));
            assert!(
                with_it.next().is_some(),
                "an entry of {} bytes is in no {end}",
                entry.len()
            );
        }
    }
    let rows = redis.command(&["HLEN", "{ansim:p0}:snapshot"]);
    assert_ne!(
        format!("{rows:?}"),
        "int(0)",
        "the snapshot of the board is in it too"
    );
}

/// A careless hand that puts something in clear is seen, in whatever dress and in both files.
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_open_in_redis_is_found() {
    if !is_here() {
        return;
    }
    let redis = TestServer::with(&["--rdbcompression", "no"]);
    let key = [0xa5, 0x17, 0xc3].repeat(11)[..32].to_vec();
    let wanted = secrets(std::slice::from_ref(&key));
    let frame = protocol::wire::encode_frame(&protocol::wire::Frame {
        report: protocol::Report {
            alert: protocol::AlertId::from_bytes([7; 16]),
            number: protocol::ReportNumber(1),
            sent_at: None,
            install_key: None,
            content: protocol::Content::Raise(protocol::Raise {
                fix: Some(Ok(here())),
                ..protocol::Raise::default()
            }),
        },
        token: bytes::Bytes::new(),
    });
    let json = format!("{{\"lat\":{},\"lon\":{}}}", LAT + 0.01, LON + 0.01);
    // As text, because these commands are; Redis takes any bytes.
    let escaped: String = frame.iter().map(|byte| format!("\\{byte:03}")).collect();
    let put = "local bytes = loadstring('return \"' .. ARGV[1] .. '\"')() redis.call('SET', 'frame', bytes)";
    redis.command(&["EVAL", put, "0", &escaped]);
    for (name, text) in [
        ("key in hex", hex::encode(&key)),
        ("key in base64", BASE64_STANDARD_NO_PAD.encode(&key)),
        ("place", json),
        (
            "words",
            format!("{PHONE_SAYS} {OFFICER_SAYS} {OFFICER_NOTES}"),
        ),
    ] {
        redis.command(&["XADD", "careless", "*", name, &text]);
    }
    let expected = [
        "a day key, in hex",
        "a day key, in base64",
        "what the phone said",
        "what the officer said",
        "what the officer noted",
        "a part of a text",
        "a part of the talk",
        "where the person was, as e7 LE",
        "where the person is, as text",
    ];
    for (name, bytes) in files(&redis) {
        let whole = name.ends_with(".rdb");
        if whole {
            let found = wanted.found_in(&bytes);
            for what in expected {
                assert!(
                    found.contains(&what),
                    "{what} was not found in {name}: {found:?}"
                );
            }
        }
    }
}

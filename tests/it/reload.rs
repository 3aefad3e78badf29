//! SIGHUP: a running service reads its map and the certificate of its phones' door anew.

use std::process::Command;

use ansim::demo_site::DemoSite;
use client::Event;
use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use reqwest::Client;
use serde_json::{Value, json};

use crate::serve::{MAP, Place, Running};
use crate::support::site::{TestPhone, at, in_time, now};

const WIDER: (&str, &str) = ("[128,37],[128,39]", "[129,37],[129,39]");

struct Officer {
    http: Client,
    url: String,
}

impl Officer {
    async fn sign_in(place: &Place, running: &Running) -> Self {
        let http = Client::builder()
            .cookie_store(true)
            .no_proxy()
            .build()
            .unwrap();
        let url = format!("http://{}", running.console);
        let credentials = json!({ "user": "choi", "password": place.password });
        let answer = http.post(format!("{url}/api/sign-in")).json(&credentials);
        assert_eq!(answer.send().await.unwrap().status(), 200);
        Self { http, url }
    }

    async fn map_version(&self) -> String {
        let answer = self
            .http
            .get(format!("{}/api/board", self.url))
            .send()
            .await
            .unwrap();
        let board: Value = answer.json().await.unwrap();
        board["health"]["map"]["version"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The first version that the stream names which is another.
    async fn other_version(&self, than: &str) -> String {
        let stream = self
            .http
            .get(format!("{}/api/events", self.url))
            .send()
            .await
            .unwrap();
        let mut events = stream.bytes_stream().eventsource();
        in_time("another map", async {
            loop {
                let event = events.next().await.expect("the stream goes on").unwrap();
                let data: Value = serde_json::from_str(&event.data).unwrap();
                match data["map"]["version"].as_str() {
                    Some(version) if version != than => return version.to_owned(),
                    _ => {}
                }
            }
        })
        .await
    }

    async fn counted(&self, outcome: &str) -> bool {
        let line = format!("ansim_dispatcher_map_reloads_total{{outcome=\"{outcome}\"}} 1");
        let answer = self
            .http
            .get(format!("{}/metrics", self.url))
            .send()
            .await
            .unwrap();
        answer.text().await.unwrap().lines().any(|one| one == line)
    }

    async fn wait_for(&self, outcome: &str) {
        in_time(outcome, async {
            while !self.counted(outcome).await {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn hang_up(running: &Running) {
    let pid = running.child.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_puts_the_new_map_in_force_and_keeps_the_old_one_when_it_is_broken() {
    let place = Place::new();
    let mut running = Running::start(&place);
    let officer = Officer::sign_in(&place, &running).await;
    let first = officer.map_version().await;

    hang_up(&running);
    officer.wait_for("unchanged").await;

    place.replace("map.geojson", WIDER.0, WIDER.1);
    hang_up(&running);
    let second = officer.other_version(&first).await;

    // Without its id a start refuses the map, and so does a reload.
    place.replace("map.geojson", r#""id":"a","#, "");
    hang_up(&running);
    officer.wait_for("failed").await;
    assert_eq!(officer.map_version().await, second);

    // The east of the area is given up, and another station has the rest.
    place.replace(
        "map.geojson",
        r#""properties":{"#,
        r#""properties":{"id":"b","#,
    );
    place.replace("map.geojson", WIDER.1, "[127,37],[127,39]");
    hang_up(&running);
    officer.wait_for("refused").await;
    assert_eq!(officer.map_version().await, second);
    assert!(running.child.try_wait().unwrap().is_none(), "it runs on");
}

/// A phone that trusts another authority gets no further than the handshake until the certificate is that authority's.
#[tokio::test(flavor = "multi_thread")]
async fn sighup_puts_a_new_certificate_in_place_and_keeps_the_old_one_when_it_is_broken() {
    let place = Place::new();
    let mut running = Running::start(&place);
    let officer = Officer::sign_in(&place, &running).await;
    let renewed = DemoSite::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    renewed.write(folder.path(), MAP, &[]).unwrap();
    let copy = |file: &str| {
        let to = place.folder.path().join(file);
        std::fs::copy(folder.path().join(file), to).unwrap();
    };

    // A chain without its key is no pair; the map's reload comes behind it.
    copy("relay-cert.pem");
    hang_up(&running);
    officer.wait_for("unchanged").await;
    assert!(running.child.try_wait().unwrap().is_none(), "it runs on");

    copy("relay-key.pem");
    hang_up(&running);
    let enrolment = renewed.enrolment(running.relay, [1; 16], now()).unwrap();
    let mut phone = TestPhone::start(&enrolment);
    let alert = phone.handle.raise(Some(at(38.0))).await.unwrap();
    phone
        .event("a receipt under the new certificate", |event| {
            matches!(event, Event::Receipted(receipt) if receipt.alert == alert).then_some(())
        })
        .await;
}

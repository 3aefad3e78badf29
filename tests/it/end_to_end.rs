//! From phone to console and back, through all real doors: QUIC, the log on a disk, HTTP.

use client::Event;
use protocol::{CancelMeaning, IncidentId, Progress, ReportKind};
use reqwest::StatusCode;
use serde_json::json;

use crate::support::site::{Site, TestPhone, at, in_time};

const COMMAND: [&str; 4] = [
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
    "33333333-3333-4333-8333-333333333333",
    "44444444-4444-4444-8444-444444444444",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_press_reaches_the_officer_and_the_answer_the_phone() {
    let site = Site::start().await;
    let (kim, lee) = (site.console("kim").await, site.console("lee").await);
    let (mut kims, mut lees) = (kim.follow().await, lee.follow().await);

    let mut phone = site.phone(1);
    let alert = phone.handle.raise(Some(at(38.01))).await.unwrap();
    phone
        .event("the receipt", |event| {
            matches!(event, Event::Receipted(receipt) if receipt.alert == alert).then_some(())
        })
        .await;

    let card = kims
        .card("the card", |card| card["state"] == "assigned")
        .await;
    assert_eq!(card["station"]["id"], "station:north");
    assert_eq!(card["assignment"]["reason"], "nearest");
    assert_eq!(card["verification"], "verified");
    let id = card["id"].as_str().unwrap().to_owned();
    lees.card("the provincial room's card", |card| {
        card["id"] == id.as_str()
    })
    .await;

    let acknowledge = json!({ "command_id": COMMAND[0], "revision": card["revision"] });
    let (status, answer) = kim
        .post(&format!("/api/incidents/{id}/acknowledge"), &acknowledge)
        .await;
    assert_eq!(
        (status, &answer["outcome"]),
        (StatusCode::OK, &json!("effective")),
        "{answer}"
    );
    let seen = lees
        .card("who took it", |card| card["state"] == "acknowledged")
        .await;
    assert_eq!(seen["acknowledged_by"]["name"], "김하나");
    phone
        .event("seen", |event| progress(event, Progress::Seen))
        .await;

    let message = json!({ "command_id": COMMAND[1], "text": "곧 도착합니다" });
    let (status, _) = kim
        .post(&format!("/api/incidents/{id}/message"), &message)
        .await;
    assert_eq!(status, StatusCode::OK);
    let words = phone
        .event("the officer's words", |event| match event {
            Event::Message(message) => Some(message.text.clone()),
            _ => None,
        })
        .await;
    assert_eq!(words, "곧 도착합니다");

    phone.handle.text(alert, "문 뒤에 있어요").await.unwrap();
    kims.card("the person's words", |card| {
        card["talk"]["last"]["text"] == "문 뒤에 있어요"
    })
    .await;
    phone.handle.position(alert, at(38.02)).await.unwrap();
    kims.card("where the person is now", |card| {
        card["position"]["lat"] == 38.02
    })
    .await;
    phone
        .handle
        .cancel(alert, CancelMeaning::Duress)
        .await
        .unwrap();
    let card = kims
        .card("what the cancel meant", |card| {
            card["cancel"]["meaning"] == "duress"
        })
        .await;
    assert_eq!(card["state"], "acknowledged", "a cancel is a claim");

    let close = json!({
        "command_id": COMMAND[2], "revision": card["revision"], "outcome": "helped",
    });
    let (status, _) = kim
        .post(&format!("/api/incidents/{id}/close"), &close)
        .await;
    assert_eq!(status, StatusCode::OK);
    phone
        .event("closed", |event| progress(event, Progress::Closed))
        .await;
    let (_, history) = kim
        .get(&format!("/api/incidents/{id}/history?from=0"))
        .await;
    let kinds: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    for kind in [
        "raise",
        "assigned",
        "acknowledged",
        "message",
        "text",
        "cancel",
        "closed",
    ] {
        assert!(kinds.contains(&&json!(kind)), "{kind} in {kinds:?}");
    }
    site.service.shutdown().await;
}

fn progress(event: &Event, wanted: Progress) -> Option<()> {
    matches!(event, Event::Status(status) if status.progress == wanted).then_some(())
}

async fn receipted(phone: &mut TestPhone) {
    phone
        .event("a receipt", |event| {
            matches!(event, Event::Receipted(receipt) if receipt.kind == ReportKind::Raise)
                .then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_claim_at_once_and_the_other_is_told_who() {
    let site = Site::start().await;
    let (kim, lee) = (site.console("kim").await, site.console("lee").await);
    let mut cards = kim.follow().await;
    let mut phone = site.phone(1);
    phone.handle.raise(Some(at(38.01))).await.unwrap();
    receipted(&mut phone).await;
    let card = cards
        .card("the card", |card| card["state"] == "assigned")
        .await;
    let path = format!(
        "/api/incidents/{}/acknowledge",
        card["id"].as_str().unwrap()
    );
    let claim = |command: &str| json!({ "command_id": command, "revision": card["revision"] });
    let (kims, lees) = (claim(COMMAND[0]), claim(COMMAND[1]));
    let ((_, kim), (_, lee)) = in_time("both answers", async {
        tokio::join!(kim.post(&path, &kims), lee.post(&path, &lees))
    })
    .await;
    let (first, second, name) = if kim["outcome"] == "effective" {
        (kim, lee, "김하나")
    } else {
        (lee, kim, "이두리")
    };
    assert_eq!(first["outcome"], "effective");
    assert_eq!(second["outcome"], "superseded");
    assert_eq!(second["by"]["name"], name);
    site.service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_without_a_token_stands_in_a_lane_of_its_own() {
    let site = Site::start().await;
    let mut cards = site.console("kim").await.follow().await;
    let relay = site.service.relay_address().unwrap();
    let mut phone = TestPhone::start(&site.demo.enrolment_without_token(relay).unwrap());
    phone.handle.raise(Some(at(38.01))).await.unwrap();
    receipted(&mut phone).await;
    let card = cards
        .card("the card", |card| card["verification"] == "unverified")
        .await;
    assert_eq!(card["verification_reason"], "missing");
    site.service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_without_a_position_is_the_national_desks() {
    let site = Site::start().await;
    let mut cards = site.console("choi").await.follow().await;
    let mut phone = site.phone(1);
    let alert = phone.handle.raise(None).await.unwrap();
    receipted(&mut phone).await;
    let card = cards
        .card("the card", |card| card["state"] == "assigned")
        .await;
    assert_eq!(card["station"]["id"], "national");
    assert_eq!(card["assignment"]["reason"], "none");
    phone.handle.position(alert, at(35.01)).await.unwrap();
    cards
        .card("a station once there is a place", |card| {
            card["station"]["id"] == "station:south"
        })
        .await;
    site.service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_a_replay() {
    let site = Site::start().await;
    let mut phone = site.phone(1);
    let alert = phone.handle.raise(Some(at(38.01))).await.unwrap();
    receipted(&mut phone).await;
    let mut cards = site.console("kim").await.follow().await;
    cards
        .card("the card", |card| card["state"] == "assigned")
        .await;
    let parts = site.demo.parts(
        site.folder.path(),
        super::support::site::two_stations(),
        &site.officers,
    );
    site.service.shutdown().await;
    let service = ansim::service::Service::start(parts.unwrap())
        .await
        .unwrap();
    let site = Site { service, ..site };
    let id = IncidentId::of(&protocol::DeviceId::Enrolled([1; 16]), &alert).to_string();
    let mut cards = site.console("kim").await.follow().await;
    let card = cards
        .card("the same card", |card| card["id"] == id.as_str())
        .await;
    assert_eq!(card["station"]["id"], "station:north");
    site.service.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_place_and_no_words_are_in_the_clear_on_the_disk() {
    let site = Site::start().await;
    let mut phone = site.phone(1);
    let alert = phone.handle.raise(Some(at(38.765_432_1))).await.unwrap();
    receipted(&mut phone).await;
    phone.handle.text(alert, "canary 카나리아").await.unwrap();
    phone
        .handle
        .position(alert, at(38.765_432_2))
        .await
        .unwrap();
    let mut cards = site.console("kim").await.follow().await;
    cards
        .card("words and position", |card| {
            card["talk"]["count"] == 1 && card["position"]["lat"] == 38.765_432_2
        })
        .await;
    site.service.shutdown().await;
    let journal = std::fs::read(site.folder.path().join("data/journal.redb")).unwrap();
    let found = |needle: &[u8]| journal.windows(needle.len()).any(|window| window == needle);
    assert!(
        found(alert.as_bytes()),
        "the header is clear, so the search can find something"
    );
    for canary in ["canary".as_bytes(), "카나리아".as_bytes()] {
        assert!(!found(canary), "words in the clear");
    }
    for degrees in [38.765_432_1_f64, 38.765_432_2] {
        let e7 = (degrees * 1e7).round() as i32;
        assert!(
            !found(&e7.to_le_bytes()) && !found(&e7.to_be_bytes()),
            "a latitude as the wire has it"
        );
        assert!(
            !found(&degrees.to_le_bytes()) && !found(&degrees.to_be_bytes()),
            "as a double"
        );
        assert!(!found(degrees.to_string().as_bytes()), "as text");
    }
}

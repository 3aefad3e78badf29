//! What relays offer while the log takes nothing, as the door takes it and consoles see it.

use bytes::Bytes;
use journal::LogName;
use protocol::side_door::{Answer, MAX_BYTES, PATH, encode_offer};
use protocol::{Content, Raise};
use reqwest::Method;
use serde_json::{Value, json};

use super::console::{Console, DeskView};
use super::rooms::{IN_A, Site};
use crate::support::log::{TestLog, TestPhone, fix};

fn press() -> Content {
    Content::Raise(Raise {
        fix: Some(fix(IN_A)),
        ..Raise::default()
    })
}

async fn post(console: &Console, body: Vec<u8>) -> (u16, Bytes) {
    let request = console.request(Method::POST, PATH).body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap())
}

async fn offer(console: &Console, entries: &[Bytes]) -> Answer {
    let (offer, dealt_with) = encode_offer(entries);
    assert_eq!(dealt_with, entries.len());
    let (status, answer) = post(console, offer).await;
    assert_eq!(status, 200, "{answer:?}");
    Answer::decode(&answer).unwrap()
}

/// The cards on a board, by what tells them apart.
async fn on_board(console: &Console) -> Vec<Value> {
    console.board().await["cards"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_offered_is_shown_at_its_desk_and_becomes_the_logs_without_a_second_card() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    let id = phone.incident().to_string();
    let entry = site.log.seal(&mut phone, press());
    let relay = site.console();
    let at_a = site.signed_in("at-a").await;
    let at_b = site.signed_in("at-b").await;
    let mut events = at_a.events(None, None).await;

    let taken = offer(&relay, std::slice::from_ref(&entry)).await;
    assert_eq!((taken.taken, taken.refused), (1, 0));
    let mut desk = DeskView::default();
    while !desk.cards.contains_key(&id) {
        desk.take(&events.next().await.unwrap());
    }
    let unlogged = desk.cards[&id].clone();
    assert_eq!(unlogged["unlogged"], true);
    assert_eq!(unlogged["station"]["id"], "station:a");
    assert!(unlogged["due_at_ms"].is_i64(), "{unlogged}");
    assert_eq!(
        on_board(&at_a).await,
        std::slice::from_ref(&unlogged),
        "who comes later sees it too"
    );
    assert!(on_board(&at_b).await.is_empty(), "it is of another desk");

    let acknowledge = json!({ "revision": unlogged["revision"] });
    let (status, answer) = at_a
        .command(&id, "acknowledge", 1, acknowledge.clone())
        .await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("unlogged")),
        "{answer}"
    );
    let (status, _) = at_b
        .command(&id, "acknowledge", 2, acknowledge.clone())
        .await;
    assert_eq!(status, 404);
    let (status, history) = at_a.get(&format!("/api/incidents/{id}/history")).await;
    assert_eq!(
        (status, &history["items"][0]["kind"]),
        (200, &json!("raise"))
    );
    let known = offer(&relay, std::slice::from_ref(&entry)).await;
    assert_eq!((known.taken, known.known), (0, 1));

    site.log
        .journal
        .append(LogName::Alerts, vec![entry.clone()])
        .await
        .unwrap();
    while desk.cards[&id]["state"] != "assigned" {
        desk.take(&events.next().await.unwrap());
        assert_eq!(desk.cards.len(), 1, "it never leaves, and is never two");
        assert_eq!(desk.cards[&id]["presses"], 1, "nothing rings again");
    }
    let logged = desk.cards[&id].clone();
    assert!(logged["unlogged"].is_null());
    assert_eq!(logged["revision"], unlogged["revision"]);
    assert_eq!(
        logged["due_at_ms"], unlogged["due_at_ms"],
        "the row keeps its place"
    );
    let (status, answer) = at_a.command(&id, "acknowledge", 3, acknowledge).await;
    assert_eq!(
        (status, &answer["outcome"]),
        (200, &json!("effective")),
        "{answer}"
    );
    let known = offer(&relay, &[entry]).await;
    assert_eq!((known.taken, known.known), (0, 1), "the log has it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_phone_says_next_is_on_the_card_that_the_log_has() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    let id = phone.incident().to_string();
    let at_a = site.signed_in("at-a").await;
    site.log.raise(&mut phone, Some(IN_A)).await;
    at_a.card_when(&id, |card| card["state"] == "assigned")
        .await;
    let words = site.log.seal(&mut phone, Content::Text("2층".to_owned()));
    let taken = offer(&site.console(), &[words]).await;
    assert_eq!(taken.taken, 1);
    let card = at_a.card_when(&id, |card| card["unlogged"] == true).await;
    assert_eq!(card["talk"]["last"]["text"], "2층");
    let acknowledge = json!({ "revision": card["revision"] });
    let (status, answer) = at_a.command(&id, "acknowledge", 1, acknowledge).await;
    assert_eq!(
        status, 200,
        "what the log has can be decided about: {answer}"
    );
    let both = |card: &Value| card["state"] == "acknowledged" && card["unlogged"] == true;
    let card = at_a.card_when(&id, both).await;
    assert_eq!(card["talk"]["last"]["text"], "2층");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_returns_is_told_what_is_gone() {
    let site = Site::open().await;
    let at_a = site.signed_in("at-a").await;
    let mut phone = TestPhone::new(1);
    let entry = site.log.seal(&mut phone, press());
    offer(&site.console(), &[entry]).await;
    let mut events = at_a.events(None, None).await;
    let first = events.next_named("change").await;
    assert_eq!(
        first.data["unlogged"],
        json!([phone.incident().to_string()])
    );
    // From another dispatcher, or from before a restart.
    let mut resumed = site.signed_in("at-b").await.events(None, Some("0.0")).await;
    let told = resumed.next_named("change").await;
    assert_eq!(told.data["unlogged"], json!([]));
    drop(events);
    // A clock that jumps ahead does what time does.
    let mut events = at_a.events(None, None).await;
    events.next_named("change").await;
    for _ in 0..3 {
        site.log
            .advance_ms(dispatcher::unlogged::FORGET_AFTER.0 / 3);
        assert_eq!(on_board(&at_a).await.len(), 1, "it stays for an hour");
    }
    site.log.advance_ms(1);
    let left = events.next_named("change").await;
    assert_eq!(left.data["left"], json!([phone.incident().to_string()]));
    assert!(on_board(&at_a).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_with_the_sites_keys_made_is_refused_and_then_not_looked_at() {
    let site = Site::open().await;
    let (stranger, mut phone) = (TestLog::new(), TestPhone::new(1));
    let (relay, national) = (site.console(), site.signed_in("at-national").await);
    // The day's key is there, and is not the one.
    let mut own = TestPhone::new(2);
    let good = site.log.seal(&mut own, press());
    let foreign = stranger.seal(&mut phone, press());
    let mut forged = good.to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let bad = [
        foreign,
        forged.into(),
        Bytes::from_static(b"no entry"),
        Bytes::new(),
    ];
    let refused = offer(&relay, &bad).await;
    assert_eq!((refused.taken, refused.refused), (0, 4));
    assert!(on_board(&national).await.is_empty());
    // Among what is good, it does not count against a relay.
    for _ in 0..30 {
        let mixed = offer(&relay, &[bad[0].clone(), good.clone()]).await;
        assert_eq!((mixed.taken + mixed.known, mixed.refused), (1, 1));
    }
    assert_eq!(on_board(&national).await.len(), 1);
    for broken in [vec![], vec![9], vec![1, 0, 0], vec![1; MAX_BYTES + 1]] {
        assert_eq!(post(&relay, broken).await.0, 422);
    }
    let mut looked_at = 0;
    while post(&relay, encode_offer(&bad).0).await.0 == 200 {
        looked_at += 1;
        assert!(looked_at < 100, "it ends");
    }
    let (status, answer) = post(&relay, encode_offer(&bad).0).await;
    assert_eq!(status, 429, "{answer:?}");
    let (_, metrics) = site.console().get("/metrics").await;
    let metrics = metrics.as_str().unwrap();
    assert!(
        metrics.contains("ansim_dispatcher_unlogged_incidents 1"),
        "{metrics}"
    );
    assert!(metrics.contains("ansim_dispatcher_side_door_entries_total{outcome=\"refused\"}"));
    // Officers go on from the same address.
    let (status, _) = relay.sign_in("at-a", super::rooms::PASSWORD).await;
    assert_eq!(status, 200);
}

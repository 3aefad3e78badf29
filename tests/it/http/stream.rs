//! The stream: a console that comes back misses nothing and is shown nothing twice.

use protocol::Content;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::console::DeskView;
use super::rooms::{IN_A, IN_B, IN_C, Site};
use crate::support::log::{TestPhone, fix};

/// Three phones talk and move while a console's line is cut after any number of events.
async fn cut_at_random(seed: u64) {
    let site = Site::open().await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let console = site.signed_in("at-north").await;
    let start = console.board().await["cursor"].as_str().unwrap().to_owned();
    let mut phones = [TestPhone::new(1), TestPhone::new(2), TestPhone::new(3)];
    let places = [IN_A, IN_B, IN_C];
    for (phone, place) in phones.iter_mut().zip(places) {
        site.log.raise(phone, Some(place)).await;
    }
    let mut desk = DeskView::default();
    for step in 0..60_u32 {
        let mut events = console.events(Some(&start), desk.cursor.as_deref()).await;
        let mut words = 0;
        for _ in 0..rng.random_range(0..4) {
            let which = rng.random_range(0..3);
            let (lat, lon) = places[which];
            let content = if rng.random_bool(0.5) {
                Content::Position(fix((lat, lon + f64::from(step) / 1_000.0)))
            } else {
                words += u32::from(which < 2);
                Content::Text(format!("{step}"))
            };
            site.log.say(&mut phones[which], content).await;
        }
        // The health comes at once, and one change at least when somebody of this view has talked.
        // Some changes are heard, some made and not heard, some not made; then the line is cut.
        for _ in 0..rng.random_range(0..=1 + words.min(1)) {
            desk.take(&events.next().await.unwrap());
        }
    }
    for phone in &mut phones[..2] {
        site.log
            .say(phone, Content::Text("the end".to_owned()))
            .await;
    }
    let mut events = console.events(Some(&start), desk.cursor.as_deref()).await;
    let ended =
        |card: &Value| card["state"] == "assigned" && card["talk"]["last"]["text"] == "the end";
    while desk.cards.values().filter(|card| ended(card)).count() < 2 {
        desk.take(&events.next().await.unwrap());
    }
    assert_eq!(desk.twice, Vec::<Value>::new(), "seed {seed}: shown twice");
    let board = console.board().await;
    let mut cards = DeskView::default().cards;
    for card in board["cards"].as_array().unwrap() {
        cards.insert(card["id"].as_str().unwrap().to_owned(), card.clone());
    }
    // A track has its own log and may come after the text.
    let without_track = |mut card: Value| {
        card.as_object_mut()
            .unwrap()
            .retain(|key, _| !["trail", "position", "last_report_at_ms"].contains(&key.as_str()));
        card
    };
    assert_eq!(cards.len(), 2);
    for (id, card) in cards {
        let known = desk
            .cards
            .remove(&id)
            .unwrap_or_else(|| panic!("seed {seed}: {id} is missed"));
        assert_eq!(without_track(known), without_track(card), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_that_comes_back_misses_nothing_and_is_shown_nothing_twice() {
    for seed in 0..6 {
        cut_at_random(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_with_health_and_says_at_once_when_the_log_ends() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    let mut events = console.events(None, None).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.event.as_str(), &first.id), ("health", &None));
    assert_eq!(first.data["ready"], true);
    assert_eq!(first.data["problems"], json!([]));
    assert_eq!(first.data["lag_ms"], 0);
    assert_eq!(first.data["build"], "test-build");
    assert_eq!(first.data["map"]["authority"], "invented");
    assert_eq!(console.get("/readyz").await.0, 200);
    site.log.journal.close().await;
    loop {
        let health = events.next_named("health").await.data;
        if health["ready"] == false {
            assert_ne!(health["problems"], json!([]));
            break;
        }
    }
    let (status, answer) = console.get("/readyz").await;
    assert_eq!((status, &answer["ready"]), (503, &json!(false)));
    assert_ne!(answer["problems"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_the_log_does_not_take_says_that_nothing_was_recorded() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    let id = phone.incident().to_string();
    let console = site.signed_in("at-a").await;
    console
        .card_when(&id, |card| card["state"] == "assigned")
        .await;
    site.log.journal.close().await;
    let (status, answer) = console
        .command(&id, "note", 1, json!({ "text": "x" }))
        .await;
    assert_eq!(
        (status, &answer["error"]),
        (503, &json!("not_durable")),
        "{answer}"
    );
    let (status, _) = console.get(&format!("/api/incidents/{id}/history")).await;
    assert_eq!(status, 200, "what is known is shown, recorded or not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_session() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    let mut events = console.events(None, None).await;
    events.next().await.unwrap();
    assert_eq!(console.post("/api/sign-out", &json!({})).await.0, 204);
    while events.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_service_and_does_not_hold_it_up() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    let mut events = console.events(None, None).await;
    events.next().await.unwrap();
    site.stop.cancel();
    while events.next().await.is_some() {}
    let closed = tokio::time::timeout(
        2 * dispatcher::io::http::SHUTDOWN_WITHIN,
        site.handle.closed(),
    );
    closed.await.expect("within its time").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_board_comes_in_slices_that_may_be_cut_anywhere() {
    const INCIDENTS: u32 = 250;
    let site = Site::open().await;
    let mut last = String::new();
    for n in 0..INCIDENTS {
        let mut phone = TestPhone::new(n);
        site.log.raise(&mut phone, Some(IN_A)).await;
        last = phone.incident().to_string();
    }
    let console = site.signed_in("at-north").await;
    console
        .card_when(&last, |card| card["state"] == "assigned")
        .await;
    let board = console.board().await;
    assert_eq!(board["cards"].as_array().unwrap().len(), 250);
    let mut desk = DeskView::default();
    let mut slices = 0;
    while desk.cards.len() < 250 {
        // A new line for every slice: it goes on where the last one ended.
        let mut events = console.events(None, desk.cursor.as_deref()).await;
        let change = events.next_named("change").await;
        assert!(change.data["cards"].as_array().unwrap().len() <= 100);
        desk.take(&change);
        slices += 1;
    }
    assert_eq!(slices, 3);
    assert_eq!(desk.twice, Vec::<Value>::new());
    assert_eq!(
        desk.cursor.as_deref(),
        board["cursor"].as_str(),
        "nothing has happened since"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_the_board_leaves_the_consoles_that_had_it_and_no_other_hears_of_it() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    let id = phone.incident().to_string();
    let console = site.signed_in("at-a").await;
    let card = console
        .card_when(&id, |card| card["state"] == "assigned")
        .await;
    let close = json!({ "revision": card["revision"], "outcome": "helped" });
    assert_eq!(
        console.command(&id, "close", 1, close).await.1["outcome"],
        "effective"
    );
    let cursor = console.board().await["cursor"].as_str().unwrap().to_owned();

    // The board's time is the log's: something has to be appended a day later.
    site.log.advance_ms(26 * 3_600 * 1_000);
    for (n, place) in [(2, IN_A), (3, IN_C)] {
        site.log.raise(&mut TestPhone::new(n), Some(place)).await;
    }
    for (user, had) in [("at-a", true), ("at-national", true), ("at-c", false)] {
        let console = site.signed_in(user).await;
        let mut events = console.events(Some(&cursor), None).await;
        let mut desk = DeskView::default();
        let mut left = Vec::new();
        while desk.cards.is_empty() || had && left.is_empty() {
            let heard = events.next().await.unwrap();
            desk.take(&heard);
            left.extend(heard.data["left"].as_array().into_iter().flatten().cloned());
        }
        let raw = String::from_utf8_lossy(&events.raw).into_owned();
        assert_eq!(raw.contains(&id), had, "{user}");
        assert!(left.iter().all(|one| *one == id), "{left:?}");
        assert_eq!(
            console.get(&format!("/api/incidents/{id}/history")).await.0,
            404
        );
    }
}

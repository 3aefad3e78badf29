//! What officers do, and what the log says of it.

use serde_json::{Value, json};

use super::rooms::{IN_A, Site};
use crate::support::log::TestPhone;

async fn one_in_a(site: &Site) -> String {
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    phone.incident().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_claim_at_once_the_log_takes_one_and_tells_the_other_who() {
    let site = Site::open().await;
    let (one, other) = (
        site.signed_in("at-a").await,
        site.signed_in("also-at-a").await,
    );
    let mut superseded = [0, 0];
    for n in 0..10 {
        let mut phone = TestPhone::new(100 + n);
        site.log.raise(&mut phone, Some(IN_A)).await;
        let id = phone.incident().to_string();
        let card = one.card_when(&id, |card| card["state"] == "assigned").await;
        let revision = json!({ "revision": card["revision"] });
        let (first, second) = tokio::join!(
            one.command(&id, "acknowledge", 1_000 + n, revision.clone()),
            other.command(&id, "acknowledge", 2_000 + n, revision),
        );
        let answers = [("at-a", first), ("also-at-a", second)];
        for (_, (status, answer)) in &answers {
            assert_eq!(*status, 200, "{answer}");
            assert_eq!(answer["card"]["state"], "acknowledged");
        }
        let won: Vec<&str> = answers
            .iter()
            .filter(|(_, (_, answer))| answer["outcome"] == "effective")
            .map(|(user, _)| *user)
            .collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        for (n, (user, (_, answer))) in answers.iter().enumerate() {
            assert_eq!(answer["card"]["acknowledged_by"]["user"], won[0]);
            if *user != won[0] {
                superseded[n] += 1;
                assert_eq!(answer["outcome"], "superseded");
                assert_eq!(answer["by"]["user"], won[0]);
                assert_eq!(answer["by"]["name"], format!("Officer {}", won[0]));
                assert!(answer["by"]["at_ms"].is_i64());
            }
        }
    }
    assert_eq!(superseded[0] + superseded[1], 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_is_repeated_is_one_command() {
    let site = Site::open().await;
    let id = one_in_a(&site).await;
    let console = site.signed_in("at-a").await;
    console
        .card_when(&id, |card| card["state"] == "assigned")
        .await;
    for _ in 0..3 {
        let text = json!({ "text": " 곧 도착합니다 " });
        let (status, answer) = console.command(&id, "message", 5, text).await;
        assert_eq!(
            (status, &answer["outcome"]),
            (200, &json!("effective")),
            "{answer}"
        );
        assert_eq!(answer["card"]["talk"]["count"], 1);
        assert_eq!(answer["card"]["talk"]["last"]["text"], "곧 도착합니다");
    }
    assert_eq!(kinds(&history(&console, &id).await, "message"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_handled_to_its_end() {
    let site = Site::open().await;
    let id = one_in_a(&site).await;
    let console = site.signed_in("at-a").await;
    let card = console
        .card_when(&id, |card| card["state"] == "assigned")
        .await;
    assert_eq!(card["station"]["id"], "station:a");
    assert_eq!(card["assignment"]["reason"], "inside");
    let revision = json!({ "revision": card["revision"] });
    let (_, taken) = console
        .command(&id, "acknowledge", 1, revision.clone())
        .await;
    assert_eq!(taken["outcome"], "effective");
    let note = json!({ "text": "door code 4711" });
    assert_eq!(console.command(&id, "note", 2, note).await.0, 200);
    let mut end = json!({ "outcome": "false_press", "note": "a child" });
    end["revision"] = revision["revision"].clone();
    let (_, stale) = console.command(&id, "close", 3, end.clone()).await;
    assert_eq!(
        stale["outcome"], "superseded",
        "on a revision that is not any more"
    );
    end["revision"] = taken["card"]["revision"].clone();
    let (_, closed) = console.command(&id, "close", 4, end).await;
    assert_eq!(closed["outcome"], "effective");
    assert_eq!(closed["card"]["closed"]["outcome"], "false_press");
    assert_eq!(closed["card"]["closed"]["by"]["user"], "at-a");
    let lines = history(&console, &id).await;
    for kind in ["raise", "assigned", "acknowledged", "note"] {
        assert_eq!(kinds(&lines, kind), 1, "{kind}");
    }
    let closes: Vec<&Value> = lines
        .iter()
        .filter(|line| line["kind"] == "closed")
        .collect();
    assert_eq!(closes.len(), 2);
    assert_eq!(
        (&closes[0]["effective"], &closes[1]["effective"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        closes[1]["by"],
        json!({ "kind": "officer", "name": "Officer at-a" })
    );
    assert_eq!(closes[1]["text"], "a child");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_is_recorded_once_for_each_officer_and_a_delivery_once_for_each_desk() {
    let site = Site::open().await;
    let id = one_in_a(&site).await;
    let at_a = site.signed_in("at-a").await;
    at_a.card_when(&id, |card| card["state"] == "assigned")
        .await;
    let others = ["also-at-a", "viewer-at-a", "at-north"];
    for n in 0..3 {
        history(&at_a, &id).await;
        let how = json!({ "how": "sounded" });
        let (status, answer) = at_a.command(&id, "delivered", 10 + n, how).await;
        assert_eq!((status, &answer["outcome"]), (200, &json!("effective")));
        assert!(answer["card"]["delivered_at_ms"].is_i64());
    }
    for (n, user) in (0..).zip(others) {
        let console = site.signed_in(user).await;
        history(&console, &id).await;
        console
            .command(&id, "delivered", 20 + n, json!({ "how": "drawn" }))
            .await;
    }
    let lines = history(&at_a, &id).await;
    assert_eq!(kinds(&lines, "viewed"), 4, "each officer once");
    assert_eq!(
        kinds(&lines, "delivered"),
        2,
        "station and province once each"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_comes_in_pages() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    let id = phone.incident().to_string();
    for n in 0..250 {
        let words = protocol::Content::Text(format!("{n}"));
        site.log.say(&mut phone, words).await;
    }
    let console = site.signed_in("at-a").await;
    console
        .card_when(&id, |card| card["talk"]["last"]["text"] == "249")
        .await;
    let (_, first) = console.get(&format!("/api/incidents/{id}/history")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 200);
    let lines = history(&console, &id).await;
    let words: Vec<&str> = lines
        .iter()
        .filter(|line| line["kind"] == "text")
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(words, (0..250).map(|n| n.to_string()).collect::<Vec<_>>());
}

/// The whole history, page by page.
async fn history(console: &super::console::Console, id: &str) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut from = 0;
    loop {
        let (status, page) = console
            .get(&format!("/api/incidents/{id}/history?from={from}"))
            .await;
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return lines;
        }
        lines.extend(items.iter().cloned());
        from = page["next"].as_u64().unwrap();
    }
}

fn kinds(lines: &[Value], kind: &str) -> usize {
    lines.iter().filter(|line| line["kind"] == kind).count()
}

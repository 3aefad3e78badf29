//! Who sees what, at every endpoint: one table.

use reqwest::Method;
use serde_json::{Value, json};

use super::console::{Console, DeskView, command_id};
use super::rooms::{IN_A, IN_B, IN_C, Site};
use crate::support::log::TestPhone;

const COMMANDS: [&str; 5] = ["acknowledge", "message", "note", "close", "delivered"];

fn body(kind: &str, n: u32) -> Value {
    let mut body = match kind {
        "acknowledge" => json!({ "revision": 999 }),
        "close" => json!({ "revision": 999, "outcome": "helped" }),
        "delivered" => json!({ "how": "drawn" }),
        _ => json!({ "text": "words" }),
    };
    body["command_id"] = command_id(n).into();
    body
}

/// Incidents in a, b, c and without a place, each given to its desk.
async fn four_incidents(site: &Site) -> [String; 4] {
    let mut ids = Vec::new();
    for (n, place) in [Some(IN_A), Some(IN_B), Some(IN_C), None]
        .into_iter()
        .enumerate()
    {
        let mut phone = TestPhone::new(u32::try_from(n).unwrap());
        site.log.raise(&mut phone, place).await;
        ids.push(phone.incident().to_string());
    }
    let national = site.signed_in("at-national").await;
    for id in &ids {
        national
            .card_when(id, |card| card["state"] == "assigned")
            .await;
    }
    ids.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_desk_sees_its_own_at_every_endpoint_and_nothing_else() {
    let site = Site::open().await;
    let ids = four_incidents(&site).await;
    // Columns: the incidents in a, b, c and without a place.
    let table = [
        ("at-a", [true, false, false, false]),
        ("viewer-at-a", [true, false, false, false]),
        ("at-b", [false, true, false, false]),
        ("at-c", [false, false, true, false]),
        ("at-north", [true, true, false, false]),
        ("at-south", [false, false, true, false]),
        ("at-national", [true, true, true, true]),
        ("viewer-at-national", [true, true, true, true]),
    ];
    for (row, (user, sees)) in (0..).zip(table) {
        let console = site.signed_in(user).await;
        let expected: Vec<&String> = ids
            .iter()
            .zip(sees)
            .filter(|(_, sees)| *sees)
            .map(|(id, _)| id)
            .collect();
        let hidden: Vec<&String> = ids.iter().filter(|id| !expected.contains(id)).collect();

        let board = console.board().await;
        let mut seen: Vec<&str> = cards(&board);
        let mut expected_sorted: Vec<&str> = expected.iter().map(|id| id.as_str()).collect();
        seen.sort_unstable();
        expected_sorted.sort_unstable();
        assert_eq!(seen, expected_sorted, "{user}: board");

        let mut events = console.events(None, None).await;
        let mut desk = DeskView::default();
        while desk.cards.len() < expected.len() {
            desk.take(&events.next().await.unwrap());
        }
        let raw = String::from_utf8_lossy(&events.raw).into_owned() + &board.to_string();
        for id in &hidden {
            assert!(!raw.contains(id.as_str()), "{user} hears of {id}");
        }

        for (column, (id, sees)) in (0..).zip(ids.iter().zip(sees)) {
            let at = format!("/api/incidents/{id}/history");
            let (status, answer) = console.get(&at).await;
            assert_eq!(
                status,
                if sees { 200 } else { 404 },
                "{user}: history of {id}: {answer}"
            );
            for (n, kind) in (0..).zip(COMMANDS) {
                let body = body(kind, row * 100 + column * 10 + n);
                let (status, answer) = console
                    .post(&format!("/api/incidents/{id}/{kind}"), &body)
                    .await;
                let may = !user.starts_with("viewer") || kind == "delivered";
                let expected = if !sees {
                    404
                } else if may {
                    200
                } else {
                    403
                };
                assert_eq!(status, expected, "{user}: {kind} of {id}: {answer}");
            }
        }
    }
}

fn cards(board: &Value) -> Vec<&str> {
    board["cards"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| card["id"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_goes_on_tells_nothing_of_other_desks() {
    let site = Site::open().await;
    let console = site.signed_in("at-b").await;
    let cursor = console.board().await["cursor"].as_str().unwrap().to_owned();
    let mut events = console.events(Some(&cursor), None).await;
    let ids = four_incidents(&site).await;
    // The last to be assigned is seen, so everything before it has been passed over.
    let mut phone = TestPhone::new(9);
    site.log.raise(&mut phone, Some(IN_B)).await;
    let last = phone.incident().to_string();
    let mut desk = DeskView::default();
    while !desk.cards.contains_key(&last) {
        desk.take(&events.next().await.unwrap());
    }
    assert!(desk.cards.contains_key(&ids[1]));
    let raw = String::from_utf8_lossy(&events.raw).into_owned();
    for id in [&ids[0], &ids[2], &ids[3]] {
        assert!(!raw.contains(id.as_str()), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forbidden_looks_like_absent() {
    let site = Site::open().await;
    let [in_a, ..] = four_incidents(&site).await;
    let console = site.signed_in("at-c").await;
    let absent = TestPhone::new(77).incident().to_string();
    for (path, method) in [("history", Method::GET), ("acknowledge", Method::POST)] {
        let mut answers = Vec::new();
        for id in [in_a.as_str(), absent.as_str(), "none"] {
            let request = console.request(method.clone(), &format!("/api/incidents/{id}/{path}"));
            let response = request.json(&body("acknowledge", 1)).send().await.unwrap();
            let status = response.status();
            let mut headers = response.headers().clone();
            headers.remove("date");
            answers.push((status, headers, response.text().await.unwrap()));
        }
        assert_eq!(answers[0].0, 404);
        assert_eq!(answers[0], answers[1], "{path}");
        assert_eq!(answers[0], answers[2], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_told_to_sign_in_everywhere() {
    let site = Site::open().await;
    let nobody = site.console();
    for (method, path) in super::answers::ENDPOINTS {
        let open = !path.starts_with("/api/") || path == "/api/sign-in";
        if open {
            continue;
        }
        let path = path.replace("{id}", &TestPhone::new(1).incident().to_string());
        let method: Method = method.to_uppercase().parse().unwrap();
        let forged = nobody
            .request(method, &path)
            .header(
                "cookie",
                "ansim_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            )
            .json(&json!({}))
            .send()
            .await
            .unwrap();
        assert_eq!(forged.status(), 401, "{path}");
        let answer: Value = forged.json().await.unwrap();
        assert_eq!(answer["error"], "not_signed_in", "{path}");
    }
    assert_eq!(nobody.get("/api/whatever").await.0, 401);
    assert_eq!(
        site.signed_in("at-a").await.get("/api/whatever").await.0,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desk_gets_the_map_of_its_view() {
    let site = Site::open().await;
    let ids = async |user: &str, path: &str| -> Vec<String> {
        let (status, map) = site.signed_in(user).await.get(path).await;
        assert_eq!((status, &map["authority"]), (200, &json!("invented")));
        let features = map["features"].as_array().unwrap();
        features
            .iter()
            .map(|one| one["properties"]["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("at-a", "/api/map").await, ["a"]);
    assert_eq!(ids("at-south", "/api/map").await, ["c", "d"]);
    assert_eq!(ids("at-national", "/api/map").await, ["a", "b", "c", "d"]);
    assert_eq!(ids("at-a", "/api/basemap").await, ["a", "b", "c", "d"]);

    let console: Console = site.signed_in("at-a").await;
    let first = console
        .request(Method::GET, "/api/map")
        .send()
        .await
        .unwrap();
    let tag = first.headers()["etag"].clone();
    let again = console
        .request(Method::GET, "/api/map")
        .header("if-none-match", tag.clone());
    assert_eq!(again.send().await.unwrap().status(), 304);
    let other = site.signed_in("at-b").await;
    let other = other
        .request(Method::GET, "/api/map")
        .header("if-none-match", tag);
    assert_eq!(
        other.send().await.unwrap().status(),
        200,
        "another desk has another map"
    );
}

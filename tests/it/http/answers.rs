//! The shape of answers: words for bad input, headers for browsers, the document of the API.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::console::command_id;
use super::rooms::{IN_A, Site};
use crate::support::log::TestPhone;

/// Every endpoint of the contract between service and page, written here by hand.
pub(super) const ENDPOINTS: [(&str, &str); 21] = [
    ("post", "/api/sign-in"),
    ("post", "/api/sign-out"),
    ("get", "/api/session"),
    ("get", "/api/board"),
    ("get", "/api/events"),
    ("get", "/api/map"),
    ("get", "/api/basemap"),
    ("post", "/api/locate"),
    ("post", "/api/map/reload"),
    ("get", "/api/incidents/{id}/history"),
    ("post", "/api/incidents/{id}/acknowledge"),
    ("post", "/api/incidents/{id}/message"),
    ("post", "/api/incidents/{id}/note"),
    ("post", "/api/incidents/{id}/close"),
    ("post", "/api/incidents/{id}/delivered"),
    ("post", "/side-door"),
    ("post", "/api/format/raise"),
    ("get", "/openapi.json"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_is_documented_and_every_document_is_an_endpoint() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    let (status, document) = console.get("/openapi.json").await;
    assert_eq!(status, 200);
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods
                .keys()
                .map(move |method| (method.clone(), path.clone()))
        })
        .collect();
    let expected: BTreeSet<(String, String)> = ENDPOINTS
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .into();
    assert_eq!(documented, expected);
    for (method, path) in ENDPOINTS {
        let wrong = if method == "get" {
            Method::DELETE
        } else {
            Method::GET
        };
        let path = path.replace("{id}", "x");
        let response = console.request(wrong, &path).send().await.unwrap();
        assert_eq!(
            response.status(),
            405,
            "{path} is a route and knows its methods"
        );
    }
    // Every schema that is named is there.
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(!document["components"]["schemas"][name].is_null(), "{name}");
    }
    assert!(text.contains("\"PositionCard\"") && text.contains("text/event-stream"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_answered_with_words() {
    let site = Site::open().await;
    let mut phone = TestPhone::new(1);
    site.log.raise(&mut phone, Some(IN_A)).await;
    let console = site.signed_in("at-a").await;
    let incident = phone.incident().to_string();
    console
        .card_when(&incident, |card| card["state"] == "assigned")
        .await;
    let id = command_id(1);
    let long = "가".repeat(501);
    let table = [
        ("acknowledge", json!({ "command_id": id })),
        ("acknowledge", json!({ "command_id": id, "revision": -1 })),
        ("acknowledge", json!({ "command_id": id, "revision": "1" })),
        ("acknowledge", json!({ "command_id": "1", "revision": 1 })),
        (
            "acknowledge",
            json!({ "command_id": id, "revision": 1, "force": true }),
        ),
        ("acknowledge", json!([])),
        ("message", json!({ "command_id": id, "text": "" })),
        ("message", json!({ "command_id": id, "text": " \n" })),
        ("message", json!({ "command_id": id, "text": long })),
        ("message", json!({ "command_id": id, "text": 1 })),
        ("message", json!({ "text": "x" })),
        ("note", json!({ "command_id": id, "text": long })),
        (
            "note",
            json!({ "command_id": id, "text": "x".repeat(20_000) }),
        ),
        (
            "close",
            json!({ "command_id": id, "revision": 1, "outcome": "won" }),
        ),
        ("close", json!({ "command_id": id, "revision": 1 })),
        (
            "close",
            json!({ "command_id": id, "revision": 1, "outcome": "other", "note": long }),
        ),
        ("delivered", json!({ "command_id": id, "how": "smelt" })),
        ("delivered", json!({ "command_id": "", "how": "drawn" })),
    ];
    for (kind, body) in table {
        let (status, answer) = console
            .post(&format!("/api/incidents/{incident}/{kind}"), &body)
            .await;
        is_bad_input(status, &answer, &format!("{kind} {body}"));
    }
    for path in [
        "/api/events?cursor=x",
        "/api/events?cursor=1.2&since=3",
        &format!("/api/incidents/{incident}/history?from=-1"),
        &format!("/api/incidents/{incident}/history?from=x"),
    ] {
        let (status, answer) = console.get(path).await;
        is_bad_input(status, &answer, path);
    }
    let at = format!("/api/incidents/{incident}/note");
    for (kind, body) in [
        ("application/json", "{"),
        ("text/plain", "{}"),
        ("application/json", ""),
    ] {
        let request = console
            .request(Method::POST, &at)
            .header("content-type", kind)
            .body(body);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        is_bad_input(status, &response.json().await.unwrap(), body);
    }
    let (_, history) = console
        .get(&format!("/api/incidents/{incident}/history"))
        .await;
    assert_eq!(
        history["items"].as_array().unwrap().len(),
        3,
        "raise, assigned, viewed: {history}"
    );
}

fn is_bad_input(status: u16, answer: &Value, what: &str) {
    assert_eq!(
        (status, &answer["error"]),
        (422, &json!("bad_input")),
        "{what}: {answer}"
    );
    assert!(
        answer["message"].as_str().unwrap().len() > 20,
        "{what}: {answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_tells_browsers_to_be_strict() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    for path in [
        "/",
        "/api/board",
        "/api/nothing",
        "/nothing",
        "/healthz",
        "/api/map",
    ] {
        let response = console.request(Method::GET, path).send().await.unwrap();
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "font-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(
                policy.split("; ").any(|one| one == part),
                "{path}: {part}: {policy}"
            );
        }
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert!(
            !headers.contains_key("strict-transport-security"),
            "{path} is plain"
        );
        match path {
            "/api/board" | "/api/nothing" => assert_eq!(headers["cache-control"], "no-store"),
            "/api/map" => assert_eq!(headers["cache-control"], "private, no-cache"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_served_or_it_is_said_how_to_build_it() {
    let site = Site::open().await;
    let console = site.console();
    let response = console.request(Method::GET, "/").send().await.unwrap();
    let Some(hash) = dispatcher::io::assets::page_hash() else {
        assert_eq!(response.status(), 503);
        assert!(response.text().await.unwrap().contains("npm run build"));
        return;
    };
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let tag = response.headers()["etag"].clone();
    let page = response.text().await.unwrap();
    let again = console
        .request(Method::GET, "/")
        .header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    let script = page
        .split('"')
        .find(|part| part.starts_with("/assets/"))
        .unwrap();
    let response = console.request(Method::GET, script).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(console.get("/healthz").await.1["page"], hash);
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
    ] {
        assert_eq!(console.get(path).await.0, 404, "{path}");
    }
    let post = console
        .request(Method::POST, "/index.html")
        .send()
        .await
        .unwrap();
    assert_eq!(post.status(), 405);
}

//! Signing in and out.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::rooms::{PASSWORD, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_officer_signs_in_and_out() {
    let site = Site::open().await;
    let console = site.console();
    let credentials = json!({ "user": "at-north", "password": PASSWORD });
    let response = console
        .request(Method::POST, "/api/sign-in")
        .json(&credentials)
        .send()
        .await
        .unwrap();
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(cookie.starts_with("ansim_session="), "{cookie}");
    for part in [
        "; HttpOnly",
        "; SameSite=Strict",
        "; Path=/",
        "; Max-Age=86400",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "a browser would not send it back over plain HTTP"
    );
    let officer: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        officer,
        json!({
            "user": "at-north", "name": "Officer at-north", "role": "officer",
            "desk": { "id": "province:North", "kind": "province", "name": "North" },
        })
    );
    assert_eq!(console.get("/api/session").await, (200, officer));
    let other = site.signed_in("viewer-at-a").await;
    let (_, viewer) = other.get("/api/session").await;
    assert_eq!(viewer["role"], "viewer");
    assert_eq!(
        viewer["desk"],
        json!({ "id": "station:a", "kind": "station", "name": "a station" })
    );
    let response = console
        .request(Method::POST, "/api/sign-out")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert!(
        response.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(console.get("/api/session").await.0, 401);
    assert_eq!(
        other.get("/api/session").await.0,
        200,
        "others stay signed in"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_after_its_time() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    assert_eq!(console.get("/api/session").await.0, 200);
    site.log.advance_ms(31 * 60 * 1_000);
    assert_eq!(console.get("/api/session").await.0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_user_and_a_wrong_password_are_told_the_same() {
    let site = Site::open().await;
    let console = site.console();
    let wrong_password = console.sign_in("at-a", "wrong").await;
    let wrong_user = console.sign_in("nobody", PASSWORD).await;
    assert_eq!(wrong_password.0, 401);
    assert_eq!(wrong_password.1["error"], "wrong_credentials");
    assert_eq!(wrong_password, wrong_user);
    assert_eq!(
        wrong_user,
        console.sign_in(&"x".repeat(1_000), PASSWORD).await
    );
    assert_eq!(console.get("/api/session").await.0, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_is_slowed_down_and_told_until_when() {
    let site = Site::open().await;
    let console = site.console();
    let wait_s = loop {
        let wrong = json!({ "user": "at-a", "password": "wrong" });
        let response = console
            .request(Method::POST, "/api/sign-in")
            .json(&wrong)
            .send()
            .await
            .unwrap();
        if response.status() == StatusCode::UNAUTHORIZED {
            continue;
        }
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        let wait = response.headers()["retry-after"]
            .to_str()
            .unwrap()
            .to_owned();
        let answer: serde_json::Value = response.json().await.unwrap();
        assert_eq!(answer["error"], "too_many_attempts");
        assert!(
            answer["message"]
                .as_str()
                .unwrap()
                .contains(&format!("{wait} s")),
            "{answer}"
        );
        break wait.parse::<u64>().unwrap();
    };
    assert_eq!(
        console.sign_in("at-a", PASSWORD).await.0,
        429,
        "also with the right one"
    );
    assert_eq!(
        console.sign_in("at-b", PASSWORD).await.0,
        200,
        "another officer is not kept out"
    );
    site.log.advance_ms(wait_s * 1_000);
    assert_eq!(
        console.sign_in("at-a", PASSWORD).await.0,
        200,
        "and this one not for good"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_site_does_nothing_in_an_officers_name() {
    let site = Site::open().await;
    let console = site.signed_in("at-a").await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
    ] {
        let request = console
            .request(Method::POST, "/api/sign-out")
            .header(name, value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
        let answer: serde_json::Value = response.json().await.unwrap();
        assert_eq!(answer["error"], "cross_site");
    }
    assert_eq!(console.get("/api/session").await.0, 200);
    let own = format!("http://{}", site.address);
    let request = console
        .request(Method::POST, "/api/sign-out")
        .header("origin", own);
    assert_eq!(request.send().await.unwrap().status(), 204);
}

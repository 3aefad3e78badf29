//! What operators are told of a log that is not as it should be.

use super::*;

async fn ask(at: SocketAddr, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{at}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Asks until an answer is as it should be.
async fn until_says(at: SocketAddr, path: &str, status: u16, words: &str) {
    in_time(words, async {
        loop {
            let (answered, text) = ask(at, path).await;
            if answered == status && text.contains(words) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
}

async fn replicas_missing_seconds(at: SocketAddr) -> f64 {
    let metrics = ask(at, "/metrics").await.1;
    let name = "ansim_holdover_replicas_missing_seconds ";
    let seconds = metrics.lines().find_map(|line| line.strip_prefix(name));
    seconds.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_missing_are_named_and_send_nobody_away() {
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let mut replica = redis.replica();
    let fleet = Fleet::start(Settings {
        replicas: 1,
        ..redis.settings()
    })
    .await;
    let console = fleet.console(0, "choi").await;
    press(&mut fleet.phone(0, 1)).await;
    on_board(&console, 1).await;
    let relay = fleet.relays[0].operations_address().unwrap();
    until_says(relay, "/readyz", 200, "\"problems\":[]").await;

    replica.kill();
    press(&mut fleet.phone(0, 2)).await;
    on_board(&console, 2).await;
    let words = "replicas are missing: 1 wanted, none confirmed for";
    until_says(relay, "/readyz", 200, words).await;
    // The assignment is the dispatcher's own.
    let dispatchers = fleet.dispatchers.iter();
    let addresses: Vec<_> = dispatchers
        .map(|one| one.console_address().unwrap())
        .collect();
    in_time("a dispatcher that misses its replica", async {
        loop {
            for at in &addresses {
                let (status, text) = ask(*at, "/readyz").await;
                assert_eq!(status, 200, "{text}");
                if text.contains(words) {
                    return;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
    in_time("the metric", async {
        // It is set once a second.
        while replicas_missing_seconds(relay).await < 5.0 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;

    let _another = redis.replica();
    until_says(relay, "/readyz", 200, "\"problems\":[]").await;
    until_says(addresses[0], "/readyz", 200, "\"warnings\":[]").await;
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_starts_while_redis_is_away_says_why_and_takes_consoles_when_it_has_caught_up()
 {
    if !is_here() {
        return;
    }
    let mut redis = TestServer::start();
    let mut fleet = Fleet::start(redis.settings()).await;
    let stays = fleet.console(0, "choi").await;
    redis.kill();
    press(&mut fleet.phone(0, 1)).await;
    fleet.dispatchers.pop().unwrap().shutdown().await;
    let again = fleet.member(Part::Dispatcher, 1).await;
    fleet.dispatchers.push(again);
    let at = fleet.dispatchers[1].console_address().unwrap();
    assert_eq!(ask(at, "/healthz").await.0, 200);
    assert_eq!(ask(at, "/openapi.json").await.0, 200);
    until_says(at, "/readyz", 503, "the shared log is away").await;
    assert!(
        ask(at, "/readyz")
            .await
            .1
            .contains("the board is still reading the log")
    );
    let choi = &fleet.officers[1];
    let credentials = json!({ "user": choi.user, "password": choi.password });
    let sign_in = reqwest::Client::new()
        .post(format!("http://{at}/api/sign-in"))
        .json(&credentials);
    let refused = sign_in.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let text = refused.text().await.unwrap();
    assert!(text.contains("not_caught_up"), "{text}");
    assert!(text.contains("the shared log is away"), "{text}");
    // Who was here before sees the board as it was, and is told.
    let first = fleet.dispatchers[0].console_address().unwrap();
    until_says(first, "/readyz", 503, "the shared log is away").await;
    let (status, board) = stays.get("/api/board").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(board["health"]["ready"], false, "{board}");

    redis.restart();
    on_board(&fleet.console(1, "choi").await, 1).await;
    on_board(&stays, 1).await;
    until_says(at, "/readyz", 200, "\"problems\":[]").await;
    fleet.shutdown().await;
}

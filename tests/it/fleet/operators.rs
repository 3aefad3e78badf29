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

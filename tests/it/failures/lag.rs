//! A dispatcher that is far behind the log.

use journal::io::redis::test_server::is_here;
use journal::io::redis::test_server::proxy::Way;
use protocol::OfficerId;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::LATE;
use super::servers::Servers;
use super::site::{Site, Who};

/// Twice as many as a board may be behind that is shown to somebody new. On a slow way they take more than a minute.
const ENTRIES: usize = 20_000;

const BEHIND: Who = Who::Dispatcher(0);

/// What says when the board is behind.
const LAGS: &str = "entries behind the log";

/// What says when it was just started.
const READS: &str = "the board is still reading the log";

/// Much comes into the first partition.
async fn much_comes(site: &Site<Servers>) {
    let signs_in = protocol::Site::SignedIn(OfficerId::new("kim"));
    let said = std::iter::repeat_n(signs_in, ENTRIES);
    site.servers.append(said).await;
}

/// It says why it is not ready, in these words among others, and takes nobody new; the other one does.
async fn is_behind(site: &Site<Servers>, words: &str) {
    site.complains_of(BEHIND, words).await;
    let doors = site.doors();
    let url = format!("http://{}", doors.console(0));
    let ready = reqwest::get(format!("{url}/readyz")).await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    let officer = doors.officer(0);
    let credentials = json!({ "user": officer.user, "password": officer.password });
    let sign_in = reqwest::Client::new().post(format!("{url}/api/sign-in"));
    let refused = sign_in.json(&credentials).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let answer = refused.text().await.unwrap();
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["error"], "not_caught_up");
    assert!(answer.to_string().contains(words), "{answer}");
    site.is_ready_at(Who::Dispatcher(1)).await;
    site.board(1).await;
}

/// It becomes ready by itself, and takes consoles.
async fn catches_up(site: &Site<Servers>) {
    site.servers.way(BEHIND).set_way(Way::Open);
    site.is_ready_at(BEHIND).await;
    site.board(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_lags_or_has_much_to_read_at_its_start_takes_no_consoles_until_it_has_caught_up()
 {
    if !is_here() {
        return;
    }
    let mut site = Site::start(Servers::alone().await).await;
    site.is_ready().await;
    site.servers.way(BEHIND).set_way(Way::Late(LATE));
    much_comes(&site).await;
    is_behind(&site, LAGS).await;
    catches_up(&site).await;

    site.kill(BEHIND);
    much_comes(&site).await;
    site.servers.way(BEHIND).set_way(Way::Late(LATE));
    site.start_again(BEHIND);
    is_behind(&site, READS).await;
    catches_up(&site).await;
}

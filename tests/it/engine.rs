//! What the dispatcher's task does to the service around it.

use crate::support::site::{Site, in_time};

#[tokio::test(flavor = "multi_thread")]
async fn when_nobody_follows_the_log_the_service_is_not_ready_and_says_that_it_has_failed() {
    let site = Site::start().await;
    let ready = format!(
        "{}/readyz",
        site.service.console_url().unwrap().trim_end_matches('/')
    );
    let mut states = site.service.engine().unwrap().states();
    in_time("ready", states.wait_for(|state| state.ready))
        .await
        .unwrap();
    assert_eq!(reqwest::get(&ready).await.unwrap().status(), 200);

    site.service.journal().close().await;
    let why = in_time("the end", site.service.engine().unwrap().ended()).await;
    assert!(why.contains("closed"), "{why}");
    let answer = reqwest::get(&ready).await.unwrap();
    assert_eq!(answer.status(), 503);
    let said = answer.text().await.unwrap();
    assert!(said.contains("nobody follows the log"), "{said}");
    in_time("the failure", site.service.failed()).await;
    site.service.shutdown().await;
}

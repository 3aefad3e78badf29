//! What operators are told while the server looks well.

use super::*;
use crate::unconfirmed::REPLICAS_MISSING_AFTER_MS;

/// How often it is asked how things stand.
const LOOK_EVERY: Duration = Duration::from_millis(20);

async fn until_missing(author: &Author, is_so: impl Fn(Option<ReplicasMissing>) -> bool) {
    let looking = async {
        // It depends on the time that has passed, which nothing tells of.
        while !is_so(author.held().replicas_missing()) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    within(looking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_dies_is_missed_by_name_and_the_log_goes_on() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut replica = server.replica();
    let settings = Settings {
        replicas: 1,
        ..server.settings()
    };
    let mut author = Author::new("a", settings.clone());
    author.raise(3).await;
    author.held().all_shipped().await;
    assert_eq!(author.held().replicas_missing(), None);
    replica.kill();
    assert_eq!(author.held().replicas_missing(), None, "nothing waits");
    author.raise(1).await;
    until_missing(&author, |missing| missing.is_some()).await;
    let missing = author.held().replicas_missing().unwrap();
    assert_eq!(missing.wanted, 1);
    assert!(missing.for_ms >= REPLICAS_MISSING_AFTER_MS);
    assert!(
        missing
            .to_string()
            .starts_with("replicas are missing: 1 wanted")
    );
    assert_eq!(*author.journal.health().borrow(), Health::Healthy);
    let _another = server.replica();
    let since = Instant::now();
    until_missing(&author, |missing| missing.is_none()).await;
    settle("the replica died", settings, &[&author], since).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_entries_and_looks_well_is_trouble_until_it_takes_them() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(3).await;
    author.held().all_shipped().await;
    server.command(&["ACL", "SETUSER", "default", "-xadd"]);
    author.raise(2).await;
    let health = author
        .until_health(|health| matches!(health, Health::Troubled { .. }))
        .await;
    let Health::Troubled { why } = health else {
        unreachable!("it was waited for")
    };
    assert!(why.contains("xadd"), "{why}");
    assert!(author.journal.accepts(), "receipts go on");
    // It looks well all the time, and with two more looks that is known.
    let looks = || server.info("cmdstat_set");
    for _ in 0..2 {
        let before = looks();
        server.until("the server is looked at", || looks() != before);
    }
    let looked = author.held().shared().health().borrow().clone();
    assert_eq!(looked, Health::Healthy);
    let health = author.journal.health().borrow().clone();
    assert!(matches!(health, Health::Troubled { .. }), "{health:?}");
    server.command(&["ACL", "SETUSER", "default", "+xadd"]);
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    let since = Instant::now();
    let doubled = settle("XADD refused", server.settings(), &[&author], since).await;
    assert_eq!(doubled, 0);
}

//! The master is where the sentinels say.

use super::super::settings::{Address, Topology};
use super::super::test_server::{TestSentinels, patient};
use super::*;

fn settings(sentinels: &TestSentinels) -> Settings {
    let mut addresses = sentinels.addresses();
    // One that is not there is passed over.
    addresses.insert(
        0,
        Address {
            host: "127.0.0.1".to_owned(),
            port: 1,
        },
    );
    let first = addresses[0].clone();
    Settings {
        topology: Topology::Sentinel {
            sentinels: addresses,
            service: TestSentinels::SERVICE.to_owned(),
            credentials: None,
        },
        ..patient(Settings::at(first))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_is_found_again_after_a_failover() {
    if !is_here() {
        return;
    }
    let mut master = TestServer::start();
    let replica = master.replica();
    let sentinels = TestSentinels::start(1, &master);
    let journal = open(settings(&sentinels)).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    append(&journal, "a").await;
    read(&mut tail, &["a"]).await;
    replica.until("the replica has it", || {
        replica.command(&["XLEN", "{ansim:p0}:alerts"]) == redis::Value::Int(1)
    });
    replica.until("the sentinel knows the replica", || {
        let known = sentinels.try_command(0, &["SENTINEL", "REPLICAS", TestSentinels::SERVICE]);
        matches!(known, Ok(redis::Value::Array(replicas)) if !replicas.is_empty())
    });
    master.kill();
    replica.await_info("role", "master");
    until_healthy(&journal).await;
    assert_eq!(until_appended(&journal, "b").await.first, Offset(1));
    read(&mut tail, &["b"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_no_sentinel_knows_is_named() {
    if !is_here() {
        return;
    }
    let master = TestServer::start();
    let sentinels = TestSentinels::start(1, &master);
    let mut settings = settings(&sentinels);
    if let Topology::Sentinel { service, .. } = &mut settings.topology {
        *service = "another".to_owned();
    }
    let opening = Journal::open_redis(settings, Options::default());
    let error = within(opening).await.unwrap_err().to_string();
    assert!(error.contains("`another`"), "{error}");
}

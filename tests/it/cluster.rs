//! Two relays and two dispatchers over one log on a real Redis Cluster.

use std::time::Instant;

use journal::hash_slot::HashSlot;
use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestCluster, is_here};

use crate::fleet::{Fleet, on_board, press};

const PHONES: u8 = 24;

/// A key of the partition to whose shard something happens.
const KEY: &str = "{ansim:p0}:alerts";

/// Phones press one after the other at both relays, and in the middle of it something happens to the
/// cluster: each press has its receipt, and is on each board once.
async fn pressed_while(
    what: &str,
    replicas: u8,
    mut cluster: TestCluster,
    happens: impl FnOnce(&mut TestCluster),
) {
    let fleet = Fleet::start(Settings {
        replicas,
        ..cluster.settings()
    });
    let fleet = fleet.await;
    let consoles = [
        fleet.console(0, "choi").await,
        fleet.console(1, "choi").await,
    ];
    let mut happens = Some(happens);
    let mut since = Instant::now();
    for number in 0..PHONES {
        if let Some(happens) = happens.take_if(|_| number == PHONES / 2) {
            since = Instant::now();
            happens(&mut cluster);
        }
        press(&mut fleet.phone(usize::from(number % 2), number + 1)).await;
    }
    for console in &consoles {
        on_board(console, usize::from(PHONES)).await;
    }
    let recovered = since.elapsed().as_secs_f64();
    println!(
        "{what}: raised {PHONES}, receipted {PHONES}, on both boards {PHONES}, lost 0, doubled 0, \
         all there after {recovered:.1} s"
    );
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_of_a_cluster_dies_and_all_is_on_each_board_once() {
    if !is_here() {
        return;
    }
    let what = "master of a cluster killed, replica promoted";
    pressed_while(what, 1, TestCluster::start(), |cluster| {
        let at = cluster.master_of(KEY);
        cluster.server_mut(at).kill();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_moves_to_another_shard_and_all_is_on_each_board_once() {
    if !is_here() {
        return;
    }
    let what = "slot moved to another shard";
    pressed_while(what, 0, TestCluster::without_replicas(), |cluster| {
        let from = cluster.master_of(KEY);
        let to = cluster.another_than(from);
        cluster.move_slot(HashSlot::of(KEY).number(), from, to);
        assert_eq!(cluster.master_of(KEY), to);
    })
    .await;
}

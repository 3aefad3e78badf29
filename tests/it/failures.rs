//! What breaks under two relays and two dispatchers while people press, and that it costs nobody an
//! alert. Each fault is a few lines; what has to hold afterwards is the same for all of them, and
//! stands in [`scenario::under`].

mod boards;
mod books;
mod disk;
mod lag;
mod load;
mod officers;
mod restore;
mod scenario;
mod servers;
mod site;
mod upgrade;

use std::time::Duration;

use journal::io::redis::test_server::proxy::Way;
use journal::io::redis::test_server::{TestCluster, TestServer};

use self::disk::SmallDisk;
use self::load::Load;
use self::scenario::under;
use self::servers::Servers;
use self::site::{Site, Who};
use crate::support::require::{Need, require};

/// Raises that have to be receipted while a fault lasts: two seconds and more of the load.
const MEANWHILE: usize = 10;

/// How long a server hangs: longer than it may take for an answer, so that it counts as away.
const HANGS: Duration = Duration::from_secs(3);

/// How much later each piece of a conversation arrives on a bad way.
const LATE: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread")]
async fn the_master_is_killed_and_started_again() {
    under(
        "master killed, started again",
        Servers::alone,
        async |site, load| {
            site.servers.master.kill();
            load.receipts(MEANWHILE).await;
            site.complains(Who::Relay(0)).await;
            site.servers.master.restart();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_is_killed_and_sentinels_promote_its_replica() {
    under(
        "master killed, replica promoted",
        Servers::watched,
        async |site, load| {
            site.servers.master.kill();
            load.receipts(MEANWHILE).await;
            site.servers.replica().await_info("role", "master");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_is_killed_while_a_dispatcher_begins_its_board() {
    under(
        "master killed while a dispatcher reads, replica promoted",
        Servers::watched,
        async |site, load| {
            site.kill(Who::Dispatcher(0));
            site.start_again(Who::Dispatcher(0));
            site.servers.master.kill();
            load.receipts(MEANWHILE).await;
            site.servers.replica().await_info("role", "master");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_cut_off_with_a_relay_takes_for_a_while_what_is_shipped_again() {
    under(
        "master and relay cut off, replica promoted",
        Servers::fenced,
        async |site, load| {
            let servers = &site.servers;
            servers.split();
            servers.master.until("it takes what no replica has", || {
                servers.with_the_master_alone() >= MEANWHILE
            });
            servers
                .master
                .until("another has its place", || servers.has_successor());
            servers
                .master
                .until("it refuses writes", || servers.is_fenced());
            let taken = servers.master.alerts();
            load.receipts(MEANWHILE).await;
            site.complains(Who::Relay(0)).await;
            assert_eq!(site.servers.master.alerts(), taken);
            assert_eq!(site.servers.master.info("role"), "master");
            site.servers.heal();
        },
    )
    .await;
}

/// A key of a partition of the cluster to whose master something happens.
const KEY: &str = "{ansim:p0}:alerts";

#[tokio::test(flavor = "multi_thread")]
async fn a_master_of_a_cluster_is_killed_and_comes_back_as_a_replica() {
    under(
        "master of a cluster killed, replica promoted, old one back",
        async || TestCluster::start(),
        async |site, load| {
            let at = site.servers.master_of(KEY);
            site.servers.server_mut(at).kill();
            load.receipts(MEANWHILE).await;
            site.servers.replica_of(at).await_info("role", "master");
            site.servers.server_mut(at).restart();
            site.servers.server(at).await_info("role", "slave");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_replica_is_killed_and_started_again() {
    under(
        "replica killed, started again",
        Servers::with_replica,
        async |site, load| {
            site.servers.replica_mut().kill();
            load.receipts(MEANWHILE).await;
            site.servers.replica_mut().restart();
            site.servers.replica().follow(&site.servers.master);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_killed_and_started_again() {
    under(
        "relay killed, started again",
        Servers::alone,
        async |site, load| {
            site.kill(Who::Relay(0));
            // Half of them would have gone to the one that is dead.
            load.receipts(MEANWHILE).await;
            site.start_again(Who::Relay(0));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_is_killed_and_started_again_and_officers_at_the_other_go_on() {
    under(
        "dispatcher killed, started again",
        Servers::alone,
        async |site, load| {
            site.kill(Who::Dispatcher(0));
            load.receipts(MEANWHILE).await;
            site.board(1).await.knows(&load.incidents()).await;
            load.acknowledgements(1).await;
            site.start_again(Who::Dispatcher(0));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_hangs() {
    under("DEBUG SLEEP", Servers::alone, async |site, load| {
        let seconds = HANGS.as_secs().to_string();
        let before = load.receipted();
        // The answer comes when it is awake again.
        site.servers.master.command(&["DEBUG", "SLEEP", &seconds]);
        assert!(load.receipted() > before, "receipts wait for no server");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_lets_its_clients_wait() {
    under("CLIENT PAUSE", Servers::alone, async |site, load| {
        let milliseconds = HANGS.as_millis().to_string();
        let before = load.receipted();
        let master = &site.servers.master;
        master.command(&["CLIENT", "PAUSE", &milliseconds, "ALL"]);
        // It waits like everybody else.
        master.command(&["PING"]);
        assert!(load.receipted() > before, "receipts wait for no server");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_has_no_memory_left() {
    under("maxmemory reached", Servers::alone, async |site, load| {
        let limit = |bytes| {
            let words = ["CONFIG", "SET", "maxmemory", bytes];
            site.servers.master.command(&words);
        };
        limit("1");
        load.receipts(MEANWHILE).await;
        site.complains(Who::Relay(0)).await;
        limit("0");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_is_read_only_as_it_is_made_a_replica() {
    let copy_nobody = |master: &TestServer| master.detach();
    let be_master = |master: &TestServer| master.promote();
    let refusal = "is a replica and not the master";
    read_only("is made a replica", copy_nobody, be_master, refusal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_is_read_only_as_it_lacks_replicas() {
    let want = |replicas: &'static str| {
        move |master: &TestServer| {
            master.command(&["CONFIG", "SET", "min-replicas-to-write", replicas]);
        }
    };
    read_only("lacks replicas", want("1"), want("0"), "NOREPLICAS").await;
}

/// It goes on answering whoever reads.
async fn read_only(
    why: &str,
    begin: impl FnOnce(&TestServer),
    end: impl FnOnce(&TestServer),
    refusal: &str,
) {
    under(
        &format!("the master {why}, and is read-only"),
        Servers::alone,
        async |site, load| {
            // Who signs in before: a dispatcher that has not read the log by then cannot.
            let console = site.board(0).await;
            begin(&site.servers.master);
            let taken = site.servers.master.alerts();
            load.receipts(MEANWHILE).await;
            for who in [Who::Relay(0), Who::Dispatcher(0), Who::Dispatcher(1)] {
                site.complains_of(who, refusal).await;
            }
            console.says(refusal).await;
            assert_eq!(site.servers.master.alerts(), taken);
            end(&site.servers.master);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_of_the_master_is_full_and_it_refuses() {
    full_disk("everysec", "refuses", async |site, disk, load| {
        let refuses = || site.servers.master.try_command(&["SET", "a", "b"]).is_err();
        site.servers.master.until("it refuses writes", refuses);
        load.receipts(MEANWHILE).await;
        disk.empty();
        let takes = || site.servers.master.try_command(&["SET", "a", "b"]).is_ok();
        site.servers.master.until("it takes writes", takes);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_of_the_master_is_full_and_it_ends() {
    full_disk("always", "ends", async |site, disk, load| {
        // Whoever has promised to sync each write and cannot does not go on.
        let has_ended = || site.servers.master.try_command(&["PING"]).is_err();
        site.servers.master.until("it has ended", has_ended);
        load.receipts(MEANWHILE).await;
        disk.empty();
        // Nothing is left of the process but its entry in the table.
        site.servers.master.kill();
        site.servers.master.restart();
    })
    .await;
}

/// The AOF is on a disk that is full.
async fn full_disk(
    fsync: &str,
    then: &str,
    fault: impl AsyncFnOnce(&mut Site<Servers>, &SmallDisk, &Load),
) {
    if require(Need::Root).is_none() {
        return;
    }
    let disk = SmallDisk::mount();
    let path = disk.path().display().to_string();
    under(
        &format!("disk of the AOF full, appendfsync {fsync}: the master {then}"),
        async || Servers::alone_with(&["--dir", &path, "--appendfsync", fsync]).await,
        async |site, load| {
            disk.fill();
            fault(site, &disk, load).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_between_relay_and_log_is_cut() {
    way_of_a_relay("connections refused", Way::Shut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_between_relay_and_log_loses_everything() {
    way_of_a_relay("everything lost", Way::Lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_between_relay_and_log_is_slow() {
    way_of_a_relay("everything late", Way::Late(LATE)).await;
}

async fn way_of_a_relay(what: &str, way: Way) {
    under(
        &format!("between relay and log: {what}"),
        Servers::alone,
        async |site, load| {
            site.servers.way(Who::Relay(0)).set_way(way);
            load.receipts(MEANWHILE).await;
            // What comes late comes.
            if way != Way::Late(LATE) {
                site.complains(Who::Relay(0)).await;
            }
            site.servers.way(Who::Relay(0)).set_way(Way::Open);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_is_apart_from_the_log_and_officers_at_the_other_go_on() {
    under(
        "between dispatcher and log: everything lost",
        Servers::alone,
        async |site, load| {
            site.servers.way(Who::Dispatcher(0)).set_way(Way::Lost);
            load.receipts(MEANWHILE).await;
            site.board(1).await.knows(&load.incidents()).await;
            site.complains(Who::Dispatcher(0)).await;
            site.servers.way(Who::Dispatcher(0)).set_way(Way::Open);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_loses_what_the_master_had_acknowledged() {
    under(
        "failover that loses acknowledged writes",
        Servers::with_replica,
        async |site, load| {
            site.servers.replica().detach();
            load.receipts(MEANWHILE).await;
            // It was acknowledged by the master, and officers have seen it.
            for dispatcher in 0..2 {
                let board = site.board(dispatcher).await;
                board.knows(&load.incidents()).await;
            }
            let (master, replica) = (&site.servers.master, site.servers.replica());
            let lost = master.alerts() - replica.alerts();
            assert!(
                lost >= MEANWHILE,
                "{lost} entries are with the master alone"
            );
            site.servers.master.kill();
            site.servers.replica().promote();
            site.servers.turn_to(site.servers.replica());
            // The old master comes back with what nobody else has, and has to forget it.
            site.servers.master.restart();
            site.servers.master.follow(site.servers.replica());
        },
    )
    .await;
}

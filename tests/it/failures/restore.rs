//! What was lost and is put back, as docs/operations.md says: data of processes, and all of Redis.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::proxy::Way;
use journal::{Journal, LogName, Offset, Options, PARTITIONS_DEFAULT, Redis, Tailed};
use protocol::{DecisionId, Entry, Subject};

use super::MEANWHILE;
use super::scenario::{patiently, under};
use super::servers::Servers;
use super::site::{Site, Who};
use crate::support::read_in_checkout;

#[tokio::test(flavor = "multi_thread")]
async fn relay_and_dispatcher_start_with_an_older_copy_of_their_data_or_with_none() {
    under(
        "a relay and a dispatcher with an older copy of their data, the others with none",
        Servers::alone,
        async |site, load| {
            let old = [Who::Relay(0), Who::Dispatcher(0)];
            let empty = [Who::Relay(1), Who::Dispatcher(1)];
            let copies = tempfile::tempdir().unwrap();
            for who in old {
                site.copy_data(who, copies.path()).await;
            }
            load.receipts(MEANWHILE).await;
            load.acknowledgements(1).await;
            for who in old.into_iter().chain(empty) {
                site.keep_door(who);
                // What it has not shipped would be gone with its disk.
                site.stop(who);
                match old.contains(&who) {
                    true => site.put_data_back(who, copies.path()),
                    false => site.lose_data(who),
                }
                load.receipts(1).await;
                site.start_again(who);
                site.is_ready_at(who).await;
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_lost_and_set_up_anew_empty() {
    under(
        "Redis lost, set up anew empty",
        Servers::alone,
        async |site, load| {
            load.acknowledgements(2).await;
            // What they have done by now is not done a second time.
            load.officers_rest().await;
            let decided = decisions(site).await;
            assert!(
                decided.len() > load.acknowledged(),
                "given to a desk, and taken"
            );
            let before = site.servers.master.alerts();
            site.servers.master.kill();
            load.receipts(MEANWHILE).await;
            std::fs::remove_dir_all(append_only_folder(site)).unwrap();
            // Nobody says in which order authors find it: what was decided may come before what it is about.
            let relays = [Who::Relay(0), Who::Relay(1)];
            for relay in relays {
                site.servers.way(relay).set_way(Way::Shut);
            }
            site.servers.master.restart();
            patiently("dispatchers bring back theirs", async || {
                match decided.difference(&decisions(site).await).count() {
                    0 => Ok(()),
                    missing => Err(format!("{missing} of {} are missing", decided.len())),
                }
            })
            .await;
            for relay in relays {
                site.servers.way(relay).set_way(Way::Open);
            }
            brought_back(site, before).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_starts_from_an_append_only_file_whose_end_is_gone() {
    under(
        "Redis started from an append-only file without its end",
        Servers::alone,
        async |site, load| {
            load.acknowledgements(2).await;
            let before = site.servers.master.alerts();
            site.servers.master.kill();
            load.receipts(MEANWHILE).await;
            cut(&append_only_folder(site));
            site.servers.master.restart();
            let after = site.servers.master.alerts();
            assert!(after < before, "{after} of {before} alerts");
            brought_back(site, before).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_restored_from_an_older_backup() {
    under(
        "Redis restored from an older RDB",
        Servers::with_replica,
        async |site, load| {
            let backups = tempfile::tempdir().unwrap();
            let backup = backups.path().join("backup.rdb");
            let saved = site.servers.master.alerts();
            let replica = site.servers.replica();
            replica.command(&["BGSAVE"]);
            replica.await_info("rdb_bgsave_in_progress", "0");
            std::fs::copy(replica.folder().join("dump.rdb"), &backup).unwrap();
            load.receipts(MEANWHILE).await;
            load.acknowledgements(2).await;
            let before = site.servers.master.alerts();
            site.servers.replica_mut().kill();
            site.servers.master.kill();
            restore_by_the_runbook(site.servers.master.folder(), &backup).await;
            site.servers.master.restart();
            let after = site.servers.master.alerts();
            assert!(
                (saved..before).contains(&after),
                "{saved}, {after}, {before}"
            );
            site.servers.replica_mut().restart();
            site.servers.replica().follow(&site.servers.master);
            brought_back(site, before).await;
        },
    )
    .await;
}

/// What dispatchers and officers have decided, by the log.
async fn decisions(site: &Site<Servers>) -> BTreeSet<DecisionId> {
    let settings = Settings {
        partitions: PARTITIONS_DEFAULT,
        ..site.servers.master.settings()
    };
    let mut decisions = BTreeSet::new();
    for partition in PARTITIONS_DEFAULT.all() {
        let redis = Redis::open(settings.of_partition(partition), &Options::default()).await;
        let log = Journal::Redis(redis.unwrap());
        let end = log.end(LogName::Alerts);
        let mut tail = log.tail(LogName::Alerts, Offset::ZERO);
        while tail.cursor() < end {
            let Tailed::Entries { entries, .. } = tail.next().await.unwrap() else {
                panic!("a log from its beginning has no gap")
            };
            let headers = entries
                .iter()
                .map(|entry| Entry::decode(entry).unwrap().header);
            decisions.extend(headers.filter_map(|header| match header.subject {
                Subject::Decision(decision) => Some(decision.id),
                _ => None,
            }));
        }
        log.close().await;
    }
    decisions
}

/// Returns when the log has as many alerts as it had, which officers had seen.
async fn brought_back(site: &Site<Servers>, alerts: usize) {
    patiently("authors bring back what they keep", async || {
        match site.servers.master.alerts() {
            there if there >= alerts => Ok(()),
            there => Err(format!("{there} of {alerts} are there")),
        }
    })
    .await;
}

fn append_only_folder(site: &Site<Servers>) -> PathBuf {
    site.servers.master.folder().join("appendonlydir")
}

/// Cuts off the last third, in the middle of a command.
fn cut(folder: &Path) {
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    let increment = paths.find(|path| path.to_string_lossy().ends_with(".incr.aof"));
    let file = std::fs::File::options()
        .write(true)
        .open(increment.unwrap());
    let file = file.unwrap();
    let bytes = file.metadata().unwrap().len();
    file.set_len(bytes / 3 * 2 + 1).unwrap();
}

/// Runs the lines of the runbook that make an append-only file of a backup.
async fn restore_by_the_runbook(data: &Path, backup: &Path) {
    let runbook = read_in_checkout("docs/operations.md");
    let (_, from) = runbook.split_once("rm -r DATA/appendonlydir").unwrap();
    let (block, _) = from.split_once("```").unwrap();
    let block = format!("rm -r DATA/appendonlydir{block}");
    let quoted = |path: &Path| format!("'{}'", path.display());
    let lines: Vec<String> = block
        .lines()
        .filter(|line| !line.starts_with("systemctl"))
        .map(|line| {
            line.replace("DATA", &data.display().to_string())
                .replace("backup.rdb", &quoted(backup))
        })
        .collect();
    let [copy, start, switch, look, end] = &lines[..] else {
        panic!("the runbook has other lines: {lines:?}")
    };
    for line in [copy, start] {
        run(line);
    }
    patiently("the backup is read", async || wanted(&run(switch), "OK")).await;
    patiently("an append-only file is written", async || {
        let said = run(look);
        wanted(&said, "aof_rewrite_in_progress:0")?;
        wanted(&said, "aof_last_bgrewrite_status:ok")
    })
    .await;
    run(end);
    let socket = data.join("restore.sock");
    patiently("the server has ended", async || match socket.exists() {
        true => Err("it has not".to_owned()),
        false => Ok(()),
    })
    .await;
}

fn wanted(said: &str, words: &str) -> Result<(), String> {
    match said.contains(words) {
        true => Ok(()),
        false => Err(format!("it said {said:?}")),
    }
}

/// What a line of shell says.
fn run(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

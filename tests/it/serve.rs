//! `ansim serve` as an operator meets it: what is wrong is refused before anything listens, one
//! process holds the journal, and a full disk costs no receipted alert.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ansim::demo_site::{DemoOfficer, DemoSite};
use client::Event;
use journal::{DayKeys, Journal, LogName, Offset, Options, Tailed};
use protocol::{AlertId, Entry, ReportKind, Subject};

use crate::support::require::{Need, require};
use crate::support::site::{IN_TIME, TestPhone, at, in_time, now};

pub(crate) const MAP: &str = r#"{"type":"FeatureCollection","authority":"invented","features":[
  {"type":"Feature","properties":{"id":"a","name":"a station"},"geometry":{"type":"Polygon",
   "coordinates":[[[126,37],[128,37],[128,39],[126,39],[126,37]]]}}]}"#;

/// A folder with everything that `ansim serve` reads.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    demo: DemoSite,
    /// The password of `choi`, an officer of the national desk.
    pub(crate) password: String,
    config: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = DemoSite::new().unwrap();
        let officers = [DemoOfficer::new("choi", "최나라", "national")];
        let config = demo.write(folder.path(), MAP, &officers).unwrap();
        let [choi] = officers;
        Self {
            folder,
            demo,
            password: choi.password,
            config,
        }
    }

    pub(crate) fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ansim"));
        command.arg("serve").arg("--config").arg(&self.config);
        command
    }

    /// Runs to the end, which must come before anything listens: what it said, and how it ended.
    fn refused(&self) -> (String, Option<i32>) {
        let output = self.command().output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("relay: "), "it listened: {said}");
        (said, output.status.code())
    }
}

/// A running `ansim serve`, killed when dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) relay: SocketAddr,
    pub(crate) console: SocketAddr,
}

impl Running {
    pub(crate) fn start(place: &Place) -> Self {
        let mut child = place.command().stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = lines.find_map(|line| {
            let line = line.unwrap();
            let rest = line.strip_prefix("relay: ")?.to_owned();
            let (relay, console) = rest.split_once(" (UDP), console: ")?;
            Some((relay.parse().ok()?, console.parse().ok()?))
        });
        let (relay, console) = said.expect("it says where it listens");
        // Somebody must read on, or a full pipe would hold the service up.
        std::thread::spawn(move || for _ in lines {});
        Self {
            child,
            relay,
            console,
        }
    }

    async fn ready(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.console))
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_broken_configuration_is_refused_with_file_and_line() {
    let place = Place::new();
    place.replace(
        "ansim.toml",
        "[relay]\n",
        "[relay]\nlisen = \"127.0.0.1:1\"\n",
    );
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("ansim.toml") && said.contains("line 8"),
        "{said}"
    );
    assert!(said.contains("lisen"), "{said}");
}

#[test]
fn a_broken_map_is_refused_with_file_and_feature() {
    let place = Place::new();
    place.replace(
        "map.geojson",
        "[126,37],[128,37],[128,39],[126,39],[126,37]",
        "[126,37],[128,37]",
    );
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("map.geojson") && said.contains("a station"),
        "{said}"
    );
}

#[test]
fn a_map_with_warnings_is_refused() {
    let place = Place::new();
    place.replace("map.geojson", r#""id":"a","#, "");
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("jurisdictions check"), "{said}");
}

#[test]
fn an_unofficial_map_is_refused_unless_it_was_asked_for() {
    let place = Place::new();
    place.replace("ansim.toml", "allow_unofficial_map = true\n", "");
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("invented") && said.contains("allow_unofficial_map"),
        "{said}"
    );
}

#[test]
fn an_officer_without_a_desk_is_refused_with_file_and_line() {
    let place = Place::new();
    place.replace("users.toml", "desk = \"national\"", "desk = \"nation\"");
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("users.toml") && said.contains("line"),
        "{said}"
    );
}

#[test]
fn an_officer_at_a_desk_that_the_map_does_not_know_is_refused() {
    let place = Place::new();
    place.replace(
        "users.toml",
        "desk = \"national\"",
        "desk = \"station:nowhere\"",
    );
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("users.toml") && said.contains("station:nowhere"),
        "{said}"
    );
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    let place = Place::new();
    place.replace("relay-cert.pem", "BEGIN CERTIFICATE", "BEGIN NOTHING");
    let (said, code) = place.refused();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("relay-cert.pem"), "{said}");
}

#[test]
fn a_part_alone_refuses_the_embedded_log() {
    let place = Place::new();
    for part in ["relay", "dispatcher"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ansim"));
        let output = command
            .arg(part)
            .arg("--config")
            .arg(&place.config)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("ansim serve"),
            "{part}"
        );
    }
}

#[test]
fn a_second_process_on_the_same_journal_is_refused_and_told_who_holds_it() {
    let place = Place::new();
    let first = Running::start(&place);
    let (said, code) = place.refused();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&first.child.id().to_string()), "{said}");
}

/// The raises in a journal.
async fn raises_in(journal: &Journal) -> Vec<AlertId> {
    let end = journal.end(LogName::Alerts);
    let mut tail = journal.tail(LogName::Alerts, Offset::ZERO);
    let mut raises = Vec::new();
    while tail.cursor() < end {
        let Tailed::Entries { entries, .. } = tail.next().await.unwrap() else {
            panic!("a journal from its beginning has no gap")
        };
        for entry in entries {
            if let Subject::Report(report) = Entry::decode(&entry).unwrap().header.subject
                && report.kind == ReportKind::Raise
            {
                raises.push(report.alert);
            }
        }
    }
    raises
}

async fn check_all_there(data: &Path, receipted: &[AlertId]) {
    let journal = Journal::open_embedded(data.join("journal.redb"), Options::default()).unwrap();
    let there = raises_in(&journal).await;
    for alert in receipted {
        assert!(there.contains(alert), "{alert} was receipted and is lost");
    }
    journal.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_sigkill_in_a_burst_every_receipted_raise_is_there() {
    let place = Place::new();
    let mut running = Running::start(&place);
    let (told, mut receipts) = tokio::sync::mpsc::unbounded_channel();
    let mut phones = tokio::task::JoinSet::new();
    for device in 0..20 {
        let enrolment = place
            .demo
            .enrolment(running.relay, [device; 16], now())
            .unwrap();
        let told = told.clone();
        phones.spawn(async move {
            let mut phone = TestPhone::start(&enrolment);
            loop {
                phone.handle.raise(Some(at(38.0))).await.unwrap();
                let alert = phone
                    .event("a receipt", |event| match event {
                        Event::Receipted(receipt) => Some(receipt.alert),
                        _ => None,
                    })
                    .await;
                told.send(alert).unwrap();
            }
        });
    }
    let mut receipted = Vec::new();
    in_time(
        "a hundred receipts",
        receipts.recv_many(&mut receipted, 100),
    )
    .await;
    while receipted.len() < 100 {
        receipted.extend(in_time("more receipts", receipts.recv()).await);
    }
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    phones.shutdown().await;
    while let Ok(alert) = receipts.try_recv() {
        receipted.push(alert);
    }
    check_all_there(&place.folder.path().join("data"), &receipted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_gives_no_receipt_fails_readiness_and_loses_nothing_receipted() {
    let Some(_root) = require(Need::Root) else {
        return;
    };
    let place = Place::new();
    let data = place.folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let _disk = SmallDisk::mount(&data);
    let mut running = Running::start(&place);
    assert_eq!(running.ready().await.0, 200);
    let enrolment = place.demo.enrolment(running.relay, [1; 16], now()).unwrap();
    let mut phone = TestPhone::start(&enrolment);
    let mut receipted = Vec::new();
    let alert = phone.handle.raise(Some(at(38.0))).await.unwrap();
    let words = "가".repeat(500);
    let full = in_time("the disk is full", async {
        loop {
            phone.handle.text(alert, &words).await.unwrap();
            let receipt = phone
                .event("a receipt or none", |event| match event {
                    Event::Receipted(receipt) => Some(Some(receipt.alert)),
                    Event::Lost { .. } => Some(None),
                    _ => None,
                })
                .await;
            match receipt {
                Some(alert) => receipted.push(alert),
                None => return,
            }
        }
    });
    full.await;
    let status = tokio::task::spawn_blocking(move || {
        let ended = running.child.wait().unwrap();
        drop(running);
        ended
    });
    let status = tokio::time::timeout(IN_TIME, status)
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(status.code(), Some(1), "a failed log ends the process");
    // The same journal with room again.
    let roomy = tempfile::tempdir().unwrap();
    std::fs::copy(data.join("journal.redb"), roomy.path().join("journal.redb")).unwrap();
    check_all_there(roomy.path(), &receipted).await;
    DayKeys::open(place.folder.path().join("day-keys")).unwrap();
}

/// A disk of a few MiB in memory, taken away when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Self {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(at)
            .status()
            .unwrap();
        assert!(mounted.success());
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

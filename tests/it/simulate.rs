//! `ansim simulate` as operators run it: scenarios in a short form, and a service that loses alerts.
//!
//! Times are not judged here: a machine that checks changes has other things to do. What is lost,
//! doubled or at a wrong desk is wrong on any machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::Service;
use bytes::Bytes;
use dispatcher::jurisdiction::{IdProperties, load};
use journal::{Journal, LogName, Offset, Tailed};
use protocol::{Entry, ReportKind, Subject, UnixMillis};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// One raise in so many is lost.
const LOST_EVERY: usize = 4;

/// One station answers for all of Korea and the sea around it.
const MAP: &str = r#"{"type":"FeatureCollection","name":"one","authority":"invented","features":[
    {"type":"Feature","id":"korea","properties":{},"geometry":{"type":"Polygon",
    "coordinates":[[[120,30],[135,30],[135,45],[120,45],[120,30]]]}}]}"#;

/// Runs it with a report in `folder`.
fn simulate(folder: &Path, arguments: &[&str]) -> (Output, Value) {
    let json = folder.join("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_ansim"))
        .arg("simulate")
        .args(arguments)
        .args(["--verdict", "machine", "--json"])
        .arg(&json)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&json);
    let report = text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    (output, report)
}

/// Judges what holds on any machine. Exit code 3 is for levels of time, and then they say so.
fn nothing_is_wrong(output: &Output, report: &Value) {
    let err = String::from_utf8_lossy(&output.stderr);
    let machine = &report["machine"];
    let raised = machine["raised"]
        .as_u64()
        .unwrap_or_else(|| panic!("{err}"));
    assert!(raised > 0, "{err}");
    for all in ["receipted", "on_board"] {
        assert_eq!(machine[all], raised, "{all}: {err}");
    }
    for none in ["lost", "doubled", "map_mismatches", "reordered"] {
        assert_eq!(machine[none], 0, "{none}: {err}");
    }
    let passed = machine["verdict"] == "passed";
    assert_eq!(
        output.status.code(),
        Some(if passed { 0 } else { 3 }),
        "{err}"
    );
    let level_of_time = |judgement: &Value| {
        let level = judgement["level"].as_str().unwrap();
        ["receipt_p999", "console_p99", "returned"].contains(&level)
    };
    let judgements = machine["judgements"].as_array().unwrap();
    let missed = judgements.iter().filter(|one| one["kept"] == false);
    assert!(missed.clone().all(level_of_time), "{err}");
}

/// What QUIC sends again is one alert all the same.
#[test]
fn networks_that_lose_every_fourth_packet_lose_no_alert() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("bad-networks.toml");
    let text = include_str!("../../simulator/scenarios/crowd-crush.toml");
    let bad = |key: &str, value: &str| {
        let lines = text.lines().filter(|line| line.starts_with(key));
        assert_eq!(lines.count(), 1, "{key}");
        format!("{key} = {value}")
    };
    let (share, loss) = ("bad_network_share", "bad_network_loss");
    let lines = text.lines().map(|line| match line.split(' ').next() {
        Some(key) if key == share => bad(share, "1"),
        Some(key) if key == loss => bad(loss, "0.25"),
        _ => line.to_owned(),
    });
    let lines: Vec<_> = lines.collect();
    std::fs::write(&scenario, lines.join("\n")).unwrap();
    let short = ["--seconds", "4", "--rate-factor", "8", "--patience", "120"];
    let named = [scenario.to_str().unwrap()];
    let (output, report) = simulate(folder.path(), &[&named[..], &short[..]].concat());
    nothing_is_wrong(&output, &report);
    let note = report["build"]["setting"]["note"].as_str().unwrap();
    assert!(note.contains("lost 25 of 100 packets each way"), "{note}");
    let receipt = &report["machine"]["stages"][0]["from_intended"];
    let (half, most) = (&receipt["p50_ms"], &receipt["p99_ms"]);
    assert!(
        most.as_f64() > Some(100.0),
        "packets were sent again: {half} {most}"
    );
}

#[test]
fn a_short_crowd_crush_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let short = ["crowd-crush", "--seconds", "6", "--rate-factor", "8"];
    let (output, report) = simulate(folder.path(), &short);
    nothing_is_wrong(&output, &report);
    // All but the rest of the nation is in one place.
    let cells = report["places"].as_array().unwrap();
    let fullest = cells.iter().map(|cell| cell["alerts"].as_u64().unwrap());
    assert!(fullest.max().unwrap() * 2 > report["machine"]["raised"].as_u64().unwrap() / 2);
}

#[test]
fn a_short_earthquake_loses_nothing_and_goes_in_0_rtt() {
    let folder = tempfile::tempdir().unwrap();
    let html = folder.path().join("report.html");
    let short = ["earthquake", "--seconds", "6", "--rate-factor", "0.03"];
    let page = ["--what-if", "seats=10", "--html", html.to_str().unwrap()];
    let (output, report) = simulate(folder.path(), &[&short[..], &page[..]].concat());
    nothing_is_wrong(&output, &report);
    let generator = &report["generator"];
    assert_eq!(generator["offered"], generator["begun"]);
    let note = report["build"]["setting"]["note"].as_str().unwrap();
    assert!(!note.contains(" 0 raises went in 0-RTT"), "{note}");
    let stages = report["machine"]["stages"].as_array().unwrap();
    for stage in stages {
        assert!(
            stage["from_intended"]["count"].as_u64().unwrap() > 50,
            "{stage}"
        );
    }
    let curve = report["people"]["curve"].as_array().unwrap();
    assert!(curve.iter().any(|point| point["seats"] == 10), "{curve:?}");
    assert!(std::fs::read_to_string(html).unwrap().contains("<svg"));
}

#[test]
fn after_a_short_storm_everybody_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let short = ["reconnect-storm", "--seconds", "8", "--rate-factor", "0.15"];
    let (output, report) = simulate(folder.path(), &short);
    nothing_is_wrong(&output, &report);
    // Absent when a phone that was cut off has not come back.
    assert!(
        report["machine"]["returned_ms"].is_f64(),
        "{}",
        report["machine"]
    );
    assert!(report["machine"]["positions_sent"].as_u64() > Some(0));
}

#[test]
fn a_wrong_scenario_or_target_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    std::fs::write(&file, "name = \"x\"\nsecond = 3\n").unwrap();
    let file = file.to_str().unwrap();
    let wrong: [&[&str]; 6] = [
        &["no-such-scenario"],
        &[file],
        &["earthquake", "--rate-factor", "-1"],
        &["earthquake", "--what-if", "chairs=3"],
        &["earthquake", "--target", "/nowhere/target.toml"],
        &["earthquake", "--lang", "xx"],
    ];
    for arguments in wrong {
        let (output, report) = simulate(folder.path(), arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {err}");
        assert_eq!(report, Value::Null);
    }
}

#[test]
fn a_report_compares_with_itself_and_merges_with_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let short = ["quiet-night", "--seconds", "2", "--rate-factor", "20"];
    simulate(folder.path(), &short);
    let report = folder.path().join("report.json");
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ansim"));
        command.arg("simulate").args(arguments).output().unwrap()
    };
    let same = run(&["compare".as_ref(), report.as_ref(), report.as_ref()]);
    assert_eq!(same.status.code(), Some(0));
    assert!(!same.stdout.is_empty());
    let other = folder.path().join("other.json");
    std::fs::write(&other, "{\"format\": 1}").unwrap();
    let sum = folder.path().join("sum.json");
    let arguments = ["merge".as_ref(), report.as_ref(), other.as_ref()];
    let json = ["--json".as_ref(), sum.as_ref()];
    let merged = run(&[&arguments[..], &json[..]].concat());
    assert_eq!(merged.status.code(), Some(2));
}

/// Phones talk to one service, the console belongs to another, and what stands in the first log is
/// copied into the second, with a loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_receipts_and_loses_is_found_out() {
    let site = TwoServices::start().await;
    let stop = CancellationToken::new();
    let (from, to) = (
        site.phones.journal().clone(),
        site.console.journal().clone(),
    );
    let copying = tokio::spawn(stop.clone().run_until_cancelled_owned(copy(from, to)));
    let (folder, target) = (site.folder.path().to_owned(), site.target());
    let run = move || {
        let short = ["earthquake", "--seconds", "2", "--rate-factor", "0.02"];
        let patience = ["--patience", "3"];
        let target = ["--target", target.to_str().unwrap()];
        simulate(&folder, &[&short[..], &patience[..], &target[..]].concat())
    };
    let (output, report) = tokio::task::spawn_blocking(run).await.unwrap();
    stop.cancel();
    copying.await.unwrap();
    site.phones.shutdown().await;
    site.console.shutdown().await;
    let err = String::from_utf8_lossy(&output.stderr);
    let machine = &report["machine"];
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert_eq!(machine["verdict"], "missed");
    assert_eq!(machine["receipted"], machine["raised"], "{err}");
    assert!(machine["lost"].as_u64() > Some(0), "{err}");
    assert!(machine["on_board"].as_u64() > Some(0), "{err}");
    assert_eq!(machine["doubled"], 0, "{err}");
}

struct TwoServices {
    site: DemoSite,
    officer: DemoOfficer,
    phones: Service,
    console: Service,
    folder: TempDir,
}

impl TwoServices {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = DemoSite::new().unwrap();
        let officer = DemoOfficer::new("load", "부하", "national");
        let map = load(MAP, "map.geojson", &IdProperties::default())
            .unwrap()
            .map;
        let parts = |below: &str| {
            let folder = folder.path().join(below);
            let officers = std::slice::from_ref(&officer);
            site.parts(&folder, map.clone(), officers).unwrap()
        };
        let phones = parts("phones");
        let mut console = parts("officers");
        console.day_keys.clone_from(&phones.day_keys);
        Self {
            phones: Service::start(phones).await.unwrap(),
            console: Service::start(console).await.unwrap(),
            site,
            officer,
            folder,
        }
    }

    /// The file for `--target`.
    fn target(&self) -> PathBuf {
        let folder = self.folder.path().join("site");
        std::fs::create_dir_all(&folder).unwrap();
        self.site
            .write(&folder, MAP, std::slice::from_ref(&self.officer))
            .unwrap();
        let relay = self.phones.relay_address().unwrap();
        let now = UnixMillis::new(1_795_245_000_000);
        let enrolment = self.site.enrolment(relay, [1; 16], now).unwrap();
        let enrolment = serde_json::to_string(&enrolment).unwrap();
        std::fs::write(folder.join("enrolment.json"), enrolment).unwrap();
        std::fs::write(folder.join("password"), &self.officer.password).unwrap();
        let target = format!(
            "console = \"{}\"\nuser = \"{}\"\npassword_file = \"password\"\n\
             enrolment = \"enrolment.json\"\nissuer_key = \"keys/issuer.seed\"\n\
             map = \"map.geojson\"\n",
            self.console.console_url().unwrap(),
            self.officer.user
        );
        let path = folder.join("target.toml");
        std::fs::write(&path, target).unwrap();
        path
    }
}

/// Copies what phones said from one log to another, except for some raises.
async fn copy(from: Journal, to: Journal) {
    let mut alerts = from.tail(LogName::Alerts, Offset::ZERO);
    let mut raises = 0;
    loop {
        let Tailed::Entries { entries, .. } = alerts.next().await.unwrap() else {
            panic!("a young log has no gap");
        };
        let mut is_copied = |bytes: &&Bytes| match Entry::decode(bytes).unwrap().header.subject {
            Subject::Report(report) if report.kind == ReportKind::Raise => {
                raises += 1;
                raises % LOST_EVERY != 0
            }
            Subject::Report(_) => true,
            // Decisions are each log's own.
            _ => false,
        };
        let copies: Vec<Bytes> = entries
            .iter()
            .filter(|one| is_copied(one))
            .cloned()
            .collect();
        if !copies.is_empty() {
            to.append(LogName::Alerts, copies).await.unwrap();
        }
    }
}

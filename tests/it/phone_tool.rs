//! `ansim token` and `ansim phone` as a phone's developer meets them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::site::{Site, in_time, now};

fn ansim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The lines that it printed, and its exit code.
async fn plays(folder: &Path, arguments: &[&str]) -> (Vec<Value>, String, Option<i32>) {
    let arguments = [&["phone", "--enrolment", "phone.json"], arguments].concat();
    let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
    let folder = folder.to_owned();
    let play = tokio::task::spawn_blocking(move || {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        ansim(&folder, &arguments)
    });
    let output = in_time("the phone ends", play).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (lines, said, output.status.code())
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let receipt =
        |line: &&Value| line["event"] == "receipted" && line["kind"].as_str() == Some(kind);
    lines.iter().filter(receipt).collect()
}

#[test]
fn keys_and_enrolments_are_made_once_and_a_token_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keygen = ["token", "keygen", "--out", "keys"];
    assert_eq!(ansim(folder, &keygen).status.code(), Some(0));
    assert_eq!(ansim(folder, &keygen).status.code(), Some(1));
    let made = rcgen::generate_simple_self_signed(["relay.example".to_owned()]).unwrap();
    std::fs::write(folder.join("authority.pem"), made.cert.pem()).unwrap();
    let issue = [
        "token",
        "issue",
        "--keys",
        "keys",
        "--relay",
        "relay.example:4433",
        "--server-name",
        "relay.example",
        "--authority-pem",
        "authority.pem",
        "--days",
        "30",
        "--drill",
        "--out",
        "phone.json",
    ];
    assert_eq!(ansim(folder, &issue).status.code(), Some(0));
    assert_eq!(ansim(folder, &issue).status.code(), Some(1));

    let inspected = ansim(folder, &["token", "inspect", "phone.json"]);
    assert_eq!(inspected.status.code(), Some(0));
    let said = String::from_utf8(inspected.stdout).unwrap();
    let claims: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(claims["verification"], "verified");
    assert_eq!(claims["claims"]["drill"], true);
    let enrolment = std::fs::read_to_string(folder.join("phone.json")).unwrap();
    let enrolment: Value = serde_json::from_str(&enrolment).unwrap();
    assert!(!said.contains(enrolment["token"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_on_the_command_line_is_receipted_and_says_no_location() {
    let site = Site::start().await;
    let folder = site.folder.path();
    let enrolment = serde_json::to_string(&site.enrolment(1)).unwrap();
    std::fs::write(folder.join("phone.json"), enrolment).unwrap();
    let walk = r#"<gpx><trkpt lat="38.015625" lon="127.046875"/><trkpt lat="38.015626" lon="127.046875"/></gpx>"#;
    std::fs::write(folder.join("walk.gpx"), walk).unwrap();
    let (lines, said, code) = plays(
        folder,
        &[
            "raise",
            "--follow",
            "walk.gpx",
            "--interval",
            "0.05",
            "--text",
            "문 뒤에 있어요",
            "--cancel",
            "duress",
            "--outbox",
            "outbox.json",
        ],
    )
    .await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(lines[0]["event"], "raised");
    for kind in ["raise", "text", "cancel"] {
        assert_eq!(of_kind(&lines, kind).len(), 1, "{kind} in {said}");
    }
    assert!(of_kind(&lines, "raise")[0]["latency_ms"].as_f64().unwrap() > 0.0);
    for canary in ["38.0156", "127.0468", "duress", "문"] {
        assert!(!said.contains(canary), "{canary} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_relay_the_exit_code_is_1_and_the_next_run_delivers() {
    let site = Site::start().await;
    let folder = site.folder.path();
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let write = |relay| {
        let enrolment = site.demo.enrolment(relay, [2; 16], now()).unwrap();
        let text = serde_json::to_string(&enrolment).unwrap();
        std::fs::write(folder.join("phone.json"), text).unwrap();
    };
    write(nobody.local_addr().unwrap());
    let press = ["raise", "--outbox", "outbox.json", "--deadline", "0.2"];
    let (lines, said, code) = plays(folder, &press).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(lines.iter().any(|line| line["event"] == "not_delivered"));
    let left = lines[0]["alert"].clone();

    write(site.service.relay_address().unwrap());
    let later = ["raise", "--outbox", "outbox.json"];
    let (lines, said, code) = plays(folder, &later).await;
    assert_eq!(code, Some(0), "{said}");
    let receipts = of_kind(&lines, "raise");
    assert!(receipts.iter().any(|line| line["alert"] == left), "{said}");
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("phone.json"), "{}").unwrap();
    let phone = ["phone", "--enrolment", "phone.json", "raise"];
    assert_eq!(ansim(folder.path(), &phone).status.code(), Some(2));
    let beyond = [&phone[..], &["--at", "95,127"]].concat();
    assert_eq!(ansim(folder.path(), &beyond).status.code(), Some(2));
}

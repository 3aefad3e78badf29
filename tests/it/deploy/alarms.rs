//! Alarms and the dashboard: promtool reads them, each alarm sounds and stays silent in a case of its own, and whatever they
//! ask about is counted by a real process of the right role.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::{Service, ServiceParts};
use bytes::Bytes;
use client::Event;
use journal::io::redis::test_server::{TestServer, is_here};
use protocol::side_door::{Answer, PATH, encode_offer};
use protocol::wire::BrokenRule;
use relay::CloseCode;
use serde_json::json;
use yaml_serde::Value;

use super::yaml;
use crate::support::require::{Need, require};
use crate::support::site::{Console, TestPhone, at, now, two_stations};
use crate::support::{in_checkout, read_in_checkout};

const FOLDER: &str = "deploy/prometheus";
const RULES: &str = "deploy/prometheus/ansim.rules.yml";
const CASES: &str = "deploy/prometheus/ansim.rules.test.yml";
const DASHBOARD: &str = "deploy/grafana/ansim.json";

const COMMAND: &str = "11111111-1111-4111-8111-111111111111";

/// Words with which names of ours begin.
const OURS: [&str; 2] = ["ansim_", "process_"];

struct Alarm {
    name: String,
    expression: String,
    severity: String,
    summary: String,
}

fn alarms() -> Vec<Alarm> {
    let rules = yaml(RULES);
    let groups = rules["groups"].as_sequence().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_sequence().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rules
        .map(|rule| Alarm {
            name: text(&rule["alert"]),
            expression: text(&rule["expr"]),
            severity: text(&rule["labels"]["severity"]),
            summary: text(&rule["annotations"]["summary"]),
        })
        .collect()
}

/// The expressions of all panels, by the title of theirs.
fn panels() -> Vec<(String, String)> {
    let dashboard: serde_json::Value = serde_json::from_str(&read_in_checkout(DASHBOARD)).unwrap();
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap().to_owned();
            found.push((title.to_owned(), expression));
        }
    }
    found
}

/// The names of metrics in an expression.
fn names(expression: &str) -> BTreeSet<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = expression.split(|c: char| !is_of_name(c));
    words
        .filter(|word| OURS.iter().any(|begin| word.starts_with(begin)))
        .collect()
}

#[test]
fn promtool_reads_the_alarms_and_each_case_comes_out_as_it_should() {
    let Some(promtool) = require(Need::Promtool) else {
        return;
    };
    for arguments in [
        &["check", "rules", "ansim.rules.yml"][..],
        &["test", "rules", "ansim.rules.test.yml"],
        &["check", "config", "--syntax-only", "prometheus.yml"],
    ] {
        let output = Command::new(&promtool)
            .args(arguments)
            .current_dir(in_checkout(FOLDER))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }
}

#[test]
fn each_alarm_has_a_case_in_which_it_sounds_and_one_in_which_it_does_not() {
    let cases = yaml(CASES);
    // By alarm: whether it was silent, and whether it sounded.
    let mut seen: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for case in cases["tests"].as_sequence().unwrap() {
        for expected in case["alert_rule_test"].as_sequence().unwrap() {
            let name = expected["alertname"].as_str().unwrap();
            let sounds = expected["exp_alerts"]
                .as_sequence()
                .is_some_and(|all| !all.is_empty());
            seen.entry(name).or_default()[usize::from(sounds)] = true;
        }
    }
    for alarm in alarms() {
        let cases = seen.remove(alarm.name.as_str());
        assert_eq!(cases, Some([true, true]), "{}: silent, sounds", alarm.name);
    }
    assert!(seen.is_empty(), "cases of no alarm: {seen:?}");
}

#[test]
fn operators_can_read_what_each_alarm_means() {
    let runbook = read_in_checkout("docs/operations.md");
    for alarm in alarms() {
        let line = runbook
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", alarm.name)));
        let cells: Vec<&str> = line
            .unwrap_or_else(|| panic!("docs/operations.md has no row for {}", alarm.name))
            .trim_matches('|')
            .split(" | ")
            .map(str::trim)
            .collect();
        let [_, severity, means, to_do] = cells[..] else {
            panic!("{}: {cells:?}", alarm.name)
        };
        assert_eq!(severity, alarm.severity, "{}", alarm.name);
        assert!(
            means.len() > 20 && to_do.len() > 3,
            "{}: {cells:?}",
            alarm.name
        );
        assert!(!alarm.summary.is_empty());
    }
    let names: BTreeSet<String> = alarms().into_iter().map(|alarm| alarm.name).collect();
    for line in runbook.lines().filter(|line| line.starts_with("| `Ansim")) {
        let name = line.split('`').nth(1).unwrap();
        assert!(
            names.contains(name),
            "docs/operations.md explains {name}, which is no alarm"
        );
    }
}

/// The panels as rules, because promtool reads rules.
#[test]
fn promtool_reads_the_panels_of_the_dashboard() {
    let Some(promtool) = require(Need::Promtool) else {
        return;
    };
    let check = |expressions: &[String]| {
        let rules = expressions.iter().enumerate().map(|(n, expression)| {
            let expression = expression.replace("$__rate_interval", "1m");
            json!({ "record": format!("panel_{n}"), "expr": expression })
        });
        let rules: Vec<_> = rules.collect();
        let file = json!({ "groups": [{ "name": "panels", "rules": rules }] });
        let folder = tempfile::tempdir().unwrap();
        // JSON is YAML.
        let path = folder.path().join("panels.yml");
        std::fs::write(&path, file.to_string()).unwrap();
        let output = Command::new(&promtool)
            .args(["check", "rules"])
            .arg(path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        output.status.success().then_some(()).ok_or(said)
    };
    let expressions: Vec<String> = panels()
        .into_iter()
        .map(|(_, expression)| expression)
        .collect();
    assert!(expressions.len() > 30, "{} expressions", expressions.len());
    check(&expressions).unwrap_or_else(|said| panic!("{said}"));
    check(&["sum by (x (up)".to_owned()]).unwrap_err();
}

/// One process for each role.
struct Fleet {
    services: Vec<(&'static str, Service)>,
    demo: DemoSite,
    officer: DemoOfficer,
    _folder: tempfile::TempDir,
    _redis: TestServer,
}

impl Fleet {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = TestServer::start();
        let demo = DemoSite::new().unwrap();
        let officer = DemoOfficer::new("choi", "최나라", "national");
        let mut services = Vec::new();
        for role in ["relay", "dispatcher", "serve"] {
            let mut parts = demo
                .parts(
                    &folder.path().join(role),
                    two_stations(),
                    std::slice::from_ref(&officer),
                )
                .unwrap();
            if role != "serve" {
                parts.log = Some(redis.settings());
                parts.day_keys = folder.path().join("day-keys");
            }
            leave_out(&mut parts, role);
            services.push((role, Service::start(parts).await.unwrap()));
        }
        Self {
            services,
            demo,
            officer,
            _folder: folder,
            _redis: redis,
        }
    }

    /// Lets everything happen that is counted by a label: before the first of a kind `/metrics` does not name it.
    async fn live(&self) {
        for (_, service) in &self.services {
            if let Some(relay) = service.relay() {
                let enrolment = self.demo.enrolment(relay.local_addr(), [1; 16], now());
                let mut phone = TestPhone::start(&enrolment.unwrap());
                phone.handle.raise(Some(at(38.0))).await.unwrap();
                let receipted = |event: &Event| matches!(event, Event::Receipted(_)).then_some(());
                phone.event("a receipt", receipted).await;
                // Nobody behaves so here.
                let _ = relay.metrics().refusals_of(BrokenRule::Undecodable);
                let _ = relay.metrics().closes_with(CloseCode::Idle);
                relay.metrics().count_answer(&Answer::default());
            }
        }
        for (_, service) in &self.services {
            let Some(maps) = service.map_reloader() else {
                continue;
            };
            maps.reload(false).await.unwrap();
            offer_junk(service).await;
            let console = Console::sign_in(service, &self.officer).await;
            let mut cards = console.follow().await;
            let card = cards
                .card("an alert", |card| card["state"] == "assigned")
                .await;
            let path = format!(
                "/api/incidents/{}/acknowledge",
                card["id"].as_str().unwrap()
            );
            let body = json!({ "command_id": COMMAND, "revision": card["revision"] });
            let (status, answer) = console.post(&path, &body).await;
            assert_eq!(status, 200, "{answer}");
        }
    }

    /// The names that each role has in `/metrics`.
    async fn counted(&self) -> BTreeMap<&'static str, BTreeSet<String>> {
        let mut counted = BTreeMap::new();
        for (role, service) in &self.services {
            let at = service.operations_address().or(service.console_address());
            let url = format!("http://{}/metrics", at.unwrap());
            let text = reqwest::get(url).await.unwrap().text().await.unwrap();
            counted.insert(*role, counted_names(&text));
        }
        counted
    }
}

/// What a relay tells a dispatcher directly, and cannot be opened.
async fn offer_junk(dispatcher: &Service) {
    let (offer, _) = encode_offer(&[Bytes::from_static(b"junk")]);
    let url = format!("http://{}{PATH}", dispatcher.console_address().unwrap());
    let request = reqwest::Client::new().post(url).body(offer);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

fn leave_out(parts: &mut ServiceParts, role: &str) {
    if role == "relay" {
        parts.dispatcher = None;
        let relay = parts.relay.as_mut().unwrap();
        relay.operations = Some(([127, 0, 0, 1], 0).into());
    }
    if role == "dispatcher" {
        parts.relay = None;
    }
}

/// From `# TYPE name kind`: what has no labels yet has no line of its own.
fn counted_names(metrics: &str) -> BTreeSet<String> {
    let types = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.map(|of| match of.split_once(' ') {
        Some((name, "counter")) => format!("{name}_total"),
        Some((name, _)) => name.to_owned(),
        None => panic!("no kind: {of}"),
    });
    names.collect()
}

/// The roles that have to count something of this name.
fn roles(name: &str) -> &'static [&'static str] {
    let begins = |begin: &str| name.starts_with(begin);
    if begins("ansim_relay_") {
        &["relay", "serve"]
    } else if begins("ansim_dispatcher_") || begins("ansim_console_") {
        &["dispatcher", "serve"]
    } else if begins("ansim_holdover_") {
        &["relay", "dispatcher"]
    } else {
        &["relay", "dispatcher", "serve"]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_alarms_and_panels_ask_about_is_counted_by_whoever_should() {
    if !is_here() {
        return;
    }
    let fleet = Fleet::start().await;
    fleet.live().await;
    let counted = fleet.counted().await;
    let alarms = alarms();
    let asked = alarms.iter().map(|alarm| (&alarm.name, &alarm.expression));
    let panels = panels();
    let asked = asked.chain(panels.iter().map(|(title, expression)| (title, expression)));
    let shown = panels.iter().flat_map(|(_, expression)| names(expression));
    let shown: BTreeSet<String> = shown.map(str::to_owned).collect();
    for (who, expression) in asked {
        for name in names(expression) {
            for role in roles(name) {
                let is_counted = counted[role].contains(name);
                assert!(
                    is_counted,
                    "{who} asks about {name}, which a {role} does not count"
                );
            }
        }
        assert!(
            !names(expression).is_empty() || expression.contains("up{"),
            "{who} asks about nothing: {expression}"
        );
    }
    // Nobody counts what nobody looks at; and whoever was woken by an alarm wants to see how it came.
    let all: BTreeSet<String> = counted.into_values().flatten().collect();
    let unseen: Vec<&String> = all.difference(&shown).collect();
    assert!(unseen.is_empty(), "on no panel: {unseen:?}");
    for (_, service) in fleet.services {
        service.shutdown().await;
    }
}

#[test]
fn names_are_found_in_an_expression() {
    let expression =
        r#"sum by (job) (rate(ansim_a_total{x="y"}[1m])) / process_b > up or ansim_c offset 5m"#;
    let found: Vec<&str> = names(expression).into_iter().collect();
    assert_eq!(found, ["ansim_a_total", "ansim_c", "process_b"]);
    let counted = counted_names("# HELP a b\n# TYPE a counter\na_total 1\n# TYPE b gauge\n");
    assert_eq!(Vec::from_iter(counted), ["a_total", "b"]);
}

//! The demo through its real doors, and its books against services that are wrong on purpose.
//!
//! The faults are put between two whole services: phones talk to the first, the console belongs to
//! the second, and what stands in the first log is copied into the second, with the fault.

mod circles;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ansim::demo::{self, Areas, Doors, Length, Report};
use ansim::demo_site::DemoSite;
use ansim::service::Service;
use bytes::Bytes;
use dispatcher::jurisdiction::{JurisdictionMap, MapParts, Station};
use journal::{DayKey, DayKeys, Journal, LogName, Offset, Tailed};
use protocol::wire::{decode_frame, encode_frame};
use protocol::{
    Content, DeviceId, Entry, Header, JurisdictionId, ReportHeader, ReportKind, Subject,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;
use simulator::plain_loop::PlainMap;
use tokio_util::sync::CancellationToken;

/// Four seconds, of which phones press in the first two: about twenty alerts.
const SHORT: Length = Length {
    patience: Duration::from_millis(500),
    ..Length::new(Some(4), 1)
};

/// The same, for runs in which everything must arrive on a machine with other things to do.
const PATIENT: Length = Length {
    patience: Duration::from_secs(30),
    ..SHORT
};

/// One raise in so many meets the fault.
const FAULT_EVERY: usize = 4;

#[test]
fn a_demo_says_where_the_console_is_and_ends_with_one_line_of_json() {
    let output = Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(["demo", "--seconds", "8", "--seed", "7"])
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["seconds"], &report["seed"]),
        (&8.into(), &7.into())
    );
    let raised = report["raised"].as_u64().unwrap();
    assert!(raised > 15, "{out}");
    for all in ["receipted", "on_board"] {
        assert_eq!(report[all], raised, "{out}");
    }
    for none in ["lost", "duplicated", "map_mismatches"] {
        assert_eq!(report[none], 0, "{out}");
    }
    assert!(report["p50_ms"].as_f64() <= report["p99_ms"].as_f64() && report["p50_ms"].is_f64());
    let said = |start: &str| err.lines().any(|line| line.starts_with(start));
    assert!(said("console: http://127.0.0.1:"), "{err}");
    assert!(said("sign-in: national "), "{err}");
}

#[test]
fn a_demo_of_no_seconds_is_wrong_usage() {
    let output = Command::new(env!("CARGO_BIN_EXE_ansim"))
        .args(["demo", "--seconds", "0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faithful_copy_is_right() {
    let (report, met) = with_copy(stations_of_korea(), Fault::None, PATIENT).await;
    assert!(report.counts.raised > 5, "{report:?}");
    assert_eq!((report.exit_code(), met), (0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_receipts_and_drops_is_found_out() {
    let (report, dropped) = with_copy(stations_of_korea(), Fault::Drop, SHORT).await;
    assert!(dropped > 0);
    assert_eq!(report.counts.receipted, report.counts.raised, "{report:?}");
    assert!(report.counts.lost > 0, "{report:?}");
    assert_eq!(
        (report.counts.duplicated, report.exit_code()),
        (0, 1),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_doubles_is_found_out() {
    let (report, doubled) = with_copy(stations_of_korea(), Fault::Double, PATIENT_IN_VAIN).await;
    assert!(doubled > 0);
    assert_eq!(report.counts.duplicated, doubled, "{report:?}");
    assert_eq!(
        (report.counts.lost, report.exit_code()),
        (0, 1),
        "{report:?}"
    );
}

/// A doubled press never settles, so patience only waits for those that are slow.
const PATIENT_IN_VAIN: Length = Length {
    patience: Duration::from_secs(3),
    ..SHORT
};

#[tokio::test(flavor = "multi_thread")]
async fn an_index_with_two_ids_swapped_is_found_out() {
    let (map, areas) = demo::map_of_korea(None).unwrap();
    let swapped = with_swapped_ids(&map, &first_owner(&map));
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(DemoSite::new().unwrap());
    let officers = demo::officers();
    let parts = site.parts(folder.path(), swapped, &officers).unwrap();
    let service = Service::start(parts).await.unwrap();
    let doors = Doors {
        site,
        officers,
        relays: vec![service.relay_address().unwrap()],
        console: service.console_url().unwrap(),
        map: Arc::new(map),
        areas,
    };
    let report = run(doors, PATIENT_IN_VAIN, folder.path()).await;
    service.shutdown().await;
    assert!(report.counts.map_mismatches > 0, "{report:?}");
    assert_eq!(
        (report.counts.lost, report.counts.duplicated),
        (0, 0),
        "{report:?}"
    );
    assert_eq!(report.exit_code(), 1);
}

async fn run(doors: Doors, length: Length, folder: &Path) -> Report {
    demo::run(doors, length, folder, CancellationToken::new(), |_| {})
        .await
        .unwrap()
}

/// The station that answers for the first press of the plan.
fn first_owner(map: &JurisdictionMap) -> JurisdictionId {
    let plain = PlainMap::new(map);
    let mut presses = demo::plan(SHORT).unwrap();
    let owned = presses.find_map(|press| {
        let at = press.person.place()?;
        plain.owners(at).first().map(|id| JurisdictionId::clone(id))
    });
    owned.unwrap()
}

/// The map with the ids of one station and of another one swapped.
fn with_swapped_ids(map: &JurisdictionMap, one: &JurisdictionId) -> JurisdictionMap {
    let other = map
        .jurisdictions()
        .into_iter()
        .find(|id| *id != one)
        .unwrap()
        .clone();
    let stations = map.stations().iter().map(|station| Station {
        jurisdiction: match &station.jurisdiction {
            id if id == one => other.clone(),
            id if *id == other => one.clone(),
            id => id.clone(),
        },
        ..station.clone()
    });
    JurisdictionMap::new(MapParts {
        name: "swapped".to_owned(),
        authority: map.authority(),
        label: None,
        areas: Vec::new(),
        stations: stations.collect(),
        reach_m: map.reach_m(),
    })
}

fn stations_of_korea() -> JurisdictionMap {
    let (map, areas) = demo::map_of_korea(None).unwrap();
    assert_eq!(areas, Areas::Nearest);
    map
}

/// What goes wrong between the log that phones are receipted from and the log that the console sees.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    Drop,
    Double,
    /// Every position loses its radius.
    ForgetRadius,
}

/// Runs the demo over two services with a copy between, and says how often the fault was met.
async fn with_copy(map: JurisdictionMap, fault: Fault, length: Length) -> (Report, u64) {
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(DemoSite::new().unwrap());
    let officers = demo::officers();
    let for_phones = folder.path().join("phones");
    let for_officers = folder.path().join("officers");
    let phones = site.parts(&for_phones, map.clone(), &officers).unwrap();
    let mut console = site.parts(&for_officers, map.clone(), &officers).unwrap();
    console.day_keys.clone_from(&phones.day_keys);
    let keys = DayKeys::open(&phones.day_keys).unwrap();
    let phones = Service::start(phones).await.unwrap();
    let console = Service::start(console).await.unwrap();
    let copier = Copier {
        from: phones.journal().clone(),
        to: console.journal().clone(),
        keys,
        fault,
        raises: 0,
        met: 0,
    };
    let stop = CancellationToken::new();
    let copying = tokio::spawn(copier.run(stop.clone()));
    let doors = Doors {
        site,
        officers,
        relays: vec![phones.relay_address().unwrap()],
        console: console.console_url().unwrap(),
        map: Arc::new(map),
        areas: Areas::Nearest,
    };
    let report = run(doors, length, folder.path()).await;
    stop.cancel();
    let met = copying.await.unwrap();
    phones.shutdown().await;
    console.shutdown().await;
    (report, met)
}

/// Copies what phones said from one log to another.
struct Copier {
    from: Journal,
    to: Journal,
    keys: DayKeys,
    fault: Fault,
    raises: usize,
    met: u64,
}

impl Copier {
    async fn run(mut self, stop: CancellationToken) -> u64 {
        let mut alerts = self.from.tail(LogName::Alerts, Offset::ZERO);
        let mut tracks = self.from.tail(LogName::Tracks, Offset::ZERO);
        loop {
            let (log, tailed) = tokio::select! {
                biased;
                () = stop.cancelled() => return self.met,
                tailed = alerts.next() => (LogName::Alerts, tailed),
                tailed = tracks.next() => (LogName::Tracks, tailed),
            };
            let Tailed::Entries { entries, .. } = tailed.unwrap() else {
                panic!("a young log has no gap");
            };
            let copies: Vec<Bytes> = entries
                .iter()
                .flat_map(|entry| self.copies(entry))
                .collect();
            if !copies.is_empty() {
                self.to.append(log, copies).await.unwrap();
            }
        }
    }

    /// What an entry becomes in the other log; decisions are that log's own.
    fn copies(&mut self, bytes: &Bytes) -> Vec<Bytes> {
        let entry = Entry::decode(bytes).unwrap();
        let Subject::Report(report) = &entry.header.subject else {
            return Vec::new();
        };
        if report.kind == ReportKind::Raise {
            self.raises += 1;
        }
        let meets = match self.fault {
            Fault::None => false,
            Fault::Drop | Fault::Double => {
                report.kind == ReportKind::Raise && self.raises.is_multiple_of(FAULT_EVERY)
            }
            Fault::ForgetRadius => {
                matches!(report.kind, ReportKind::Raise | ReportKind::Position)
            }
        };
        if !meets {
            return vec![bytes.clone()];
        }
        self.met += 1;
        match self.fault {
            Fault::None => vec![bytes.clone()],
            Fault::Drop => Vec::new(),
            Fault::Double => vec![bytes.clone(), self.of_another_device(&entry, report)],
            Fault::ForgetRadius => vec![self.without_radius(&entry, report)],
        }
    }

    /// The same raise, well sealed, of a phone that does not exist.
    fn of_another_device(&self, entry: &Entry, report: &ReportHeader) -> Bytes {
        let mut other = [0xee; 16];
        other[..8].copy_from_slice(&report.alert.as_bytes()[8..]);
        let other = ReportHeader {
            device: DeviceId::Enrolled(other),
            ..report.clone()
        };
        self.sealed(entry, other, &self.opened(entry, report))
    }

    /// The same report, with a fix that seems to be exact.
    fn without_radius(&self, entry: &Entry, report: &ReportHeader) -> Bytes {
        let mut frame = decode_frame(&self.opened(entry, report).into()).unwrap();
        match &mut frame.report.content {
            Content::Raise(raise) => {
                if let Some(Ok(position)) = &mut raise.fix {
                    position.radius = None;
                }
            }
            Content::Position(Ok(position)) => position.radius = None,
            _ => {}
        }
        self.sealed(entry, report.clone(), &encode_frame(&frame))
    }

    fn key(&self, entry: &Entry) -> DayKey {
        let day = journal::Day(entry.header.day.0);
        self.keys.get(day).unwrap().unwrap()
    }

    fn opened(&self, entry: &Entry, report: &ReportHeader) -> Vec<u8> {
        let (device, alert) = (report.device.to_bytes(), report.alert.as_bytes());
        let (header, sealed) = (&entry.header_bytes, &entry.sealed);
        journal::open(&self.key(entry), &device, alert, header, sealed).unwrap()
    }

    /// An entry like another one, with another subject and content.
    fn sealed(&self, like: &Entry, report: ReportHeader, body: &[u8]) -> Bytes {
        let (device, alert) = (report.device.to_bytes(), report.alert);
        let header = Header::encode(&Header {
            subject: Subject::Report(report),
            ..like.header.clone()
        });
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let key = self.key(like);
        let sealed =
            journal::seal(&key, &device, alert.as_bytes(), &header, body, &mut rng).unwrap();
        protocol::join(&header, &sealed)
    }
}

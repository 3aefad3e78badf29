//! A log with whoever follows it, turn by turn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use journal::incident_rows::{Kept, read_rows};
use journal::io::redis::settings::Settings;
use journal::io::sim_backend::SimDisk;
use journal::{Clock, DayKeys, Journal, LogName, Options, Partition};
use prometheus_client::registry::Registry;
use protocol::wire::{Frame, encode_frame};
use protocol::{
    AlertId, Content, DecisionId, DeviceId, Header, IncidentId, JurisdictionId, LatLon, OfficerId,
    Outcome, Position, Raise, Report, ReportHeader, ReportKind, ReportNumber, SitePrivateKey,
    State, Subject, UnixMillis, Verification,
};
use tokio_util::sync::CancellationToken;

use super::super::{Reader, TIDY_EVERY};
use crate::board::Incident;
use crate::desk::{Desk, Officer, Role};
use crate::dispatch::{Command, Dispatch, Wish};
use crate::io::engine::Engine;
use crate::io::{EngineConfig, MapSource};
use crate::jurisdiction::{
    Authority, DEFAULT_REACH_M, JurisdictionIndex, JurisdictionMap, MapParts, Station,
};
use crate::proposer::Policy;

/// A day in 2026, at noon.
pub(super) const START_MS: u64 = 1_795_262_400_000;
pub(super) const HOUR_MS: u64 = 3_600_000;
pub(super) const DAY: u32 = 20_778;
pub(super) const DEVICE: DeviceId = DeviceId::Enrolled([1; 16]);

/// What takes longer is a failure. Generous: the machine may be busy with other things.
pub(super) const SOON: Duration = Duration::from_secs(60);

/// A log and the keys of its days, with whatever dispatcher follows it.
pub(super) struct Place {
    pub(super) journal: Journal,
    keys: Arc<DayKeys>,
    pub(super) now_ms: Arc<AtomicU64>,
    pub(super) folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn over(open: impl FnOnce(&Path, Options) -> Journal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicU64::new(START_MS));
        let clock = Clock::Manual(Arc::clone(&now_ms));
        let options = Options {
            clock,
            ..Options::default()
        };
        Self {
            journal: open(folder.path(), options),
            keys: Arc::new(DayKeys::open(folder.path().join("days")).unwrap()),
            now_ms,
            folder,
        }
    }

    pub(super) fn on(disk: &SimDisk) -> Self {
        Self::over(|_, options| Journal::over(disk.backend(), options).unwrap())
    }

    pub(super) fn new() -> Self {
        Self::on(&SimDisk::new())
    }

    /// Over a server, behind an own journal.
    pub(super) fn held(settings: Settings) -> Self {
        Self::over(move |folder, options| {
            Journal::open_held(folder.join("journal.redb"), settings, options).unwrap()
        })
    }

    pub(super) fn advance_hours(&self, hours: u64) {
        self.now_ms.fetch_add(hours * HOUR_MS, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> UnixMillis {
        UnixMillis::new(i64::try_from(self.now_ms.load(Ordering::SeqCst)).unwrap())
    }

    pub(super) fn key_file(&self, day: u32) -> PathBuf {
        self.folder.path().join("days").join(format!("{day}.key"))
    }

    /// A dispatcher that has read the snapshot and nothing else.
    pub(super) async fn reader(&self) -> Reader {
        self.reader_of(None).await
    }

    /// One of some partitions alone.
    pub(super) async fn reader_of(&self, fold: Option<BTreeSet<Partition>>) -> Reader {
        let mut reader = self.reader_that_has_read_nothing(fold);
        let stop = CancellationToken::new();
        reader.fold_snapshots(&stop).await.unwrap();
        reader
    }

    pub(super) fn reader_that_has_read_nothing(&self, fold: Option<BTreeSet<Partition>>) -> Reader {
        let station = Station {
            jurisdiction: JurisdictionId::new("a"),
            name: "a station".to_owned(),
            agency: None,
            at: LatLon::new(37.0, 127.0).unwrap(),
        };
        let map = JurisdictionMap::new(MapParts {
            name: "test".to_owned(),
            authority: Authority::Invented,
            label: None,
            areas: Vec::new(),
            stations: vec![station],
            reach_m: DEFAULT_REACH_M,
        });
        let config = EngineConfig {
            journal: self.journal.clone(),
            fold,
            day_keys: Arc::clone(&self.keys),
            site_key: SitePrivateKey::from_bytes([7; 32]).unwrap(),
            index: Arc::new(JurisdictionIndex::new(map.clone())),
            map_source: MapSource::fixed(map),
            policy: Policy::default(),
            clock: Clock::Manual(Arc::clone(&self.now_ms)),
        };
        let (engine, failed) = Engine::new(config, &mut Registry::default());
        Reader::new(engine, failed)
    }

    pub(super) fn entry(&self, alert: u8, number: u64, content: Content) -> Bytes {
        self.entry_of(DEVICE, alert, number, content)
    }

    pub(super) fn entry_of(
        &self,
        device: DeviceId,
        alert: u8,
        number: u64,
        content: Content,
    ) -> Bytes {
        let (time, alert) = (self.now(), AlertId::from_bytes([alert; 16]));
        let number = ReportNumber(number);
        let header = Header {
            time,
            day: time.day(),
            subject: Subject::Report(ReportHeader {
                device,
                alert,
                number,
                kind: ReportKind::of(&content),
                verification: Verification::Verified,
                drill: false,
            }),
        };
        let report = Report {
            alert,
            number,
            sent_at: Some(time),
            install_key: None,
            content,
        };
        let frame = encode_frame(&Frame {
            report,
            token: Bytes::default(),
        });
        let (clear, mut rng) = (header.encode(), rand::rng());
        let key = self
            .keys
            .get_or_create(journal::Day(time.day().0), &mut rng);
        let sealed = journal::seal(
            &key.unwrap(),
            &device.to_bytes(),
            alert.as_bytes(),
            &clear,
            &frame,
            &mut rng,
        );
        protocol::join(&clear, &sealed.unwrap())
    }

    pub(super) async fn append(&self, entry: Bytes) {
        let appended = self.journal.append(LogName::Alerts, vec![entry]).await;
        appended.unwrap();
    }

    pub(super) async fn raise(&self, alert: u8) {
        self.append(self.entry(alert, 1, press())).await;
    }

    pub(super) async fn kept(&self) -> Kept {
        let snapshot = self.journal.snapshot_read().await.unwrap();
        read_rows(snapshot.rows).unwrap()
    }
}

pub(super) fn at(lat: f64) -> Position {
    Position::at(LatLon::new(lat, 127.0).unwrap())
}

pub(super) fn press() -> Content {
    Content::Raise(Raise {
        fix: Some(Ok(at(37.1))),
        ..Raise::default()
    })
}

pub(super) fn id_of(alert: u8) -> IncidentId {
    IncidentId::of(&DEVICE, &AlertId::from_bytes([alert; 16]))
}

/// Goes on until something holds of the board.
pub(super) async fn until(reader: &mut Reader, what: &str, holds: impl Fn(&Dispatch) -> bool) {
    let stop = CancellationToken::new();
    let reading = async {
        while !reader.engine.read(&holds) {
            assert!(reader.turn(&stop).await.unwrap());
        }
    };
    let done = tokio::time::timeout(SOON, reading).await;
    done.unwrap_or_else(|_| panic!("{what}: not in time"));
}

pub(super) async fn until_state(reader: &mut Reader, alert: u8, state: State) {
    until(reader, &format!("{alert} {state:?}"), |dispatch| {
        let incident = dispatch.board().get(&id_of(alert));
        incident.is_some_and(|one| one.lifecycle().state() == state)
    })
    .await;
}

/// Lets the minute of tidying come, and waits for what it starts.
pub(super) async fn tidy(place: &Place, reader: &mut Reader) {
    reader.end_chore().await;
    place.now_ms.fetch_add(TIDY_EVERY.0, Ordering::SeqCst);
    reader.look_at_clock();
    assert!(reader.chore.is_some());
    reader.end_chore().await;
}

pub(super) async fn close(reader: &mut Reader, alert: u8) {
    let kim = Officer {
        id: OfficerId::new("kim"),
        name: "kim".to_owned(),
        role: Role::Officer,
        desk: Desk::parse("national").unwrap(),
    };
    let revision = |incident: &Incident| incident.lifecycle().revision();
    let revision = reader
        .engine
        .read(|dispatch| dispatch.board().get(&id_of(alert)).map(revision));
    for (id, wish) in [
        (1, Wish::Note("a note".to_owned())),
        (
            2,
            Wish::Close {
                revision: revision.unwrap(),
                outcome: Outcome::Helped,
                note: String::new(),
            },
        ),
    ] {
        let command = Command {
            id: DecisionId::from_bytes([id; 16]),
            incident: id_of(alert),
            wish,
        };
        let taken = reader.engine.dispatch().handle_command(&kim, command);
        taken.unwrap();
    }
    reader.engine.drain();
    until_state(reader, alert, State::Closed).await;
}

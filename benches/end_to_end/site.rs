//! A service on loopback with the map of Korea, and phones all over the country.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ansim::demo::{find_districts, map_of_korea};
use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::Service;
use client::Event;
use client::io::{Endpoint, EndpointOptions, Phone, PhoneEvent, PhoneHandle, PhoneOptions};
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
use journal::{LogName, Offset, Tailed};
use protocol::{AlertId, DeviceId, IncidentId, Position, ReportKind, UnixMillis};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use simulator::places::Places;
use tokio::sync::mpsc;

use crate::console::Console;
use crate::disk::BareFile;

/// Sockets for phones: a single one would be a bottleneck that no site has.
const SOCKETS: usize = 8;

/// Nothing on loopback takes so long; a machine on which it does is broken.
const IN_TIME: Duration = Duration::from_secs(60);

pub(crate) struct Site {
    demo: DemoSite,
    service: Service,
    officer: DemoOfficer,
    endpoints: Vec<Arc<Endpoint>>,
    places: Places,
    rng: ChaCha8Rng,
    phones: u32,
    folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let demo = DemoSite::new().unwrap();
        let officer = DemoOfficer::new("kim", "김하나", "national");
        let folder = tempfile::tempdir().unwrap();
        let (map, _) = map_of_korea(find_districts().as_deref()).unwrap();
        let parts = demo
            .parts(folder.path(), map, std::slice::from_ref(&officer))
            .unwrap();
        let service = Service::start(parts).await.unwrap();
        let options = EndpointOptions {
            local: Some("127.0.0.1:0".parse().unwrap()),
            ..EndpointOptions::default()
        };
        let bind = |_| Endpoint::bind(&options).unwrap();
        Self {
            demo,
            service,
            officer,
            endpoints: (0..SOCKETS).map(bind).collect(),
            places: Places::new(&stations(KOREA_STATIONS_CSV).unwrap()).unwrap(),
            rng: ChaCha8Rng::seed_from_u64(0xbe),
            phones: 0,
            folder,
        }
    }

    /// Signs in at the national desk, which sees everything.
    pub(crate) async fn console(&self) -> Console {
        Console::open(&self.service.console_url().unwrap(), &self.officer).await
    }

    /// An enrolled phone that has never met the relay, at a place where somebody lives.
    pub(crate) fn phone(&mut self) -> Caller {
        self.phones += 1;
        let mut device = [0x50; 16];
        device[..4].copy_from_slice(&self.phones.to_be_bytes());
        let relay = self.service.relay_address().unwrap();
        let enrolment = self.demo.enrolment(relay, device, now()).unwrap();
        let endpoint = &self.endpoints[self.phones as usize % SOCKETS];
        let (handle, events) =
            Phone::start(Arc::clone(endpoint), &enrolment, PhoneOptions::default()).unwrap();
        Caller {
            device: DeviceId::Enrolled(device),
            position: Position::at(self.places.home(&mut self.rng)),
            handle,
            events,
        }
    }

    /// Takes one alert through, so that the day's key is there and all code is in memory, and opens
    /// a bare file for entries of its size.
    pub(crate) async fn warm_up(&mut self) -> (BareFile, usize) {
        let mut log = self
            .service
            .journal()
            .tail(LogName::Alerts, self.service.journal().end(LogName::Alerts));
        let mut phone = self.phone();
        phone.raise().await;
        phone.receipt().await;
        let Tailed::Entries { entries, .. } = log.next().await.unwrap() else {
            panic!("the log holds the raise");
        };
        phone.handle.close().await;
        let bytes = entries[0].len();
        (BareFile::create(self.folder.path(), bytes), bytes)
    }

    /// Entries in the alert log.
    pub(crate) fn log_end(&self) -> Offset {
        self.service.journal().end(LogName::Alerts)
    }

    pub(crate) async fn shutdown(self) {
        self.service.shutdown().await;
    }
}

/// Somebody with a phone.
pub(crate) struct Caller {
    pub(crate) device: DeviceId,
    pub(crate) position: Position,
    pub(crate) handle: PhoneHandle,
    pub(crate) events: mpsc::Receiver<PhoneEvent>,
}

/// The receipt of a raise.
pub(crate) struct Receipt {
    pub(crate) after: Duration,
    /// The raise travelled in 0-RTT data that the relay took.
    pub(crate) early: bool,
}

impl Caller {
    pub(crate) async fn raise(&self) -> AlertId {
        self.handle
            .raise(Some(self.position.clone()))
            .await
            .unwrap()
    }

    /// Waits for the receipt of the newest raise.
    pub(crate) async fn receipt(&mut self) -> Receipt {
        self.event(receipt_of).await
    }

    /// Gets a ticket for 0-RTT, as an app does when it is opened.
    pub(crate) async fn get_ready(&mut self) {
        self.handle.check_ready().await.unwrap();
        let is_ready = |event: &PhoneEvent| matches!(event.event, Event::Ready { .. });
        self.event(|event| is_ready(event).then_some(())).await;
    }

    async fn event<T>(&mut self, wanted: impl Fn(&PhoneEvent) -> Option<T>) -> T {
        let wait = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(IN_TIME, wait).await.unwrap()
    }

    /// When the receipt of the raise had come, if it has.
    pub(crate) fn receipted_at(&mut self) -> Option<Instant> {
        while let Ok(event) = self.events.try_recv() {
            if receipt_of(&event).is_some() {
                return Some(event.at);
            }
        }
        None
    }

    pub(crate) fn incident(&self, alert: &AlertId) -> IncidentId {
        IncidentId::of(&self.device, alert)
    }
}

fn receipt_of(event: &PhoneEvent) -> Option<Receipt> {
    match (&event.event, event.triggered_at) {
        (Event::Receipted(receipt), Some(triggered)) if receipt.kind == ReportKind::Raise => {
            Some(Receipt {
                after: event.at - triggered,
                early: receipt.early,
            })
        }
        _ => None,
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis::new(i64::try_from(since.as_millis()).unwrap())
}

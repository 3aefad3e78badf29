//! People all over the country, each with a phone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ansim::demo_site::DemoSite;
use client::Event;
use client::io::{Endpoint, EndpointOptions, Phone, PhoneEvent, PhoneHandle, PhoneOptions};
use dispatcher::jurisdiction::build::{KOREA_STATIONS_CSV, stations};
use protocol::{AlertId, DeviceId, IncidentId, Position, ReportKind, UnixMillis};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use simulator::places::Places;
use tokio::sync::mpsc;

/// Sockets for phones: a single one would be a bottleneck that no site has.
const SOCKETS: usize = 8;

/// Enrolled phones of one site.
pub(crate) struct People {
    pub(crate) demo: DemoSite,
    endpoints: Vec<Arc<Endpoint>>,
    places: Places,
    rng: ChaCha8Rng,
    phones: u32,
}

impl People {
    pub(crate) fn new() -> Self {
        let options = EndpointOptions {
            local: Some("127.0.0.1:0".parse().unwrap()),
            ..EndpointOptions::default()
        };
        let bind = |_| Endpoint::bind(&options).unwrap();
        Self {
            demo: DemoSite::new().unwrap(),
            endpoints: (0..SOCKETS).map(bind).collect(),
            places: Places::new(&stations(KOREA_STATIONS_CSV).unwrap()).unwrap(),
            rng: ChaCha8Rng::seed_from_u64(0xbe),
            phones: 0,
        }
    }

    /// An enrolled phone that has never met the relay, at a place where somebody lives.
    pub(crate) fn phone(&mut self, relay: SocketAddr) -> Caller {
        self.phones += 1;
        let mut device = [0x50; 16];
        device[..4].copy_from_slice(&self.phones.to_be_bytes());
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
}

/// Somebody with a phone.
pub(crate) struct Caller {
    device: DeviceId,
    position: Position,
    pub(crate) handle: PhoneHandle,
    pub(crate) events: mpsc::Receiver<PhoneEvent>,
}

impl Caller {
    pub(crate) async fn raise(&self) -> AlertId {
        let position = Some(self.position.clone());
        self.handle.raise(position).await.unwrap()
    }

    /// When the receipt of the raise had come, if it has.
    pub(crate) fn receipted_at(&mut self) -> Option<Instant> {
        while let Ok(event) = self.events.try_recv() {
            if is_receipt(&event) {
                return Some(event.at);
            }
        }
        None
    }

    pub(crate) fn incident(&self, alert: &AlertId) -> IncidentId {
        IncidentId::of(&self.device, alert)
    }
}

fn is_receipt(event: &PhoneEvent) -> bool {
    matches!(&event.event, Event::Receipted(receipt) if receipt.kind == ReportKind::Raise)
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixMillis::new(i64::try_from(since.as_millis()).unwrap())
}

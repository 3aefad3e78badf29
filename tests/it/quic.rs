//! The real phone and the real relay over real sockets. What needs a hand on the wire (early data held back, broken
//! frames, floods) is tested beside the relay's door.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use client::io::{Endpoint, EndpointOptions, Phone, PhoneEvent, PhoneHandle, PhoneOptions};
use client::{Event, Lost, Receipted};
use journal::{Clock, DayKeys, Journal, LogName, Offset, Options, Tailed};
use prometheus_client::registry::Registry;
use protocol::token::{Authority, Claims, Issuer, PersonRef};
use protocol::{
    AlertId, CancelMeaning, DeviceId, Enrolment, Entry, LatLon, Position, RelayAddress,
    ReportHeader, ReportKind, SitePrivateKey, Subject, UnixMillis, Verification,
};
use relay::{Certificate, CloseCode, Parts, Relay, RelayConfig, RelayHandle};
use tokio::sync::mpsc::Receiver;

/// What takes longer is a failure. Generous: the machine may be busy with other things.
const SOON: Duration = Duration::from_secs(60);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(SOON, future).await;
    answer.expect("it did not happen in time")
}

/// What all relays of one site share.
struct Site {
    chain_pem: String,
    key_pem: String,
    issuer: Issuer,
}

impl Site {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            chain_pem: made.cert.pem(),
            key_pem: made.signing_key.serialize_pem(),
            issuer: Issuer::from_seed(&[1; 32]).unwrap(),
        }
    }

    fn authority(&self) -> Authority {
        self.issuer.authority()
    }

    /// The enrolment of a phone; with `device` it holds a token.
    fn enrolment(&self, relays: &[SocketAddr], device: Option<u8>) -> Enrolment {
        let address = |relay: &SocketAddr| RelayAddress {
            address: relay.to_string(),
            server_name: "localhost".to_owned(),
        };
        let token = |device| {
            let claims = Claims {
                device: [device; 16],
                person: PersonRef([9; 16]),
                issued_at: UnixMillis::new(0),
                expires_at: UnixMillis::new(i64::MAX / 2),
                drill: false,
            };
            self.issuer.issue(&claims).unwrap()
        };
        let site_key = SitePrivateKey::from_bytes([5; 32]).unwrap();
        Enrolment {
            relays: relays.iter().map(address).collect(),
            authority_pem: self.chain_pem.clone(),
            token: device.map(token).unwrap_or_default(),
            site_key: site_key.public_key().unwrap(),
        }
    }
}

/// One relay with its own journal, day keys and relay keys in a folder.
struct Station {
    relay: RelayHandle,
    journal: Journal,
}

impl Station {
    fn start(site: &Site, folder: &Path) -> Self {
        Self::at(
            site,
            open_journal(folder),
            folder,
            (Ipv4Addr::LOCALHOST, 0).into(),
        )
        .unwrap()
    }

    fn at(
        site: &Site,
        journal: Journal,
        folder: &Path,
        listen: SocketAddr,
    ) -> Result<Self, relay::StartError> {
        let chain = site.chain_pem.as_bytes();
        let certificate = Certificate::from_pem(chain, site.key_pem.as_bytes()).unwrap();
        let config = RelayConfig::new(listen, folder.join("relay"), certificate);
        let parts = Parts {
            journal: journal.clone(),
            authority: site.authority(),
            day_keys: Arc::new(DayKeys::open(folder.join("days")).unwrap()),
            clock: Clock::System,
        };
        let relay = Relay::start(config, parts, &mut Registry::default())?;
        Ok(Self { relay, journal })
    }

    fn address(&self) -> SocketAddr {
        self.relay.local_addr()
    }

    fn handshakes(&self) -> u64 {
        self.relay.metrics().handshakes.get()
    }
}

fn open_journal(folder: &Path) -> Journal {
    Journal::open_embedded(folder.join("journal.redb"), Options::default()).unwrap()
}

/// The reports in a log, once there are so many.
async fn reports(journal: &Journal, log: LogName, count: usize) -> Vec<ReportHeader> {
    let mut tail = journal.tail(log, Offset::ZERO);
    let mut found = Vec::new();
    while found.len() < count {
        let Tailed::Entries { entries, .. } = soon(tail.next()).await.unwrap() else {
            panic!("the log has a gap");
        };
        for entry in entries {
            match Entry::decode(&entry).unwrap().header.subject {
                Subject::Report(report) => found.push(report),
                other => panic!("{other:?}"),
            }
        }
    }
    found
}

fn socket() -> Arc<Endpoint> {
    let options = EndpointOptions {
        local: Some((Ipv4Addr::LOCALHOST, 0).into()),
        ..EndpointOptions::default()
    };
    Endpoint::bind(&options).unwrap()
}

struct Caller {
    phone: PhoneHandle,
    events: Receiver<PhoneEvent>,
}

impl Caller {
    fn start(enrolment: &Enrolment) -> Self {
        let (phone, events) = Phone::start(socket(), enrolment, PhoneOptions::default()).unwrap();
        Self { phone, events }
    }

    /// The first event from which something can be taken.
    async fn hear<T>(&mut self, take: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            let event = soon(self.events.recv()).await.expect("the phone runs");
            if let Some(taken) = take(&event.event) {
                return taken;
            }
        }
    }

    async fn hear_receipt(&mut self, kind: ReportKind) -> Receipted {
        let receipt = |event: &Event| match event {
            Event::Receipted(receipted) if receipted.kind == kind => Some(*receipted),
            _ => None,
        };
        self.hear(receipt).await
    }

    async fn raise(&mut self) -> AlertId {
        let alert = self.phone.raise(None).await.unwrap();
        let receipted = self.hear_receipt(ReportKind::Raise).await;
        assert_eq!(receipted.alert, alert);
        alert
    }
}

#[tokio::test]
async fn a_ready_phone_raises_in_its_first_packet() {
    let (site, folder) = (Site::new(), tempfile::tempdir().unwrap());
    let station = Station::start(&site, folder.path());
    let mut caller = Caller::start(&site.enrolment(&[station.address()], Some(1)));
    caller.phone.check_ready().await.unwrap();
    caller
        .hear(|event| matches!(event, Event::Ready { .. }).then_some(()))
        .await;
    let alert = caller.phone.raise(None).await.unwrap();
    let receipted = caller.hear_receipt(ReportKind::Raise).await;
    assert!(receipted.early && receipted.is_final);
    let stored = reports(&station.journal, LogName::Alerts, 1).await;
    assert_eq!(stored[0].alert, alert);
    assert_eq!(stored[0].device, DeviceId::Enrolled([1; 16]));
    assert_eq!(stored[0].verification, Verification::Verified);
}

#[tokio::test]
async fn a_client_that_rebinds_its_socket_goes_on_without_a_new_handshake() {
    let (site, folder) = (Site::new(), tempfile::tempdir().unwrap());
    let station = Station::start(&site, folder.path());
    let mut caller = Caller::start(&site.enrolment(&[station.address()], Some(1)));
    let alert = caller.raise().await;
    for round in 0..3 {
        caller.phone.rebind_socket().unwrap();
        caller.phone.text(alert, "여기요").await.unwrap();
        caller.hear_receipt(ReportKind::Text).await;
        assert_eq!(station.handshakes(), 1, "round {round}");
    }
}

#[tokio::test]
async fn a_whole_alert_ends_in_the_log_in_order() {
    let (site, folder) = (Site::new(), tempfile::tempdir().unwrap());
    let station = Station::start(&site, folder.path());
    let mut caller = Caller::start(&site.enrolment(&[station.address()], None));
    let alert = caller.raise().await;
    let city_hall = Position::at(LatLon::new(37.566_3, 126.977_9).unwrap());
    caller.phone.position(alert, city_hall).await.unwrap();
    caller.phone.text(alert, "문 뒤").await.unwrap();
    caller.hear_receipt(ReportKind::Text).await;
    caller
        .phone
        .cancel(alert, CancelMeaning::Mistaken)
        .await
        .unwrap();
    caller.hear_receipt(ReportKind::Cancel).await;
    let stored = reports(&station.journal, LogName::Alerts, 3).await;
    let kinds: Vec<ReportKind> = stored.iter().map(|report| report.kind).collect();
    assert_eq!(
        kinds,
        [ReportKind::Raise, ReportKind::Text, ReportKind::Cancel]
    );
    assert!(
        stored
            .iter()
            .all(|report| report.verification == Verification::NoToken)
    );
    let tracks = reports(&station.journal, LogName::Tracks, 1).await;
    assert_eq!(tracks[0].device, stored[0].device);
}

#[tokio::test]
async fn a_phone_is_sent_to_another_relay_when_one_cannot_store() {
    let site = Site::new();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let stations = folders
        .each_ref()
        .map(|folder| Station::start(&site, folder.path()));
    let addresses = stations.each_ref().map(Station::address);
    let mut caller = Caller::start(&site.enrolment(&addresses, Some(1)));
    let alert = caller.raise().await;
    let (first, second) = match stations[0].journal.end(LogName::Alerts) {
        Offset::ZERO => (&stations[1], &stations[0]),
        _ => (&stations[0], &stations[1]),
    };
    first.journal.close().await;
    let code = caller
        .hear(|event| match event {
            Event::Lost {
                lost: Lost::Closed { code },
                ..
            } => Some(*code),
            _ => None,
        })
        .await;
    assert_eq!(code, u64::from(CloseCode::NotDurable.code()));
    let stored = reports(&second.journal, LogName::Alerts, 1).await;
    assert_eq!(stored[0].alert, alert, "it raises again where it comes to");
}

#[tokio::test]
async fn after_a_restart_with_kept_keys_a_phone_notices_and_its_alert_is_not_doubled() {
    let (site, folder) = (Site::new(), tempfile::tempdir().unwrap());
    let journal = open_journal(folder.path());
    // What a killed process leaves: no farewell, and its keys.
    let process = tokio::runtime::Runtime::new().unwrap();
    let station = {
        let _inside = process.enter();
        let any_port = (Ipv4Addr::LOCALHOST, 0).into();
        Station::at(&site, journal.clone(), folder.path(), any_port).unwrap()
    };
    let address = station.address();
    let mut caller = Caller::start(&site.enrolment(&[address], Some(1)));
    let alert = caller.raise().await;
    // The tasks first: dropping the relay would say goodbye.
    let ended = tokio::task::spawn_blocking(move || process.shutdown_timeout(SOON));
    ended.await.unwrap();
    drop(station);
    let station = Station::at(&site, journal.clone(), folder.path(), address).unwrap();
    caller.phone.text(alert, "아직 여기").await.unwrap();
    let lost = caller
        .hear(|event| match event {
            Event::Lost { lost, .. } => Some(*lost),
            _ => None,
        })
        .await;
    assert_eq!(lost, Lost::Reset);
    caller.hear_receipt(ReportKind::Text).await;
    let stored = reports(&journal, LogName::Alerts, 2).await;
    let kinds: Vec<ReportKind> = stored.iter().map(|report| report.kind).collect();
    assert_eq!(kinds, [ReportKind::Raise, ReportKind::Text]);
    assert_eq!(station.handshakes(), 1);
}

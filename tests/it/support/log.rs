//! A log, and phones whose reports stand in it as a relay would have put them there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use journal::{Clock, DayKeys, Journal, LogName, Options};
use protocol::wire::{Frame, encode_frame};
use protocol::{
    AlertId, Content, DeviceId, Fix, Header, IncidentId, LatLon, Position, Raise, Report,
    ReportHeader, ReportKind, ReportNumber, SitePrivateKey, Subject, UnixMillis, Verification,
};
use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use tempfile::TempDir;

/// A day in 2026, at noon.
const START_MS: u64 = 1_795_262_400_000;

/// A journal in a file of its own, the keys of its days, and a clock that stands until it is set.
pub(crate) struct TestLog {
    pub(crate) journal: Journal,
    pub(crate) day_keys: Arc<DayKeys>,
    now_ms: Arc<AtomicU64>,
    rng: Mutex<ChaCha8Rng>,
    _folder: TempDir,
}

/// A phone with one open alert.
#[derive(Debug)]
pub(crate) struct TestPhone {
    device: DeviceId,
    alert: AlertId,
    said: u64,
}

impl TestPhone {
    /// An enrolled phone, told from others by its number.
    pub(crate) fn new(number: u32) -> Self {
        let mut id = [0x50; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let made_at = UnixMillis::new(i64::try_from(START_MS).unwrap());
        let mut random = [0; 10];
        random[..4].copy_from_slice(&number.to_be_bytes());
        Self {
            device: DeviceId::Enrolled(id),
            alert: AlertId::new(made_at, random),
            said: 0,
        }
    }

    /// The incident that its alert opens.
    pub(crate) fn incident(&self) -> IncidentId {
        IncidentId::of(&self.device, &self.alert)
    }
}

/// A fix at this place, latitude before longitude, in degrees.
pub(crate) fn fix(place: (f64, f64)) -> Fix {
    LatLon::new(place.0, place.1).map(Position::at)
}

impl TestLog {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicU64::new(START_MS));
        let options = Options {
            clock: Clock::Manual(Arc::clone(&now_ms)),
            ..Options::default()
        };
        let journal = Journal::open_embedded(folder.path().join("log.redb"), options).unwrap();
        let day_keys = Arc::new(DayKeys::open(folder.path().join("days")).unwrap());
        Self {
            journal,
            day_keys,
            now_ms,
            rng: Mutex::new(ChaCha8Rng::seed_from_u64(0xA1)),
            _folder: folder,
        }
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock::Manual(Arc::clone(&self.now_ms))
    }

    /// Opens the cancel codes of this site.
    pub(crate) fn site_key(&self) -> SitePrivateKey {
        SitePrivateKey::from_bytes([7; 32]).unwrap()
    }

    /// Lets time pass.
    pub(crate) fn advance_ms(&self, milliseconds: u64) {
        self.now_ms.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// A press of the button, at this place or without a fix; returns once it is durable.
    pub(crate) async fn raise(&self, phone: &mut TestPhone, place: Option<(f64, f64)>) {
        let raise = Raise {
            fix: place.map(fix),
            ..Raise::default()
        };
        self.say(phone, Content::Raise(raise)).await;
    }

    /// Whatever a phone says next; returns once it is durable, of a track at once.
    pub(crate) async fn say(&self, phone: &mut TestPhone, content: Content) {
        let is_track = ReportKind::of(&content).is_track();
        let log = if is_track {
            LogName::Tracks
        } else {
            LogName::Alerts
        };
        let entry = self.seal(phone, content);
        let appended = self.journal.offer(log, vec![entry]).unwrap();
        // Tracks ride along with the next alert or wait; a relay does not wait for them.
        if !is_track {
            appended.await.unwrap();
        }
    }

    /// The entry of whatever a phone says next, which no log has.
    pub(crate) fn seal(&self, phone: &mut TestPhone, content: Content) -> Bytes {
        let kind = ReportKind::of(&content);
        let time = UnixMillis::new(i64::try_from(self.now_ms.load(Ordering::SeqCst)).unwrap());
        let number = ReportNumber(phone.said);
        phone.said += 1;
        let header = Header {
            time,
            day: time.day(),
            subject: Subject::Report(ReportHeader {
                device: phone.device,
                alert: phone.alert,
                number,
                kind,
                verification: Verification::Verified,
                drill: false,
            }),
        };
        let report = Report {
            alert: phone.alert,
            number,
            sent_at: Some(time),
            install_key: None,
            content,
        };
        let frame = encode_frame(&Frame {
            report,
            token: Default::default(),
        });
        let mut rng = self.rng.lock().unwrap();
        let day = journal::Day(time.day().0);
        let key = self.day_keys.get_or_create(day, &mut *rng).unwrap();
        let clear = header.encode();
        let (device, alert) = (phone.device.to_bytes(), phone.alert);
        let sealed =
            journal::seal(&key, &device, alert.as_bytes(), &clear, &frame, &mut *rng).unwrap();
        protocol::join(&clear, &sealed)
    }
}

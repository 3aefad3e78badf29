//! What a phone says about an alert.

use crate::{AlertId, InstallKey, Millis, Position, ReportNumber, UnixMillis, Unusable};

/// One report as it was understood. The bytes that it came in are what the log keeps.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The alert it is about.
    pub alert: AlertId,
    /// Its number within the alert.
    pub number: ReportNumber,
    /// The phone's clock when it was sent; a resend has a later one.
    pub sent_at: Option<UnixMillis>,
    /// The installation that sent it, where it said so.
    pub install_key: Option<InstallKey>,
    /// What it says.
    pub content: Content,
}

/// A position, or why it cannot be used. The report stands either way.
pub type Fix = Result<Position, Unusable>;

/// What a report says.
#[derive(Clone, PartialEq, Debug)]
pub enum Content {
    /// The press of the button.
    Raise(Raise),
    /// Where the phone is.
    Position(Fix),
    /// Where the phone was during a gap, oldest first.
    Trail(Vec<Fix>),
    /// What the person typed.
    Text(String),
    /// The phone says that the alert is to end; the sealed code tells how it is meant.
    Cancel(Vec<u8>),
    /// Battery.
    DeviceState(DeviceState),
    /// A kind that this release does not know. Its bytes are kept.
    Unknown,
}

/// The press of the button, and all that the phone has at hand.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Raise {
    /// The newest fix; a phone does not wait for one.
    pub fix: Option<Fix>,
    /// Battery.
    pub device_state: DeviceState,
    /// What this phone can do.
    pub capability: Capability,
    /// Somebody says that this is practice.
    pub exercise: bool,
    /// The interval between positions that the phone intends to keep.
    pub interval: Option<Millis>,
}

/// Battery of the phone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceState {
    /// Charge in percent, 0 to 100.
    pub battery_percent: Option<u8>,
    /// On a charger.
    pub charging: Option<bool>,
}

/// What a phone can do and what it would show.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Capability {
    /// How the person would get an officer's words.
    pub hears_text: HearsText,
    /// What becomes visible on this phone, in the app's words; empty if the app did not say.
    pub shows: String,
}

/// How a person gets an officer's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum HearsText {
    /// The app did not say.
    #[default]
    Unknown,
    /// In a covert view.
    Covertly,
    /// Somebody beside the person could see it.
    Visibly,
    /// Not at all.
    Not,
}

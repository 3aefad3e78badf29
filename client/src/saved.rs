//! The outbox as a file: what a phone must still know after a restart.

use std::time::Duration;

use bytes::Bytes;
use protocol::wire::{Frame, decode_frame, encode_frame};
use protocol::{InstallKey, Report, ReportKind, hex};
use serde::{Deserialize, Serialize};

use crate::outbox::{Alert, Kept, Outbox};

/// Raised when a release writes what an older one would misread.
const VERSION: u32 = 1;

/// What a phone keeps on its disk. It holds positions and texts: readable by its owner alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    version: u32,
    /// Hexadecimal.
    install_key: String,
    numbers_reserved_to: u64,
    alerts: Vec<SavedAlert>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedAlert {
    /// Frames of `phone.proto` without token, in hexadecimal.
    raise: String,
    /// The raise has a final receipt.
    receipted: bool,
    closed: bool,
    kept: Vec<String>,
}

/// The outbox file does not say what it should.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SavedError {
    /// Cut off or edited.
    #[error("the outbox file is no outbox: {0}; move it away and the phone begins a new one")]
    NotJson(String),
    /// Of another release.
    #[error("the outbox file has version {0}, this release reads version {VERSION}")]
    Version(u32),
    /// A report in it does not decode.
    #[error("a report in the outbox file does not decode; move the file away")]
    Report,
}

impl Saved {
    pub(crate) fn of(install_key: InstallKey, numbers_reserved_to: u64, outbox: &Outbox) -> Self {
        let alert = |alert: &Alert| SavedAlert {
            raise: write_report(&alert.raise.report),
            receipted: alert.raise.receipt.is_some_and(|(_, is_final)| is_final),
            closed: alert.closed,
            kept: alert
                .kept
                .iter()
                .map(|kept| write_report(&kept.report))
                .collect(),
        };
        Self {
            version: VERSION,
            install_key: hex::encode(&install_key.0),
            numbers_reserved_to,
            alerts: outbox.alerts().iter().map(alert).collect(),
        }
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// [`SavedError`]: whatever is not exactly what [`Saved::to_json`] wrote. Nothing is guessed,
    /// so that a cut file is noticed instead of being taken for an empty outbox.
    pub fn from_json(text: &str) -> Result<Self, SavedError> {
        let saved: Self =
            serde_json::from_str(text).map_err(|error| SavedError::NotJson(at_place(&error)))?;
        if saved.version != VERSION {
            return Err(SavedError::Version(saved.version));
        }
        saved.install_key()?;
        saved.outbox(Duration::ZERO)?;
        Ok(saved)
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A struct of numbers and strings has no way not to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The first number that may be used after this file was written.
    #[must_use]
    pub fn numbers_reserved_to(&self) -> u64 {
        self.numbers_reserved_to
    }

    pub(crate) fn install_key(&self) -> Result<InstallKey, SavedError> {
        hex::decode(&self.install_key)
            .and_then(|bytes| bytes.try_into().ok())
            .map(InstallKey)
            .ok_or(SavedError::Report)
    }

    pub(crate) fn outbox(&self, now: Duration) -> Result<Outbox, SavedError> {
        let alerts: Result<Vec<_>, _> = self.alerts.iter().map(|alert| alert.read(now)).collect();
        Ok(Outbox::restore(alerts?))
    }
}

impl SavedAlert {
    fn read(&self, now: Duration) -> Result<Alert, SavedError> {
        let mut raise = Kept::restored(read_report(&self.raise)?, now);
        if raise.kind() != ReportKind::Raise {
            return Err(SavedError::Report);
        }
        // Its event was given before the restart; its deadline has been met.
        if self.receipted {
            raise.receipt = Some((protocol::wire::Durability::Local, true));
        }
        let mut alert = Alert::new(raise);
        alert.closed = self.closed;
        for kept in &self.kept {
            alert.kept.push(Kept::restored(read_report(kept)?, now));
        }
        Ok(alert)
    }
}

fn write_report(report: &Report) -> String {
    hex::encode(&encode_frame(&Frame {
        report: report.clone(),
        token: Bytes::new(),
    }))
}

fn read_report(text: &str) -> Result<Report, SavedError> {
    let bytes = hex::decode(text).ok_or(SavedError::Report)?;
    decode_frame(&bytes.into())
        .map(|frame| frame.report)
        .map_err(|_| SavedError::Report)
}

/// Where and of which kind the error is, without the text around it: it may hold a location.
fn at_place(error: &serde_json::Error) -> String {
    format!(
        "{:?} error at line {}, column {}",
        error.classify(),
        error.line(),
        error.column()
    )
}

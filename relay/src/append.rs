//! A report on its way into the log, and what becomes of it.

use bytes::Bytes;
use journal::{DayKey, OpenBodyError, seal};
use protocol::{AlertId, DeviceId, Header, ReportKind, ReportNumber, join};
use rand::Rng;

use crate::receipts::Grade;

/// Names one report for ever: whatever has the same key is the same report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ReportKey {
    /// Who said it.
    pub device: DeviceId,
    /// About which alert.
    pub alert: AlertId,
    /// Its number.
    pub number: ReportNumber,
}

/// A report to be appended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    /// Which report.
    pub key: ReportKey,
    /// What it says.
    pub kind: ReportKind,
    /// The clear header, stamped.
    pub header: Header,
    /// The frame as it was received; the body to be sealed.
    pub frame: Bytes,
    /// It came before the handshake had completed, so somebody may have recorded and repeated it.
    pub is_early: bool,
    /// This connection knows of no open alert: the position is stored only if the relay does.
    pub needs_open: bool,
}

/// What became of an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It is synced, and more may be known.
    Durable(Grade),
    /// No alert is open under its id: it was not stored.
    NoOpenAlert,
    /// Nobody may rely on it.
    NotDurable,
    /// Positions carry no promise: given to the log, no answer follows.
    Unpromised,
}

/// The answer to one append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Which report.
    pub key: ReportKey,
    /// What became of it.
    pub fate: Fate,
}

impl Append {
    /// The entry of the log: the clear header and the sealed frame, which is kept exactly as it was received.
    ///
    /// # Errors
    /// See [`journal::seal()`].
    pub fn entry(&self, day_key: &DayKey, rng: &mut impl Rng) -> Result<Bytes, OpenBodyError> {
        let header = self.header.encode();
        let device = self.key.device.to_bytes();
        let alert = self.key.alert.as_bytes();
        let sealed = seal(day_key, &device, alert, &header, &self.frame, rng)?;
        Ok(join(&header, &sealed))
    }

    /// Whether its commit is answered with a receipt.
    #[must_use]
    pub fn is_promised(&self) -> bool {
        !self.kind.is_track()
    }
}

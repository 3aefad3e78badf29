//! One report that waits for its receipt.

use std::time::Duration;

use protocol::wire::{Durability, Receipt};
use protocol::{Millis, Report, ReportKind, UnixMillis};

/// One kept report.
pub(crate) struct Kept {
    pub(crate) report: Report,
    /// When it was made; after a restart, when it was read again.
    pub(crate) made_at: Duration,
    /// False after a restart: nobody measures from then.
    pub(crate) made_here: bool,
    /// Sent on the present connection.
    pub(crate) sent: bool,
    /// Sent in 0-RTT data that the relay has taken.
    pub(crate) early: bool,
    /// The best receipt so far.
    pub(crate) receipt: Option<(Durability, bool)>,
    /// Its deadline has passed and the app knows.
    pub(crate) warned: bool,
}

impl Kept {
    pub(crate) fn new(report: Report, made_at: Duration) -> Self {
        Self {
            report,
            made_at,
            made_here: true,
            sent: false,
            early: false,
            receipt: None,
            warned: false,
        }
    }

    /// One that an earlier process made.
    pub(crate) fn restored(report: Report, now: Duration) -> Self {
        Self {
            made_here: false,
            ..Self::new(report, now)
        }
    }

    /// The phone's time `since_start`: by the wall clock at which the report was made, for the clock may
    /// have been set since, and a fresh press would look years old. Only what an earlier process made
    /// has nothing but the wall clock of now.
    pub(crate) fn sent_at(&self, since_start: Duration, wall: UnixMillis) -> UnixMillis {
        let waited = since_start.saturating_sub(self.made_at).as_millis();
        let waited = Millis(u64::try_from(waited).unwrap_or(u64::MAX));
        let made_at = self.report.sent_at.filter(|_| self.made_here);
        made_at.map_or(wall, |made_at| made_at.plus(waited))
    }

    pub(crate) fn kind(&self) -> ReportKind {
        ReportKind::of(&self.report.content)
    }

    /// Whether the receipt is better than what was known.
    pub(super) fn improve(&mut self, receipt: &Receipt) -> bool {
        let new = (receipt.durability, receipt.is_final);
        let better = self.receipt.is_none_or(|(durability, is_final)| {
            new.0 > durability || new.0 == durability && new.1 && !is_final
        });
        if better {
            self.receipt = Some(new);
        }
        better
    }

    /// Whether a relay has stored it.
    pub(super) fn is_receipted(&self) -> bool {
        self.receipt.is_some()
    }

    pub(super) fn is_final(&self) -> bool {
        self.receipt.is_some_and(|(_, is_final)| is_final)
    }
}

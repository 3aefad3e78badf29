//! One alert of the outbox.

use std::collections::VecDeque;

use protocol::wire::Status;
use protocol::{AlertId, DecisionId, Position, ReportKind, ReportNumber};

use super::Kept;

/// One alert with what belongs to it.
pub(crate) struct Alert {
    pub(crate) raise: Kept,
    pub(crate) closed: bool,
    /// The raise was receipted on the present connection, so positions are welcome there.
    pub(crate) live: bool,
    pub(crate) kept: Vec<Kept>,
    pub(crate) track: VecDeque<Position>,
    /// Relays that were left as none but they had stored the raise.
    pub(super) moves: usize,
    pub(super) status: Option<Status>,
    pub(super) messages: VecDeque<DecisionId>,
}

impl Alert {
    pub(crate) fn new(raise: Kept) -> Self {
        Self {
            raise,
            closed: false,
            live: false,
            kept: Vec::new(),
            track: VecDeque::new(),
            moves: 0,
            status: None,
            messages: VecDeque::new(),
        }
    }

    pub(crate) fn id(&self) -> AlertId {
        self.raise.report.alert
    }

    /// All kept reports that a relay still has to hear, the raise first.
    pub(crate) fn reports(&self) -> impl Iterator<Item = &Kept> {
        let raise = (!self.closed).then_some(&self.raise);
        raise.into_iter().chain(&self.kept)
    }

    pub(super) fn reports_mut(&mut self) -> impl Iterator<Item = &mut Kept> {
        let raise = (!self.closed).then_some(&mut self.raise);
        raise.into_iter().chain(&mut self.kept)
    }

    /// What a relay has stored need not be said again once officers have closed the alert.
    pub(super) fn is_done(&self) -> bool {
        self.closed && self.kept.iter().all(Kept::is_receipted)
    }

    /// Whether it was stored on this connection, nowhere else, and there are relays that were not asked yet.
    pub(super) fn wants_another(&self, relays: usize) -> bool {
        let is_alone = self.raise.is_receipted() && !self.raise.is_final();
        self.live && !self.closed && is_alone && self.moves + 1 < relays
    }

    pub(super) fn count(&self, kind: ReportKind) -> usize {
        self.kept.iter().filter(|kept| kept.kind() == kind).count()
    }

    pub(super) fn owes(&self, kind: ReportKind) -> usize {
        let owed = |kept: &&Kept| kept.kind() == kind && !kept.is_receipted();
        self.kept.iter().filter(owed).count()
    }

    pub(super) fn remove_first(&mut self, kind: ReportKind) -> Option<ReportNumber> {
        let at = self.kept.iter().position(|kept| kept.kind() == kind)?;
        Some(self.kept.remove(at).report.number)
    }

    /// Makes room with one that a relay has stored; false when there is none.
    pub(super) fn remove_stored(&mut self, kind: ReportKind) -> bool {
        let is_stored = |kept: &Kept| kept.kind() == kind && kept.is_receipted();
        let at = self.kept.iter().position(is_stored);
        at.map(|at| self.kept.remove(at)).is_some()
    }
}

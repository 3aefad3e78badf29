//! What the engine counts.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use protocol::UnixMillis;
use protocol::side_door::Answer;

use crate::board::Waiting;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct LogLabel {
    log: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct ReasonLabel {
    reason: &'static str,
}

/// What came of a wish.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct OutcomeLabel {
    outcome: &'static str,
}

/// Counters of the fold and of what is proposed.
#[derive(Clone, Debug, Default)]
pub(super) struct EngineMetrics {
    pub(super) incidents: Gauge,
    unacknowledged: Gauge,
    longest_unacknowledged_seconds: Gauge<f64, AtomicU64>,
    pub(super) lag_entries: Gauge,
    entries: Family<LogLabel, Counter>,
    proposals: Family<ReasonLabel, Counter>,
    map_reloads: Family<OutcomeLabel, Counter>,
    pub(super) unlogged_incidents: Gauge,
    side_door_entries: Family<OutcomeLabel, Counter>,
    pub(super) undecodable: Counter,
    pub(super) bodies_gone: Counter,
    pub(super) panics: Counter,
    pub(super) appends_failed: Counter,
    pub(super) snapshots: Counter,
    pub(super) refolds: Counter,
    pub(super) gaps: Counter,
    pub(super) journal_live_bytes: Gauge,
}

impl EngineMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("ansim_dispatcher");
        let m = &metrics;
        registry.register("incidents", "Incidents on the board", m.incidents.clone());
        registry.register(
            "unacknowledged",
            "Incidents that no officer has acknowledged",
            m.unacknowledged.clone(),
        );
        registry.register(
            "longest_unacknowledged_seconds",
            "How long the one of them waits that waits longest; 0 when none does",
            m.longest_unacknowledged_seconds.clone(),
        );
        registry.register(
            "lag_entries",
            "Entries of the alert log that are not folded yet",
            m.lag_entries.clone(),
        );
        registry.register("entries", "Entries folded, by log", m.entries.clone());
        registry.register(
            "proposals",
            "Assignments proposed, by reason",
            m.proposals.clone(),
        );
        registry.register(
            "map_reloads",
            "Maps read anew, by what came of it",
            m.map_reloads.clone(),
        );
        registry.register(
            "unlogged_incidents",
            "Incidents shown that the log does not have, or not all of them",
            m.unlogged_incidents.clone(),
        );
        registry.register(
            "side_door_entries",
            "Entries that relays offered directly, by what came of them",
            m.side_door_entries.clone(),
        );
        registry.register(
            "undecodable_entries",
            "Entries passed over",
            m.undecodable.clone(),
        );
        registry.register(
            "bodies_gone",
            "Bodies that could not be opened",
            m.bodies_gone.clone(),
        );
        registry.register(
            "fold_panics",
            "Panics of the fold and of what is proposed",
            m.panics.clone(),
        );
        registry.register(
            "appends_failed",
            "Decisions that the log did not take",
            m.appends_failed.clone(),
        );
        registry.register("snapshots", "Snapshots written", m.snapshots.clone());
        registry.register(
            "refolds",
            "Times the board was folded anew",
            m.refolds.clone(),
        );
        registry.register(
            "gaps",
            "Places of the log that could not be read",
            m.gaps.clone(),
        );
        registry.register(
            "journal_live_bytes",
            "Bytes of live entries and snapshot rows",
            m.journal_live_bytes.clone(),
        );
        metrics
    }

    pub(super) fn note_waiting(&self, waiting: &Waiting, now: UnixMillis) {
        let count = i64::try_from(waiting.count()).unwrap_or(i64::MAX);
        self.unacknowledged.set(count);
        let longest_ms = waiting.since().map_or(0, |since| now.since(since).0);
        self.longest_unacknowledged_seconds
            .set(longest_ms as f64 / 1e3);
    }

    pub(super) fn entries(&self, log: journal::LogName) -> Counter {
        let log = match log {
            journal::LogName::Alerts => "alerts",
            journal::LogName::Tracks => "tracks",
        };
        self.entries.get_or_create(&LogLabel { log }).clone()
    }

    pub(super) fn map_reload(&self, outcome: &'static str) {
        self.map_reloads
            .get_or_create(&OutcomeLabel { outcome })
            .inc();
    }

    pub(super) fn side_door(&self, answer: &Answer) {
        for (outcome, count) in [
            ("taken", answer.taken),
            ("known", answer.known),
            ("refused", answer.refused),
            ("left_out", answer.left_out),
        ] {
            let label = OutcomeLabel { outcome };
            let counter = self.side_door_entries.get_or_create(&label);
            counter.inc_by(u64::from(count));
        }
    }

    pub(super) fn proposal(&self, reason: &'static str) {
        self.proposals.get_or_create(&ReasonLabel { reason }).inc();
    }
}

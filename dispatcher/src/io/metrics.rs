//! What the console's door counts. No label tells a place, a person or an incident.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::registry::Registry;

/// A request, by the template of its route.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct RequestLabels {
    pub(super) route: String,
    pub(super) status: u16,
}

/// What came of something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct OutcomeLabel {
    pub(super) outcome: &'static str,
}

/// A command and what came of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct CommandLabels {
    pub(super) kind: &'static str,
    pub(super) verdict: &'static str,
}

/// An event of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub(super) struct EventLabel {
    pub(super) event: &'static str,
}

/// The counters of the console's door.
#[derive(Clone, Debug, Default)]
pub(super) struct Metrics {
    pub(super) requests: Family<RequestLabels, Counter>,
    pub(super) sign_ins: Family<OutcomeLabel, Counter>,
    pub(super) commands: Family<CommandLabels, Counter>,
    pub(super) consoles: Gauge,
    pub(super) events: Family<EventLabel, Counter>,
    pub(super) connections_refused: Counter,
}

impl Metrics {
    /// Makes the counters and registers them under `ansim_console_…`.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("ansim_console");
        let m = &metrics;
        registry.register(
            "requests",
            "Requests, by route and status",
            m.requests.clone(),
        );
        registry.register(
            "sign_ins",
            "Attempts to sign in, by outcome",
            m.sign_ins.clone(),
        );
        registry.register(
            "commands",
            "Commands, by kind and verdict",
            m.commands.clone(),
        );
        registry.register(
            "streams",
            "Consoles with an open stream now",
            m.consoles.clone(),
        );
        registry.register(
            "events",
            "Events sent to consoles, by event",
            m.events.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections closed because too many were open",
            m.connections_refused.clone(),
        );
        metrics
    }

    pub(super) fn request(&self, route: &str, status: u16) {
        let labels = RequestLabels {
            route: route.to_owned(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
    }

    pub(super) fn sign_in(&self, outcome: &'static str) {
        self.sign_ins.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(super) fn command(&self, kind: &'static str, verdict: &'static str) {
        self.commands
            .get_or_create(&CommandLabels { kind, verdict })
            .inc();
    }

    pub(super) fn event(&self, event: &'static str) {
        self.events.get_or_create(&EventLabel { event }).inc();
    }
}

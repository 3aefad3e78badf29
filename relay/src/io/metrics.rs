//! What the relay counts. No label and no value tells a place, a person or a device.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use protocol::side_door::Answer;
use protocol::wire::BrokenRule;
use protocol::{ReportKind, Verification};

use crate::close::CloseCode;
use crate::session::Event;

/// The kind of a report.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Kind {
    kind: &'static str,
}

/// What came of a token.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Token {
    verification: &'static str,
}

/// A rule that a frame broke.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Rule {
    rule: &'static str,
}

/// Why a connection ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Code {
    code: &'static str,
}

/// What became of something.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct OutcomeLabel {
    outcome: &'static str,
}

/// The counters of one relay. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Reports admitted, by kind.
    pub reports: Family<Kind, Counter>,
    /// Reports admitted, by what came of their token.
    pub verification: Family<Token, Counter>,
    /// Further receipts, of reports that are on the replicas.
    pub receipts_replicated: Counter,
    /// Receipts given.
    pub receipts: Counter,
    /// Frames refused, by rule.
    pub refusals: Family<Rule, Counter>,
    /// Reports that were said before.
    pub duplicates: Counter,
    /// Raises taken before the handshake had completed.
    pub early_data_accepted: Counter,
    /// Such raises that were said before: resends, or a recorded flight that somebody repeats.
    pub early_data_replayed: Counter,
    /// Positions that the log did not take.
    pub datagrams_dropped: Counter,
    /// Reports that could not be made durable and got no receipt.
    pub not_durable: Counter,
    /// Day keys that could not be made and reports that could not be sealed.
    pub seal_failures: Counter,
    /// Times that alerts had to wait for room in the journal's queue.
    pub held: Counter,
    /// Statuses and messages told to phones.
    pub words: Counter,
    /// Messages whose key is gone or whose seal is broken.
    pub words_lost: Counter,
    /// Entries of the log that do not decode.
    pub entries_undecodable: Counter,
    /// Connection attempts answered with Retry.
    pub retries: Counter,
    /// Connection attempts refused or failed before they were accepted.
    pub refused_connections: Counter,
    /// Connection attempts that waited too long or were too many; they had no answer.
    pub attempts_left_out: Counter,
    /// Packets of connections that were not looked at, because more came than could be: positions and acknowledgements.
    pub packets_left_out: Counter,
    /// Handshakes completed.
    pub handshakes: Counter,
    /// Connections now.
    pub connections: Gauge,
    /// Incidents that are followed for phones.
    pub incidents: Gauge,
    /// Connections that this relay closed, by code.
    pub closes: Family<Code, Counter>,
    /// Packets that the kernel dropped because the socket's receive buffer was full.
    pub receive_buffer_errors: Counter,
    /// Bytes of the socket's receive buffer as the kernel gave it.
    pub receive_buffer_bytes: Gauge,
    /// 1 while alerts wait for the log and dispatchers are told directly.
    pub side_door_open: Gauge,
    /// Alerts that wait behind those that are offered.
    pub side_door_left_out: Gauge,
    /// Entries offered to dispatchers, by what they made of them.
    pub side_door_entries: Family<OutcomeLabel, Counter>,
    /// Offers that a dispatcher did not take or not answer.
    pub side_door_failures: Counter,
}

impl Metrics {
    /// Makes the counters and registers them under `relay_…`.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("ansim_relay");
        metrics.register_reports(registry);
        metrics.register_connections(registry);
        metrics.register_side_door(registry);
        metrics
    }

    fn register_side_door(&self, to: &mut Registry) {
        to.register(
            "side_door_open",
            "1 while alerts wait for the log and dispatchers are told directly",
            self.side_door_open.clone(),
        );
        to.register(
            "side_door_left_out",
            "Alerts that wait for the log and are offered to nobody, as too many wait before them",
            self.side_door_left_out.clone(),
        );
        to.register(
            "side_door_entries",
            "Entries offered to dispatchers, by what they made of them",
            self.side_door_entries.clone(),
        );
        to.register(
            "side_door_failures",
            "Offers that a dispatcher did not take or not answer",
            self.side_door_failures.clone(),
        );
    }

    /// Counts what a dispatcher made of an offer.
    pub fn count_answer(&self, answer: &Answer) {
        for (outcome, count) in [
            ("taken", answer.taken),
            ("known", answer.known),
            ("refused", answer.refused),
            ("left_out", answer.left_out),
        ] {
            let label = OutcomeLabel { outcome };
            let counter = self.side_door_entries.get_or_create_owned(&label);
            counter.inc_by(u64::from(count));
        }
    }

    fn register_reports(&self, to: &mut Registry) {
        to.register("reports", "Reports admitted", self.reports.clone());
        to.register(
            "verification",
            "Reports admitted, by what came of their token",
            self.verification.clone(),
        );
        to.register("receipts", "Receipts given", self.receipts.clone());
        to.register(
            "receipts_replicated",
            "Further receipts, which say that the replicas have the report",
            self.receipts_replicated.clone(),
        );
        to.register("refusals", "Frames refused", self.refusals.clone());
        to.register(
            "duplicates",
            "Reports that were said before",
            self.duplicates.clone(),
        );
        to.register(
            "early_data_accepted",
            "Raises taken before the handshake had completed",
            self.early_data_accepted.clone(),
        );
        to.register(
            "early_data_replayed",
            "Raises before the handshake that were said before",
            self.early_data_replayed.clone(),
        );
        to.register(
            "datagrams_dropped",
            "Positions that the log did not take",
            self.datagrams_dropped.clone(),
        );
        to.register(
            "not_durable",
            "Reports that could not be made durable",
            self.not_durable.clone(),
        );
        to.register(
            "seal_failures",
            "Day keys not made and reports not sealed",
            self.seal_failures.clone(),
        );
        to.register(
            "held",
            "Times that alerts waited for room in the journal",
            self.held.clone(),
        );
        to.register(
            "words",
            "Statuses and messages told to phones",
            self.words.clone(),
        );
        to.register(
            "words_lost",
            "Messages that cannot be opened",
            self.words_lost.clone(),
        );
        to.register(
            "entries_undecodable",
            "Entries of the log that do not decode",
            self.entries_undecodable.clone(),
        );
        to.register(
            "incidents",
            "Incidents followed for phones",
            self.incidents.clone(),
        );
    }

    fn register_connections(&self, to: &mut Registry) {
        to.register(
            "retries",
            "Connection attempts answered with Retry",
            self.retries.clone(),
        );
        to.register(
            "refused_connections",
            "Connection attempts refused or failed before they were accepted",
            self.refused_connections.clone(),
        );
        to.register(
            "attempts_left_out",
            "Connection attempts that waited too long or were too many, and had no answer",
            self.attempts_left_out.clone(),
        );
        to.register(
            "packets_left_out",
            "Packets of connections that were not looked at: positions and acknowledgements",
            self.packets_left_out.clone(),
        );
        to.register(
            "handshakes",
            "Handshakes completed",
            self.handshakes.clone(),
        );
        to.register("connections", "Connections now", self.connections.clone());
        to.register(
            "closes",
            "Connections closed by this relay",
            self.closes.clone(),
        );
        to.register(
            "receive_buffer_errors",
            "Packets that the kernel dropped because the receive buffer was full",
            self.receive_buffer_errors.clone(),
        );
        to.register(
            "receive_buffer_bytes",
            "Bytes of the socket's receive buffer",
            self.receive_buffer_bytes.clone(),
        );
    }

    /// Counts what happened in a session.
    pub fn count(&self, event: Event) {
        match event {
            Event::Report(kind, verification) => {
                self.reports_of(kind).inc();
                self.verification_of(verification).inc();
            }
            Event::EarlyRaise => drop(self.early_data_accepted.inc()),
            Event::Receipt => drop(self.receipts.inc()),
            Event::ReceiptReplicated => drop(self.receipts_replicated.inc()),
            Event::Refused(rule) => drop(self.refusals_of(rule).inc()),
            Event::Status | Event::Message => drop(self.words.inc()),
        }
    }

    /// Counts a connection that this relay closed.
    pub fn count_close(&self, code: CloseCode) {
        self.closes_with(code).inc();
    }

    /// The counter of reports of this kind.
    #[must_use]
    pub fn reports_of(&self, kind: ReportKind) -> Counter {
        let label = Kind {
            kind: kind.as_str(),
        };
        self.reports.get_or_create_owned(&label)
    }

    /// The counter of reports with such a token.
    #[must_use]
    pub fn verification_of(&self, verification: Verification) -> Counter {
        let verification = match verification {
            Verification::Verified => "verified",
            Verification::NoToken => "no_token",
            Verification::Expired => "expired",
            Verification::Foreign => "foreign",
            Verification::Malformed => "malformed",
        };
        self.verification
            .get_or_create_owned(&Token { verification })
    }

    /// The counter of frames that broke this rule.
    #[must_use]
    pub fn refusals_of(&self, rule: BrokenRule) -> Counter {
        self.refusals
            .get_or_create_owned(&Rule { rule: rule.name() })
    }

    /// The counter of connections closed with this code.
    #[must_use]
    pub fn closes_with(&self, code: CloseCode) -> Counter {
        self.closes.get_or_create_owned(&Code { code: code.name() })
    }
}

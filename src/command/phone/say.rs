//! Events of a phone as lines of JSON, without locations.

use client::Event;
use client::io::PhoneEvent;
use protocol::wire::{Durability, Progress};
use protocol::{AlertId, ReportKind, ReportNumber};
use serde_json::{Value, json};

/// One line about an event.
pub(crate) fn say(event: &PhoneEvent) -> Value {
    match &event.event {
        Event::Receipted(receipted) => {
            let latency = event.triggered_at.map(|pressed| event.at - pressed);
            json!({
                "event": "receipted",
                "alert": receipted.alert,
                "number": receipted.number,
                "kind": receipted.kind.as_str(),
                "durability": durability(receipted.durability),
                "final": receipted.is_final,
                "early": receipted.early,
                "latency_ms": latency.map(|latency| latency.as_micros() as f64 / 1_000.0),
            })
        }
        Event::Status(status) => json!({
            "event": "status",
            "alert": status.alert,
            "progress": progress(status.progress),
            "at_ms": status.at,
        }),
        Event::Message(message) => json!({
            "event": "message",
            "alert": message.alert,
            "text": message.text,
            "at_ms": message.at,
        }),
        Event::Refused(refusal) => json!({
            "event": "refused",
            "rule": refusal.rule,
            "text": refusal.text,
        }),
        Event::NotDelivered {
            alert,
            number,
            kind,
        } => about("not_delivered", *alert, *number, *kind),
        Event::Dropped {
            alert,
            number,
            kind,
        } => about("dropped", *alert, *number, *kind),
        Event::Connected {
            relay,
            early_accepted,
        } => json!({
            "event": "connected",
            "relay": relay,
            "early_accepted": early_accepted,
        }),
        Event::Lost { relay, lost } => json!({
            "event": "lost",
            "relay": relay,
            "why": lost.as_str(),
        }),
        Event::Ready { relay } => json!({ "event": "ready", "relay": relay }),
        Event::NotReady => json!({ "event": "not_ready" }),
        Event::StoreFailed { why } => json!({ "event": "store_failed", "why": why }),
    }
}

fn about(event: &str, alert: AlertId, number: ReportNumber, kind: ReportKind) -> Value {
    json!({ "event": event, "alert": alert, "number": number, "kind": kind.as_str() })
}

fn durability(durability: Durability) -> &'static str {
    match durability {
        Durability::Local => "local",
        Durability::Replicated => "replicated",
    }
}

fn progress(progress: Progress) -> &'static str {
    match progress {
        Progress::Stored => "stored",
        Progress::Received => "received",
        Progress::Routed => "routed",
        Progress::Seen => "seen",
        Progress::UnitOnItsWay => "unit_on_its_way",
        Progress::Closed => "closed",
    }
}

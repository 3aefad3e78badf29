//! `deploy/`: what can be checked of it without a cluster of machines is. Compose files are parsed and never started here,
//! units are looked at by systemd and never run; configurations, Redis servers, Sentinels, users and alarms are the real ones.

mod alarms;
mod compose;
mod configs;
mod redis;
mod servers;
mod units;

use yaml_serde::Value;

use crate::support::read_in_checkout;

/// A YAML file of the checkout, with `<<` resolved.
fn yaml(below: &str) -> Value {
    let text = read_in_checkout(below);
    let mut value: Value =
        yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{below}: {error}"));
    // Each round resolves those that the one before has brought along.
    while has_merge(&value) {
        value.apply_merge().unwrap();
    }
    value
}

fn has_merge(value: &Value) -> bool {
    match value {
        Value::Mapping(mapping) => mapping
            .iter()
            .any(|(key, value)| key.as_str() == Some("<<") || has_merge(value)),
        Value::Sequence(sequence) => sequence.iter().any(has_merge),
        _ => false,
    }
}

/// The texts of a list.
fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_sequence().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

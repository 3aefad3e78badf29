//! A report comes back as it was written, and the schema says what it is: no more and no less.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;
use crate::report::{Doubt, invented, merge};

/// Every optional member is there, and every kind of doubt.
fn full() -> Report {
    let mut one = invented();
    one.generator.doubts = vec![
        Doubt::BegunLate {
            p99_ms: 31.0,
            limit_ms: 10.0,
        },
        Doubt::NotBegun { alerts: 3 },
        Doubt::ProcessorFull { share: 0.97 },
        Doubt::PacketsDropped { packets: 9 },
    ];
    one.build.setting.service_cores = Some(1.5);
    one.seconds.truncate(3);
    let mut both = merge(&[one.clone(), one.clone()]).unwrap();
    both.machine.cost = one.machine.cost;
    both.machine.returned_ms = Some(4_100.0);
    both
}

#[test]
fn a_report_comes_back_as_it_was() {
    for report in [invented(), full()] {
        let text = report.to_json().unwrap();
        assert!(Report::from_json(&text).unwrap() == report);
    }
}

#[test]
fn another_format_is_named() {
    let mut json = serde_json::to_value(invented()).unwrap();
    json["format"] = json!(FORMAT + 1);
    // Nothing else is looked at: another format has other members.
    json.as_object_mut().unwrap().remove("machine");
    let error = Report::from_json(&json.to_string()).unwrap_err();
    assert!(matches!(error, ReportError::Format { found } if found == u64::from(FORMAT) + 1));
    assert!(error.to_string().contains("format 2"), "{error}");
}

#[test]
fn what_is_no_report_is_an_error() {
    for text in ["", "[]", "{}", "{\"format\":1}", "{\"format\":\"1\"}"] {
        let error = Report::from_json(text).unwrap_err();
        assert!(matches!(error, ReportError::Json(_)), "{text}: {error}");
    }
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// What the schema has against the value, with the place of it.
fn faults(value: &Value) -> Vec<String> {
    let root = schema();
    let mut faults = Vec::new();
    check(&root, &root, value, "", &mut faults);
    faults
}

/// The part of JSON Schema 2020-12 that our schema uses; anything else in it is a fault of the test.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    for (word, rule) in schema.as_object().unwrap() {
        let holds = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "properties" | "required" => true,
            "additionalProperties" => true,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                check(root, &root["$defs"][name], value, at, faults);
                true
            }
            "type" => is_of_type(rule, value),
            "const" => rule == value,
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()),
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}/{n}"), faults);
                }
                true
            }
            "oneOf" => {
                let holds = |schema: &&Value| {
                    let mut faults = Vec::new();
                    check(root, schema, value, at, &mut faults);
                    faults.is_empty()
                };
                rule.as_array().unwrap().iter().filter(holds).count() == 1
            }
            word => panic!("the test does not know `{word}`"),
        };
        if !holds {
            faults.push(format!("{at}: {word}"));
        }
    }
    if let Some(object) = value.as_object() {
        check_members(root, schema, object, at, faults);
    }
}

fn check_members(
    root: &Value,
    schema: &Value,
    object: &Map<String, Value>,
    at: &str,
    faults: &mut Vec<String>,
) {
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            faults.push(format!("{at}: no {name}"));
        }
    }
    for (name, member) in object {
        let at = format!("{at}/{name}");
        match schema["properties"].get(name) {
            Some(schema) => check(root, schema, member, &at, faults),
            None if schema["additionalProperties"] == false => {
                faults.push(format!("{at}: unknown"));
            }
            None => {}
        }
    }
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    if let Some(rules) = rule.as_array() {
        return rules.iter().any(|rule| is_of_type(rule, value));
    }
    match rule.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("the test does not know the type `{other}`"),
    }
}

#[test]
fn reports_are_as_the_schema_says() {
    for report in [invented(), full()] {
        let value = serde_json::to_value(report).unwrap();
        assert_eq!(faults(&value), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let spoil: [fn(&mut Value); 8] = [
        |json| json["format"] = json!(2),
        |json| json["machine"]["verdict"] = json!("green"),
        |json| json["people"]["within_15_s"] = json!(1.5),
        |json| json["seconds"][0]["begun"] = json!(-1),
        |json| json["generator"]["doubts"][0]["what"] = json!("tired"),
        |json| json["machine"]["stages"][0]["name"] = json!(7),
        |json| json["build"]["map"]["coast"] = json!("rocky"),
        |json| drop(json["machine"].as_object_mut().unwrap().remove("lost")),
    ];
    for (n, spoil) in spoil.into_iter().enumerate() {
        let mut json = serde_json::to_value(full()).unwrap();
        spoil(&mut json);
        assert_ne!(faults(&json), Vec::<String>::new(), "change {n}");
    }
}

/// Every name under `properties`, with the definition that it belongs to.
fn named(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
            }
            object.values().for_each(|inner| named(inner, names));
        }
        Value::Array(array) => array.iter().for_each(|inner| named(inner, names)),
        _ => {}
    }
}

fn used(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                names.insert(name.clone());
                used(inner, names);
            }
        }
        Value::Array(array) => array.iter().for_each(|inner| used(inner, names)),
        _ => {}
    }
}

#[test]
fn the_schema_names_nothing_that_a_full_report_lacks() {
    let (mut named_there, mut used_here) = (BTreeSet::new(), BTreeSet::new());
    named(&schema(), &mut named_there);
    used(&serde_json::to_value(full()).unwrap(), &mut used_here);
    let stale: Vec<_> = named_there.difference(&used_here).collect();
    assert!(stale.is_empty(), "{stale:?}");
}

//! What is made of answers, without a server.

use redis::Value;

use super::super::reply::{self, Extent, Record};
use super::*;

fn bulk(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

fn record(id: &str, fields: &[&str]) -> Value {
    let fields = fields.iter().map(|field| bulk(field)).collect();
    Value::Array(vec![bulk(id), Value::Array(fields)])
}

#[test]
fn entries_of_others_are_empty_and_their_ids_are_refused() {
    let ours = record("0-8", &["entry", "bytes", "at_ms", "17"]);
    let expected = Record {
        offset: Offset(7),
        entry: entry("bytes"),
        at_ms: 17,
    };
    assert_eq!(
        reply::range(Value::Array(vec![ours.clone()])),
        Ok(vec![expected.clone()])
    );
    let empty = Record {
        entry: Bytes::new(),
        at_ms: 0,
        ..expected
    };
    for fields in [&["something", "else"][..], &["entry"], &[]] {
        let theirs = Value::Array(vec![record("0-8", fields)]);
        assert_eq!(reply::range(theirs), Ok(vec![empty.clone()]));
    }
    let theirs = Value::Array(vec![record("1700000000000-0", &["entry", "x"])]);
    assert!(reply::range(theirs).is_err());
    assert_eq!(reply::read(Value::Nil), Ok(vec![]));
    let stream = Value::Array(vec![bulk("key"), Value::Array(vec![ours])]);
    assert_eq!(reply::read(Value::Array(vec![stream])).unwrap().len(), 1);
    assert!(reply::read(Value::Int(1)).is_err());
    assert!(reply::read(Value::Array(vec![])).is_err());
}

#[test]
fn a_stream_begins_at_its_first_entry_or_at_its_end() {
    let stream = |first: Value| {
        reply::extent(&Value::Array(vec![
            bulk("length"),
            Value::Int(1),
            bulk("last-generated-id"),
            bulk("0-9"),
            bulk("first-entry"),
            first,
        ]))
    };
    let extent = |first, end| Extent {
        first: Offset(first),
        end: Offset(end),
    };
    assert_eq!(stream(record("0-4", &["entry", "x"])), Ok(extent(3, 9)));
    assert_eq!(stream(Value::Nil), Ok(extent(9, 9)));
    assert!(stream(record("17-4", &[])).is_err());
    assert!(reply::extent(&Value::Array(vec![])).is_err());
}

#[test]
fn sentinels_name_a_master_or_nobody() {
    let named = Value::Array(vec![bulk("10.0.0.1"), bulk("6379")]);
    assert_eq!(
        reply::address(&named).map(|address| address.to_string()),
        Some("10.0.0.1:6379".to_owned())
    );
    for nobody in [
        Value::Nil,
        Value::Array(vec![bulk("10.0.0.1")]),
        Value::Array(vec![bulk("10.0.0.1"), bulk("port")]),
    ] {
        assert_eq!(reply::address(&nobody), None);
    }
}

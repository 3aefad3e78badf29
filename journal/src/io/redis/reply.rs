//! What the server's answers mean. Nothing here asks anybody.

use bytes::Bytes;
use redis::{RedisError, ServerError, Value};

use super::settings::Address;
use crate::offset::Offset;
use crate::server_check::Info;
use crate::stream_id;

/// The fields of an entry: its bytes, and when it was committed (milliseconds since the Unix epoch,
/// by the clock of the machine that appended it). A stream keeps their names once per page.
pub(super) const ENTRY: &str = "entry";
pub(super) const AT_MS: &str = "at_ms";

/// An entry as it is in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) offset: Offset,
    pub(super) entry: Bytes,
    pub(super) at_ms: u64,
}

/// Where a log begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first offset that can be read; `end` when there is no entry.
    pub(super) first: Offset,
    /// The offset that the next entry will get.
    pub(super) end: Offset,
}

/// What a server has answered, or that it has not, in words that hold nothing of what was sent.
pub(super) fn words(error: &RedisError) -> String {
    match error.clone().into_server_errors().as_deref() {
        Some([(_, error), ..]) => server_words(error),
        _ => error.to_string(),
    }
}

pub(super) fn server_words(error: &ServerError) -> String {
    let details = error.details().unwrap_or_default();
    // A server that does not know a command repeats its arguments, which are entries.
    let details = details
        .split_once(", with args")
        .map_or(details, |(details, _)| details);
    format!("{} {details}", error.code()).trim_end().to_owned()
}

/// A server error as a refusal to go on.
fn sound(value: &Value) -> Result<&Value, String> {
    match value {
        Value::ServerError(error) => Err(server_words(error)),
        value => Ok(value),
    }
}

pub(super) fn info(answer: Value) -> Result<Info, String> {
    sound(&answer)?;
    match text(&answer) {
        Some(text) => Ok(Info::parse(text)),
        None => Err("INFO was answered with something else".to_owned()),
    }
}

/// What a sentinel answers when it is asked for a master.
pub(super) fn address(answer: &Value) -> Option<Address> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let [host, port] = &parts[..] else {
        return None;
    };
    Some(Address {
        host: text(host)?.to_owned(),
        port: text(port)?.parse().ok()?,
    })
}

/// The answer to `CONFIG GET`, to `HGETALL`, or to anything else that is pairs of texts.
pub(super) fn pairs(answer: &Value) -> Result<Vec<(String, String)>, String> {
    let Value::Array(items) = sound(answer)? else {
        return Err("pairs were expected".to_owned());
    };
    let pair = |pair: &[Value]| Some((text(&pair[0])?.to_owned(), text(&pair[1])?.to_owned()));
    Ok(items.chunks_exact(2).filter_map(pair).collect())
}

/// The answer to `XINFO STREAM`. A stream that was never written is empty.
pub(super) fn extent(answer: &Value) -> Result<Extent, String> {
    if let Value::ServerError(error) = answer
        && error
            .details()
            .is_some_and(|why| why.contains("no such key"))
    {
        return Ok(Extent::default());
    }
    let Value::Array(items) = sound(answer)? else {
        return Err("XINFO was answered with something else".to_owned());
    };
    let field = |name: &str| {
        let mut pairs = items.chunks_exact(2);
        pairs
            .find(|pair| text(&pair[0]) == Some(name))
            .map(|pair| &pair[1])
    };
    let end = field("last-generated-id").and_then(bytes);
    let end = end.and_then(stream_id::end).ok_or_else(foreign)?;
    let first = match field("first-entry") {
        Some(Value::Array(entry)) => {
            let id = entry.first().and_then(bytes);
            id.and_then(stream_id::offset).ok_or_else(foreign)?
        }
        _ => end,
    };
    Ok(Extent { first, end })
}

fn foreign() -> String {
    "the stream holds what no release of this program has written".to_owned()
}

/// The answer to `XREAD` of one stream.
pub(super) fn read(answer: Value) -> Result<Vec<Record>, String> {
    sound(&answer)?;
    let streams = match answer {
        // The time is over, and nothing came.
        Value::Nil => return Ok(Vec::new()),
        Value::Array(streams) => streams,
        _ => return Err("XREAD was answered with something else".to_owned()),
    };
    match streams.into_iter().next() {
        Some(Value::Array(mut stream)) if stream.len() == 2 => {
            range(stream.pop().unwrap_or_default())
        }
        _ => Err("XREAD was answered with something else".to_owned()),
    }
}

/// The answer to `XRANGE`.
pub(super) fn range(answer: Value) -> Result<Vec<Record>, String> {
    sound(&answer)?;
    match answer {
        Value::Array(entries) => entries.into_iter().map(record).collect(),
        _ => Err("a range was answered with something else".to_owned()),
    }
}

/// An entry without our fields is an empty one: nobody can decode it, and it stops nobody.
fn record(value: Value) -> Result<Record, String> {
    let Value::Array(parts) = value else {
        return Err("an entry is no pair".to_owned());
    };
    let mut parts = parts.into_iter();
    let id = parts.next().unwrap_or_default();
    let offset = bytes(&id).and_then(stream_id::offset).ok_or_else(foreign)?;
    let mut record = Record {
        offset,
        entry: Bytes::new(),
        at_ms: 0,
    };
    if let Some(Value::Array(fields)) = parts.next() {
        let mut fields = fields.into_iter();
        while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
            match (text(&name), value) {
                (Some(ENTRY), Value::BulkString(entry)) => record.entry = entry.into(),
                (Some(AT_MS), value) => record.at_ms = number(&value).unwrap_or(0),
                _ => {}
            }
        }
    }
    Ok(record)
}

pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::VerbatimString { text, .. } => Some(text),
        value => str::from_utf8(bytes(value)?).ok(),
    }
}

pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        value => text(value)?.parse().ok(),
    }
}

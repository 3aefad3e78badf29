//! The snapshot: a hash of rows, and beside it where a reader goes on.

use std::collections::BTreeMap;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::connect::Link;
use super::failure::Failure;
use super::reply;
use super::settings::Keys;
use crate::offset::{LogName, Offset};
use crate::snapshot::{Row, SnapshotSlice, decode_row, encode_row};
use crate::trim::Confirmed;

/// A script, because it has to compare with what is there: the mark and the rows change in one step,
/// or not at all.
const WRITE: &str = include_str!("snapshot.lua");

/// The fields of the mark.
const RESUME_AT: &str = "resume_at";
const CONFIRMED_AT_MS: &str = "confirmed_at_ms";

/// Rows that are asked for at once: a server that answers takes no append meanwhile, and a row may
/// have 256 KiB.
const PAGE_ROWS: usize = 64;

/// How a slice was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is there, except for what was newer already.
    Done,
    /// The slice claims more than the log has, which ends here. Nothing was written.
    Ahead { end: Offset },
}

pub(super) async fn write(
    link: &mut Link,
    keys: &Keys,
    slice: &SnapshotSlice,
    now_ms: u64,
) -> Result<Written, Failure> {
    let answer = link.ask_one(command(keys, slice, now_ms)).await?;
    match answer {
        Value::ServerError(error) => Err(Failure::of(&error)),
        Value::Array(parts) => match parts.get(1) {
            None => Ok(Written::Done),
            Some(end) => Ok(Written::Ahead {
                end: Offset(reply::number(end).unwrap_or(0)),
            }),
        },
        _ => Err(Failure::Refused(
            "the script answered something else".to_owned(),
        )),
    }
}

fn command(keys: &Keys, slice: &SnapshotSlice, now_ms: u64) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(WRITE).arg(3);
    command.arg(&keys.snapshot_rows).arg(&keys.snapshot_mark);
    command.arg(keys.stream(LogName::Alerts));
    match slice.resume_at {
        Some(resume_at) => command.arg(resume_at.0),
        None => command.arg(""),
    };
    command.arg(now_ms).arg(slice.rows.len());
    for row in &slice.rows {
        command.arg(&row.key[..]).arg(encode_row(row));
    }
    for key in &slice.deletions {
        command.arg(&key[..]);
    }
    command
}

/// Where a reader of the snapshot goes on, and when that was said.
pub(super) fn mark(keys: &Keys) -> Cmd {
    let mut command = redis::cmd("HMGET");
    command
        .arg(&keys.snapshot_mark)
        .arg(RESUME_AT)
        .arg(CONFIRMED_AT_MS);
    command
}

/// The answer to [`mark`].
pub(super) fn read_mark(answer: &Value) -> Result<Option<Confirmed>, Failure> {
    match answer {
        Value::ServerError(error) => Err(Failure::of(error)),
        Value::Array(fields) => {
            let field = |at: usize| fields.get(at).and_then(reply::number);
            Ok(field(0).zip(field(1)).map(|(resume_at, at_ms)| Confirmed {
                resume_at: Offset(resume_at),
                at_ms,
            }))
        }
        _ => Err(Failure::Refused(
            "the snapshot's mark is something else".to_owned(),
        )),
    }
}

/// Where a reader goes on, and the rows by key. They are read in pages; a row that is written
/// meanwhile may come as it was or as it is, and says itself up to where it has folded the log.
pub(super) async fn read(
    link: &mut Link,
    keys: &Keys,
) -> Result<(Option<Offset>, Vec<Row>), Failure> {
    // First: the log behind this mark tells everything that the rows do not know yet.
    let confirmed = read_mark(&link.ask_one(mark(keys)).await?)?;
    let mut rows = BTreeMap::new();
    let mut cursor = "0".to_owned();
    loop {
        let mut command = redis::cmd("HSCAN");
        command.arg(&keys.snapshot_rows).arg(&cursor);
        command.arg("COUNT").arg(PAGE_ROWS);
        cursor = take_page(link.ask_one(command).await?, &mut rows).map_err(Failure::Refused)?;
        if cursor == "0" {
            break;
        }
    }
    let resume_at = confirmed.map(|confirmed| confirmed.resume_at);
    Ok((resume_at, rows.into_values().collect()))
}

/// Takes the rows of a page and says where the next one begins. A row may come twice.
fn take_page(answer: Value, rows: &mut BTreeMap<Bytes, Row>) -> Result<String, String> {
    let mut parts = match answer {
        Value::Array(parts) => parts.into_iter(),
        Value::ServerError(error) => return Err(reply::server_words(&error)),
        _ => return Err("HSCAN was answered with something else".to_owned()),
    };
    let cursor = parts.next().unwrap_or_default();
    let cursor = reply::text(&cursor)
        .ok_or("HSCAN gave no cursor")?
        .to_owned();
    if let Some(Value::Array(fields)) = parts.next() {
        let mut fields = fields.into_iter();
        while let (Some(Value::BulkString(key)), Some(Value::BulkString(value))) =
            (fields.next(), fields.next())
        {
            let key = Bytes::from(key);
            let row = decode_row(key.clone(), value.into())
                .ok_or("a row of the snapshot is shorter than its header")?;
            let newer = rows
                .get(&key)
                .is_none_or(|old: &Row| old.folded_to <= row.folded_to);
            if newer {
                rows.insert(key, row);
            }
        }
    }
    Ok(cursor)
}

//! The snapshot: a hash of rows, and beside it where a reader goes on.

use std::collections::BTreeMap;

use bytes::Bytes;
use redis::{Cmd, Value};

use super::connect::Link;
use super::delivery;
use super::failure::Failure;
use super::reply::{self, Record};
use super::settings::Keys;
use crate::offset::{LogName, Offset};
use crate::proof::{Conclusion, Digest, Proof};
use crate::snapshot::{Row, SnapshotSlice, decode_row, encode_row};
use crate::trim::Confirmed;

/// A script, because it has to compare with what is there: the mark and the rows change in one step,
/// or not at all.
const WRITE: &str = include_str!("snapshot.lua");

/// The fields of the mark.
const RESUME_AT: &str = "resume_at";
const CONFIRMED_AT_MS: &str = "confirmed_at_ms";
const BEHIND: &str = "behind";
const WRITES: &str = "writes";

/// The mark: where a reader goes on, when that was said, and what the entry before it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) confirmed: Confirmed,
    pub(super) behind: Option<Proof>,
}

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
    /// The slice goes on where an earlier snapshot ended, and the one that is there ends here. Nothing was written.
    Lost { found: Offset },
    /// The slice has folded a log that this one is no more. Nothing was written.
    Rewound { behind: Offset },
}

pub(super) async fn write(
    link: &mut Link,
    keys: &Keys,
    slice: &SnapshotSlice,
    now_ms: u64,
) -> Result<Written, Failure> {
    let mut last = None;
    if let Some(behind) = slice.behind {
        last = match last_folded(link, keys, behind).await? {
            Some(found) => found,
            None => {
                let behind = behind.offset;
                return Ok(Written::Rewound { behind });
            }
        };
    }
    let answer = link
        .ask_one(command(keys, slice, last.as_ref(), now_ms))
        .await?;
    if let Value::ServerError(error) = &answer {
        return Err(Failure::of(error));
    }
    let Value::Array(parts) = &answer else {
        let why = "the script answered something else".to_owned();
        return Err(Failure::Refused(why));
    };
    let offset = Offset(parts.get(1).and_then(reply::number).unwrap_or(0));
    Ok(match parts.first().and_then(reply::text) {
        Some("ahead") => Written::Ahead { end: offset },
        Some("lost") => Written::Lost { found: offset },
        Some("rewound") => Written::Rewound { behind: offset },
        _ => Written::Done,
    })
}

/// The entry that a slice was folded up to, for the script to compare: the server has no SHA-256. `None` when it is
/// not there any more; nothing when it was trimmed, which it is an hour after everybody could have read it.
async fn last_folded(
    link: &mut Link,
    keys: &Keys,
    behind: Proof,
) -> Result<Option<Option<Record>>, Failure> {
    let looks = link.ask(delivery::before(keys, behind)).await?;
    if let Some(over) = Failure::over(&looks) {
        return Err(over);
    }
    let (found, extent) = delivery::seen(looks).map_err(Failure::Refused)?;
    let is_there = delivery::concludes(behind, found.as_ref(), extent) != Conclusion::Rewound;
    Ok(is_there.then_some(found))
}

/// What a mark says of the entry before it: `offset: u64 LE | digest`; empty when nobody has told. With the offset, as a
/// release that knows nothing of it moves the mark and leaves it.
fn encode_behind(behind: Option<Proof>) -> Vec<u8> {
    behind.map_or_else(Vec::new, |Proof { offset, digest }| {
        [&offset.0.to_le_bytes()[..], &digest.to_bytes()].concat()
    })
}

/// What a mark says of the entry before `resume_at`.
fn decode_behind(value: &[u8], resume_at: Offset) -> Option<Proof> {
    let (offset, digest) = value.split_first_chunk()?;
    let offset = Offset(u64::from_le_bytes(*offset));
    let digest = Digest::from_bytes(digest.try_into().ok()?);
    (offset.plus(1) == resume_at).then_some(Proof { offset, digest })
}

fn command(keys: &Keys, slice: &SnapshotSlice, last: Option<&Record>, now_ms: u64) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(WRITE).arg(3);
    command.arg(&keys.snapshot_rows).arg(&keys.snapshot_mark);
    command.arg(keys.stream(LogName::Alerts));
    match slice.resume_at {
        Some(resume_at) => command.arg(resume_at.0),
        None => command.arg(""),
    };
    command.arg(now_ms).arg(encode_behind(slice.behind));
    match last {
        Some(last) => command
            .arg(last.offset.plus(1).0)
            .arg(last.at_ms)
            .arg(&last.entry[..]),
        None => command.arg("").arg("").arg(""),
    };
    command.arg(slice.after.0).arg(slice.rows.len());
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
        .arg(CONFIRMED_AT_MS)
        .arg(BEHIND);
    command
}

/// The answer to [`mark`].
pub(super) fn read_mark(answer: &Value) -> Result<Option<Mark>, Failure> {
    match answer {
        Value::ServerError(error) => Err(Failure::of(error)),
        Value::Array(fields) => {
            let field = |at: usize| fields.get(at).and_then(reply::number);
            let Some((resume_at, at_ms)) = field(0).zip(field(1)) else {
                return Ok(None);
            };
            let resume_at = Offset(resume_at);
            let behind = fields.get(2).and_then(reply::bytes);
            Ok(Some(Mark {
                confirmed: Confirmed { resume_at, at_ms },
                behind: behind.and_then(|behind| decode_behind(behind, resume_at)),
            }))
        }
        _ => Err(Failure::Refused(
            "the snapshot's mark is something else".to_owned(),
        )),
    }
}

/// How often the snapshot was written.
fn writes(keys: &Keys) -> Cmd {
    let mut command = redis::cmd("HGET");
    command.arg(&keys.snapshot_mark).arg(WRITES);
    command
}

/// The mark, and the rows by key. They are read in pages; a row that is written
/// meanwhile may come as it was or as it is, and says itself up to where it has folded the log.
///
/// A row may have taken the place of others: then it came as it was, and they not at all. So what was written to is read
/// once more. What is replaced during that came with the first reading, in all its rows, as nothing is replaced twice.
pub(super) async fn read(
    link: &mut Link,
    keys: &Keys,
) -> Result<(Option<Mark>, Vec<Row>), Failure> {
    // First: the log behind this mark tells everything that the rows do not know yet.
    let mark = read_mark(&link.ask_one(mark(keys)).await?)?;
    let before = link.ask_one(writes(keys)).await?;
    let mut rows = BTreeMap::new();
    read_rows(link, keys, &mut rows).await?;
    if link.ask_one(writes(keys)).await? != before {
        read_rows(link, keys, &mut rows).await?;
    }
    Ok((mark, rows.into_values().collect()))
}

async fn read_rows(
    link: &mut Link,
    keys: &Keys,
    rows: &mut BTreeMap<Bytes, Row>,
) -> Result<(), Failure> {
    let mut cursor = "0".to_owned();
    loop {
        let mut command = redis::cmd("HSCAN");
        command.arg(&keys.snapshot_rows).arg(&cursor);
        command.arg("COUNT").arg(PAGE_ROWS);
        cursor = take_page(link.ask_one(command).await?, rows).map_err(Failure::Refused)?;
        if cursor == "0" {
            return Ok(());
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_the_entry_before_a_mark_is_of_that_mark_or_nothing() {
        let proof = Proof {
            offset: Offset(6),
            digest: Digest::of(7, b"entry"),
        };
        let value = encode_behind(Some(proof));
        assert_eq!(decode_behind(&value, Offset(7)), Some(proof));
        assert_eq!(decode_behind(&value, Offset(8)), None, "moved by another");
        assert_eq!(decode_behind(&value[..20], Offset(7)), None);
        assert_eq!(decode_behind(&encode_behind(None), Offset(7)), None);
    }
}

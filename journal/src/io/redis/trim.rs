//! Trimming: looks at the oldest entries, plans, deletes what the plan says. Anybody may do it, at
//! any time: what is to go depends on the snapshot and the clock alone.

use redis::Value;

use super::connect::Link;
use super::failure::Failure;
use super::settings::Keys;
use super::{reply, snapshot};
use crate::io::store::Trimmed;
use crate::offset::LogName;
use crate::stream_id;
use crate::trim::{Candidate, TRIM_BATCHES_MAX, TrimBy, plan};

/// Deletes at most [`TRIM_BATCHES_MAX`] of the oldest entries of `log`.
pub(super) async fn step(
    link: &mut Link,
    keys: &Keys,
    log: LogName,
    by: TrimBy,
) -> Result<Trimmed, Failure> {
    let mut oldest = redis::cmd("XRANGE");
    oldest.arg(keys.stream(log)).arg("-").arg("+");
    oldest.arg("COUNT").arg(TRIM_BATCHES_MAX);
    let answers = link.ask(vec![snapshot::mark(keys), oldest]).await?;
    let mut answers = answers.into_iter();
    let mark = snapshot::read_mark(&answers.next().unwrap_or_default())?;
    let oldest = reply::range(answers.next().unwrap_or_default()).map_err(Failure::Refused)?;
    let point = by.point(log, mark.map(|mark| mark.confirmed));
    let candidates: Vec<Candidate> = oldest
        .iter()
        .map(|record| Candidate {
            first: record.offset,
            end: record.offset.plus(1),
            committed_at_ms: record.at_ms,
        })
        .collect();
    let count = point.map_or(0, |point| plan(&candidates, point));
    let Some(last) = count.checked_sub(1).map(|last| candidates[last]) else {
        return Ok(Trimmed::default());
    };
    // By id and not by number: whoever trims at the same time deletes the same. The step is bounded
    // by what was looked at; `LIMIT` would keep whole pages of the stream.
    let mut command = redis::cmd("XTRIM");
    command.arg(keys.stream(log)).arg("MINID").arg("=");
    command.arg(stream_id::of(last.end));
    if let Value::ServerError(error) = link.ask_one(command).await? {
        return Err(Failure::of(&error));
    }
    let bytes = oldest[..count]
        .iter()
        .map(|record| record.entry.len() as u64);
    Ok(Trimmed {
        batches: count,
        bytes: bytes.sum(),
    })
}

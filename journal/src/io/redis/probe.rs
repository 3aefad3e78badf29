//! Looks at the server once a second, so that trouble is known before somebody appends, and its end
//! too.

use redis::{Cmd, Value};

use super::connect::{self, Link};
use super::failure::{ConnectError, Failure};
use super::reply::{self, Extent};
use super::settings::Keys;
use crate::offset::{LogName, PerLog};
use crate::partitions::PartitionCount;
use crate::server_check::Info;

/// Layout of the keys. Raised when an older release could no longer read them.
pub(super) const FORMAT_VERSION: u64 = 1;

/// A server as it is now.
pub(super) struct Looked {
    pub(super) info: Info,
    pub(super) extents: PerLog<Extent>,
    /// What is said of the log there, or why the server takes no writes.
    pub(super) layout: Result<Layout, String>,
}

/// What was said of the log when it was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) format: u64,
    pub(super) partitions: u64,
}

/// Asks how the server is, where the logs end, and for the writes that change nothing: what is said of
/// the log, if nothing is. The server refuses them for each reason for which it would refuse an append.
pub(super) async fn look(
    link: &mut Link,
    keys: &Keys,
    partitions: PartitionCount,
) -> Result<Looked, Failure> {
    let answers = link
        .ask(vec![
            connect::info(&["replication", "memory"]),
            extent_of(keys, LogName::Alerts),
            extent_of(keys, LogName::Tracks),
            unless_said(&keys.format, FORMAT_VERSION),
            unless_said(&keys.partitions, partitions.get().into()),
        ])
        .await?;
    let over = Failure::over(&answers);
    let mut answers = answers.into_iter();
    let mut next = || answers.next().unwrap_or_default();
    let info = reply::info(next()).map_err(Failure::Refused)?;
    if !info.is_master() {
        return Err(Failure::Broken("the server is master no more".to_owned()));
    }
    if let Some(over) = over {
        return Err(over);
    }
    let alerts = reply::extent(&next()).map_err(Failure::Refused)?;
    let tracks = reply::extent(&next()).map_err(Failure::Refused)?;
    let format = said(next(), FORMAT_VERSION);
    let partitions = said(next(), partitions.get().into());
    Ok(Looked {
        info,
        extents: PerLog { alerts, tracks },
        layout: format
            .and_then(|format| partitions.map(|partitions| Layout { format, partitions })),
    })
}

/// Sets a number, unless there is one, and asks for that.
fn unless_said(key: &str, number: u64) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(key).arg(number).arg("NX").arg("GET");
    command
}

/// The number that is there, or why the server takes no writes.
fn said(answer: Value, own: u64) -> Result<u64, String> {
    match answer {
        Value::ServerError(error) => Err(reply::server_words(&error)),
        // There was none, and this process has put its own.
        Value::Nil => Ok(own),
        number => reply::number(&number)
            .ok_or_else(|| "what is said of the log's layout cannot be read".to_owned()),
    }
}

pub(super) fn extent_of(keys: &Keys, log: LogName) -> Cmd {
    let mut command = redis::cmd("XINFO");
    command.arg("STREAM").arg(keys.stream(log));
    command
}

/// A log that a newer release has written is not touched, nor one that is cut in another way.
pub(super) fn check_layout(
    link: &Link,
    looked: &Looked,
    partitions: PartitionCount,
) -> Result<(), ConnectError> {
    let at = link.at.to_string();
    match looked.layout {
        Ok(Layout { format: found, .. }) if found > FORMAT_VERSION => {
            let known = FORMAT_VERSION;
            Err(ConnectError::NewerFormat { at, found, known })
        }
        Ok(Layout {
            partitions: found, ..
        }) if found != u64::from(partitions.get()) => {
            let configured = partitions.get();
            Err(ConnectError::OtherPartitions {
                at,
                found,
                configured,
            })
        }
        _ => Ok(()),
    }
}

//! Looks at the server once a second, so that trouble is known before somebody appends, and its end
//! too.

use redis::{Cmd, Value};

use super::connect::{self, Link};
use super::failure::{ConnectError, Failure};
use super::reply::{self, Extent};
use super::settings::Keys;
use crate::offset::{LogName, PerLog};
use crate::server_check::Info;

/// Layout of the keys. Raised when an older release could no longer read them.
pub(super) const FORMAT_VERSION: u64 = 1;

/// A server as it is now.
pub(super) struct Looked {
    pub(super) info: Info,
    pub(super) extents: PerLog<Extent>,
    /// The version that is there, or why the server takes no writes.
    pub(super) format: Result<u64, String>,
}

/// Asks how the server is, where the logs end, and for the one write that changes nothing: the
/// version, if there is none. The server refuses it for each reason for which it would refuse an
/// append.
pub(super) async fn look(link: &mut Link, keys: &Keys) -> Result<Looked, Failure> {
    let mut version = redis::cmd("SET");
    version
        .arg(&keys.format)
        .arg(FORMAT_VERSION)
        .arg("NX")
        .arg("GET");
    let answers = link
        .ask(vec![
            connect::info(&["replication", "memory"]),
            extent_of(keys, LogName::Alerts),
            extent_of(keys, LogName::Tracks),
            version,
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
    let format = match next() {
        Value::ServerError(error) => Err(reply::server_words(&error)),
        // There was none, and this release has put its own.
        Value::Nil => Ok(FORMAT_VERSION),
        version => reply::number(&version)
            .ok_or_else(|| "the version of the log's format cannot be read".to_owned()),
    };
    Ok(Looked {
        info,
        extents: PerLog { alerts, tracks },
        format,
    })
}

pub(super) fn extent_of(keys: &Keys, log: LogName) -> Cmd {
    let mut command = redis::cmd("XINFO");
    command.arg("STREAM").arg(keys.stream(log));
    command
}

/// A log that a newer release has written is not touched.
pub(super) fn check_format(link: &Link, looked: &Looked) -> Result<(), ConnectError> {
    match looked.format {
        Ok(found) if found > FORMAT_VERSION => Err(ConnectError::NewerFormat {
            at: link.at.clone(),
            found,
            known: FORMAT_VERSION,
        }),
        _ => Ok(()),
    }
}

//! Why there is no connection, or no answer.

use std::path::PathBuf;

use crate::error::StoreError;
use crate::server_check::Finding;

/// No connection that the log can be read or written by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// A file of the settings cannot be used.
    #[error("{}: {why}; the settings of the log's server name it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers, or not as a Redis server would, or not within the time.
    #[error("the log's server {at} cannot be reached: {why}; see whether it runs")]
    Unreachable {
        /// Its address.
        at: String,
        /// What happened.
        why: String,
    },
    /// The server does not let us in.
    #[error(
        "the log's server {at} does not let us in: {why}; see to the user and the password file"
    )]
    Denied {
        /// Its address.
        at: String,
        /// What it answered.
        why: String,
    },
    /// The server takes no writes of its own.
    #[error(
        "the log's server {at} is a {role} and not the master; name the master, or its sentinels"
    )]
    NotMaster {
        /// Its address.
        at: String,
        /// What it says that it is.
        role: String,
    },
    /// No sentinel knows a master that answers.
    #[error("no sentinel names a master `{service}` that answers: {why}")]
    NoMaster {
        /// The name that the sentinels were asked for.
        service: String,
        /// What the last of them said, or the server that it named.
        why: String,
    },
    /// The server is set up in a way in which it would lose the log.
    #[error(
        "the log's server {at} may not hold the log: {}; change its configuration",
        list(findings)
    )]
    Unfit {
        /// Its address.
        at: String,
        /// What is wrong; at least one is a refusal.
        findings: Vec<Finding>,
    },
    /// A newer release has written there.
    #[error(
        "the log on {at} has format {found}, this release reads up to {known}; start the newer one"
    )]
    NewerFormat {
        /// The server's address.
        at: String,
        /// The version that is there.
        found: u64,
        /// The newest version that this release reads.
        known: u64,
    },
}

fn list(findings: &[Finding]) -> String {
    let words: Vec<String> = findings
        .iter()
        .filter(|finding| finding.is_refusal)
        .map(Finding::to_string)
        .collect();
    words.join("; ")
}

/// Why there is no answer to go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection is of no use any more; whether the question was heard is not known.
    Broken(String),
    /// The server said no.
    Refused(String),
}

impl Failure {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Broken(why) | Self::Refused(why) => why,
        }
    }

    /// As the answer to whoever asked.
    pub(super) fn store_error(&self, doing: &'static str) -> StoreError {
        StoreError::Unreachable {
            doing,
            why: self.why().to_owned(),
        }
    }
}

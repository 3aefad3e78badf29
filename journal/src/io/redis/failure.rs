//! Why there is no connection, or no answer.

use std::path::PathBuf;

use redis::{ServerError, Value};

use super::reply;
use crate::error::StoreError;
use crate::hash_slot::HashSlot;
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
    /// A server of a cluster that has not the keys of this partition, or not all of them, or not now.
    #[error(
        "the log's server {at} does not answer for the keys of this partition: {why}; they are \
         elsewhere in its cluster or on their way, and with the cluster in the settings they are found"
    )]
    Elsewhere {
        /// Its address.
        at: String,
        /// What it answered.
        why: String,
    },
    /// No server of the cluster leads to one that answers for the keys of this partition.
    #[error("no server of the cluster leads to the master of slot {slot}: {why}")]
    NoShard {
        /// Where the keys are.
        slot: HashSlot,
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
    /// The log was set up with another number of partitions: what one phone says would be in two of
    /// them.
    #[error(
        "the log on {at} has {found} partitions, this process is configured for {configured}; \
         the number is fixed when the log is set up: configure {found}, or another key prefix"
    )]
    OtherPartitions {
        /// The server's address.
        at: String,
        /// The number that is there.
        found: u64,
        /// The number in the settings.
        configured: u16,
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
    /// What an error of the server is to whoever asked.
    pub(super) fn of(error: &ServerError) -> Self {
        let why = reply::server_words(error);
        match is_over(error.code()) {
            true => Self::Broken(why),
            false => Self::Refused(why),
        }
    }

    /// Whether one of these answers says that the server is not the one to ask.
    pub(super) fn over(answers: &[Value]) -> Option<Self> {
        answers.iter().find_map(|answer| match answer {
            Value::ServerError(error) if is_over(error.code()) => Some(Self::of(error)),
            _ => None,
        })
    }

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

/// Whether a server with this answer is not the one to ask, and has done nothing of what it was asked: a
/// replica, one that is being made one, or one that has not the keys.
pub(super) fn is_over(code: &str) -> bool {
    ["READONLY", "MASTERDOWN", "LOADING"].contains(&code) || is_elsewhere(code)
}

/// Whether a server of a cluster answers so for keys that it has not (`MOVED`), that are on their way
/// to another server (`ASK`, and `TRYAGAIN` when some of them are), or that it may not touch now.
///
/// Whoever went after `ASK` to the other server would find half a partition there. So nobody does: what
/// is appended waits until the slot has moved.
pub(super) fn is_elsewhere(code: &str) -> bool {
    ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"].contains(&code)
}

/// Whether a server has refused with these words for want of replicas. So does one whose place another has
/// taken, and with it the replicas: until it is told, it says that it is master.
pub(super) fn lacks_replicas(why: &str) -> bool {
    // The words of a server begin with its code.
    why.split(' ').next() == Some("NOREPLICAS")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(texts: &[&str]) -> Vec<Value> {
        let parse = |text: &&str| redis::parse_redis_value(text.as_bytes()).unwrap();
        texts.iter().map(parse).collect()
    }

    #[test]
    fn a_server_that_is_not_the_one_to_ask_is_left_and_another_refusal_is_one() {
        for over in [
            "-MOVED 12739 127.0.0.1:7002\r\n",
            "-ASK 12739 127.0.0.1:7002\r\n",
            "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
            "-CLUSTERDOWN Hash slot not served\r\n",
            "-READONLY You can't write against a read only replica.\r\n",
            "-LOADING Redis is loading the dataset in memory\r\n",
        ] {
            let failure = Failure::over(&answers(&["+OK\r\n", "*0\r\n", over]));
            let Some(Failure::Broken(why)) = failure else {
                panic!("{over}: {failure:?}")
            };
            assert_eq!(why, over[1..].trim_end());
        }
        let full = answers(&["+OK\r\n", "-OOM command not allowed\r\n"]);
        assert_eq!(Failure::over(&full), None);
        let Value::ServerError(error) = &full[1] else {
            unreachable!()
        };
        let refused = Failure::of(error);
        assert!(matches!(refused, Failure::Refused(_)));
        assert!(!lacks_replicas(refused.why()));
        let lonely = answers(&["-NOREPLICAS Not enough good replicas to write.\r\n"]);
        let Value::ServerError(error) = &lonely[0] else {
            unreachable!()
        };
        assert!(lacks_replicas(Failure::of(error).why()));
    }
}

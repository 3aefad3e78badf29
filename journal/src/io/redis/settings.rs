//! Where the log is, how to get in, and what is expected of it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::hash_slot::HashSlot;
use crate::offset::{LogName, Partition};
use crate::partitions::PartitionCount;

/// How long one server may take until it has let us in. Half of what an append may take, so that a
/// server that is gone is known to be before anybody gives up.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the server may take for an answer: after 2 s without one a relay takes another way, and
/// an append that was under way is unknown.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an append waits for the replicas: ten round trips to another site. After that its
/// standing is `Offered`, and its author keeps it.
pub const REPLICAS_TIMEOUT: Duration = Duration::from_millis(300);

/// What all keys begin with unless something else is said.
pub const KEY_PREFIX: &str = "ansim";

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or a literal IP address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How the master is found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topology {
    /// It is always at this address, or something in front of it sees to that.
    Single(Address),
    /// Sentinels know where it is; they are asked again on each connection.
    Sentinel {
        /// The sentinels, in the order in which they are asked.
        sentinels: Vec<Address>,
        /// The name under which they watch the master.
        service: String,
        /// With which right the sentinels are asked; none for sentinels that ask for none.
        credentials: Option<Credentials>,
    },
    /// One of several masters has the slot that the keys of this partition are in, and each server of
    /// the cluster knows which; they are asked again on each connection.
    Cluster {
        /// Some of the servers, in the order in which they are asked: more than may be away at once.
        servers: Vec<Address>,
    },
}

/// Who asks. The password stands in a file and nowhere else; the file is read on each connection,
/// so that a new password needs no restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The ACL user; `None` for the server's default user.
    pub user: Option<String>,
    /// The file with the password; white space at its end does not count.
    pub password_file: PathBuf,
}

/// Encrypted connections. The files are PEM, and read on each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificates that the server's may descend from.
    pub ca_file: PathBuf,
    /// The certificate that the server wants to see, if any.
    pub client: Option<ClientCertificate>,
}

/// A certificate of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and what is between it and the server's CA.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// Everything about a log on a Redis server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How the master is found.
    pub topology: Topology,
    /// Encrypts connections to the master and to whom tells where it is; `None` for a network of one's
    /// own.
    pub tls: Option<Tls>,
    /// With which right the master is asked, and any server of a cluster.
    pub credentials: Option<Credentials>,
    /// What all keys begin with: several deployments may share a server. Without braces, which
    /// decide the slot of a cluster.
    pub key_prefix: String,
    /// How many partitions the log has: the same for all who share it, and fixed when it is set up.
    pub partitions: PartitionCount,
    /// The partition that a handle is, where it is one; see [`super::Redis`].
    pub partition: Partition,
    /// Replicas that have to have an entry before its append is confirmed: in their memory, which is
    /// what a server can tell. With 0 nobody waits.
    pub replicas: u8,
    /// How long an append waits for them.
    pub replicas_timeout: Duration,
    /// How long a server may take until it has let us in.
    pub connect_timeout: Duration,
    /// How long the server may take for an answer.
    pub response_timeout: Duration,
}

impl Settings {
    /// The one partition of a log at one address, unencrypted, with nobody to wait for.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self {
            topology: Topology::Single(address),
            tls: None,
            credentials: None,
            key_prefix: KEY_PREFIX.to_owned(),
            partitions: PartitionCount::ONE,
            partition: Partition::ZERO,
            replicas: 0,
            replicas_timeout: REPLICAS_TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
        }
    }

    /// The same log, and this partition of it.
    #[must_use]
    pub fn of_partition(&self, partition: Partition) -> Self {
        Self {
            partition,
            ..self.clone()
        }
    }
}

/// The names of a partition's keys. What stands in braces decides the slot of a cluster, so that one
/// transaction can touch them all.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    alerts: String,
    tracks: String,
    /// Hash: key of a row → its value.
    pub(super) snapshot_rows: String,
    /// Hash: where a reader of the snapshot goes on, and when that was said.
    pub(super) snapshot_mark: String,
    /// The version of all this.
    pub(super) format: String,
    /// How many partitions the log has. Each says it, as in a cluster each is elsewhere.
    pub(super) partitions: String,
    /// When somebody last waited for the replicas of everything: milliseconds since the Unix epoch.
    pub(super) waited_at: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, partition: Partition) -> Self {
        let key = |name: &str| format!("{{{prefix}:p{}}}:{name}", partition.0);
        Self {
            alerts: key("alerts"),
            tracks: key("tracks"),
            snapshot_rows: key("snapshot"),
            snapshot_mark: key("snapshot_mark"),
            format: key("format"),
            partitions: key("partitions"),
            waited_at: key("waited_at"),
        }
    }

    /// Where a cluster has all of them.
    pub(super) fn slot(&self) -> HashSlot {
        HashSlot::of(&self.alerts)
    }

    pub(super) fn stream(&self, log: LogName) -> &str {
        match log {
            LogName::Alerts => &self.alerts,
            LogName::Tracks => &self.tracks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_partition_have_one_tag() {
        let keys = Keys::new("ansim", Partition(7));
        let all = [
            keys.stream(LogName::Alerts),
            keys.stream(LogName::Tracks),
            &keys.snapshot_rows,
            &keys.snapshot_mark,
            &keys.format,
            &keys.partitions,
            &keys.waited_at,
        ];
        assert!(all.iter().all(|key| key.starts_with("{ansim:p7}:")));
        assert_eq!(all[0], "{ansim:p7}:alerts");
        assert!(all.iter().all(|key| HashSlot::of(key) == keys.slot()));
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn addresses_read_as_people_write_them() {
        let address = |host: &str| {
            Address {
                host: host.to_owned(),
                port: 6379,
            }
            .to_string()
        };
        assert_eq!(address("log.example"), "log.example:6379");
        assert_eq!(address("::1"), "[::1]:6379");
    }
}

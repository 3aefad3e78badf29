//! The section `[log]`: the log on Redis that relays and dispatchers share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use journal::io::redis::settings::{
    Address, ClientCertificate, Credentials, KEY_PREFIX, Settings, Tls, Topology,
};
use journal::{PARTITIONS_DEFAULT, Partition, PartitionCount};
use serde::{Deserialize, Serialize};

/// The port of Redis where none is said.
const REDIS_PORT: u16 = 6379;

/// The port of a Sentinel where none is said.
const SENTINEL_PORT: u16 = 26379;

/// A log on Redis Streams.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `host:port` of the master, of each Sentinel that knows where it is, or of servers of a cluster.
    pub servers: Vec<String>,
    /// The name under which Sentinels watch the master; with it the servers are Sentinels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentinel_service: Option<String>,
    /// Whether the servers are some of a Redis Cluster, which know where each partition is.
    #[serde(default)]
    pub cluster: bool,
    /// The ACL user; without it the server's default user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Holds the password, for servers and Sentinels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The authority of the servers' certificates in PEM. With it connections are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// What this process shows to servers, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PathBuf>,
    /// What all keys begin with.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// How many partitions the log has: the same for all that share it, and fixed when it is set up.
    #[serde(default = "default_partitions")]
    pub partitions: u16,
    /// The partitions that the board of this dispatcher shows, beside the first, which all show; all, where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<BTreeSet<u16>>,
    /// Replicas that must have an entry before its append is confirmed.
    #[serde(default = "default_replicas")]
    pub replicas: u8,
}

fn default_prefix() -> String {
    KEY_PREFIX.to_owned()
}

fn default_partitions() -> u16 {
    PARTITIONS_DEFAULT.get()
}

/// One: a single server that dies takes nothing with it that was confirmed.
fn default_replicas() -> u8 {
    1
}

impl Log {
    pub(super) fn check(&self) -> Result<(), String> {
        self.settings().map(drop)
    }

    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let paths = [
            self.password_file.as_mut(),
            self.ca_file.as_mut(),
            self.certificate.as_mut(),
            self.private_key.as_mut(),
        ];
        paths.into_iter().flatten()
    }

    /// The partitions that the board of a dispatcher is to show; `None` for all.
    #[must_use]
    pub fn fold(&self) -> Option<BTreeSet<Partition>> {
        let fold = self.fold.as_ref()?;
        Some(fold.iter().copied().map(Partition).collect())
    }

    /// As the journal wants it.
    ///
    /// # Errors
    /// In words, which keys do not go together.
    pub fn settings(&self) -> Result<Settings, String> {
        let credentials = match (&self.user, &self.password_file) {
            (user, Some(password_file)) => Some(Credentials {
                user: user.clone(),
                password_file: password_file.clone(),
            }),
            (Some(_), None) => return Err("log.user needs log.password_file".to_owned()),
            (None, None) => None,
        };
        if self.prefix.is_empty() || self.prefix.contains(['{', '}']) {
            return Err("log.prefix must be a word without braces".to_owned());
        }
        let partitions = PartitionCount::new(self.partitions)
            .ok_or_else(|| format!("log.partitions must be 1 to {}", PartitionCount::MAX))?;
        let is_there =
            |fold: &BTreeSet<u16>| fold.last().is_some_and(|last| *last < self.partitions);
        if !self.fold.as_ref().is_none_or(is_there) {
            return Err(format!(
                "log.fold must name partitions from 0 to {}, at least one",
                partitions.get() - 1
            ));
        }
        let topology = self.topology(credentials.clone())?;
        // The address is replaced by the topology.
        let nowhere = Address {
            host: String::new(),
            port: 0,
        };
        Ok(Settings {
            topology,
            tls: self.tls()?,
            credentials,
            key_prefix: self.prefix.clone(),
            partitions,
            replicas: self.replicas,
            ..Settings::at(nowhere)
        })
    }

    fn topology(&self, credentials: Option<Credentials>) -> Result<Topology, String> {
        let addresses = |default_port| {
            let servers = self.servers.iter();
            servers
                .map(|text| address(text, default_port))
                .collect::<Result<_, _>>()
        };
        match (&self.servers[..], &self.sentinel_service, self.cluster) {
            (_, Some(_), true) => Err(
                "log.cluster and log.sentinel_service exclude each other: the servers of a cluster \
                 look after their masters themselves; leave one of them out"
                    .to_owned(),
            ),
            ([_, ..], None, true) => Ok(Topology::Cluster {
                servers: addresses(REDIS_PORT)?,
            }),
            ([master], None, false) => Ok(Topology::Single(address(master, REDIS_PORT)?)),
            ([_, ..], Some(service), false) => Ok(Topology::Sentinel {
                sentinels: addresses(SENTINEL_PORT)?,
                service: service.clone(),
                credentials,
            }),
            _ => Err(
                "log.servers must be one address, the master's; or those of Sentinels, with \
                 log.sentinel_service; or those of servers of a cluster, with log.cluster"
                    .to_owned(),
            ),
        }
    }

    fn tls(&self) -> Result<Option<Tls>, String> {
        let client = match (&self.certificate, &self.private_key) {
            (Some(certificate), Some(key)) => Some(ClientCertificate {
                certificate_file: certificate.clone(),
                key_file: key.clone(),
            }),
            (None, None) => None,
            _ => return Err("log.certificate and log.private_key go together".to_owned()),
        };
        match (&self.ca_file, client) {
            (Some(ca_file), client) => Ok(Some(Tls {
                ca_file: ca_file.clone(),
                client,
            })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err("log.certificate needs log.ca_file".to_owned()),
        }
    }
}

/// `host`, `host:port`, `[::1]:port`.
fn address(text: &str, default_port: u16) -> Result<Address, String> {
    let wrong = || format!("log: `{text}` is no address: write host:port, or [address]:port");
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            (host, port.parse().map_err(|_| wrong())?)
        }
        _ => (text, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings, String> {
        toml::from_str::<Log>(text).unwrap().settings()
    }

    #[test]
    fn a_master_sentinels_or_a_cluster_are_found_and_nothing_between() {
        let one = settings("servers = ['log.example']").unwrap();
        let Topology::Single(address) = one.topology else {
            panic!("{:?}", one.topology);
        };
        assert_eq!(address.to_string(), "log.example:6379");
        assert_eq!((one.replicas, one.tls), (1, None));
        assert_eq!(one.partitions.get(), 16);
        let part: Log = toml::from_str("servers = ['a']\nfold = [15, 0]").unwrap();
        part.check().unwrap();
        assert_eq!(part.fold(), Some([Partition(0), Partition(15)].into()));
        let watched =
            settings("servers = ['a:1', '[::1]:2', 'c']\nsentinel_service = 'ansim'").unwrap();
        let Topology::Sentinel { sentinels, .. } = watched.topology else {
            panic!("{:?}", watched.topology);
        };
        let written: Vec<_> = sentinels.iter().map(ToString::to_string).collect();
        assert_eq!(written, ["a:1", "[::1]:2", "c:26379"]);
        let sharded = settings("servers = ['a', 'b:2']\ncluster = true").unwrap();
        let Topology::Cluster { servers } = sharded.topology else {
            panic!("{:?}", sharded.topology);
        };
        let written: Vec<_> = servers.iter().map(ToString::to_string).collect();
        assert_eq!(written, ["a:6379", "b:2"]);
        let both = "servers = ['a', 'b']\ncluster = true\nsentinel_service = 'ansim'";
        let said = settings(both).unwrap_err();
        assert!(said.contains("exclude each other"), "{said}");
        for wrong in [
            "servers = []",
            "servers = []\ncluster = true",
            "servers = ['a', 'b']\ncluster = false",
            "servers = []\nsentinel_service = 'b'",
            "servers = ['a', 'b']",
            "servers = ['a:b']",
            "servers = [':1']",
            "servers = ['a']\nuser = 'u'",
            "servers = ['a']\ncertificate = 'c'",
            "servers = ['a']\ncertificate = 'c'\nprivate_key = 'k'",
            "servers = ['a']\nprefix = '{x}'",
            "servers = ['a']\npartitions = 0",
            "servers = ['a']\npartitions = 257",
            "servers = ['a']\nfold = []",
            "servers = ['a']\nfold = [0, 16]",
        ] {
            assert!(settings(wrong).is_err(), "{wrong}");
        }
    }
}

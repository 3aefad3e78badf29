//! Whether a Redis server may hold the log, as findings from what it says of itself.

use std::collections::BTreeMap;
use std::fmt;

/// The oldest version with ids that the server counts within a part that we give (`0-*`).
pub const VERSION_MIN: Version = Version { major: 7, minor: 0 };

/// Share of the server's memory at which somebody has to look, as for the embedded journal.
pub const MEMORY_ALARM_PERCENT: u64 = 70;

/// Share of the server's memory at which positions are shed: at 100 % the server takes no alert
/// either. What is left takes over an hour of a nation's alerts.
pub const MEMORY_SHED_PERCENT: u64 = 85;

/// The settings that are looked at.
pub const SETTINGS: [&str; 4] = [
    "appendonly",
    "appendfsync",
    "maxmemory-policy",
    "min-replicas-to-write",
];

/// The setting that is looked at with a server of a cluster.
pub const FULL_COVERAGE: &str = "cluster-require-full-coverage";

/// What stands for the settings when they cannot be read.
const CONFIG_GET: &str = "CONFIG GET";

/// The first two numbers of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first.
    pub major: u32,
    /// The second.
    pub minor: u32,
}

impl Version {
    /// Reads `7.0.15`; `None` when it does not begin with two numbers.
    #[must_use]
    pub fn parse(version: &str) -> Option<Self> {
        let mut parts = version.trim().split('.');
        Some(Self {
            major: parts.next()?.parse().ok()?,
            minor: parts.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Something about a server that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The setting, by the server's name for it.
    pub setting: &'static str,
    /// What it is.
    pub found: String,
    /// What it has to be.
    pub wanted: String,
    /// Whether the server may not hold the log; otherwise it is a warning.
    pub is_refusal: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            found,
            wanted,
            ..
        } = self;
        write!(f, "{setting} is {found}, wanted: {wanted}")
    }
}

/// The answer to `INFO`, by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info(BTreeMap<String, String>);

impl Info {
    /// Reads lines of `field:value`; others are skipped.
    #[must_use]
    pub fn parse(answer: &str) -> Self {
        let fields = answer.lines().filter_map(|line| line.split_once(':'));
        Self(
            fields
                .map(|(field, value)| (field.to_owned(), value.trim().to_owned()))
                .collect(),
        )
    }

    /// The value of a field; empty when it is absent.
    #[must_use]
    pub fn get(&self, field: &str) -> &str {
        self.0.get(field).map_or("", String::as_str)
    }

    /// Whether the server takes writes of its own: it is no replica.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.get("role") == "master"
    }

    /// Whether the server is one of a cluster.
    #[must_use]
    pub fn is_of_cluster(&self) -> bool {
        self.get("cluster_enabled") == "1"
    }

    /// The identity of the server's history; another one after every failover.
    #[must_use]
    pub fn replication_id(&self) -> &str {
        self.get("master_replid")
    }

    /// How full the server is.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let bytes = |field| self.get(field).parse().unwrap_or(0);
        Memory {
            used_bytes: bytes("used_memory"),
            max_bytes: bytes("maxmemory"),
        }
    }
}

/// How full a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes at which it refuses every write; 0 when there is no bound.
    pub max_bytes: u64,
}

impl Memory {
    /// Whether so much of the memory is used. Without a bound, never.
    #[must_use]
    pub const fn has_reached(self, percent: u64) -> bool {
        self.max_bytes > 0 && self.used_bytes >= self.max_bytes / 100 * percent
    }
}

/// Whether the version of a server will do: `redis_version` of its `INFO`.
#[must_use]
pub fn check_version(info: &Info) -> Option<Finding> {
    let found = info.get("redis_version");
    if Version::parse(found).is_some_and(|version| version >= VERSION_MIN) {
        return None;
    }
    Some(Finding {
        setting: "redis_version",
        found: or_unknown(found),
        wanted: format!("{VERSION_MIN} or later"),
        is_refusal: true,
    })
}

/// What is wrong with the settings of a server whose log is to be on so many replicas.
#[must_use]
pub fn check_settings(settings: &BTreeMap<String, String>, replicas: u8) -> Vec<Finding> {
    let get = |setting| settings.get(setting).map_or("", String::as_str);
    let finding = |setting: &'static str, wanted: String, is_refusal| Finding {
        setting,
        found: or_unknown(get(setting)),
        wanted,
        is_refusal,
    };
    let mut findings = Vec::new();
    if get("appendonly") != "yes" {
        findings.push(finding("appendonly", "yes".to_owned(), true));
    }
    if !["always", "everysec"].contains(&get("appendfsync")) {
        let wanted = "always, or everysec where a second may be lost with a machine".to_owned();
        findings.push(finding("appendfsync", wanted, true));
    }
    if get("maxmemory-policy") != "noeviction" {
        findings.push(finding("maxmemory-policy", "noeviction".to_owned(), true));
    }
    let enforced: u64 = get("min-replicas-to-write").parse().unwrap_or(0);
    if enforced < u64::from(replicas) {
        // Each append says for itself on how many replicas it is; without this the server only
        // takes more of what a failover may take back.
        let wanted = format!("{replicas} or more");
        findings.push(finding("min-replicas-to-write", wanted, false));
    }
    findings
}

/// What is wrong with how a server of a cluster is set up for the others' absence.
#[must_use]
pub fn check_coverage(settings: &BTreeMap<String, String>) -> Option<Finding> {
    let found = settings.get(FULL_COVERAGE).map_or("", String::as_str);
    (found != "no").then(|| Finding {
        setting: FULL_COVERAGE,
        found: or_unknown(found),
        wanted: "no, or a shard that is away takes the partitions of all others with it".to_owned(),
        is_refusal: false,
    })
}

/// What is said when the settings of a server cannot be read, and why.
#[must_use]
pub fn settings_unknown(why: &str) -> Finding {
    Finding {
        setting: CONFIG_GET,
        found: format!("refused ({why})"),
        wanted: format!(
            "allowed for this user, or somebody who makes sure of {}",
            SETTINGS.join(", ")
        ),
        is_refusal: false,
    }
}

fn or_unknown(found: &str) -> String {
    if found.is_empty() { "unknown" } else { found }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let good = [
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("maxmemory-policy", "noeviction"),
            ("min-replicas-to-write", "1"),
        ];
        let all = good.iter().chain(pairs);
        all.map(|&(setting, value)| (setting.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn info_is_read_by_field() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\nexecutable:/a:b\r\n\r\n# Memory\r\nused_memory:70\r\nmaxmemory:100\r\n# Replication\r\nrole:master\r\nmaster_replid:ab12\r\n",
        );
        assert_eq!(info.get("redis_version"), "7.0.15");
        assert_eq!(info.get("executable"), "/a:b");
        assert!(info.is_master());
        assert_eq!(info.replication_id(), "ab12");
        let memory = info.memory();
        assert!(memory.has_reached(70) && !memory.has_reached(71));
        assert_eq!(Info::parse("nonsense").get("role"), "");
    }

    #[test]
    fn without_a_bound_the_memory_is_never_full() {
        let memory = Memory {
            used_bytes: u64::MAX,
            max_bytes: 0,
        };
        assert!(!memory.has_reached(MEMORY_ALARM_PERCENT));
    }

    #[test]
    fn versions_before_seven_are_refused_by_name() {
        for (version, is_fit) in [
            ("7.0.15", true),
            ("7.2", true),
            ("10.0.1", true),
            ("6.2.14", false),
            ("7", false),
            ("", false),
            ("seven.0", false),
        ] {
            let finding = check_version(&Info::parse(&format!("redis_version:{version}")));
            assert_eq!(finding.is_none(), is_fit, "{version}");
        }
        let finding = check_version(&Info::parse("redis_version:6.2.14")).unwrap();
        assert!(finding.is_refusal);
        assert_eq!(
            finding.to_string(),
            "redis_version is 6.2.14, wanted: 7.0 or later"
        );
    }

    #[test]
    fn good_settings_are_no_findings() {
        assert_eq!(check_settings(&settings(&[]), 1), []);
        let everysec = settings(&[("appendfsync", "everysec"), ("min-replicas-to-write", "2")]);
        assert_eq!(check_settings(&everysec, 1), []);
    }

    #[test]
    fn each_setting_is_found_by_name() {
        for (setting, value, is_refusal) in [
            ("appendonly", "no", true),
            ("appendfsync", "no", true),
            ("maxmemory-policy", "allkeys-lru", true),
            ("min-replicas-to-write", "0", false),
        ] {
            let findings = check_settings(&settings(&[(setting, value)]), 1);
            let [finding] = &findings[..] else {
                panic!("{findings:?}")
            };
            assert_eq!(
                (finding.setting, &*finding.found, finding.is_refusal),
                (setting, value, is_refusal)
            );
        }
    }

    #[test]
    fn a_shard_that_is_away_is_to_take_no_other_with_it() {
        assert_eq!(check_coverage(&settings(&[(FULL_COVERAGE, "no")])), None);
        for (found, said) in [
            (&settings(&[(FULL_COVERAGE, "yes")]), "yes"),
            (&settings(&[]), "unknown"),
        ] {
            let finding = check_coverage(found).unwrap();
            assert_eq!((&*finding.found, finding.is_refusal), (said, false));
        }
        assert!(Info::parse("cluster_enabled:1\r\n").is_of_cluster());
        assert!(!Info::parse("cluster_enabled:0\r\n").is_of_cluster());
    }

    #[test]
    fn settings_that_are_not_told_are_not_taken_to_be_good() {
        let findings = check_settings(&BTreeMap::new(), 1);
        assert_eq!(findings.len(), SETTINGS.len());
        assert_eq!(findings[0].found, "unknown");
        let forbidden = settings_unknown("NOPERM");
        assert!(!forbidden.is_refusal && forbidden.to_string().contains("appendfsync"));
    }
}

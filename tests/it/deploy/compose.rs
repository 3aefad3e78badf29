//! The compose files: parsed, and looked at for what would be dangerous or missing. Never started here.

use std::collections::BTreeMap;

use yaml_serde::Value;

use super::{texts, yaml};
use crate::support::in_checkout;

/// What a site makes for itself is mounted from here.
const MADE_FOR_A_SITE: &str = "./site/";

/// The volume of the day keys.
const DAY_KEYS: &str = "day-keys";

/// A service with what it takes from another.
struct Service {
    command: Vec<String>,
    /// Source by target; the last one counts, as in Compose.
    mounts: BTreeMap<String, String>,
    ports: Vec<String>,
    restart: Option<String>,
}

struct Compose {
    services: BTreeMap<String, Service>,
    volumes: Vec<String>,
}

impl Compose {
    fn read(file: &str) -> Self {
        let compose = yaml(&format!("deploy/{file}"));
        let services = compose["services"].as_mapping().unwrap();
        let services = services.iter().map(|(name, service)| {
            let name = name.as_str().unwrap().to_owned();
            (name, Service::read(service))
        });
        let volumes = compose["volumes"].as_mapping().unwrap().keys();
        Self {
            services: services.collect(),
            volumes: volumes
                .map(|name| name.as_str().unwrap().to_owned())
                .collect(),
        }
    }

    fn named(&self, begin: &str) -> impl Iterator<Item = (&String, &Service)> {
        let services = self.services.iter();
        services.filter(move |(name, _)| name.starts_with(begin))
    }
}

impl Service {
    fn read(service: &Value) -> Self {
        let extended = &service["extends"];
        let mut read = match extended["file"].as_str() {
            Some(file) => {
                let other = yaml(&format!("deploy/{file}"));
                Self::read(&other["services"][extended["service"].as_str().unwrap()])
            }
            None => Self {
                command: Vec::new(),
                mounts: BTreeMap::new(),
                ports: Vec::new(),
                restart: None,
            },
        };
        if service.get("command").is_some() {
            read.command = owned(&service["command"]);
        }
        for mount in texts(&service["volumes"]) {
            let mut parts = mount.split(':');
            let source = parts.next().unwrap().to_owned();
            read.mounts.insert(parts.next().unwrap().to_owned(), source);
        }
        read.ports.extend(owned(&service["ports"]));
        if let Some(restart) = service["restart"].as_str() {
            read.restart = Some(restart.to_owned());
        }
        read
    }
}

fn owned(value: &Value) -> Vec<String> {
    texts(value).into_iter().map(str::to_owned).collect()
}

/// What is wrong with any of them.
fn faults(compose: &Compose) -> Vec<String> {
    let mut faults = Vec::new();
    let mut ports = Vec::new();
    for (name, service) in &compose.services {
        if service.restart.is_none() {
            faults.push(format!("{name} stays down when it ends"));
        }
        for (target, source) in &service.mounts {
            let is_there = if source.starts_with(MADE_FOR_A_SITE) {
                true
            } else if source.starts_with('.') {
                in_checkout("deploy").join(source).is_file()
            } else {
                compose.volumes.contains(source)
            };
            if !is_there {
                faults.push(format!("{name} mounts {source}, which is not there"));
            }
            let may_see_keys = ["relay-", "dispatcher-"];
            let sees_keys = source == DAY_KEYS || target.contains("day-keys");
            if sees_keys && !may_see_keys.iter().any(|begin| name.starts_with(begin)) {
                faults.push(format!("{name} sees the day keys"));
            }
        }
        let outer = service
            .ports
            .iter()
            .map(|port| port.split(':').next().unwrap());
        for port in outer {
            if ports.contains(&port) {
                faults.push(format!("{name} takes port {port} a second time"));
            }
            ports.push(port);
        }
    }
    faults
}

/// Relays and dispatchers, which are the same in both files.
fn check_processes(compose: &Compose) {
    assert_eq!(faults(compose), Vec::<String>::new());
    for (role, config) in [("relay", "relay.toml"), ("dispatcher", "dispatcher.toml")] {
        let own: Vec<_> = compose.named(&format!("{role}-")).collect();
        assert_eq!(own.len(), 2, "{role}");
        for (name, service) in own {
            let path = format!("/etc/ansim/{config}");
            assert_eq!(service.command, [role, "--config", &path]);
            assert!(service.mounts.contains_key(&path), "{name}");
            assert_eq!(service.mounts["/srv/ansim-day-keys"], DAY_KEYS, "{name}");
            assert_eq!(&service.mounts["/var/lib/ansim"], name, "its own journal");
        }
    }
}

#[test]
fn two_relays_and_two_dispatchers_stand_over_redis_with_replicas_and_three_sentinels() {
    let compose = Compose::read("compose.yaml");
    check_processes(&compose);
    let redis: Vec<_> = compose.named("redis-").collect();
    let master = &["sh", "/etc/redis/start.sh", "server", "redis-1"][..];
    assert_eq!(redis[0].1.command, master);
    // min-replicas-to-write is 1: with a single replica the master that is left takes nothing.
    assert_eq!(redis.len(), 3);
    for (name, replica) in &redis[1..] {
        let follows = [
            "sh",
            "/etc/redis/start.sh",
            "server",
            name,
            "redis-1",
            "6379",
        ];
        assert_eq!(replica.command, follows);
    }
    let sentinels: Vec<_> = compose.named("sentinel-").collect();
    assert_eq!(sentinels.len(), 3);
    for (name, sentinel) in sentinels {
        let watches = ["sh", "/etc/redis/start.sh", "sentinel", name];
        assert_eq!(sentinel.command, watches);
    }
}

#[test]
fn the_cluster_has_three_masters_with_a_replica_each() {
    let compose = Compose::read("compose.cluster.yaml");
    check_processes(&compose);
    let redis: Vec<_> = compose.named("redis-").collect();
    assert_eq!(redis.len(), 6);
    let create = compose.services["cluster"].command.concat();
    assert!(create.contains("--cluster-replicas 1"), "{create}");
    for (name, server) in redis {
        let starts = ["sh", "/etc/redis/start.sh", "cluster", name];
        assert_eq!(server.command, starts);
        assert_eq!(&server.mounts["/data"], name, "its own disk");
        assert!(create.contains(&format!("{name}:6379")), "{create}");
    }
    assert_eq!(compose.named("sentinel-").count(), 0);
    for role in ["relay", "dispatcher"] {
        for (_, service) in compose.named(&format!("{role}-")) {
            let config = &service.mounts[&format!("/etc/ansim/{role}.toml")];
            assert_eq!(config, &format!("./config/{role}.cluster.toml"));
        }
    }
}

#[test]
fn what_is_dangerous_in_a_compose_file_is_found() {
    type Change = fn(&mut Compose);
    let with = |change: Change| {
        let mut compose = Compose::read("compose.yaml");
        change(&mut compose);
        faults(&compose)
    };
    let cases: [(Change, &str); 4] = [
        (
            |compose| {
                let redis = compose.services.get_mut("redis-2").unwrap();
                redis.mounts.insert("/keys".to_owned(), DAY_KEYS.to_owned());
            },
            "redis-2 sees the day keys",
        ),
        (
            |compose| {
                let relay = compose.services.get_mut("relay-1").unwrap();
                relay.mounts.insert("/x".to_owned(), "./no/such".to_owned());
            },
            "relay-1 mounts ./no/such, which is not there",
        ),
        (
            |compose| compose.services.get_mut("relay-2").unwrap().restart = None,
            "relay-2 stays down when it ends",
        ),
        (
            |compose| {
                let relay = compose.services.get_mut("relay-2").unwrap();
                relay.ports = vec!["4433:4433/udp".to_owned()];
            },
            "relay-2 takes port 4433 a second time",
        ),
    ];
    for (change, fault) in cases {
        assert_eq!(with(change), [fault]);
    }
}

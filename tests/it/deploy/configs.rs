//! The configurations of each role, read as a process reads them.

use std::path::Path;

use ansim::config::Config;
use journal::io::redis::settings::Topology;

use crate::support::read_in_checkout;

const FOLDER: &str = "deploy/config";

/// Those that are read as they stand.
const FILES: [&str; 3] = ["relay.toml", "dispatcher.toml", "serve.toml"];

fn config(file: &str) -> Config {
    let text = read_in_checkout(&format!("{FOLDER}/{file}"));
    Config::parse(&text, Path::new(file)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_role_has_a_configuration_with_what_it_needs() {
    for file in FILES {
        let config = config(file);
        let role = file.split('.').next().unwrap();
        assert_eq!(config.relay.is_some(), role != "dispatcher", "{file}");
        assert_eq!(config.console.is_some(), role != "relay", "{file}");
        assert_eq!(config.log.is_some(), role != "serve", "{file}");
        // The units make this folder, and may write nowhere else but to the keys.
        assert_eq!(config.site.data, Path::new("/var/lib/ansim").join(role));
        assert_eq!(config.site.day_keys, Path::new("/srv/ansim-day-keys"));
        let operations = config.relay.and_then(|relay| relay.operations);
        assert_eq!(operations.is_some(), role == "relay", "{file}");
    }
}

#[test]
fn relays_and_dispatchers_share_one_log() {
    let log = |file| config(file).log.unwrap().settings().unwrap();
    let relay = log("relay.toml");
    assert_eq!(relay, log("dispatcher.toml"));
    assert_eq!(relay.replicas, 1);
    let Topology::Sentinel { sentinels, .. } = relay.topology else {
        panic!("{:?}", relay.topology)
    };
    assert_eq!(sentinels.len(), 3);
}

/// The same over a cluster; what is not of the log is as without one.
#[test]
fn relays_and_dispatchers_of_a_cluster_differ_in_the_log_alone() {
    for role in ["relay", "dispatcher"] {
        let table = |file: String| -> toml::Table {
            read_in_checkout(&format!("{FOLDER}/{file}"))
                .parse()
                .unwrap()
        };
        let mut alone = table(format!("{role}.toml"));
        let mut of_cluster = table(format!("{role}.cluster.toml"));
        let log = of_cluster.remove("log").unwrap();
        alone.remove("log");
        assert_eq!(alone, of_cluster, "{role}");
        assert_eq!(log["cluster"].as_bool(), Some(true));
        assert_eq!(log["servers"].as_array().unwrap().len(), 6);
        let log = config(&format!("{role}.cluster.toml")).log.unwrap();
        assert!(format!("{:?}", log.settings().unwrap().topology).contains("Cluster"));
    }
}

/// Each file of the folder, so that none is forgotten.
#[test]
fn no_configuration_is_left_out() {
    let folder = crate::support::in_checkout(FOLDER);
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let of_cluster = name.replace(".cluster.toml", ".toml");
        assert!(FILES.contains(&of_cluster.as_str()), "{name} is not read");
    }
}

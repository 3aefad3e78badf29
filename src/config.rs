//! The configuration: one TOML file, every key known, checked before anything listens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

mod log;
mod relay;

pub use self::relay::Relay;
pub use log::Log;

/// What `ansim serve` reads. Paths are relative to the folder of the file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The place and its keys.
    pub site: Site,
    /// The journal of this process.
    #[serde(default)]
    pub journal: Journal,
    /// The log that several processes share; without it the journal is the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    /// The phones' door; may be missing where there is only a dispatcher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
    /// The officers' door; may be missing where there is only a relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console: Option<Console>,
    /// What holds besides the map.
    #[serde(default)]
    pub policy: Policy,
}

/// The place and its keys.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Folder of the journal and of the relay's own keys.
    pub data: PathBuf,
    /// Folder of the day keys: on another disk than the journal, and in no backup.
    pub day_keys: PathBuf,
    /// Folder with `authority.pub` and `site.key`, as `ansim token keygen` makes them.
    pub keys: PathBuf,
    /// The jurisdictions, as GeoJSON.
    pub map: PathBuf,
    /// The map may say of itself that it is not official.
    #[serde(default)]
    pub allow_unofficial_map: bool,
}

/// The journal of this process.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journal {
    /// Memory for the database's pages, in MiB.
    pub cache_mib: usize,
    /// Spares the repair after a crash, for two syncs at each commit.
    pub quick_repair: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            cache_mib: journal::Options::default().cache_bytes >> 20,
            quick_repair: false,
        }
    }
}

/// The officers' door.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// TCP address. Without a certificate only on loopback.
    pub listen: SocketAddr,
    /// The officers.
    pub users: PathBuf,
    /// Certificate chain in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key: Option<PathBuf>,
}

/// What holds besides the map.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Seconds within which an officer must have acknowledged.
    pub acknowledge_within_s: u64,
}

impl Default for Policy {
    fn default() -> Self {
        let policy = dispatcher::proposer::Policy::default();
        Self {
            acknowledge_within_s: policy.acknowledge_within.0 / 1000,
        }
    }
}

/// A configuration that cannot be used. Nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of another kind; says the line.
    #[error("the configuration {} is wrong:\n{source}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What and in which line.
        source: toml::de::Error,
    },
    /// Two values that do not go together.
    #[error("the configuration {} is wrong: {what}", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// What to do.
        what: String,
    },
}

impl Console {
    fn check(&self) -> Result<(), String> {
        if self.certificate.is_some() != self.private_key.is_some() {
            return Err("console.certificate and console.private_key go together".to_owned());
        }
        if self.certificate.is_none() && !self.listen.ip().is_loopback() {
            return Err(format!(
                "console.listen = \"{}\" is not loopback: give console.certificate and \
                 console.private_key, or listen on 127.0.0.1 or [::1]",
                self.listen
            ));
        }
        Ok(())
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text, path)?;
        Ok(config.resolved(path.parent().unwrap_or(Path::new(""))))
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] and [`ConfigError::Contradiction`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|source| ConfigError::Wrong {
            path: path.to_owned(),
            source,
        })?;
        config.check().map_err(|what| ConfigError::Contradiction {
            path: path.to_owned(),
            what,
        })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        self.console.as_ref().map_or(Ok(()), Console::check)?;
        self.log.as_ref().map_or(Ok(()), Log::check)?;
        self.relay.as_ref().map_or(Ok(()), Relay::check)?;
        if self.log.is_none() && self.relay.as_ref().is_some_and(Relay::has_side_door) {
            return Err(
                "relay.dispatchers are told of alerts when the shared log takes nothing: it needs the \
                 section [log]"
                    .to_owned(),
            );
        }
        if self.policy.acknowledge_within_s == 0 {
            return Err("policy.acknowledge_within_s must be at least 1".to_owned());
        }
        if self.site.day_keys.starts_with(&self.site.data) && self.site.data != Path::new("") {
            return Err(
                "site.day_keys lies within site.data: whoever copies the journal would copy the \
                 keys; choose a folder outside"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Makes all paths relative to `folder`.
    fn resolved(mut self, folder: &Path) -> Self {
        let site = &mut self.site;
        let paths = [
            &mut site.data,
            &mut site.day_keys,
            &mut site.keys,
            &mut site.map,
        ];
        let relay = self.relay.iter_mut();
        let relay = relay.flat_map(Relay::paths);
        let console = self.console.iter_mut().flat_map(|console| {
            let paths = [
                Some(&mut console.users),
                console.certificate.as_mut(),
                console.private_key.as_mut(),
            ];
            paths.into_iter().flatten()
        });
        for path in paths
            .into_iter()
            .chain(relay)
            .chain(console)
            .chain(self.log.iter_mut().flat_map(Log::paths))
        {
            *path = folder.join(&*path);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../ansim.example.toml");

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("ansim.toml"))
    }

    #[test]
    fn the_example_names_every_key_with_its_default() {
        let config = parse(EXAMPLE).unwrap();
        let keys = |value: &toml::Value| {
            let mut keys = Vec::new();
            for (section, table) in value.as_table().unwrap() {
                for (key, value) in table.as_table().unwrap() {
                    keys.push((format!("{section}.{key}"), value.clone()));
                }
            }
            keys
        };
        // A key that is a comment in the example is one that is off by default.
        let uncommented: String = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix("#= ") {
                Some(key) => format!("{key}\n"),
                None => format!("{line}\n"),
            })
            .collect();
        let full = parse(&uncommented).unwrap();
        let written = toml::Value::try_from(&full).unwrap();
        let shown: toml::Value = toml::from_str(&uncommented).unwrap();
        let names = |value| {
            keys(value)
                .into_iter()
                .map(|(key, _)| key)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&written), names(&shown), "every key, and no other");

        let bare = parse(
            "[site]\ndata='d'\nday_keys='k'\nkeys='s'\nmap='m'\n\
             [relay]\nlisten='127.0.0.1:1'\ncertificate='c'\nprivate_key='p'\n\
             [console]\nlisten='127.0.0.1:2'\nusers='u'\n",
        )
        .unwrap();
        let (bare, example) = (
            toml::Value::try_from(&bare).unwrap(),
            toml::Value::try_from(&config).unwrap(),
        );
        for key in ["journal", "policy"] {
            assert_eq!(bare[key], example[key], "defaults of [{key}]");
        }
        for key in ["retry_above_handshakes", "segmentation_offload"] {
            assert_eq!(bare["relay"][key], example["relay"][key], "relay.{key}");
        }
        assert_eq!(
            bare["site"]["allow_unofficial_map"],
            example["site"]["allow_unofficial_map"]
        );
    }

    #[test]
    fn every_key_of_the_example_has_words_before_it() {
        let mut commented = false;
        for line in EXAMPLE.lines() {
            let key = line.strip_prefix("#= ").unwrap_or(line);
            if line.starts_with("# ") {
                commented = true;
            } else if key.contains('=') && !line.starts_with("# ") {
                assert!(commented, "no words before {line}");
                commented = false;
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let text = EXAMPLE.replace("[policy]\n", "[policy]\nacknowlege_within_s = 3\n");
        let line = 1 + text
            .lines()
            .position(|line| line.contains("acknowlege"))
            .unwrap();
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains(&format!("line {line}")), "{message}");
        assert!(message.contains("acknowlege_within_s"), "{message}");
    }

    #[test]
    fn values_that_contradict_are_refused() {
        let open = EXAMPLE.replace("127.0.0.1:8443", "0.0.0.0:8443");
        let message = parse(&open).unwrap_err().to_string();
        assert!(message.contains("not loopback"), "{message}");
        let inside = EXAMPLE.replace("day_keys = \"day-keys\"", "day_keys = \"data/keys\"");
        let message = parse(&inside).unwrap_err().to_string();
        assert!(message.contains("day_keys"), "{message}");
        let alone = EXAMPLE
            .replace("#= dispatchers =", "dispatchers =")
            .replace("#= dispatchers_ca_file =", "dispatchers_ca_file =");
        let message = parse(&alone).unwrap_err().to_string();
        assert!(message.contains("[log]"), "{message}");
        let never = EXAMPLE.replace("acknowledge_within_s = 15", "acknowledge_within_s = 0");
        assert!(parse(&never).is_err());
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = parse(EXAMPLE).unwrap().resolved(Path::new("/etc/ansim"));
        assert_eq!(config.site.data, Path::new("/etc/ansim/data"));
        assert_eq!(
            config.console.unwrap().users,
            Path::new("/etc/ansim/users.toml")
        );
    }
}

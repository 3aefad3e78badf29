//! What a process is made of: everything has been read and checked, nothing is written or bound.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use dispatcher::io::MapSource;
use dispatcher::io::http::{HttpConfig, TlsFiles};
use dispatcher::io::users::Users;
use dispatcher::jurisdiction::{Authority as MapAuthority, IdProperties, JurisdictionMap, load};
use dispatcher::proposer::Policy;
use journal::io::redis::settings::Settings;
use journal::{Options, Partition};
use protocol::token::Authority;
use protocol::{Millis, SitePrivateKey};
use relay::{Certificate, Dispatchers, RelayConfig, RetryPolicy};

use super::build_name;
use crate::config::{Config, Console, Log, Relay};
use crate::map_text;
use crate::site_keys::SiteKeys;

/// The journal's file within the data folder.
const JOURNAL_FILE: &str = "journal.redb";

/// The relay's own keys within the data folder.
const RELAY_KEYS_FOLDER: &str = "relay-keys";

/// What a process does for the site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Everything.
    Site,
    /// Listens to phones.
    Relay,
    /// Serves officers.
    Dispatcher,
}

/// What a process is made of.
pub struct ServiceParts {
    /// The journal's file; its folder is made.
    pub journal_path: PathBuf,
    /// How the journal is opened.
    pub journal: Options,
    /// The log that is shared with other processes; without it the journal is the log.
    pub log: Option<Settings>,
    /// Folder of the day keys.
    pub day_keys: PathBuf,
    /// The phones' side, if this process has it.
    pub relay: Option<RelayParts>,
    /// The officers' side, if this process has it.
    pub dispatcher: Option<DispatcherParts>,
}

/// The phones' side.
pub struct RelayParts {
    /// The phones' door.
    pub config: RelayConfig,
    /// Checks tokens.
    pub authority: Authority,
    /// Where operators ask a relay without a dispatcher how it is.
    pub operations: Option<SocketAddr>,
}

/// The officers' side.
pub struct DispatcherParts {
    /// Opens cancel codes.
    pub site_key: SitePrivateKey,
    /// Who answers for what.
    pub map: JurisdictionMap,
    /// Reads it anew, for a service that runs.
    pub map_source: MapSource,
    /// The partitions of the log that the board shows, to which the first is added; `None` for all.
    pub fold: Option<BTreeSet<Partition>>,
    /// What else holds.
    pub policy: Policy,
    /// The officers' door.
    pub console: HttpConfig,
    /// The officers.
    pub users: Users,
}

impl ServiceParts {
    /// Reads everything that a configuration names for this role.
    ///
    /// # Errors
    /// With the file, and the line or feature, of whatever cannot be used.
    pub fn read(config: &Config, role: Role) -> anyhow::Result<Self> {
        if role != Role::Site && config.log.is_none() {
            bail!(
                "the embedded log is one file for one process: a relay or a dispatcher alone needs \
                 the section [log], or run `ansim serve`"
            );
        }
        let log = config.log.as_ref().map(|log| log.settings());
        let relay = match (&config.relay, role) {
            (_, Role::Dispatcher) => None,
            (Some(relay), _) => Some(RelayParts::read(config, relay)?),
            (None, _) => bail!("the section [relay] is missing"),
        };
        let dispatcher = match (&config.console, role) {
            (_, Role::Relay) => None,
            (Some(console), _) => Some(DispatcherParts::read(config, console)?),
            (None, _) => bail!("the section [console] is missing"),
        };
        Ok(Self {
            journal_path: config.site.data.join(JOURNAL_FILE),
            journal: Options {
                cache_bytes: config.journal.cache_mib << 20,
                quick_repair: config.journal.quick_repair,
                ..Options::default()
            },
            log: log.transpose().map_err(anyhow::Error::msg)?,
            day_keys: config.site.day_keys.clone(),
            relay,
            dispatcher,
        })
    }
}

impl RelayParts {
    fn read(config: &Config, relay: &Relay) -> anyhow::Result<Self> {
        let mut door = RelayConfig::new(
            relay.listen,
            config.site.data.join(RELAY_KEYS_FOLDER),
            read_certificate(relay)?,
        );
        door.segmentation_offload = relay.segmentation_offload;
        door.retry = match relay.retry_above_handshakes {
            0 => RetryPolicy::Always,
            handshakes => RetryPolicy::AboveHandshakes(handshakes),
        };
        door.dispatchers = read_dispatchers(relay)?;
        Ok(Self {
            config: door,
            authority: SiteKeys::in_folder(&config.site.keys).authority()?,
            operations: relay.operations,
        })
    }
}

impl DispatcherParts {
    fn read(config: &Config, console: &Console) -> anyhow::Result<Self> {
        let tls = match (&console.certificate, &console.private_key) {
            (Some(certificate), Some(private_key)) => Some(TlsFiles {
                certificate: certificate.clone(),
                key: private_key.clone(),
            }),
            _ => None,
        };
        let map = read_map(config)?;
        let users = read_users(console, &map)?;
        Ok(Self {
            site_key: SiteKeys::in_folder(&config.site.keys).site_key()?,
            map,
            map_source: map_source(config),
            fold: config.log.as_ref().and_then(Log::fold),
            policy: Policy {
                acknowledge_within: Millis::from_secs(config.policy.acknowledge_within_s),
            },
            console: HttpConfig {
                listen: console.listen,
                tls,
                build: build_name(),
            },
            users,
        })
    }
}

/// Reads what phones are shown.
///
/// # Errors
/// With the file that cannot be used.
pub fn read_certificate(relay: &Relay) -> anyhow::Result<Certificate> {
    let read = |path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let (chain, key) = (&relay.certificate, &relay.private_key);
    Certificate::from_pem(&read(chain)?, &read(key)?)
        .with_context(|| format!("{} with {} cannot be used", chain.display(), key.display()))
}

/// The dispatchers for when the log takes nothing.
fn read_dispatchers(relay: &Relay) -> anyhow::Result<Dispatchers> {
    let addresses = relay.dispatcher_addresses().map_err(anyhow::Error::msg)?;
    let Some(path) = &relay.dispatchers_ca_file else {
        return Ok(Dispatchers::new(addresses, &[])?);
    };
    let authority =
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let unusable = || format!("{} cannot be used", path.display());
    let dispatchers = Dispatchers::new(addresses, &authority).with_context(unusable)?;
    if !dispatchers.has_authority() {
        bail!("{} has no certificate in PEM", path.display());
    }
    Ok(dispatchers)
}

fn read_users(console: &Console, map: &JurisdictionMap) -> anyhow::Result<Users> {
    let path = &console.users;
    let users = Users::load(path).with_context(|| path.display().to_string())?;
    for officer in users.officers() {
        if !officer.desk.is_on(map) {
            bail!(
                "{}: the map has no desk `{}`, so officer `{}` would never be shown an alert",
                path.display(),
                officer.desk.id(),
                officer.id
            );
        }
    }
    Ok(users)
}

/// Reads the map that this configuration names, as at the start.
fn map_source(config: &Config) -> MapSource {
    let config = config.clone();
    MapSource::new(move || read_map(&config).map_err(|error| format!("{error:#}")))
}

fn read_map(config: &Config) -> anyhow::Result<JurisdictionMap> {
    let path = &config.site.map;
    let text = map_text::read(path)?;
    let loaded = load(&text, &path.display().to_string(), &IdProperties::default())?;
    if let Some(doubt) = loaded.doubts().next() {
        bail!(
            "{}: {doubt}; {} such places: see `ansim jurisdictions check`",
            path.display(),
            loaded.doubts().count()
        );
    }
    if !loaded.warnings.is_empty() {
        tracing::warn!(
            "{}: {} repairs while it was read: see `ansim jurisdictions check`",
            path.display(),
            loaded.warnings.len()
        );
    }
    if loaded.map.authority() != MapAuthority::Official && !config.site.allow_unofficial_map {
        bail!(
            "the map {} says that it is {}; use an official one, or set \
             site.allow_unofficial_map = true to start all the same",
            path.display(),
            loaded.map.authority()
        );
    }
    Ok(loaded.map)
}

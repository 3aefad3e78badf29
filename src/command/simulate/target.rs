//! A service that runs somewhere, and what is needed to load it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ansim::map_text;
use anyhow::Context as _;
use dispatcher::jurisdiction::{IdProperties, load};
use protocol::token::Issuer;
use protocol::{Enrolment, hex};
use serde::Deserialize;
use simulator::io::Site;
use simulator::report::ServicePlace;

use crate::command::WrongUsage;

/// The file that `--target` names. Paths are relative to its folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// `http://…` of the officers' page. Plain HTTP: through a tunnel, where the network is not trusted.
    console: String,
    /// An officer of the national desk, who sees everything.
    user: String,
    /// Holds their password.
    password_file: PathBuf,
    /// Any enrolment file of the site: its relays, authority and key are used, its token is not.
    enrolment: PathBuf,
    /// The seed that signs tokens, of `ansim token keygen`: each phone of a load needs its own token.
    issuer_key: PathBuf,
    /// The service's map, by which is judged.
    map: PathBuf,
    /// The tokens are for practice only, and the alerts say so.
    #[serde(default = "yes")]
    drill: bool,
    /// Others use the service meanwhile, such as another machine of the same load: incidents of nobody
    /// are theirs.
    #[serde(default)]
    shared: bool,
    /// The service's process on this machine: its use of the machine goes into the report.
    #[serde(default)]
    service_pid: Option<u32>,
}

const fn yes() -> bool {
    true
}

impl Target {
    /// Reads it, and resolves its paths.
    pub(super) fn read(path: &Path) -> Result<Self, WrongUsage> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| WrongUsage(format!("cannot read the target {name}: {error}")))?;
        let mut target: Self = toml::from_str(&text)
            .map_err(|error| WrongUsage(format!("the target {name} cannot be used: {error}")))?;
        if !target.console.starts_with("http://") {
            return Err(WrongUsage(format!(
                "the target {name} has console = `{}`, and only http:// can be loaded: name a \
                 tunnel to it",
                target.console
            )));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let Self {
            password_file,
            enrolment,
            issuer_key,
            map,
            ..
        } = &mut target;
        for file in [password_file, enrolment, issuer_key, map] {
            *file = folder.join(&*file);
        }
        Ok(target)
    }

    /// Where it is, as far as the file says.
    pub(super) fn place(&self) -> ServicePlace {
        match self.service_pid {
            Some(_) => ServicePlace::SameMachine,
            None => ServicePlace::OtherMachine,
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared
    }

    pub(super) fn service_pid(&self) -> Option<u32> {
        self.service_pid
    }

    /// What phones and officers know of it.
    pub(super) fn site(&self) -> anyhow::Result<Site> {
        let wrong = |error: anyhow::Error| WrongUsage(format!("{error:#}"));
        Ok(self.read_files().map_err(wrong)?)
    }

    fn read_files(&self) -> anyhow::Result<Site> {
        let enrolment: Enrolment = serde_json::from_str(&read(&self.enrolment)?)
            .with_context(|| format!("{} is no enrolment", self.enrolment.display()))?;
        let map = map_text::read(&self.map)?;
        let map = load(
            &map,
            &self.map.display().to_string(),
            &IdProperties::default(),
        )?
        .map;
        let seed: [u8; 32] = hex::decode(read(&self.issuer_key)?.trim())
            .and_then(|bytes| bytes.try_into().ok())
            .with_context(|| {
                format!(
                    "{} must hold 64 hexadecimal digits, as `ansim token keygen` writes them",
                    self.issuer_key.display()
                )
            })?;
        let issuer = Issuer::from_seed(&seed)?;
        Ok(Site {
            console: self.console.trim_end_matches('/').to_owned(),
            user: self.user.clone(),
            password: read(&self.password_file)?.trim_end().to_owned(),
            enrolment,
            sign: Arc::new(move |claims| issuer.issue(claims)),
            drill: self.drill,
            map: Arc::new(map),
        })
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

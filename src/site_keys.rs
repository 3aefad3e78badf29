//! The keys of a site in a folder: one file each, hexadecimal digits, mode 0600 for secrets.
//!
//! `issuer.seed` signs tokens and belongs, with `site.pub`, on a machine of its own; a running service
//! needs only `authority.pub`, which checks them, and `site.key`, which opens cancel codes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use protocol::token::{Authority, Issuer};
use protocol::{SitePrivateKey, SitePublicKey, hex};
use rand::RngExt as _;

const ISSUER_SEED: &str = "issuer.seed";
const AUTHORITY: &str = "authority.pub";
const SITE_KEY: &str = "site.key";
const SITE_PUBLIC_KEY: &str = "site.pub";

/// The keys of a site.
pub struct SiteKeys {
    folder: PathBuf,
}

impl SiteKeys {
    /// The keys in a folder, which are read when they are asked for.
    #[must_use]
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Makes new keys in a folder.
    ///
    /// # Errors
    /// When one is there already (nothing is overwritten), or a file cannot be written.
    pub fn generate(folder: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let mut rng = rand::rng();
        Self::write(folder, &rng.random(), &rng.random())
    }

    /// Writes these keys, an Ed25519 seed and an X25519 key, to a folder.
    pub(crate) fn write(
        folder: impl Into<PathBuf>,
        issuer_seed: &[u8; 32],
        site_key: &[u8; 32],
    ) -> anyhow::Result<Self> {
        let keys = Self::in_folder(folder);
        fs::create_dir_all(&keys.folder)
            .with_context(|| format!("cannot create {}", keys.folder.display()))?;
        for name in [ISSUER_SEED, AUTHORITY, SITE_KEY, SITE_PUBLIC_KEY] {
            let path = keys.folder.join(name);
            if path.exists() {
                bail!("{} is there already; choose another folder", path.display());
            }
        }
        let authority = Issuer::from_seed(issuer_seed)?.authority();
        write(&keys.folder.join(ISSUER_SEED), issuer_seed, Secrecy::Secret)?;
        write(
            &keys.folder.join(AUTHORITY),
            authority.public_key(),
            Secrecy::Public,
        )?;
        let public = SitePrivateKey::from_bytes(*site_key)?.public_key()?;
        write(&keys.folder.join(SITE_KEY), site_key, Secrecy::Secret)?;
        write(
            &keys.folder.join(SITE_PUBLIC_KEY),
            &public.0,
            Secrecy::Public,
        )?;
        Ok(keys)
    }

    /// What signs tokens.
    ///
    /// # Errors
    /// When the file is not there or holds no key.
    pub fn issuer(&self) -> anyhow::Result<Issuer> {
        Ok(Issuer::from_seed(&self.read(ISSUER_SEED)?)?)
    }

    /// What checks tokens.
    ///
    /// # Errors
    /// When the file is not there or holds no key.
    pub fn authority(&self) -> anyhow::Result<Authority> {
        Ok(Authority::from_public_key(self.read(AUTHORITY)?))
    }

    /// What opens cancel codes.
    ///
    /// # Errors
    /// When the file is not there or holds no key.
    pub fn site_key(&self) -> anyhow::Result<SitePrivateKey> {
        Ok(SitePrivateKey::from_bytes(self.read(SITE_KEY)?)?)
    }

    /// That to which phones seal cancel codes.
    ///
    /// # Errors
    /// When the file is not there or holds no key.
    pub fn site_public_key(&self) -> anyhow::Result<SitePublicKey> {
        Ok(SitePublicKey(self.read(SITE_PUBLIC_KEY)?))
    }

    fn read(&self, name: &str) -> anyhow::Result<[u8; 32]> {
        let path = self.folder.join(name);
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read {}; make keys with `ansim token keygen`",
                path.display()
            )
        })?;
        hex::decode(text.trim())
            .and_then(|bytes| bytes.try_into().ok())
            .with_context(|| format!("{} must hold 64 hexadecimal digits", path.display()))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Secret,
    Public,
}

fn write(path: &Path, bytes: &[u8; 32], secrecy: Secrecy) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        if secrecy == Secrecy::Secret {
            0o600
        } else {
            0o644
        },
    );
    options
        .open(path)
        .and_then(|mut file| {
            writeln!(file, "{}", hex::encode(bytes))?;
            file.sync_all()
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SiteKeys::generate(folder.path()).unwrap();
        let authority = keys.authority().unwrap();
        assert_eq!(
            authority.public_key(),
            keys.issuer().unwrap().authority().public_key()
        );
        assert!(keys.site_key().is_ok());
        assert!(SiteKeys::generate(folder.path()).is_err());
    }
}

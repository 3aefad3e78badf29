//! The keys of one relay, kept in a folder across restarts so that its phones notice a restart at once.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::{hkdf, hmac};
use quinn::crypto::{HandshakeTokenKey, HmacKey};

use crate::connection_id::ConnectionIds;

/// Bytes of each key.
const KEY_BYTES: usize = 32;

/// The relay's own secrets. Connection ids and resets are of one relay only (RFC 9000, section 21.11): never copy
/// them to another. The address-token key may be the same at all relays of a site, so that a phone that another relay
/// has seen skips Retry.
pub struct Keys {
    pub(crate) connection_ids: ConnectionIds,
    pub(crate) reset: Arc<dyn HmacKey>,
    pub(crate) address_token: Arc<dyn HandshakeTokenKey>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(redacted)")
    }
}

/// A key's file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system said no.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file has not the length of a key.
    #[error("the key {} has not {KEY_BYTES} bytes; restore it, or delete it and let phones connect anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the key.
    #[error("the key {} may be read by others (mode {mode:o}); make it 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Keys {
    /// Reads the keys in the folder; makes the folder (mode 0700) and the keys (mode 0600) that are not there.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn open(folder: &Path) -> Result<Self, KeyError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| failed("creating", folder, source))?;
        let connection_ids = read_or_create(folder, "connection_id.key")?;
        let reset = read_or_create(folder, "stateless_reset.key")?;
        let address_token = read_or_create(folder, "address_token.key")?;
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"ansim address token v1");
        Ok(Self {
            connection_ids: ConnectionIds::new(&connection_ids),
            reset: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &reset)),
            address_token: Arc::new(salt.extract(&address_token)),
        })
    }
}

fn failed(doing: &'static str, path: &Path, source: std::io::Error) -> KeyError {
    KeyError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn read_or_create(folder: &Path, name: &str) -> Result<[u8; KEY_BYTES], KeyError> {
    let path = folder.join(name);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut key)
        .map_err(|error| failed("making a key for", &path, std::io::Error::other(error)))?;
    let temporary = folder.join(format!("{name}.new"));
    write(&temporary, &key)
        .and_then(|()| std::fs::rename(&temporary, &path))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|source| failed("writing", &path, source))?;
    Ok(key)
}

/// A file of that name was left by a crash before its key was ever used.
fn write(path: &Path, key: &[u8; KEY_BYTES]) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

fn read(path: &Path) -> Result<Option<[u8; KEY_BYTES]>, KeyError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| failed("reading", path, source))?,
    };
    let metadata = file
        .metadata()
        .map_err(|source| failed("reading", path, source))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
    file.take(KEY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| failed("reading", path, source))?;
    match bytes.try_into() {
        Ok(key) => Ok(Some(key)),
        Err(_) => Err(KeyError::Damaged {
            path: path.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let first = Keys::open(&keys).unwrap();
        let id = first.connection_ids.make([7; 10]);
        let again = Keys::open(&keys).unwrap();
        assert!(again.connection_ids.is_ours(&id));
        let sign = |keys: &Keys| {
            let mut signature = [0; 32];
            keys.reset.sign(b"id", &mut signature);
            signature
        };
        assert_eq!(sign(&first), sign(&again));
        for file in std::fs::read_dir(&keys).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_key_that_others_may_read_or_that_is_cut_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        Keys::open(folder.path()).unwrap();
        let path = folder.path().join("stateless_reset.key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            matches!(Keys::open(folder.path()), Err(KeyError::Exposed { path: at, .. }) if at == path)
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, [1; 31]).unwrap();
        assert!(
            matches!(Keys::open(folder.path()), Err(KeyError::Damaged { path: at }) if at == path)
        );
    }
}

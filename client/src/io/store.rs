//! The outbox file: written whole beside the old one, synced, then put in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::{Saved, SavedError};

/// Bytes of an outbox file: 8 alerts with 37 reports of at most 3 KiB in hexadecimal. A larger one is
/// not ours.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Why the outbox file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("{path}: {error}; the outbox cannot be kept there")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The file is there and does not say what it should.
    #[error("{path}: {error}")]
    Broken {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: SavedError,
    },
}

/// Where a phone keeps its outbox.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
}

impl Store {
    /// Takes the path of the file; it need not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`]. A broken file is an error and never an empty outbox: a raise may be in it.
    pub fn read(&self) -> Result<Option<Saved>, StoreError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let mut text = String::new();
        file.take(MAX_FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| self.failed(error))?;
        Saved::from_json(&text)
            .map(Some)
            .map_err(|error| StoreError::Broken {
                path: self.path.display().to_string(),
                error,
            })
    }

    /// Replaces the file. After an error the old one is still there.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn write(&self, saved: &Saved) -> Result<(), StoreError> {
        self.replace(saved.to_json().as_bytes())
            .map_err(|error| self.failed(error))
    }

    /// Puts a file that cannot be read out of the way, so that the phone can begin a new one and
    /// somebody can still look into the old one.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn set_aside(&self) -> Result<PathBuf, StoreError> {
        let aside = self.beside(".broken");
        fs::rename(&self.path, &aside).map_err(|error| self.failed(error))?;
        Ok(aside)
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let new = self.beside(".new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        // The name is durable only when its folder is.
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn failed(&self, error: io::Error) -> StoreError {
        StoreError::Io {
            path: self.path.display().to_string(),
            error,
        }
    }
}

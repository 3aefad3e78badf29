//! The keys of the days: one file each, outside the log and every backup. A key that is gone means
//! bodies that are gone.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::seal::{Day, DayKey, KEY_BYTES};

/// Keys kept in memory: a month of retention and the days on both sides of a midnight.
const CACHED_KEYS_MAX: usize = 34;

/// A key's file could not be used. A key that is not there is not an error.
#[derive(Debug, thiserror::Error)]
pub enum DayKeyError {
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
    #[error("the day key {} has not {KEY_BYTES} bytes; restore it, or delete it to give up that day's content", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the key.
    #[error("the day key {} may be read by others (mode {mode:o}); make it 600", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// The folder of the day keys, with a bounded memory of those in use.
#[derive(Debug)]
pub struct DayKeys {
    folder: PathBuf,
    cache: Mutex<BTreeMap<Day, DayKey>>,
}

impl DayKeys {
    /// Opens the folder and creates it (mode 0700) when it is not there.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, DayKeyError> {
        let folder = folder.into();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&folder)
            .map_err(|source| io("creating", &folder, source))?;
        Ok(Self {
            folder,
            cache: Mutex::new(BTreeMap::new()),
        })
    }

    /// The key of `day`; `None` when it was deleted or never made: its bodies are gone, and that
    /// stops nobody.
    ///
    /// # Errors
    /// When the file is there and cannot be used.
    pub fn get(&self, day: Day) -> Result<Option<DayKey>, DayKeyError> {
        if let Some(key) = self.cache().get(&day) {
            return Ok(Some(key.clone()));
        }
        let key = read_key(&self.path(day))?;
        if let Some(key) = &key {
            self.remember(day, key);
        }
        Ok(key)
    }

    /// The key of `day`, made when first needed. Of several makers one wins and all get its key.
    /// Returns when the key is on the disk, because what is sealed with it is not worth more than
    /// the key.
    ///
    /// # Errors
    /// When the key cannot be read or written; nothing must be sealed then.
    pub fn get_or_create(&self, day: Day, rng: &mut impl CryptoRng) -> Result<DayKey, DayKeyError> {
        if let Some(key) = self.get(day)? {
            return Ok(key);
        }
        let path = self.path(day);
        let fresh = DayKey::generate(rng);
        let temporary = self
            .folder
            .join(format!("{day}.{:016x}.new", rng.next_u64()));
        let created = write_new(&temporary, &fresh).and_then(|()| publish(&temporary, &path));
        let removed = std::fs::remove_file(&temporary);
        created?;
        removed.map_err(|source| io("removing", &temporary, source))?;
        self.sync_folder()?;
        match read_key(&path)? {
            Some(key) => {
                self.remember(day, &key);
                Ok(key)
            }
            None => Err(io("reading back", &path, ErrorKind::NotFound.into())),
        }
    }

    /// Ends the content of `day` in every copy. Deleting what is not there is fine.
    ///
    /// # Errors
    /// When the file cannot be deleted, or the deletion not be made durable.
    pub fn delete(&self, day: Day) -> Result<(), DayKeyError> {
        self.cache().remove(&day);
        let path = self.path(day);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => {
                Err(io("deleting", &path, source))
            }
            _ => self.sync_folder(),
        }
    }

    /// Forgets the keys whose files another process has deleted.
    ///
    /// # Errors
    /// When the folder cannot be looked at; then all are forgotten.
    pub fn forget_deleted(&self) -> Result<(), DayKeyError> {
        let mut cache = self.cache();
        let days: Vec<Day> = cache.keys().copied().collect();
        for day in days {
            let path = self.path(day);
            match path.try_exists() {
                Ok(true) => {}
                Ok(false) => drop(cache.remove(&day)),
                Err(source) => {
                    cache.clear();
                    return Err(io("looking for", &path, source));
                }
            }
        }
        Ok(())
    }

    fn path(&self, day: Day) -> PathBuf {
        self.folder.join(format!("{day}.key"))
    }

    fn cache(&self) -> MutexGuard<'_, BTreeMap<Day, DayKey>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, day: Day, key: &DayKey) {
        let mut cache = self.cache();
        cache.insert(day, key.clone());
        if cache.len() > CACHED_KEYS_MAX {
            // The oldest day is the one least asked for.
            cache.pop_first();
        }
    }

    fn sync_folder(&self) -> Result<(), DayKeyError> {
        let folder = File::open(&self.folder).and_then(|folder| folder.sync_all());
        folder.map_err(|source| io("syncing", &self.folder, source))
    }
}

fn io(doing: &'static str, path: &Path, source: std::io::Error) -> DayKeyError {
    DayKeyError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}

fn write_new(path: &Path, key: &DayKey) -> Result<(), DayKeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(path)?;
        file.write_all(key.expose())?;
        file.sync_all()
    };
    write().map_err(|source| io("writing", path, source))
}

/// Gives the finished file its name, unless another maker was first: a rename would take away the
/// key under which that one may have sealed already.
fn publish(temporary: &Path, path: &Path) -> Result<(), DayKeyError> {
    match std::fs::hard_link(temporary, path) {
        Err(source) if source.kind() != ErrorKind::AlreadyExists => {
            Err(io("creating", path, source))
        }
        _ => Ok(()),
    }
}

fn read_key(path: &Path) -> Result<Option<DayKey>, DayKeyError> {
    let mut file = match File::open(path) {
        Err(source) if source.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|source| io("reading", path, source))?,
    };
    refuse_exposed(&file, path)?;
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let read = file
        .read_exact(&mut *bytes)
        .and_then(|()| file.read(&mut [0]));
    match read {
        Ok(0) => Ok(Some(DayKey::from_bytes(&mut bytes))),
        Ok(_) => Err(DayKeyError::Damaged {
            path: path.to_owned(),
        }),
        Err(source) if source.kind() == ErrorKind::UnexpectedEof => Err(DayKeyError::Damaged {
            path: path.to_owned(),
        }),
        Err(source) => Err(io("reading", path, source)),
    }
}

#[cfg(unix)]
fn refuse_exposed(file: &File, path: &Path) -> Result<(), DayKeyError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file
        .metadata()
        .map_err(|source| io("reading", path, source))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(DayKeyError::Exposed {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn refuse_exposed(_file: &File, _path: &Path) -> Result<(), DayKeyError> {
    Ok(())
}

#[cfg(test)]
mod tests;

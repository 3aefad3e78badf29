//! The embedded backend: the store, the thread that writes to it, and the pid file that guards
//! both.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;
use redb::StorageBackend;
use redb::backends::FileBackend;
use tokio::sync::watch;

use super::journal::{Health, Options};
use super::lock::PidFile;
use super::pending::{self, Reply};
use super::store::{CACHE_BYTES, IN_MEMORY, Store, Trimmed};
use super::tail::EmbeddedTail;
use super::writer::Writer;
use crate::error::{AppendError, OpenError, StoreError};
use crate::offset::{LogName, Offset};
use crate::snapshot::SnapshotSlice;

/// A journal in one file of this process. Clones share it.
#[derive(Clone, Debug)]
pub struct Embedded {
    shared: Arc<Shared>,
}

struct Shared {
    writer: Arc<Writer>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("ends", &self.writer.store.ends())
            .finish_non_exhaustive()
    }
}

impl Embedded {
    pub(crate) fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let pid_file = PidFile::take(path)?;
        let file = open_file(path)?;
        let backend = FileBackend::new(file).map_err(|error| OpenError::Storage {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        Self::start(backend, options, Some(pid_file)).map_err(|error| error.at(path))
    }

    pub(crate) fn over(backend: impl StorageBackend, options: Options) -> Result<Self, OpenError> {
        Self::start(backend, options, None)
    }

    fn start(
        backend: impl StorageBackend,
        options: Options,
        pid_file: Option<PidFile>,
    ) -> Result<Self, OpenError> {
        let store = Arc::new(Store::open(
            backend,
            options.cache_bytes,
            options.quick_repair,
        )?);
        let writer = Arc::new(Writer::new(store, options.limits, options.clock));
        let thread = {
            let writer = Arc::clone(&writer);
            std::thread::Builder::new()
                .name("journal".to_owned())
                .spawn(move || writer.run(pid_file))
                .map_err(|error| OpenError::Storage {
                    path: IN_MEMORY.into(),
                    why: format!("no thread for its commits: {error}"),
                })?
        };
        Ok(Self {
            shared: Arc::new(Shared {
                writer,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.writer.store
    }

    /// What writes and reads, for one who does not keep the journal open by that.
    #[cfg(feature = "redis")]
    pub(crate) fn writer(&self) -> &Arc<Writer> {
        &self.shared.writer
    }

    pub(crate) fn offer(
        &self,
        log: LogName,
        entries: Vec<Bytes>,
        reply: Reply,
    ) -> Result<(), AppendError> {
        self.shared.writer.offer(log, entries, reply)
    }

    pub(crate) fn tail(&self, log: LogName, from: Offset) -> EmbeddedTail {
        let writer = &self.shared.writer;
        EmbeddedTail::new(
            Arc::clone(&writer.store),
            log,
            from,
            writer.end_of(log),
            writer.health(),
        )
    }

    pub(crate) async fn snapshot_write(&self, slice: SnapshotSlice) -> Result<(), StoreError> {
        pending::snapshot_write(slice, |chore| self.shared.writer.chore(chore)).await
    }

    pub(crate) async fn trim(&self, now_ms: u64) -> Result<Trimmed, StoreError> {
        pending::trim(now_ms, |chore| self.shared.writer.chore(chore)).await
    }

    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.shared.writer.health()
    }

    pub(crate) async fn close(&self) {
        let mut ended = self.shared.writer.ended();
        self.shared.writer.close();
        // The writer is alive as long as this handle, so its word comes.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.writer.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The last handle may go in an answer that runs on the commit thread, which cannot wait for
        // itself.
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            let _ = thread.join();
        }
    }
}

/// Opens the file, which gets its name only when there is an empty journal in it: a database that a
/// crash left half made cannot be opened.
fn open_file(path: &Path) -> Result<File, OpenError> {
    let unusable = |error: std::io::Error| OpenError::Storage {
        path: path.to_owned(),
        why: error.to_string(),
    };
    let exists = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len() > 0,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(unusable(error)),
    };
    if !exists {
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        create(&fresh).map_err(|error| error.at(&fresh))?;
        publish(&fresh, path).map_err(unusable)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(unusable)
}

/// An empty journal that was closed in good order.
fn create(fresh: &Path) -> Result<(), OpenError> {
    let unusable = |why: String| OpenError::Storage {
        path: fresh.to_owned(),
        why,
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options
        .open(fresh)
        .map_err(|error| unusable(error.to_string()))?;
    let backend = FileBackend::new(file).map_err(|error| unusable(error.to_string()))?;
    let store = Store::open(backend, CACHE_BYTES, false)?;
    store.close().map_err(|error| unusable(error.to_string()))
}

/// Gives the journal its name. The folder is synced, or a crash could take the file away with all
/// that was synced into it.
fn publish(fresh: &Path, path: &Path) -> std::io::Result<()> {
    File::open(fresh)?.sync_all()?;
    std::fs::rename(fresh, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

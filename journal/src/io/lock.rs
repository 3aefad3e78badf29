//! One file, one process: a pid file beside the journal. The lock on it is the truth, its content
//! is for people.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Bytes of a pid file that are read: a number and a path.
const PID_FILE_BYTES_MAX: u64 = 4_096;

/// Holds the journal until dropped. The file stays: deleting it would let two processes lock two
/// files of one name.
#[derive(Debug)]
pub(crate) struct PidFile {
    file: File,
}

impl PidFile {
    /// Takes the journal at `journal`. The pid of a process that died is taken over, because its
    /// lock died with it.
    pub(crate) fn take(journal: &Path) -> Result<Self, OpenError> {
        let unusable = |error: std::io::Error| OpenError::Storage {
            path: journal.to_owned(),
            why: format!("its pid file {}: {error}", path_beside(journal).display()),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path_beside(journal))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Held {
                    path: journal.to_owned(),
                    pid: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        write_pid(&mut file, journal).map_err(unusable)?;
        Ok(Self { file })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // An empty file names nobody. The lock ends with the descriptor in any case.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn write_pid(file: &mut File, journal: &Path) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}\n{}", std::process::id(), journal.display())
}

fn holder(file: &mut File) -> Option<u32> {
    let mut content = String::new();
    file.take(PID_FILE_BYTES_MAX)
        .read_to_string(&mut content)
        .ok()?;
    content.lines().next()?.parse().ok()
}

/// `journal.redb` is guarded by `journal.redb.pid`.
pub(crate) fn path_beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".pid");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_and_told_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.redb");
        let held = PidFile::take(&journal).unwrap();
        let refused = PidFile::take(&journal).unwrap_err();
        let message = refused.to_string();
        assert!(
            message.contains(&std::process::id().to_string()),
            "{message}"
        );
        assert!(message.contains("journal.redb"), "{message}");
        drop(held);
        PidFile::take(&journal).unwrap();
    }

    #[test]
    fn the_pid_of_a_dead_process_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.redb");
        std::fs::write(path_beside(&journal), "4194305\nold\n").unwrap();
        let _held = PidFile::take(&journal).unwrap();
        let content = std::fs::read_to_string(path_beside(&journal)).unwrap();
        assert_eq!(
            content.lines().next(),
            Some(std::process::id().to_string().as_str())
        );
    }

    #[test]
    fn a_holder_that_wrote_nonsense_is_still_a_holder() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal.redb");
        let _held = PidFile::take(&journal).unwrap();
        std::fs::write(path_beside(&journal), b"\xff\xfe").unwrap();
        let refused = PidFile::take(&journal).unwrap_err();
        assert!(
            matches!(refused, OpenError::Held { pid: None, .. }),
            "{refused}"
        );
    }
}

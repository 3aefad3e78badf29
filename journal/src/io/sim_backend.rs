//! A disk in memory that can be taken apart: it crashes at a chosen operation, tears and loses what
//! was not synced, fails syncs, and runs full. One handle stays with the test, backends go to the
//! database.
//!
//! The model: a write is in the page cache until a sync; a crash keeps any subset of what was not
//! synced, each piece whole, cut off at some byte, or not at all, in any order of arrival. What a
//! *failed* sync should have written is treated the same way, for ever: no later sync brings it
//! back, which is what makes a second try a lie.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use redb::StorageBackend;

/// What is to go wrong. Operations that change the disk (write, set length, sync) are counted from
/// 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The machine stops at this operation: it may be half done, and nothing after it happens.
    pub crash_at: Option<u64>,
    /// This sync, counted from 0, answers an error.
    pub fail_sync: Option<u64>,
    /// The code beneath the database panics at this operation.
    pub panic_at: Option<u64>,
    /// From this operation on the disk is full: a write leaves its first half and an error, growth
    /// an error.
    pub full_from: Option<u64>,
    /// What is read answers an error.
    pub fail_reads: bool,
}

/// The test's hand on a disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What survives every crash.
    synced: Vec<u8>,
    /// What the process reads.
    cached: Vec<u8>,
    /// What lies between the two, in order.
    unsynced: Vec<Change>,
    faults: Faults,
    operations: u64,
    syncs: u64,
    frozen: bool,
    /// Syncs wait until they are released.
    held: bool,
    /// Syncs that wait now.
    waiting: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, data: Vec<u8> },
    Length(usize),
}

impl SimDisk {
    /// An empty disk without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on these faults happen; operations and syncs go on counting.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Operations that have changed the disk, or tried to.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Syncs that were asked for.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Whether the disk has crashed or was frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.lock().frozen
    }

    /// Stops the disk: nothing is written any more, also not by a database that is dropped.
    pub fn freeze(&self) {
        self.lock().frozen = true;
    }

    /// Everything on the disk as the process sees it, to be searched.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().cached.clone()
    }

    /// Freezes this disk and returns the one that is found after the power is back: what was
    /// synced, and what `seed` says of the rest.
    #[must_use]
    pub fn after_crash(&self, seed: u64) -> Self {
        let mut state = self.lock();
        state.frozen = true;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut found = state.synced.clone();
        for change in &state.unsynced {
            change.survive(&mut found, &mut rng);
        }
        let revived = State {
            synced: found.clone(),
            cached: found,
            ..State::default()
        };
        Self(Arc::new(Shared {
            state: Mutex::new(revived),
            changed: Condvar::new(),
        }))
    }

    /// A backend that uses this disk.
    #[must_use]
    pub fn backend(&self) -> SimBackend {
        SimBackend(self.clone())
    }

    /// From now on a sync waits until the guard is dropped.
    #[must_use]
    pub fn hold_syncs(&self) -> HeldSyncs {
        self.lock().held = true;
        HeldSyncs(self.clone())
    }

    /// Blocks until a sync waits to be released.
    pub fn wait_for_held_sync(&self) {
        let nobody = |state: &mut State| state.waiting == 0;
        drop(self.0.changed.wait_while(self.lock(), nobody));
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.lock();
        state.waiting += 1;
        self.0.changed.notify_all();
        let held = |state: &mut State| state.held;
        let waited = self.0.changed.wait_while(state, held);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.sync()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Syncs wait as long as this lives; a test that fails meanwhile lets go of them too.
#[derive(Debug)]
pub struct HeldSyncs(SimDisk);

impl Drop for HeldSyncs {
    fn drop(&mut self) {
        self.0.lock().held = false;
        self.0.0.changed.notify_all();
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, data } => {
                let end = at + data.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(data);
            }
            Self::Length(length) => content.resize(*length, 0),
        }
    }

    /// Applies this change wholly, partly or not at all, a third each.
    fn survive(&self, content: &mut Vec<u8>, rng: &mut StdRng) {
        match (rng.random_range(0..3), self) {
            (0, change) => change.apply(content),
            (1, Self::Write { at, data }) => {
                let cut = rng.random_range(0..=data.len());
                Self::Write {
                    at: *at,
                    data: data[..cut].to_vec(),
                }
                .apply(content);
            }
            _ => {}
        }
    }
}

impl State {
    /// Counts an operation; tells whether it is the one at which the machine stops.
    fn begin(&mut self) -> io::Result<bool> {
        if self.frozen {
            return Err(io::Error::other("the simulated machine has stopped"));
        }
        let number = self.operations;
        self.operations += 1;
        assert!(
            self.faults.panic_at != Some(number),
            "the simulated storage panics"
        );
        self.frozen = self.faults.crash_at == Some(number);
        Ok(self.frozen)
    }

    fn change(&mut self, mut change: Change) -> io::Result<()> {
        let number = self.operations;
        let stopped = self.begin()?;
        let full = self.faults.full_from.is_some_and(|from| from <= number);
        match &mut change {
            Change::Write { data, .. } if full => data.truncate(data.len() / 2),
            Change::Length(length) if full && *length > self.cached.len() => {
                return Err(io::ErrorKind::StorageFull.into());
            }
            _ => {}
        }
        let written = matches!(change, Change::Write { .. });
        change.apply(&mut self.cached);
        self.unsynced.push(change);
        if stopped {
            Err(io::Error::other("the simulated machine stops here"))
        } else if full && written {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let stopped = self.begin()?;
        let number = self.syncs;
        self.syncs += 1;
        if stopped {
            return Err(io::Error::other("the simulated machine stops in a sync"));
        }
        if self.faults.fail_sync == Some(number) {
            return Err(io::Error::other("the simulated sync failed"));
        }
        if self.faults.fail_sync.is_some_and(|failed| failed < number) {
            // The lie of a second try: it answers ok, and what was dirty before is still not on the
            // disk.
            return Ok(());
        }
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.synced);
        }
        Ok(())
    }
}

/// The database's side of a [`SimDisk`].
#[derive(Debug)]
pub struct SimBackend(SimDisk);

impl StorageBackend for SimBackend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.0.lock();
        if state.faults.fail_reads {
            return Err(io::Error::other("the simulated read failed"));
        }
        let at = place(offset)?;
        let found = at
            .checked_add(out.len())
            .and_then(|end| state.cached.get(at..end));
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let length = place(len)?;
        self.0.lock().change(Change::Length(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let at = place(offset)?;
        self.0.lock().change(Change::Write {
            at,
            data: data.to_vec(),
        })
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_and_the_rest_is_a_matter_of_luck() {
        let disk = SimDisk::new();
        let backend = disk.backend();
        backend.write(0, b"safe").unwrap();
        backend.sync_data().unwrap();
        backend.write(4, b"maybe").unwrap();
        let outcomes: std::collections::BTreeSet<Vec<u8>> = (0..200)
            .map(|seed| disk.after_crash(seed).bytes())
            .collect();
        assert!(outcomes.iter().all(|bytes| bytes.starts_with(b"safe")));
        assert!(outcomes.contains(&b"safe"[..]));
        assert!(outcomes.contains(&b"safemay"[..]), "torn");
        assert!(outcomes.contains(&b"safemaybe"[..]));
        assert!(
            backend.write(0, b"late").is_err(),
            "a crashed disk is frozen"
        );
    }

    #[test]
    fn a_sync_after_a_failed_one_is_a_lie() {
        let disk = SimDisk::new();
        disk.set_faults(Faults {
            fail_sync: Some(0),
            ..Faults::default()
        });
        let backend = disk.backend();
        backend.write(0, b"dirty").unwrap();
        assert!(backend.sync_data().is_err());
        backend.sync_data().unwrap();
        assert!((0..50).any(|seed| disk.after_crash(seed).bytes().is_empty()));
    }

    #[test]
    fn a_full_disk_leaves_half_a_write_and_an_error() {
        let disk = SimDisk::new();
        disk.set_faults(Faults {
            full_from: Some(1),
            ..Faults::default()
        });
        let backend = disk.backend();
        backend.set_len(4).unwrap();
        let error = backend.write(0, b"four").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.bytes(), b"fo\0\0");
        assert_eq!(
            backend.set_len(9).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        backend.set_len(1).unwrap();
    }
}

//! A disk in memory that can be taken apart: it crashes at a chosen operation, tears and loses what was not synced,
//! fails syncs, and runs full. One handle stays with the test, backends go to the database.
//!
//! The model: a write is in the page cache until a sync; a crash keeps any subset of what was not synced, each piece
//! whole, cut off at some byte, or not at all, in any order of arrival. What a *failed* sync should have written is
//! treated the same way, for ever: no later sync brings it back, which is what makes a second try a lie.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use redb::StorageBackend;

/// What is to go wrong. Operations that change the disk (write, set length, sync) are counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The machine stops at this operation: it may be half done, and nothing after it happens.
    pub crash_at: Option<u64>,
    /// This sync, counted from 0, answers an error.
    pub fail_sync: Option<u64>,
    /// Bytes that fit: a write or growth beyond answers that the disk is full.
    pub capacity_bytes: Option<u64>,
}

/// The test's hand on a disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

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

    /// Freezes this disk and returns the one that is found after the power is back: what was synced, and what `seed`
    /// says of the rest.
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
        Self(Arc::new(Mutex::new(revived)))
    }

    /// A backend that uses this disk.
    #[must_use]
    pub fn backend(&self) -> SimBackend {
        SimBackend(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.frozen = self.faults.crash_at == Some(number);
        Ok(self.frozen)
    }

    fn change(&mut self, change: Change) -> io::Result<()> {
        let stopped = self.begin()?;
        let end = match &change {
            Change::Write { at, data } => at + data.len(),
            Change::Length(length) => *length,
        };
        let full = self
            .faults
            .capacity_bytes
            .is_some_and(|capacity| end as u64 > capacity);
        if full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change.apply(&mut self.cached);
        self.unsynced.push(change);
        if stopped {
            Err(io::Error::other("the simulated machine stops here"))
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
            // The lie of a second try: it answers ok, and what was dirty before is still not on the disk.
            return Ok(());
        }
        self.synced = self.cached.clone();
        self.unsynced.clear();
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
        self.0.lock().sync()
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
    fn a_full_disk_takes_nothing() {
        let disk = SimDisk::new();
        disk.set_faults(Faults {
            capacity_bytes: Some(3),
            ..Faults::default()
        });
        let error = disk.backend().write(0, b"four").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(disk.bytes().is_empty());
    }
}

//! The promise, tried at every operation of the disk: what was acknowledged is there, once, in
//! order.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::batcher::{Batcher, Limits};
use crate::io::sim_backend::Faults;

/// Steps of one workload: some forty commits.
const STEPS: u64 = 60;

/// Which bug is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    None,
    /// The batcher is told of the commit before it has happened.
    AcknowledgesEarly,
    /// The store commits without a sync.
    NeverSyncs,
}

/// A snapshot as the books know it.
type SnapshotState = (Option<Offset>, BTreeMap<Bytes, Row>);

/// What was promised, and what may have been written besides.
#[derive(Default)]
struct Books {
    /// Every entry that was ever handed to the disk, at its offset.
    handed: PerLog<Vec<Bytes>>,
    /// Ends of the logs after each batch that was handed to the disk.
    batch_ends: Vec<PerLog<Offset>>,
    /// What has been acknowledged.
    acknowledged: PerLog<Offset>,
    snapshot: SnapshotState,
    /// A slice that was handed to the disk and not confirmed.
    snapshot_in_flight: Option<SnapshotState>,
    /// Where the logs may begin: trimming was asked for.
    first_max: PerLog<Offset>,
}

struct Node {
    store: Store,
    batcher: Batcher<u64>,
    books: Books,
    rng: StdRng,
    plant: Plant,
    now_ms: u64,
}

impl Node {
    fn new(mut store: Store, seed: u64, plant: Plant) -> Self {
        if plant == Plant::NeverSyncs {
            store.durability = Durability::None;
        }
        let batcher = Batcher::new(Limits::default(), store.ends());
        let rng = StdRng::seed_from_u64(seed);
        Self {
            store,
            batcher,
            books: Books::default(),
            rng,
            plant,
            now_ms: RETENTION_MS,
        }
    }

    /// Works until the disk says no.
    fn work(&mut self) -> Result<(), StoreError> {
        for step in 0..STEPS {
            self.now_ms += self.rng.random_range(0..RETENTION_MS / 4);
            match self.rng.random_range(0..10) {
                0..3 => self.offer(step, Alerts),
                3..5 => self.offer(step, Tracks),
                5..8 => self.commit()?,
                8 => self.snapshot(step)?,
                _ => self.trim()?,
            }
        }
        self.commit()
    }

    fn offer(&mut self, step: u64, log: LogName) {
        // Long enough that some values do not fit into a page.
        let length = self.rng.random_range(0..3_000);
        let entry = |n| Bytes::from(format!("{log} {step}.{n} {}", "x".repeat(length)));
        let entries = (0..self.rng.random_range(1..4)).map(entry).collect();
        self.batcher.offer(self.now_ms, log, entries, step).unwrap();
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.batcher.flush();
        let Some(batch) = self.batcher.poll_batch(self.now_ms) else {
            return Ok(());
        };
        for log in LogName::ALL {
            self.books
                .handed
                .get_mut(log)
                .extend(batch.runs.get(log).entries.iter().cloned());
        }
        let ends = PerLog {
            alerts: batch.runs.alerts.end(),
            tracks: batch.runs.tracks.end(),
        };
        self.books.batch_ends.push(ends);
        if self.plant == Plant::AcknowledgesEarly {
            self.acknowledge(&batch, Ok(()));
        }
        let committed = self.store.commit(&batch, self.now_ms);
        self.acknowledge(&batch, committed.clone().map_err(|error| error.to_string()));
        committed
    }

    fn acknowledge(&mut self, batch: &Batch, result: Result<(), String>) {
        for outcome in self.batcher.committed(batch.id, result) {
            let Ok(appended) = outcome.result else {
                continue;
            };
            let end = appended.first.plus(appended.count);
            // Tickets of both logs come; an offset alone does not say of which.
            for log in LogName::ALL {
                let run = batch.runs.get(log);
                if run.first <= appended.first && end <= run.end() && !run.entries.is_empty() {
                    let acknowledged = self.books.acknowledged.get_mut(log);
                    *acknowledged = (*acknowledged).max(end);
                }
            }
        }
    }

    fn snapshot(&mut self, step: u64) -> Result<(), StoreError> {
        let end = self.store.ends().alerts;
        let mut slice = SnapshotSlice::default();
        for _ in 0..self.rng.random_range(1..4) {
            let key = format!("incident {}", self.rng.random_range(0..5));
            slice.rows.push(row(&key, &format!("state {step}"), end.0));
        }
        if self.rng.random_bool(0.7) {
            slice.resume_at = Some(end);
            slice
                .deletions
                .push(entry(&format!("incident {}", self.rng.random_range(5..7))));
            slice.rows.push(row(
                &format!("incident {}", self.rng.random_range(5..7)),
                "",
                end.0,
            ));
            let gone = slice.deletions[0].clone();
            slice.rows.retain(|row| row.key != gone);
        }
        let (mut resume_at, mut rows) = self.books.snapshot.clone();
        resume_at = slice.resume_at.or(resume_at);
        rows.extend(slice.rows.iter().map(|row| (row.key.clone(), row.clone())));
        rows.retain(|key, _| !slice.deletions.contains(key));
        self.books.snapshot_in_flight = Some((resume_at, rows.clone()));
        self.store.snapshot_write(&slice, self.now_ms)?;
        self.books.snapshot_in_flight = None;
        self.books.snapshot = (resume_at, rows);
        Ok(())
    }

    fn trim(&mut self) -> Result<(), StoreError> {
        let ends = self.store.ends();
        self.books.first_max.alerts = self.books.snapshot.0.unwrap_or_default();
        self.books.first_max.tracks = ends.tracks;
        for log in LogName::ALL {
            self.store.trim(log, self.now_ms)?;
        }
        Ok(())
    }
}

impl Books {
    /// Compares what is found after a restart with what was promised.
    fn check(&self, store: &Store) -> Result<(), String> {
        let ends = store.ends();
        let known = ends == PerLog::default() || self.batch_ends.contains(&ends);
        if !known {
            return Err(format!("the logs end inside a batch: {ends:?}"));
        }
        for log in LogName::ALL {
            self.check_log(store, log)?;
        }
        let snapshot = store.snapshot_read().map_err(|error| error.to_string())?;
        let rows: Result<Vec<Row>, _> = snapshot.rows.collect();
        let rows = rows.map_err(|error| error.to_string())?;
        let found = (
            snapshot.resume_at,
            rows.into_iter().map(|row| (row.key.clone(), row)).collect(),
        );
        if found == self.snapshot || self.snapshot_in_flight.as_ref() == Some(&found) {
            Ok(())
        } else {
            Err("rows and offset of the snapshot do not belong together".to_owned())
        }
    }

    fn check_log(&self, store: &Store, log: LogName) -> Result<(), String> {
        let first = store.first(log).map_err(|error| error.to_string())?;
        let end = *store.ends().get(log);
        if first > *self.first_max.get(log) {
            return Err(format!("the {log} begins at {first}, too late"));
        }
        if end < *self.acknowledged.get(log) {
            let acknowledged = self.acknowledged.get(log);
            return Err(format!(
                "the {log} ends at {end}, acknowledged was {acknowledged}"
            ));
        }
        let mut cursor = first;
        loop {
            match store
                .read_at(log, cursor, 4_096)
                .map_err(|error| error.to_string())?
            {
                ReadAt::Entries(entries) => {
                    let from = usize::try_from(cursor.0).unwrap();
                    let handed = self.handed.get(log).get(from..from + entries.len());
                    if handed != Some(&entries) {
                        return Err(format!("the {log} has other entries at {cursor}"));
                    }
                    cursor = cursor.plus(entries.len() as u64);
                }
                ReadAt::End if cursor == end => return Ok(()),
                other => return Err(format!("the {log} has a hole at {cursor}: {other:?}")),
            }
        }
    }
}

/// A disk with an empty journal: a file gets its name when it is one, so no crash finds it half
/// made.
fn created() -> SimDisk {
    let disk = SimDisk::new();
    open(&disk).unwrap().close().unwrap();
    disk
}

/// Opens, works, and stops where the faults say; `None` when that was before it was open.
fn run(disk: &SimDisk, seed: u64, plant: Plant) -> Option<Node> {
    // Every second workload saves its allocator state with each commit.
    let store = Store::open(disk.backend(), CACHE, seed % 2 == 1).ok()?;
    let mut node = Node::new(store, seed, plant);
    let worked = node.work();
    if let Err(error) = &worked {
        assert!(matches!(error, StoreError::Storage { .. }), "{error}");
        // There is no second try, whatever is asked.
        let syncs = disk.syncs();
        let again = node
            .store
            .snapshot_write(&SnapshotSlice::default(), 0)
            .unwrap_err();
        assert!(matches!(again, StoreError::Failed { .. }), "{again}");
        assert_eq!(disk.syncs(), syncs);
    }
    Some(node)
}

/// The operations and the syncs of a workload without faults.
fn operations_of(seed: u64) -> (Range<u64>, Range<u64>) {
    let disk = created();
    let (operations, syncs) = (disk.operations(), disk.syncs());
    let node = run(&disk, seed, Plant::None).unwrap();
    node.books.check(&node.store).unwrap();
    assert!(
        node.store.ends().alerts > Offset(10),
        "a workload that works"
    );
    assert!(node.store.first(Tracks).unwrap() > Offset(0), "and trims");
    (operations..disk.operations(), syncs..disk.syncs())
}

/// What is found after the faults, and whether it keeps the promise.
fn outcome(faults: Faults, seed: u64, luck: u64, plant: Plant) -> Result<(), String> {
    let disk = created();
    disk.set_faults(faults);
    let node = run(&disk, seed, plant);
    let books = node.as_ref().map(|node| &node.books);
    let found = disk.after_crash(luck);
    drop(node.as_ref().map(|node| node.store.close()));
    let store = open(&found).map_err(|error| format!("it does not open: {error}"))?;
    books.unwrap_or(&Books::default()).check(&store)?;
    // The log goes on where it ends.
    let end = store.ends().alerts;
    append(&store, Alerts, &["after the restart"], 0);
    let read = store.read_at(Alerts, end, 1);
    if read == Ok(ReadAt::Entries(vec![entry("after the restart")])) {
        Ok(())
    } else {
        Err(format!("it does not go on: {read:?}"))
    }
}

#[test]
fn a_crash_at_every_operation_loses_nothing_acknowledged() {
    for seed in 0..2 {
        let (operations, _) = operations_of(seed);
        for crash_at in operations.clone() {
            let faults = Faults {
                crash_at: Some(crash_at),
                ..Faults::default()
            };
            for luck in 0..3 {
                let kept = outcome(faults, seed, luck, Plant::None);
                assert_eq!(
                    kept,
                    Ok(()),
                    "seed {seed}, crash at {crash_at}, luck {luck}"
                );
            }
        }
    }
}

#[test]
fn a_failed_sync_is_final_and_loses_nothing_acknowledged() {
    let (_, syncs) = operations_of(3);
    for fail_sync in syncs {
        let faults = Faults {
            fail_sync: Some(fail_sync),
            ..Faults::default()
        };
        for luck in 0..3 {
            let kept = outcome(faults, 3, luck, Plant::None);
            assert_eq!(kept, Ok(()), "sync {fail_sync}, luck {luck}");
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_acknowledged() {
    let (operations, _) = operations_of(4);
    for full_from in operations.clone() {
        let faults = Faults {
            full_from: Some(full_from),
            ..Faults::default()
        };
        let kept = outcome(faults, 4, full_from, Plant::None);
        assert_eq!(kept, Ok(()), "full from {full_from}");
    }
}

#[test]
fn planted_bugs_are_caught_by_the_same_check() {
    let (operations, _) = operations_of(0);
    for plant in [Plant::AcknowledgesEarly, Plant::NeverSyncs] {
        let caught = operations.clone().filter(|&crash_at| {
            let faults = Faults {
                crash_at: Some(crash_at),
                ..Faults::default()
            };
            outcome(faults, 0, crash_at, plant).is_err()
        });
        assert!(caught.count() > 0, "{plant:?} was not caught");
    }
}

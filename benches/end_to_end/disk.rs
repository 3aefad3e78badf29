//! What the disk takes for one bare write and sync: the unit of every budget here.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two syncs of a probe: so few that they are hardly in the way of what is measured.
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// A file of its own beside the journal, to which the bytes of one entry are appended.
pub(crate) struct BareFile {
    file: File,
    bytes: Vec<u8>,
}

impl BareFile {
    pub(crate) fn create(folder: &Path, entry_bytes: usize) -> Self {
        Self {
            file: File::create(folder.join("bare")).unwrap(),
            bytes: vec![7; entry_bytes],
        }
    }

    pub(crate) fn write_and_sync(&mut self) -> Duration {
        let at = Instant::now();
        self.file.write_all(&self.bytes).unwrap();
        self.file.sync_data().unwrap();
        at.elapsed()
    }
}

/// Syncs again and again beside a load, until it is asked what it has seen.
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(BareFile, Vec<Duration>)>,
}

impl Probe {
    pub(crate) fn start(mut file: BareFile) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut times = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                times.push(file.write_and_sync());
                std::thread::sleep(PROBE_EVERY);
            }
            (file, times)
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> (BareFile, Vec<Duration>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

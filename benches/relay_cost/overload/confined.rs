//! A process that may use a share of a core and no more, by a control group of the kernel (cgroups(7)).

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::child::Server;

/// Of a core. Small, so that phones at five times what the relay holds find room beside it.
pub(crate) const SHARE: f64 = 0.25;

/// A process that has used up its share rests until the period ends, which a slower core would not do: as short as
/// the kernel allows, whose least quota is a millisecond.
const PERIOD_US: f64 = 4_000.0;

/// What a confined process makes of its share: less means that it had nothing to do, or had to share its core with the
/// phones.
pub(crate) struct Used {
    since: Instant,
    cpu_s: f64,
}

impl Used {
    pub(crate) fn since(server: &Server) -> Self {
        Self {
            since: Instant::now(),
            cpu_s: server.usage().cpu_s,
        }
    }

    /// Cores on average until now.
    pub(crate) fn cores(&self, server: &Server) -> f64 {
        (server.usage().cpu_s - self.cpu_s) / self.since.elapsed().as_secs_f64()
    }
}

/// The group; gone when this is dropped.
pub(crate) struct Confined {
    folder: PathBuf,
}

impl Confined {
    /// Confines a process; an error says what the system lacks.
    pub(crate) fn process(id: u32) -> Result<Self, String> {
        let name = format!("ansim-overload-{id}");
        let quota_us = SHARE * PERIOD_US;
        let old = PathBuf::from("/sys/fs/cgroup/cpu");
        let (folder, settings) = if old.join("cpu.cfs_quota_us").exists() {
            let settings = vec![
                ("cpu.cfs_period_us", PERIOD_US.to_string()),
                ("cpu.cfs_quota_us", quota_us.to_string()),
            ];
            (old.join(name), settings)
        } else {
            let settings = vec![("cpu.max", format!("{quota_us} {PERIOD_US}"))];
            (PathBuf::from("/sys/fs/cgroup").join(name), settings)
        };
        let failed = |error: std::io::Error| {
            format!("needs a control group of the processor, which takes root: {error}")
        };
        fs::create_dir(&folder).map_err(failed)?;
        let confined = Self { folder };
        for (file, text) in settings {
            fs::write(confined.folder.join(file), text).map_err(failed)?;
        }
        fs::write(confined.folder.join("cgroup.procs"), id.to_string()).map_err(failed)?;
        Ok(confined)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        // Its process has ended before; what the kernel does not remove all the same does no harm.
        let _ = fs::remove_dir(&self.folder);
    }
}

//! A process that may use a share of a core and no more, by a control group of the kernel (cgroups(7)).

use std::fs;
use std::path::PathBuf;

/// Of a core. Small, so that phones at five times what the relay holds find room beside it.
pub(crate) const SHARE: f64 = 0.25;

/// Short, so that a process that has used up its share does not rest for long at once.
const PERIOD_US: f64 = 10_000.0;

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

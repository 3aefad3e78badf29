//! A temporary folder for a service of this process.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::RngExt as _;

/// A folder of this run alone, which goes with it.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes one that names the command it is for.
    pub(super) fn create(command: &str) -> anyhow::Result<Self> {
        let name = format!("ansim-{command}-{:016x}", rand::rng().random::<u64>());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        // Keys and positions lie in it.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

//! Another map while the engine runs.

use std::fmt;
use std::sync::Arc;

use journal::AppendError;
use protocol::{MapVersion, Site};
use tokio::sync::watch;

use super::Engine;
use crate::dispatch::Dispatch;
use crate::jurisdiction::{JurisdictionIndex, JurisdictionMap};

/// Reads the map anew, as it was read at the start: what would not be started with is an error.
#[derive(Clone)]
pub struct MapSource(Arc<Reread>);

type Reread = dyn Fn() -> Result<JurisdictionMap, String> + Send + Sync;

impl MapSource {
    /// What `read` returns; it may block, and its error says in words what is wrong and where.
    pub fn new(read: impl Fn() -> Result<JurisdictionMap, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// A map that was made and not read: it stays as it is.
    #[must_use]
    pub fn fixed(map: JurisdictionMap) -> Self {
        Self::new(move || Ok(map.clone()))
    }

    pub(crate) fn read(&self) -> Result<JurisdictionMap, String> {
        (self.0)()
    }
}

impl fmt::Debug for MapSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapSource")
    }
}

/// Another map is in force, and the log does not say so: it takes nothing any more.
#[derive(Debug, thiserror::Error)]
#[error("the map in force cannot be recorded: {0}")]
pub struct NotRecorded(#[from] AppendError);

impl Engine {
    /// The version of the map in force, to be watched.
    #[must_use]
    pub fn maps(&self) -> watch::Receiver<MapVersion> {
        self.shared.maps.subscribe()
    }

    /// What finds whose place it is, by the map in force.
    #[must_use]
    pub fn index(&self) -> Arc<JurisdictionIndex> {
        self.read(|dispatch| Arc::clone(dispatch.index()))
    }

    pub(crate) fn map_source(&self) -> MapSource {
        self.shared.config.map_source.clone()
    }

    pub(crate) fn count_map_reload(&self, outcome: &'static str) {
        self.shared.metrics.map_reload(outcome);
    }

    /// Puts another map in force, unless `refuse` finds a reason not to in the same moment in which
    /// it would happen.
    ///
    /// # Errors
    /// [`NotRecorded`].
    pub(crate) async fn put_map_in_force<R>(
        &self,
        index: Arc<JurisdictionIndex>,
        refuse: impl FnOnce(&Dispatch) -> Option<R>,
    ) -> Result<Option<R>, NotRecorded> {
        let version = index.map().version().clone();
        {
            let mut dispatch = self.dispatch();
            if let Some(reason) = refuse(&dispatch) {
                return Ok(Some(reason));
            }
            dispatch.handle_map(index);
        }
        self.shared.maps.send_replace(version.clone());
        self.record(Site::MapInForce(version)).await?;
        Ok(None)
    }
}

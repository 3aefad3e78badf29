//! What has to stay though a server loses it: decisions in the own journal, for as long as their incident is open, and map and
//! format in force in the log.

use journal::AppendError;
use protocol::{FormatVersion, MapVersion, Millis, Site};

use super::Reader;
use crate::dispatch::Dispatch;
use crate::io::engine::Engine;

/// What was in force before the board was folded anew.
#[derive(Default)]
pub(super) struct Before {
    map: Option<MapVersion>,
    format: Option<FormatVersion>,
}

impl Reader {
    /// Tells the own journal in front of a shared log what need not be kept any more.
    pub(super) async fn keep_what_is_open(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        while self.look_at_closed(Millis(now)) {
            // Consoles wait for the board too.
            tokio::task::yield_now().await;
        }
    }

    /// Whether there is more to look at.
    pub(super) fn look_at_closed(&self, now: Millis) -> bool {
        self.is_keeper && self.engine.look_at_closed(now)
    }

    /// What was folded is not the log.
    pub(super) fn forget_board(&mut self) {
        let before = self.before.get_or_insert_default();
        let mut dispatch = self.engine.dispatch();
        before.format = before.format.max(Some(dispatch.format().in_force()));
        dispatch.begin_anew();
        if self.is_keeper {
            // Under the same lock, or somebody would look between.
            self.engine.shared.config.journal.forget_closed();
        }
        drop(dispatch);
        if let Some(map) = self.map_in_force.take() {
            before.map = Some(map);
        }
    }

    /// Records which map this dispatcher decides with, when the log names another or none.
    pub(super) async fn put_map_in_force(&self) -> Result<(), AppendError> {
        let version = self.engine.maps().borrow().clone();
        if self.map_in_force.as_ref() == Some(&version) {
            return Ok(());
        }
        self.engine.record(Site::MapInForce(version)).await
    }

    /// A log that was set up anew names neither map nor format, and the entries that did may be older than what authors keep.
    pub(super) async fn say_in_force_again(&mut self) {
        if !self.engine.read(Dispatch::is_caught_up) {
            return;
        }
        let Some(before) = self.before.take() else {
            return;
        };
        if let Err(error) = self.say_map_again(before.map).await {
            tracing::error!(%error, "the log does not say which map is in force; the next start says it");
        }
        if let Err(error) = self.say_format_again(before.format).await {
            tracing::error!(%error, "the log does not say which format is in force; raise it again at /api/format/raise");
        }
    }

    /// Whoever decides with another map than was in force leaves it to those who have that one.
    async fn say_map_again(&self, before: Option<MapVersion>) -> Result<(), AppendError> {
        let is_own = before.is_none_or(|before| before == *self.engine.maps().borrow());
        if is_own && self.map_in_force.is_none() {
            self.put_map_in_force().await?;
        }
        Ok(())
    }

    /// Whoever knew it says it, also an older release: authors append again what newer ones wrote, and none is ever lowered.
    async fn say_format_again(&self, before: Option<FormatVersion>) -> Result<(), AppendError> {
        let in_force = self.engine.read(Dispatch::format).in_force();
        match before.filter(|before| *before > in_force) {
            Some(before) => self.engine.record(Site::FormatInForce(before)).await,
            None => Ok(()),
        }
    }
}

impl Engine {
    /// A board that has not caught up knows nothing.
    fn look_at_closed(&self, now: Millis) -> bool {
        let dispatch = self.dispatch();
        let journal = &self.shared.config.journal;
        dispatch.is_caught_up()
            && journal.look_at_closed(now, |whose| dispatch.board().known(whose))
    }
}

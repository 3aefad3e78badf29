//! What has to stay though a server loses it: decisions in the own journal, for as long as their incident is open, and the map
//! in force in the log.

use journal::{AppendError, Partition};
use protocol::{Millis, Site};

use super::Reader;
use crate::dispatch::Dispatch;
use crate::io::engine::Engine;

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
        let mut dispatch = self.engine.dispatch();
        dispatch.begin_anew();
        if self.is_keeper {
            // Under the same lock, or somebody would look between.
            self.engine.shared.config.journal.forget_closed();
        }
        drop(dispatch);
        self.is_anew = true;
        if let Some(map) = self.map_in_force.take() {
            self.map_before = Some(map);
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

    /// A log that was set up anew names no map, and the entry that did may be older than what authors keep. Whoever decides with
    /// another map than was in force leaves it to those who have that one.
    pub(super) async fn say_map_again(&mut self) {
        if !self.is_anew || !self.engine.read(Dispatch::is_caught_up) {
            return;
        }
        self.is_anew = false;
        let before = self.map_before.take();
        let is_own = before.is_none_or(|before| before == *self.engine.maps().borrow());
        let mut followed = self.followed.iter();
        if is_own
            && self.map_in_force.is_none()
            && followed.any(|one| one.partition() == Partition::ZERO)
            && let Err(error) = self.put_map_in_force().await
        {
            tracing::error!(%error, "the log does not say which map is in force; the next start says it");
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

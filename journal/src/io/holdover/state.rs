//! What the handles, the answers and the tasks of a holdover share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use tokio::sync::watch;

use super::keep::Keeping;
use crate::io::journal::Health;
use crate::offset::Offset;

/// What the handles and the answers share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) health: watch::Sender<Health>,
    /// Set once; then nothing is taken any more.
    pub(super) closing: AtomicBool,
    /// Offers that are not answered yet.
    pub(super) unanswered: watch::Sender<u64>,
    pub(super) keeping: Keeping,
    /// The question that the replicas of each partition are to answer; see [`crate::kept::Kept::round`].
    pub(super) round: AtomicU64,
    /// The first partition was reached: the shared log is cut as this process is configured.
    admitted: watch::Sender<bool>,
}

impl State {
    /// In front of a log that is so well, with an own journal that ends here.
    pub(super) fn new(health: Health, own_end: Offset) -> Arc<Self> {
        Arc::new(Self {
            health: watch::Sender::new(health),
            closing: AtomicBool::new(false),
            unanswered: watch::Sender::new(0),
            keeping: Keeping::new(own_end),
            round: AtomicU64::new(0),
            admitted: watch::Sender::new(false),
        })
    }

    pub(super) fn admit(&self) {
        self.admitted
            .send_if_modified(|admitted| !std::mem::replace(admitted, true));
    }

    /// Returns when the first partition was reached.
    pub(super) async fn admitted(&self) {
        // The sender is in `self`.
        let _ = self
            .admitted
            .subscribe()
            .wait_for(|admitted| *admitted)
            .await;
    }

    /// Takes note, unless it is over.
    pub(super) fn be(&self, health: Health) {
        self.look(|| health);
    }

    /// Takes note of what is seen now, unless it is over. One look after the other, so that the last
    /// word is the newest.
    pub(super) fn look(&self, look: impl FnOnce() -> Health) {
        self.health.send_if_modified(|now| {
            let health = look();
            let changes = !now.is_over() && *now != health;
            if changes {
                *now = health;
            }
            changes
        });
    }
}

/// An offer that is not answered yet.
pub(super) struct Unanswered(pub(super) Arc<State>);

impl Unanswered {
    pub(super) fn new(state: Arc<State>) -> Self {
        state.unanswered.send_modify(|count| *count += 1);
        Self(state)
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.unanswered.send_modify(|count| *count -= 1);
    }
}

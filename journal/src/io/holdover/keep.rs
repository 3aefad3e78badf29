//! What the own journal keeps until whoever follows the shared log says that it is closed.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::Millis;
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::Held;
use super::state::State;
use crate::batcher::Limits;
use crate::error::StoreError;
use crate::io::store::{ReadAt, Store};
use crate::kept::{KEPT_SLOTS_AT_ONCE, Kept, Known, Reached, Whose};
use crate::offset::{LogName, Offset};

/// What is kept, and whether anybody says what is closed.
#[derive(Debug)]
pub(super) struct Keeping {
    office: Mutex<Office>,
    /// Where the own journal ended when it was opened.
    opened_at: Offset,
    /// What earlier runs have left was read.
    is_recalled: watch::Sender<bool>,
}

#[derive(Debug)]
struct Office {
    kept: Kept,
    is_taken: bool,
}

impl Keeping {
    /// Of a journal that ends here.
    pub(super) fn new(own_end: Offset) -> Self {
        Self {
            office: Mutex::new(Office {
                kept: Kept::new(own_end),
                is_taken: false,
            }),
            opened_at: own_end,
            is_recalled: watch::Sender::new(false),
        }
    }

    /// Entries have their places, in a row from here. They come in the order of the journal.
    pub(super) fn note(&self, first: Offset, entries: Vec<Option<Whose>>) {
        let kept = &mut self.office().kept;
        for (place, whose) in (first.0..).map(Offset).zip(entries) {
            kept.note(place, whose);
        }
    }

    /// The first place that has to be kept, when anybody says so.
    pub(super) fn first(&self) -> Option<Offset> {
        let office = self.office();
        office.is_taken.then(|| office.kept.first())
    }

    /// Reads about whom the entries of earlier runs are: until then, and where that fails, they are kept for a day.
    pub(super) async fn recall(&self, store: &Arc<Store>) {
        let (store, end) = (Arc::clone(store), self.opened_at);
        let reading = spawn_blocking(move || read(&store, end)).await;
        match reading {
            Ok(Ok(past)) => self.office().kept.recall(past),
            Ok(Err(error)) => {
                tracing::warn!(%error, "what earlier runs have left is kept for a day");
            }
            // The process ends.
            Err(_) => {}
        }
        self.is_recalled.send_replace(true);
    }

    /// Returns when that is done.
    #[cfg(test)]
    pub(super) async fn recalled(&self) {
        let mut is_recalled = self.is_recalled.subscribe();
        let done = is_recalled.wait_for(|is_recalled| *is_recalled);
        crate::io::patience::within(done).await.unwrap();
    }

    fn office(&self) -> MutexGuard<'_, Office> {
        self.office.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that is in the own journal before its end. Blocks on the disk.
fn read(store: &Store, end: Offset) -> Result<Kept, StoreError> {
    let mut from = store.first(LogName::Alerts)?;
    let mut past = Kept::starting_at(from);
    while from < end {
        match store.read_at(LogName::Alerts, from, Limits::default().batch_bytes_max)? {
            ReadAt::Entries(entries) => {
                for entry in &entries {
                    past.note(from, Whose::of_entry(entry));
                    from = from.plus(1);
                }
            }
            ReadAt::Gap { first_available } if first_available > from => from = first_available,
            ReadAt::Gap { .. } | ReadAt::End | ReadAt::Beyond { .. } => break,
        }
    }
    Ok(past)
}

impl Held {
    /// See [`super::super::journal::Journal::keep`].
    pub(crate) fn keep(&self) -> bool {
        !std::mem::replace(&mut self.keeping().office().is_taken, true)
    }

    /// See [`super::super::journal::Journal::look_at_closed`].
    pub(crate) fn look_at_closed(&self, now: Millis, known: impl Fn(&Whose) -> Known) -> bool {
        let progress = *self.progress().borrow();
        let State { keeping, round, .. } = &*self.owner.state;
        let kept = &mut keeping.office().kept;
        if !kept.is_due(now) {
            return false;
        }
        let reached = Reached {
            now,
            confirmed: progress.confirmed,
            answered: progress.round,
        };
        kept.look(reached, KEPT_SLOTS_AT_ONCE, known);
        round.store(kept.round(), Ordering::SeqCst);
        kept.is_due(now)
    }

    /// See [`super::super::journal::Journal::forget_closed`].
    pub(crate) fn forget_closed(&self) {
        self.keeping().office().kept.forget_closed();
    }

    /// The first place of the own journal that has to be kept, if anybody says what is closed. Until then, everything is
    /// kept for [`crate::keeping::KEEP_MS`].
    #[must_use]
    pub fn keeps_from(&self) -> Option<Offset> {
        self.keeping().first()
    }

    fn keeping(&self) -> &Keeping {
        &self.owner.state.keeping
    }
}

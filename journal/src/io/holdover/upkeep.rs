//! Deletes of the own journal what need not be kept: by itself, as nobody else knows of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::state::State;
use crate::error::StoreError;
use crate::io::pending;
use crate::io::writer::Writer;
use crate::keeping;
use crate::offset::LogName;
use crate::shipping::Progress;
use crate::trim::TrimBy;

/// How often: positions of a nation's busiest relay are 30 MB in that time, and what is deleted
/// together is a hundred batches.
const UPKEEP_EVERY: Duration = Duration::from_secs(10);

/// Until the own journal is closed.
pub(super) async fn run(own: Arc<Writer>, state: Arc<State>, progress: watch::Receiver<Progress>) {
    state.keeping.recall(&own.store).await;
    loop {
        sleep(UPKEEP_EVERY).await;
        let now_ms = own.clock().unix_ms();
        let reached = *progress.borrow();
        let trimmed = trim(&own, &state, reached, now_ms).await;
        match trimmed {
            Ok(()) | Err(StoreError::Busy { .. }) => {}
            // It has been said by whoever met it first.
            Err(_) => return,
        }
    }
}

/// Deletes what may go. `now_ms` is milliseconds since the Unix epoch.
pub(super) async fn trim(
    own: &Writer,
    state: &State,
    progress: Progress,
    now_ms: u64,
) -> Result<(), StoreError> {
    let keep_from = state.keeping.first();
    let is_crowded = own.store.size().is_crowded();
    let points = keeping::points(progress, keep_from, now_ms, is_crowded);
    for log in LogName::ALL {
        for point in points.get(log) {
            pending::trim_by(log, TrimBy::Point(*point), |chore| own.chore(chore)).await?;
        }
    }
    Ok(())
}

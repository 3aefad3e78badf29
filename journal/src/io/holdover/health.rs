//! What the own journal and the shared log say together.

use std::sync::Arc;

use tokio::sync::watch;

use super::state::State;
use crate::io::journal::Health;

/// The own journal decides whether receipts are given; the shared log, whether anybody reads them.
pub(super) fn of(own: &Health, shared: &Health) -> Health {
    match (own, shared) {
        (Health::Healthy, Health::Troubled { why } | Health::Failed { why }) => {
            Health::Troubled { why: why.clone() }
        }
        (own, _) => own.clone(),
    }
}

/// Follows both, until the own journal takes nothing more.
pub(super) async fn watch(
    mut own: watch::Receiver<Health>,
    mut shared: watch::Receiver<Health>,
    state: Arc<State>,
) {
    loop {
        let health = of(&own.borrow_and_update(), &shared.borrow_and_update());
        let is_over = health.is_over();
        state.be(health);
        if is_over {
            return;
        }
        let changed = tokio::select! {
            changed = own.changed() => changed,
            changed = shared.changed() => changed,
        };
        if changed.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_disk_decides_and_the_shared_log_only_troubles() {
        let why = || "gone".to_owned();
        let (troubled, failed) = (
            Health::Troubled { why: why() },
            Health::Failed { why: why() },
        );
        for (own, shared, both) in [
            (Health::Healthy, Health::Healthy, Health::Healthy),
            (Health::Healthy, troubled.clone(), troubled.clone()),
            (Health::Healthy, failed.clone(), troubled.clone()),
            (Health::Healthy, Health::Closed, Health::Healthy),
            (failed.clone(), troubled, failed),
            (Health::Closed, Health::Healthy, Health::Closed),
        ] {
            assert_eq!(of(&own, &shared), both);
        }
    }
}

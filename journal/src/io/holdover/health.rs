//! What the own journal, the shared log and the way between them say together.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::state::State;
use crate::io::journal::Health;

/// How the shipper gets on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Why nothing of the own journal comes into the shared log. The server may look well all the same: it refuses
    /// what it does not refuse to whoever looks.
    pub(super) stuck: Option<String>,
    /// Since when the replicas confirm nothing of what is there.
    pub(super) unconfirmed_since: Option<Instant>,
}

/// The own journal decides whether receipts are given; the shared log and the way there, whether anybody reads them.
pub(super) fn of(own: &Health, shared: &Health, standing: &Standing) -> Health {
    match (own, shared, &standing.stuck) {
        (Health::Healthy, Health::Troubled { why } | Health::Failed { why }, _)
        | (Health::Healthy, _, Some(why)) => Health::Troubled { why: why.clone() },
        (own, ..) => own.clone(),
    }
}

/// Follows all three, until the own journal takes nothing more.
pub(super) async fn watch(
    mut own: watch::Receiver<Health>,
    mut shared: watch::Receiver<Health>,
    mut standing: watch::Receiver<Standing>,
    state: Arc<State>,
) {
    loop {
        let health = of(
            &own.borrow_and_update(),
            &shared.borrow_and_update(),
            &standing.borrow_and_update(),
        );
        let is_over = health.is_over();
        state.be(health);
        if is_over {
            return;
        }
        let changed = tokio::select! {
            changed = own.changed() => changed,
            changed = shared.changed() => changed,
            changed = standing.changed() => changed,
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
            assert_eq!(of(&own, &shared, &Standing::default()), both);
        }
    }

    #[test]
    fn what_stops_the_shipper_is_trouble_however_well_the_server_looks() {
        let stuck = Standing {
            stuck: Some("NOPERM".to_owned()),
            unconfirmed_since: None,
        };
        let why = "NOPERM".to_owned();
        let troubled = Health::Troubled { why };
        assert_eq!(of(&Health::Healthy, &Health::Healthy, &stuck), troubled);
        assert_eq!(
            of(&Health::Closed, &Health::Healthy, &stuck),
            Health::Closed
        );
    }
}

//! What the own journal, the shared log and the way between them say together.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::state::State;
use crate::io::journal::Health;

/// How the shipper of a partition gets on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Why nothing of the own journal comes into the shared log. The server may look well all the same: it refuses
    /// what it does not refuse to whoever looks.
    pub(super) stuck: Option<String>,
    /// Since when the replicas confirm nothing of what is there.
    pub(super) unconfirmed_since: Option<Instant>,
}

/// A partition of the shared log, and the way there.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) shared: watch::Receiver<Health>,
    pub(super) standing: watch::Receiver<Standing>,
}

/// The own journal decides whether receipts are given; the partitions of the shared log and the ways there, whether
/// anybody reads them. One that is in trouble is enough.
pub(super) fn of<'a>(
    own: &Health,
    partitions: impl IntoIterator<Item = (&'a Health, &'a Standing)>,
) -> Health {
    let mut partitions = partitions.into_iter();
    let troubled = partitions.find_map(|(shared, standing)| match shared {
        Health::Troubled { why } | Health::Failed { why } => Some(why.clone()),
        Health::Healthy | Health::Closed => standing.stuck.clone(),
    });
    match (own, troubled) {
        (Health::Healthy, Some(why)) => Health::Troubled { why },
        (own, _) => own.clone(),
    }
}

/// What several say together.
fn now(own: &watch::Receiver<Health>, partitions: &[Watched]) -> Health {
    let seen: Vec<(Health, Standing)> = partitions
        .iter()
        .map(|one| (one.shared.borrow().clone(), one.standing.borrow().clone()))
        .collect();
    of(
        &own.borrow(),
        seen.iter().map(|(shared, standing)| (shared, standing)),
    )
}

/// Follows the own journal and one of the partitions, and looks at all when either changes; until the
/// own journal takes nothing more.
pub(super) async fn watch(
    mut own: watch::Receiver<Health>,
    mut one: Watched,
    all: Vec<Watched>,
    state: Arc<State>,
) {
    let mut is_gone = false;
    loop {
        let is_over = own.borrow_and_update().is_over();
        one.shared.mark_unchanged();
        one.standing.mark_unchanged();
        state.look(|| now(&own, &all));
        if is_over || is_gone {
            return;
        }
        let changed = tokio::select! {
            changed = own.changed() => changed,
            changed = one.shared.changed() => changed,
            changed = one.standing.changed() => changed,
        };
        // Who ends says why before: that is looked at once more.
        is_gone = changed.is_err();
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
            let well = (&Health::Healthy, &Standing::default());
            assert_eq!(
                of(&own, [well, (&shared, &Standing::default()), well]),
                both
            );
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
        let well = (&Health::Healthy, &Standing::default());
        let looks_well = (&Health::Healthy, &stuck);
        assert_eq!(of(&Health::Healthy, [well, looks_well]), troubled);
        assert_eq!(of(&Health::Closed, [looks_well]), Health::Closed);
    }
}

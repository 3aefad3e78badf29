//! What waits in this process's own journal for the shared log: counted, and said aloud when it waits for long.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use journal::ReplicasMissing;
use journal::io::holdover::{Backlog, Held};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A report that has waited for longer is late for whoever should help: the shared log has taken
/// nothing for that long.
const LATE_AFTER_MS: u64 = 2_000;

/// How often it is said again while it lasts.
const SAY_EVERY_LOOKS: u32 = 60;

#[derive(Clone, Debug, Default)]
struct Metrics {
    entries: Gauge,
    oldest_seconds: Gauge<f64, AtomicU64>,
    replicas_missing_seconds: Gauge<f64, AtomicU64>,
    journal_live_bytes: Gauge,
    shipped_again: Counter,
    rewinds: Counter,
}

impl Metrics {
    fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let to = registry.sub_registry_with_prefix("ansim_holdover");
        to.register(
            "entries",
            "Entries of the own journal that are not in the shared log for good",
            metrics.entries.clone(),
        );
        to.register(
            "oldest_seconds",
            "Age of the oldest of them; 0 when none waits",
            metrics.oldest_seconds.clone(),
        );
        to.register(
            "replicas_missing_seconds",
            "For how long wanted replicas have confirmed nothing; 0 when all is well",
            metrics.replicas_missing_seconds.clone(),
        );
        to.register(
            "journal_live_bytes",
            "Bytes of live entries and rows in the own journal",
            metrics.journal_live_bytes.clone(),
        );
        to.register(
            "shipped_again",
            "Entries brought into the shared log once more",
            metrics.shipped_again.clone(),
        );
        to.register(
            "rewinds",
            "Times that the shared log had lost something",
            metrics.rewinds.clone(),
        );
        metrics
    }

    fn note_replicas(&self, missing: Option<ReplicasMissing>) {
        let for_ms = missing.map_or(0, |missing| missing.for_ms);
        self.replicas_missing_seconds.set(for_ms as f64 / 1e3);
    }

    fn note(&self, backlog: &Backlog, live_bytes: u64) {
        let live_bytes = i64::try_from(live_bytes).unwrap_or(i64::MAX);
        self.journal_live_bytes.set(live_bytes);
        let entries = i64::try_from(backlog.entries).unwrap_or(i64::MAX);
        self.entries.set(entries);
        let oldest_ms = backlog.oldest_age_ms.unwrap_or(0);
        self.oldest_seconds.set(oldest_ms as f64 / 1e3);
        for (counter, now) in [
            (&self.shipped_again, backlog.shipped_again),
            (&self.rewinds, backlog.rewinds),
        ] {
            counter.inc_by(now.saturating_sub(counter.get()));
        }
    }
}

/// Says so at once, and then once a minute while it lasts. Returns how often it was looked at in vain.
fn say_missing(missing: Option<ReplicasMissing>, looks: u32) -> u32 {
    match missing {
        Some(missing) => {
            if looks.is_multiple_of(SAY_EVERY_LOOKS) {
                tracing::error!("{missing}");
            }
            looks.wrapping_add(1)
        }
        None => {
            if looks > 0 {
                tracing::info!("the replicas confirm again");
            }
            0
        }
    }
}

/// Looks after the backlog until `stop`.
pub(super) fn watch(held: Held, registry: &mut Registry, stop: CancellationToken) {
    let metrics = Metrics::register(registry);
    let looking = async move {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        let (mut late_looks, mut missing_looks) = (0, 0);
        loop {
            ticks.tick().await;
            let missing = held.replicas_missing();
            metrics.note_replicas(missing);
            missing_looks = say_missing(missing, missing_looks);
            let backlog = held.backlog();
            metrics.note(&backlog, held.size_bytes());
            let is_late = backlog.oldest_age_ms.is_some_and(|ms| ms > LATE_AFTER_MS);
            if is_late && late_looks % SAY_EVERY_LOOKS == 0 {
                tracing::error!(
                    entries = backlog.entries,
                    oldest_ms = backlog.oldest_age_ms,
                    "what was receipted here is not in the shared log: look at the log's server"
                );
            } else if !is_late && late_looks > 0 {
                tracing::info!("what was receipted here is in the shared log again");
            }
            late_looks = if is_late { late_looks + 1 } else { 0 };
        }
    };
    tokio::spawn(stop.run_until_cancelled_owned(looking));
}

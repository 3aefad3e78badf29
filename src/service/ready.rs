//! Whether this process is of use, as a metric: what `/readyz` says, for whoever does not ask it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use dispatcher::io::Engine;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use relay::RelayHandle;
use tokio_util::sync::CancellationToken;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until `stop`. A dispatcher's state has that of a relay beside it.
pub(super) fn watch(
    relay: Option<&Arc<RelayHandle>>,
    engine: Option<&Engine>,
    registry: &mut Registry,
    stop: CancellationToken,
) {
    let ready = Gauge::<i64>::default();
    registry.register(
        "ansim_ready",
        "1 when this process is ready, as /readyz says",
        ready.clone(),
    );
    let relay = relay.map(Arc::downgrade);
    let engine = engine.cloned();
    let looking = async move {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        loop {
            ticks.tick().await;
            let is_ready = match (&engine, &relay) {
                (Some(engine), _) => engine.state().ready,
                (None, Some(relay)) => Weak::upgrade(relay).is_some_and(|relay| relay.is_ready()),
                (None, None) => false,
            };
            ready.set(i64::from(is_ready));
        }
    };
    tokio::spawn(stop.run_until_cancelled_owned(looking));
}

//! The relay, with nobody behind its log.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use journal::{Clock, DayKeys, Journal, LogName, Options};
use prometheus_client::registry::Registry;
use protocol::token::Issuer;
use relay::{Certificate, Parts, Relay, RelayConfig, RelayHandle};

use crate::phones::{ISSUER_SEED, Identity};

pub(crate) struct RelayServer {
    relay: RelayHandle,
    journal: Journal,
}

impl RelayServer {
    pub(crate) fn start(folder: &Path) -> Self {
        let identity = Identity::read(folder);
        let certificate = Certificate::new(vec![identity.certificate], identity.key).unwrap();
        let journal =
            Journal::open_embedded(folder.join("journal.redb"), Options::default()).unwrap();
        let parts = Parts {
            journal: journal.clone(),
            authority: Issuer::from_seed(&ISSUER_SEED).unwrap().authority(),
            day_keys: Arc::new(DayKeys::open(folder.join("days")).unwrap()),
            clock: Clock::System,
        };
        let any = "127.0.0.1:0".parse().unwrap();
        let config = RelayConfig::new(any, folder.join("relay"), certificate);
        let relay = Relay::start(config, parts, &mut Registry::default()).unwrap();
        Self { relay, journal }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.relay.local_addr()
    }

    pub(crate) fn positions(&self) -> u64 {
        self.journal.end(LogName::Tracks).0
    }

    pub(crate) async fn stop(self) {
        drop(self.relay);
        self.journal.close().await;
    }
}

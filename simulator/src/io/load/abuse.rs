//! Traffic that is no emergency, beside the real alerts. What it brings to the board is nobody's alert
//! and is not judged; what it takes from the real ones is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::Event;
use client::io::ALPN;
use protocol::{Enrolment, IncidentId, ReportKind};
use quinn::crypto::rustls::QuicClientConfig;
use rand::rngs::ChaCha8Rng;
use rand::{Rng as _, SeedableRng as _};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::lookup_host;
use tokio::time::{sleep, sleep_until, timeout};

use super::phone::App;
use super::world::World;
use crate::io::phone::wall;
use crate::io::run::RunError;
use crate::people::Person;
use crate::plan::{NuisanceKind, Nuisances};

/// How long somebody who means no good keeps a connection, unless the relay ends it.
const HELD: Duration = Duration::from_secs(10);

/// Bytes that are nothing.
const GARBAGE_BYTES: usize = 1_024;

/// A phone without an emergency leaves with its receipt, or then.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody who means no good: a socket, and where the relay is.
#[derive(Clone)]
struct Abuser {
    endpoint: quinn::Endpoint,
    relay: SocketAddr,
    name: String,
}

/// Lets everything come at its time; counts what came.
pub(super) async fn keep_abusing(
    world: Arc<World>,
    nuisances: Nuisances,
    came: Arc<AtomicU64>,
) -> Result<(), RunError> {
    let mut nuisances = nuisances.peekable();
    if nuisances.peek().is_none() {
        return Ok(());
    }
    let abuser = match Abuser::of(&world.site.enrolment).await {
        Ok(abuser) => abuser,
        Err(error) => return Err(RunError::Socket(std::io::Error::other(error))),
    };
    for nuisance in nuisances {
        sleep_until(world.at(nuisance.at).into()).await;
        if world.raised.is_cancelled() {
            break;
        }
        came.fetch_add(1, Ordering::Relaxed);
        let (abuser, of_task) = (abuser.clone(), Arc::clone(&world));
        world.keep(async move {
            match nuisance.kind {
                NuisanceKind::Handshake => abuser.connect(None).await,
                NuisanceKind::Garbage(seed) => abuser.connect(Some(seed)).await,
                NuisanceKind::Unverified(person) | NuisanceKind::StolenToken(person) => {
                    press(&of_task, &person).await?;
                }
            }
            Ok(())
        });
    }
    Ok(())
}

impl Abuser {
    async fn of(enrolment: &Enrolment) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let relay = enrolment.relays.first().ok_or("no relay")?;
        let address = lookup_host(&relay.address).await?.next();
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(enrolment.authority_pem.as_bytes()) {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let crypto = QuicClientConfig::try_from(tls)?;
        let relay_address = address.ok_or("the relay's name has no address")?;
        let any: SocketAddr = match relay_address {
            SocketAddr::V4(_) => (std::net::Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let mut endpoint = quinn::Endpoint::client(any)?;
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
        Ok(Self {
            endpoint,
            relay: relay_address,
            name: relay.server_name.clone(),
        })
    }

    /// A relay that refuses is what somebody who means no good has to live with.
    async fn connect(&self, garbage: Option<u64>) {
        let Ok(connecting) = self.endpoint.connect(self.relay, &self.name) else {
            return;
        };
        let Ok(Ok(connection)) = timeout(HELD, connecting).await else {
            return;
        };
        if let Some(seed) = garbage
            && let Ok((mut stream, _)) = connection.open_bi().await
        {
            let mut bytes = [0; GARBAGE_BYTES];
            ChaCha8Rng::seed_from_u64(seed).fill_bytes(&mut bytes);
            // The relay may have ended the stream by then.
            let _ = stream.write_all(&bytes).await;
        }
        tokio::select! {
            _ = connection.closed() => {}
            () = sleep(HELD) => {}
        }
    }
}

async fn press(world: &World, person: &Person) -> Result<(), RunError> {
    let World {
        site,
        foreign_issuer,
        networks,
        ..
    } = world;
    let mut app = App::start(site, foreign_issuer, networks, (person, false), false)?;
    let mut raise = person.raise(Duration::ZERO, wall());
    raise.interval = None;
    if let Ok(alert) = app.handle.raise_with(raise).await {
        let incident = IncidentId::of(&person.device_id(), &alert);
        world.measures().ignore(incident);
    }
    let receipted = async {
        while let Some(event) = app.events.recv().await {
            if matches!(&event.event, Event::Receipted(one) if one.kind == ReportKind::Raise) {
                return;
            }
        }
    };
    // Nobody promises them anything.
    let _ = timeout(PATIENCE, receipted).await;
    app.handle.close().await;
    Ok(())
}

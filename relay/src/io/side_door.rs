//! The shell around [`SideDoor`]: looks at what waits for the log, reads it, and offers it to dispatchers over HTTPS.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use journal::{Journal, Offset, StoreError, Unshipped, Waiting};
use protocol::side_door::{ANSWER_BYTES, Answer, MAX_ENTRIES, PATH, encode_offer};
use protocol::{Entry, Millis, Subject};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{Id, JoinError, JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsConnector;

use super::hub::Hub;
use super::tls::{CertificateError, provider};
use crate::side_door::{Backlog, DispatcherAddress, Offer, SideDoor, Window};

/// How often it is looked at what waits for the log.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Bytes of the own journal that are read at one look, when anything waits: some ten thousand alerts, ten times what comes
/// meanwhile to a nation's busiest relay.
const LOOK_BYTES: usize = 4 << 20;

/// From the connection to the answer. A dispatcher that takes longer is tried again later.
const OFFER_WITHIN: Duration = Duration::from_secs(5);

/// Bytes of an answer in words, which are for the log: `what happened, where, what to do`.
const WORDS_BYTES_MAX: usize = 1_024;

/// The dispatchers that are told of alerts while the log takes nothing, and who vouches for them.
#[derive(Clone, Default)]
pub struct Dispatchers {
    addresses: Vec<DispatcherAddress>,
    authorities: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for Dispatchers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.addresses).finish()
    }
}

impl Dispatchers {
    /// Dispatchers, and the certificates of their authorities in PEM; those that speak TLS need one.
    ///
    /// # Errors
    /// [`CertificateError::Pem`].
    pub fn new(
        addresses: Vec<DispatcherAddress>,
        authorities: &[u8],
    ) -> Result<Self, CertificateError> {
        let authorities = CertificateDer::pem_slice_iter(authorities).collect::<Result<_, _>>();
        let pem = |source| CertificateError::Pem {
            what: "authority of the dispatchers",
            source,
        };
        Ok(Self {
            addresses,
            authorities: authorities.map_err(pem)?,
        })
    }

    /// Whether somebody can vouch for a dispatcher.
    #[must_use]
    pub fn has_authority(&self) -> bool {
        !self.authorities.is_empty()
    }

    /// The client's side of every handshake.
    fn tls(&self) -> Result<TlsConnector, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for authority in &self.authorities {
            roots.add(authority.clone())?;
        }
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// A dispatcher, and what was said about it last.
struct Dispatcher {
    address: Arc<DispatcherAddress>,
    complaint: Option<String>,
}

/// What became of an offer: the entry behind the last that was offered, and the answer if anything was sent.
type Offered = Result<(Offset, Option<Answer>), String>;

/// The side door of a relay.
pub(crate) struct Shell {
    hub: Arc<Hub>,
    dispatchers: Vec<Dispatcher>,
    tls: TlsConnector,
    door: SideDoor,
    window: Window,
    /// What was said about the own journal last.
    complaint: Option<String>,
    offers: JoinSet<Offered>,
    /// To which dispatcher each of them goes.
    under_way: Vec<(Id, usize)>,
}

impl Shell {
    pub(crate) fn new(hub: Arc<Hub>, dispatchers: Dispatchers) -> Result<Self, rustls::Error> {
        let tls = dispatchers.tls()?;
        let door = SideDoor::new(dispatchers.addresses.len());
        let dispatchers = dispatchers.addresses.into_iter().map(|address| Dispatcher {
            address: Arc::new(address),
            complaint: None,
        });
        Ok(Self {
            hub,
            dispatchers: dispatchers.collect(),
            tls,
            door,
            window: Window::default(),
            complaint: None,
            offers: JoinSet::new(),
            under_way: Vec::new(),
        })
    }

    /// For ever, unless the log has no way of being stuck.
    pub(crate) async fn run(mut self) {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => {
                    if !self.look().await {
                        return;
                    }
                }
                Some(done) = self.offers.join_next_with_id() => self.note_done(done),
            }
            while let Some(offer) = self.door.poll_offer(self.hub.tick()) {
                self.make(offer);
            }
        }
    }

    /// Looks at what waits. False when nothing ever will.
    async fn look(&mut self) -> bool {
        let journal = self.hub.journal.clone();
        let Some(unshipped) = journal.unshipped() else {
            return false;
        };
        let mut window = std::mem::take(&mut self.window);
        // The disk may be slow, and phones are answered on this thread too.
        let looking = spawn_blocking(move || {
            let backlog = look_at(&journal, &unshipped, &mut window);
            (window, backlog)
        });
        let Ok((window, backlog)) = looking.await else {
            return false;
        };
        self.window = window;
        let left_out = i64::try_from(self.window.left_out()).unwrap_or(i64::MAX);
        self.hub.metrics.side_door_left_out.set(left_out);
        match backlog {
            Ok(backlog) => {
                self.complaint = None;
                self.note_backlog(backlog);
            }
            Err(error) => {
                let why = error.to_string();
                // Once for each reason, however often it is tried.
                if self.complaint.as_ref() != Some(&why) {
                    tracing::warn!(
                        why,
                        "the own journal cannot be read; dispatchers are told of nothing new"
                    );
                    self.complaint = Some(why);
                }
            }
        }
        true
    }

    fn note_backlog(&mut self, backlog: Backlog) {
        let changed = self.door.handle_backlog(self.hub.tick(), backlog);
        let is_open = self.door.is_open();
        if changed {
            self.hub.metrics.side_door_open.set(i64::from(is_open));
            self.hub.ledger().handle_stuck(is_open);
            let dispatchers = self.dispatchers.len();
            if is_open {
                tracing::error!(
                    dispatchers,
                    "alerts wait for the log; dispatchers are told of them directly"
                );
            } else {
                tracing::info!("the log has all alerts again");
            }
        }
        if is_open {
            let now = self.hub.now().stamp;
            let deliveries = self.hub.ledger().tell_stored(now);
            self.hub.deliver(deliveries);
        }
    }

    fn make(&mut self, offer: Offer) {
        let Some(dispatcher) = self.dispatchers.get(offer.to) else {
            return;
        };
        let entries: Vec<_> = self
            .window
            .entries_from(offer.from)
            .take(MAX_ENTRIES)
            .collect();
        let (address, tls) = (Arc::clone(&dispatcher.address), self.tls.clone());
        let task = self.offers.spawn(async move {
            let offering = offer_to(entries, offer.end, &address, &tls);
            let offered = timeout(OFFER_WITHIN, offering).await;
            let late = |_| Err(format!("no answer within {} s", OFFER_WITHIN.as_secs()));
            offered.unwrap_or_else(late)
        });
        self.under_way.push((task.id(), offer.to));
    }

    fn note_done(&mut self, done: Result<(Id, Offered), JoinError>) {
        let (id, offered) = match done {
            Ok(done) => done,
            Err(error) => (
                error.id(),
                Err(format!("the offer has ended badly: {error}")),
            ),
        };
        let place = self.under_way.iter().position(|(task, _)| *task == id);
        if let Some(place) = place {
            let (_, to) = self.under_way.swap_remove(place);
            self.note(to, offered);
        }
    }

    fn note(&mut self, to: usize, offered: Offered) {
        let Some(dispatcher) = self.dispatchers.get_mut(to) else {
            return;
        };
        let address = &dispatcher.address;
        match offered {
            Ok((next, answer)) => {
                if let Some(answer) = answer {
                    self.hub.metrics.count_answer(&answer);
                }
                if dispatcher.complaint.take().is_some() {
                    tracing::info!(%address, "the dispatcher takes offers again");
                }
                self.door.handle_offered(self.hub.tick(), to, next);
            }
            Err(why) => {
                self.hub.metrics.side_door_failures.inc();
                // Once for each reason, however often it is tried.
                if dispatcher.complaint.as_ref() != Some(&why) {
                    tracing::warn!(%address, why, "the dispatcher cannot be told of alerts; it is tried again");
                    dispatcher.complaint = Some(why);
                }
                self.door.handle_failed(self.hub.tick(), to);
            }
        }
    }
}

/// Brings the window to where the log is, and reads on. Blocks.
fn look_at(
    journal: &Journal,
    unshipped: &Unshipped,
    window: &mut Window,
) -> Result<Backlog, StoreError> {
    let from = window.handle_look(unshipped);
    if from < unshipped.end {
        let (mut waiting, read_to) = journal.read_unshipped(unshipped, from, LOOK_BYTES)?;
        // Beside a dispatcher of the same process its decisions are in the journal as well.
        waiting.retain(is_report);
        window.handle_read(waiting, read_to);
    }
    let first = window.first();
    let oldest_age_ms = first.map_or(Ok(None), |first| journal.receipted_ms_ago(first))?;
    let end = window.end();
    Ok(Backlog {
        first: first.unwrap_or(end),
        end,
        oldest_age: oldest_age_ms.map(Millis),
    })
}

fn is_report(waiting: &Waiting) -> bool {
    let entry = Entry::decode(&waiting.entry);
    entry.is_ok_and(|entry| matches!(entry.header.subject, Subject::Report(_)))
}

/// Offers these, of what ends at `end`.
async fn offer_to(
    entries: Vec<(Offset, Bytes)>,
    end: Offset,
    address: &DispatcherAddress,
    tls: &TlsConnector,
) -> Offered {
    let behind = entries.last().map_or(end, |(at, _)| at.plus(1));
    if entries.is_empty() {
        return Ok((behind, None));
    }
    let (offsets, entries): (Vec<Offset>, Vec<Bytes>) = entries.into_iter().unzip();
    let (body, dealt_with) = encode_offer(&entries);
    let next = offsets.get(dealt_with).copied().unwrap_or(behind);
    let stream = TcpStream::connect((address.host(), address.port()))
        .await
        .map_err(|error| format!("no connection: {error}"))?;
    let answer = if address.is_tls() {
        let name = ServerName::try_from(address.host().to_owned())
            .map_err(|error| format!("its name cannot be in a certificate: {error}"))?;
        let stream = tls.connect(name, stream).await.map_err(|error| {
            format!("no TLS: {error}; is relay.dispatchers_ca_file its authority?")
        })?;
        post(stream, address, body).await?
    } else {
        post(stream, address, body).await?
    };
    Ok((next, Some(answer)))
}

/// One request on a connection of its own.
async fn post(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: &DispatcherAddress,
    body: Vec<u8>,
) -> Result<Answer, String> {
    let failed = |error: hyper::Error| format!("the offer did not arrive: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let request = Request::post(PATH)
        .header(HOST, address.authority())
        .header(CONTENT_TYPE, "application/octet-stream")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    let asking = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), WORDS_BYTES_MAX);
        let body = body.collect().await;
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        read_answer(status, &body)
    };
    beside(connection, asking).await
}

/// Drives a connection while something is asked on it.
async fn beside<T>(connection: impl Future, asking: impl Future<Output = T>) -> T {
    tokio::pin!(connection);
    tokio::pin!(asking);
    tokio::select! {
        biased;
        answer = &mut asking => answer,
        _ = &mut connection => asking.await,
    }
}

fn read_answer(status: StatusCode, body: &[u8]) -> Result<Answer, String> {
    if status != StatusCode::OK {
        return Err(format!(
            "it answered {status}: {}",
            String::from_utf8_lossy(body)
        ));
    }
    Answer::decode(body).ok_or_else(|| {
        format!(
            "its answer is not one of {ANSWER_BYTES} bytes of this release; is it a dispatcher?"
        )
    })
}

#[cfg(test)]
mod tests;

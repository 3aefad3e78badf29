//! One phone's tickets: what lets its next connection begin with the raise (RFC 8446, section 2.3).

use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use tokio::sync::Notify;

/// Relays whose tickets are kept. An enrolment names two or three.
const MAX_SERVERS: usize = 8;

/// Tickets of one relay. Each connection spends one and brings two.
const MAX_TICKETS: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct TicketStore {
    servers: Mutex<Vec<Server>>,
    arrived: Notify,
}

#[derive(Debug)]
struct Server {
    name: ServerName<'static>,
    group: Option<NamedGroup>,
    tickets: Vec<Tls13ClientSessionValue>,
}

impl TicketStore {
    /// Whether a connection to this name could begin with data.
    pub(crate) fn has_ticket(&self, name: &str) -> bool {
        self.lock()
            .iter()
            .any(|server| server.name.to_str() == name && !server.tickets.is_empty())
    }

    /// Waits for the next ticket of any relay.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, name: ServerName<'static>, change: impl FnOnce(&mut Server) -> T) -> T {
        let mut servers = self.lock();
        let at = servers
            .iter()
            .position(|server| server.name == name)
            .unwrap_or_else(|| {
                if servers.len() >= MAX_SERVERS {
                    servers.remove(0);
                }
                servers.push(Server {
                    name,
                    group: None,
                    tickets: Vec::new(),
                });
                servers.len() - 1
            });
        change(&mut servers[at])
    }
}

impl ClientSessionStore for TicketStore {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.with(name, |server| server.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        let servers = self.lock();
        servers
            .iter()
            .find(|server| server.name == *name)
            .and_then(|server| server.group)
    }

    // QUIC is TLS 1.3 (RFC 9001, section 4.2): nothing of TLS 1.2 is kept.
    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.with(name, |server| {
            if server.tickets.len() >= MAX_TICKETS {
                server.tickets.remove(0);
            }
            server.tickets.push(ticket);
        });
        self.arrived.notify_one();
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut servers = self.lock();
        servers
            .iter_mut()
            .find(|server| server.name == *name)
            .and_then(|server| server.tickets.pop())
    }
}

//! Goes where the writer goes. It alone finds out that another server has the place of the master; whoever ships or reads over a
//! connection of its own is told, and waits no longer than it does.

use std::future::pending;

use tokio::sync::watch;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::connect::{self, Link};
use super::failure::ConnectError;
use super::settings::{Address, Settings};

/// Where the writer is, for one who goes along.
#[derive(Debug)]
pub(super) struct Lead {
    master: watch::Receiver<Option<Address>>,
    /// Where the writer was when this one connected.
    known: Option<Address>,
}

impl Lead {
    pub(super) const fn new(master: watch::Receiver<Option<Address>>) -> Self {
        Self {
            master,
            known: None,
        }
    }

    /// Where the master is likely to be, for one who is about to connect.
    fn likely(&mut self) -> Option<Address> {
        self.known.clone_from(&self.master.borrow_and_update());
        self.known.clone()
    }

    /// Connects to the master; begins anew when the writer has found a server meanwhile.
    pub(super) async fn connect(&mut self, settings: &Settings) -> Result<Link, ConnectError> {
        loop {
            let likely = self.likely();
            tokio::select! {
                link = connect::master(settings, likely.as_ref()) => return link,
                () = self.arrival() => {}
            }
        }
    }

    /// Whether the writer has come to another server than this one since this one was connected to. Who has gone ahead of
    /// the writer, stays.
    pub(super) fn has_left(&self, at: &Address) -> bool {
        let master = self.master.borrow();
        *master != self.known && master.as_ref().is_some_and(|master| master != at)
    }

    /// Waits as long as is to be waited after something that failed, or until the writer has found a server, or finds that it
    /// takes writes again.
    pub(super) async fn rest(&mut self, backoff: &mut Backoff) {
        tokio::select! {
            () = sleep(backoff.next()) => {}
            () = self.arrival() => backoff.reset(),
        }
    }

    async fn arrival(&mut self) {
        while self.master.changed().await.is_ok() {
            if self.master.borrow_and_update().is_some() {
                return;
            }
        }
        // The writer has ended.
        pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Address {
        Address {
            host: "log.example".to_owned(),
            port,
        }
    }

    #[test]
    fn a_server_is_left_when_the_writer_comes_to_another_and_not_by_who_is_ahead_of_it() {
        let master = watch::Sender::new(Some(at(1)));
        let mut lead = Lead::new(master.subscribe());
        assert_eq!(lead.likely(), Some(at(1)));
        assert!(!lead.has_left(&at(1)));
        assert!(!lead.has_left(&at(2)), "it has gone ahead");
        master.send_replace(None);
        assert!(!lead.has_left(&at(1)), "the writer is nowhere");
        master.send_replace(Some(at(1)));
        assert!(!lead.has_left(&at(1)), "the writer is back");
        assert!(!lead.has_left(&at(2)), "and where it was");
        master.send_replace(Some(at(2)));
        assert!(lead.has_left(&at(1)));
        assert_eq!(lead.likely(), Some(at(2)));
        assert!(!lead.has_left(&at(3)), "it knew where the writer was");
    }

    #[tokio::test]
    async fn who_waits_goes_on_when_the_writer_has_found_a_server() {
        let master = watch::Sender::new(None);
        let mut lead = Lead::new(master.subscribe());
        let mut backoff = Backoff::new();
        lead.rest(&mut backoff).await;
        assert!(!backoff.is_fresh(), "the time was over");
        master.send_replace(Some(at(1)));
        lead.rest(&mut backoff).await;
        assert!(backoff.is_fresh(), "it was there");
        assert!(lead.has_left(&at(2)), "also for who has waited");
    }
}

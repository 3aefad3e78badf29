//! Tells phones when the replicas have what they reported.

use std::sync::Arc;

use journal::{LogName, Progress};
use tokio::sync::watch;

use super::hub::Hub;

impl Hub {
    /// From now on receipts are final when replicas have the report, if replicas are wanted. Before anybody appends.
    pub(crate) fn expect_replicas(&self) -> Option<watch::Receiver<Progress>> {
        let progress = self.journal.replication()?;
        let confirmed = progress.borrow().confirmed;
        let ends = self.journal.own_end(LogName::Alerts);
        self.ledger().wait_for_replicas(ends, confirmed);
        Some(progress)
    }

    /// Until the journal is closed.
    pub(crate) async fn tell_of_replicas(self: Arc<Self>, mut progress: watch::Receiver<Progress>) {
        while progress.changed().await.is_ok() {
            let confirmed = progress.borrow_and_update().confirmed;
            let told = self.ledger().confirmed(confirmed);
            let mailboxes = self.mailboxes.pin();
            for (session, key) in told {
                if let Some(mailbox) = mailboxes.get(&session) {
                    mailbox.put_replicated(key);
                }
            }
        }
    }
}

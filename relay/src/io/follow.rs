//! The way back: tails the alert log, and puts what it says into the mailboxes of the phones concerned.

use std::sync::Arc;

use bytes::Bytes;
use journal::{LogName, Offset, Tailed};
use protocol::wire::Message;
use protocol::{AlertId, Decision, DecisionKind, Entry};

use super::hub::Hub;
use crate::session::Word;
use crate::way_back::{Notice, SealedMessage};

impl Hub {
    /// Follows the alert log for the phones of this relay until the journal ends.
    pub(crate) async fn follow_log(self: Arc<Self>) {
        let from = self.journal.first(LogName::Alerts).unwrap_or(Offset::ZERO);
        let mut tail = self.journal.tail(LogName::Alerts, from);
        loop {
            match tail.next().await {
                Ok(Tailed::Entries { entries, .. }) => self.fold(&entries),
                Ok(Tailed::Gap { first_available }) => {
                    tracing::warn!(%first_available, "the way back begins in the middle of the log");
                    self.ledger().forget_log();
                }
                Ok(Tailed::Rewound) => {
                    tracing::warn!("the log was rewound; the way back folds it anew");
                    self.ledger().forget_log();
                    let from = self.journal.first(LogName::Alerts).unwrap_or(Offset::ZERO);
                    tail = self.journal.tail(LogName::Alerts, from);
                }
                Err(error) => {
                    tracing::info!(%error, "the way back has ended");
                    return;
                }
            }
        }
    }

    fn fold(&self, entries: &[Bytes]) {
        for entry in entries {
            let Ok(entry) = Entry::decode(entry) else {
                self.metrics.entries_undecodable.inc();
                continue;
            };
            let deliveries = self.ledger().fold(&entry);
            for delivery in deliveries {
                let Some(word) = self.word(delivery.notice) else {
                    continue;
                };
                if let Some(mailbox) = self.mailboxes.pin().get(&delivery.session) {
                    mailbox.put_word(word);
                }
            }
        }
        let incidents = self.ledger().incidents();
        let incidents = i64::try_from(incidents).unwrap_or(i64::MAX);
        self.metrics.incidents.set(incidents);
    }

    pub(crate) fn word(&self, notice: Notice) -> Option<Word> {
        match notice {
            Notice::Status(status) => Some(Word::Status(status)),
            Notice::Message(alert, message) => {
                let word = self.open(alert, &message);
                if word.is_none() {
                    self.metrics.words_lost.inc();
                }
                word
            }
        }
    }

    fn open(&self, alert: AlertId, message: &SealedMessage) -> Option<Word> {
        let day_key = self.day_keys.get(journal::Day(message.day.0)).ok()??;
        let body = journal::open(
            &day_key,
            &message.device.to_bytes(),
            message.alert.as_bytes(),
            &message.header_bytes,
            &message.sealed,
        )
        .ok()?;
        match Decision::decode(DecisionKind::Message, &body) {
            Ok(Decision::Message(text)) => Some(Word::Message(Message {
                alert,
                id: message.id,
                text,
                at: message.at,
            })),
            _ => None,
        }
    }
}

//! What other threads tell the task of one connection. Bounded, and waited for by level.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::append::{Outcome, ReportKey};
use crate::limits::MAILBOX_WORDS_MAX;
use crate::session::Word;

/// Why all connections end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Stop {
    /// The relay is being shut down.
    ShuttingDown,
    /// Nothing can be made durable any more.
    NotDurable,
}

/// What waits for a task.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// Answers to its appends; at most as many as it has under way.
    pub(crate) outcomes: Vec<Outcome>,
    /// What is on the replicas now.
    pub(crate) replicated: Vec<ReportKey>,
    /// What the log says.
    pub(crate) words: Vec<Word>,
    /// More was said than is kept.
    pub(crate) overflow: bool,
    /// The connection is to end.
    pub(crate) stop: Option<Stop>,
}

/// The mail of one connection.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    arrived: Notify,
}

impl Mailbox {
    pub(crate) fn put_outcomes(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.mail().outcomes.extend(outcomes);
        self.arrived.notify_one();
    }

    /// Beyond what is kept no second receipt follows.
    pub(crate) fn put_replicated(&self, key: ReportKey) {
        let mut mail = self.mail();
        if mail.replicated.len() < MAILBOX_WORDS_MAX {
            mail.replicated.push(key);
        }
        drop(mail);
        self.arrived.notify_one();
    }

    pub(crate) fn put_word(&self, word: Word) {
        let mut mail = self.mail();
        if mail.words.len() >= MAILBOX_WORDS_MAX {
            mail.overflow = true;
        } else {
            mail.words.push(word);
        }
        drop(mail);
        self.arrived.notify_one();
    }

    pub(crate) fn put_stop(&self, stop: Stop) {
        let mut mail = self.mail();
        mail.stop = mail.stop.max(Some(stop));
        drop(mail);
        self.arrived.notify_one();
    }

    /// Waits until something has been put since the last [`Mailbox::take`].
    pub(crate) fn arrived(&self) -> Notified<'_> {
        self.arrived.notified()
    }

    pub(crate) fn take(&self) -> Mail {
        let mut mail = self.mail();
        let stop = mail.stop;
        let taken = std::mem::take(&mut *mail);
        mail.stop = stop;
        taken
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The way of an author's own journal into the log: a connection of its own, so that the author knows
//! when it is another, and appends that say in one transaction with what stood in the log before them.

use std::sync::Arc;

use redis::Cmd;

use super::append::{self, Fate};
use super::backoff::Backoff;
use super::connect::Link;
use super::failure::{Failure, lacks_replicas};
use super::lead::Lead;
use super::reply::{self, Extent, Record};
use super::settings::Keys;
use super::shared::Shared;
use super::{probe, writer};
use crate::batcher::{Batch, Durability};
use crate::offset::{LogName, Offset, PerLog};
use crate::proof::{Conclusion, Digest, Proof, Seen, conclude};
use crate::stream_id;

/// Entries that are looked for at once: a failover takes back the newest few, and each is at most a
/// megabyte.
const LOOK_FOR_MAX: usize = 16;

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::io) enum Delivered {
    /// It is in the log, behind what it was to be behind, each run in a row from here.
    Placed {
        firsts: PerLog<Offset>,
        durability: Durability,
    },
    /// What it was to be behind is not there; whether it is there itself means nothing.
    Disproved,
    /// The server took nothing of it.
    Rejected { why: String },
    /// It may be there or not, and the connection is of no use any more.
    Unknown { why: String },
}

/// An entry that is looked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::io) struct Sought {
    pub(in crate::io) proof: Proof,
    /// It counts as there when it has been trimmed.
    pub(in crate::io) may_be_trimmed: bool,
}

/// A connection to the log, when there is one.
pub(in crate::io) struct Delivery {
    shared: Arc<Shared>,
    lead: Lead,
    link: Option<Link>,
    /// The server has said how the log is cut.
    knows_layout: bool,
    backoff: Backoff,
}

impl Delivery {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            lead: shared.lead(),
            shared,
            link: None,
            knows_layout: false,
            backoff: Backoff::new(),
        }
    }

    /// Connects to the master, if it may hold the log.
    pub(in crate::io) async fn connect(&mut self) -> Result<(), String> {
        self.link = None;
        let link = self.lead.connect(&self.shared.settings).await;
        let link = link.map_err(|error| error.to_string())?;
        let reached = writer::examine(&self.shared, link).await;
        let reached = reached.map_err(|error| error.to_string())?;
        self.knows_layout = reached.looked.layout.is_ok();
        self.link = Some(reached.link);
        Ok(())
    }

    /// Leaves a server that the writer has left for another; says whether there is a connection.
    pub(in crate::io) fn goes_on(&mut self) -> bool {
        let lead = &self.lead;
        self.link.take_if(|link| lead.has_left(&link.at));
        self.is_connected()
    }

    /// Waits after something that failed.
    pub(in crate::io) async fn rest(&mut self) {
        self.lead.rest(&mut self.backoff).await;
    }

    /// Which is the first of these entries of the alert log that is still there.
    pub(in crate::io) async fn first_there(
        &mut self,
        sought: &[Sought],
    ) -> Result<Option<usize>, String> {
        self.see_layout().await?;
        let keys = self.shared.keys.clone();
        let mut looked_at = 0;
        // The newest is there, but for a failover.
        let mut count = 1;
        while looked_at < sought.len() {
            let page = &sought[looked_at..sought.len().min(looked_at + count)];
            let questions = page.iter().map(|one| entry_at(&keys, one.proof.offset));
            // The entries first: what is trimmed in between is then seen to be trimmed.
            let questions = questions.chain([probe::extent_of(&keys, LogName::Alerts)]);
            let mut answers = self.ask(questions.collect()).await?;
            let extent = reply::extent(&answers.pop().unwrap_or_default())?;
            for (one, answer) in page.iter().zip(answers) {
                let found = reply::range(answer)?;
                let is_there = match concludes(one.proof, found.first(), extent) {
                    Conclusion::Rewound => false,
                    Conclusion::Holds | Conclusion::Gap { .. } => {
                        one.may_be_trimmed || !found.is_empty()
                    }
                };
                if is_there {
                    return Ok(Some(looked_at));
                }
                looked_at += 1;
            }
            count = LOOK_FOR_MAX;
        }
        Ok(None)
    }

    /// Appends a batch, whose place is behind this entry. Positions alone wait for no replica.
    pub(in crate::io) async fn append(
        &mut self,
        batch: &Batch,
        behind: Option<Proof>,
        now_ms: u64,
    ) -> Delivered {
        let Some(mut link) = self.link.take() else {
            let why = "there is no connection".to_owned();
            return Delivered::Unknown { why };
        };
        let Shared { keys, settings, .. } = &*self.shared;
        let mut settings = settings.clone();
        if batch.runs.alerts.entries.is_empty() {
            settings.replicas = 0;
        }
        let before: Vec<Cmd> = behind.map_or_else(Vec::new, |behind| before(keys, behind));
        let (fate, looks) =
            append::append_after(&mut link, keys, batch, now_ms, &settings, before).await;
        let holds = holds(behind, looks);
        match fate {
            Fate::Unknown { why } => Delivered::Unknown { why },
            Fate::Rejected { why, is_over } => {
                self.note_refusal(&why);
                if !is_over {
                    self.link = Some(link);
                }
                Delivered::Rejected { why }
            }
            Fate::Placed {
                firsts,
                durability,
                broken,
            } => {
                if broken.is_none() {
                    self.link = Some(link);
                    self.backoff.reset();
                }
                for log in LogName::ALL {
                    let count = batch.runs.get(log).entries.len() as u64;
                    if count > 0 {
                        self.shared.raise_end(log, firsts.get(log).plus(count));
                    }
                }
                match holds {
                    true => Delivered::Placed { firsts, durability },
                    false => Delivered::Disproved,
                }
            }
        }
    }

    /// Whether the entry is there, and with everything before it on as many replicas as are wanted;
    /// `None` when it is not there. A server that takes no write has not enough of them.
    pub(in crate::io) async fn confirm(
        &mut self,
        behind: Option<Proof>,
        now_ms: u64,
    ) -> Result<Option<bool>, String> {
        let shared = Arc::clone(&self.shared);
        let mut link = self.link.take().ok_or("there is no connection")?;
        let looks = behind.map_or_else(Vec::new, |behind| before(&shared.keys, behind));
        let waited =
            append::wait_for_all(&mut link, &shared.keys, looks, now_ms, &shared.settings).await;
        let (durability, looks) = match waited {
            Ok(waited) => waited,
            Err(Failure::Refused(why)) => {
                self.note_refusal(&why);
                self.link = Some(link);
                return Ok(Some(false));
            }
            Err(Failure::Broken(why)) => return Err(why),
        };
        self.link = Some(link);
        let is_confirmed = matches!(durability, Durability::Confirmed { .. });
        Ok(holds(behind, looks).then_some(is_confirmed))
    }

    /// Whether the server has said that the log is cut as this process is configured. One that takes no writes says
    /// nothing.
    pub(in crate::io) const fn knows_layout(&self) -> bool {
        self.knows_layout
    }

    /// Has the writer see to it whether the server has still its place.
    fn note_refusal(&self, why: &str) {
        if lacks_replicas(why) {
            self.shared.doubts.notify_one();
        }
    }

    /// Whether there is a connection that may be of use.
    pub(in crate::io) const fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Whether the log is still cut as this process is configured: it may have been emptied and set up anew. A server
    /// that takes no writes now tells nothing of that, and is given nothing either.
    async fn see_layout(&mut self) -> Result<(), String> {
        let mut link = self.link.take().ok_or("there is no connection")?;
        let Shared { keys, settings, .. } = &*self.shared;
        let looked = probe::look(&mut link, keys, settings.partitions).await?;
        probe::check_layout(&link, &looked, settings.partitions)
            .map_err(|error| error.to_string())?;
        self.knows_layout |= looked.layout.is_ok();
        self.link = Some(link);
        Ok(())
    }

    async fn ask(&mut self, questions: Vec<Cmd>) -> Result<Vec<redis::Value>, String> {
        let mut link = self.link.take().ok_or("there is no connection")?;
        match link.ask(questions).await {
            Ok(answers) => {
                self.link = Some(link);
                self.backoff.reset();
                Ok(answers)
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

fn entry_at(keys: &Keys, offset: Offset) -> Cmd {
    let id = stream_id::of(offset);
    let mut command = redis::cmd("XRANGE");
    command.arg(keys.stream(LogName::Alerts)).arg(&id).arg(&id);
    command
}

/// What is looked at in one transaction with an append.
pub(super) fn before(keys: &Keys, behind: Proof) -> Vec<Cmd> {
    vec![
        entry_at(keys, behind.offset),
        probe::extent_of(keys, LogName::Alerts),
    ]
}

/// Whether the entry was there when [`before`] looked.
fn holds(behind: Option<Proof>, looks: Vec<redis::Value>) -> bool {
    let Some(behind) = behind else {
        return true;
    };
    seen(looks).is_ok_and(|(found, extent)| {
        concludes(behind, found.as_ref(), extent) != Conclusion::Rewound
    })
}

/// The answers to [`before`].
pub(super) fn seen(looks: Vec<redis::Value>) -> Result<(Option<Record>, Extent), String> {
    let mut looks = looks.into_iter();
    let found = reply::range(looks.next().unwrap_or_default())?;
    let extent = reply::extent(&looks.next().unwrap_or_default())?;
    Ok((found.into_iter().next(), extent))
}

pub(super) fn concludes(proof: Proof, found: Option<&Record>, extent: Extent) -> Conclusion {
    let found = found.filter(|found| found.offset == proof.offset);
    let seen = Seen {
        first: extent.first,
        end: extent.end,
        last: found.map(|found| Digest::of(found.at_ms, &found.entry)),
    };
    conclude(proof.offset.plus(1), Some(proof), seen)
}

impl super::Redis {
    /// A way into the log for an author that keeps what it appends.
    pub(in crate::io) fn delivery(&self) -> Delivery {
        Delivery::new(Arc::clone(self.shared()))
    }

    /// Whether the server has so little room that positions are shed.
    pub(in crate::io) fn sheds_positions(&self) -> Option<u64> {
        let memory = self.shared().lock().memory;
        let sheds = memory.has_reached(crate::server_check::MEMORY_SHED_PERCENT);
        sheds.then_some(memory.used_bytes)
    }
}

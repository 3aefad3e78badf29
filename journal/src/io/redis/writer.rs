//! The task that alone writes for a handle: finds a server, gives it what waits, and begins anew when
//! it is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::append::{self, Fate};
use super::backoff::Backoff;
use super::connect::{self, Link, Others};
use super::failure::{ConnectError, Failure, lacks_replicas};
use super::probe::{self, Looked};
use super::settings::Address;
use super::shared::Shared;
use super::snapshot::{self, Written};
use super::{check, trim};
use crate::batcher::{Batch, Settled};
use crate::error::{AppendError, StoreError};
use crate::io::journal::Health;
use crate::io::pending::{Chore, Work};
use crate::offset::{LogName, PerLog};
use crate::server_check::Finding;

/// How often the server is looked at: trouble is known, and its end, a second after it began. With
/// sixteen partitions and ten processes a server answers 160 times a second, of 100,000.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A server that was found.
pub(super) struct Reached {
    pub(super) link: Link,
    findings: Vec<Finding>,
    pub(super) looked: Looked,
}

/// Why the writer left a server.
enum Left {
    /// Nothing is to be written any more.
    Done,
    /// It is to find another, or the same again.
    Lost(String),
    /// This one has its place.
    For(Box<Reached>),
}

/// Writes until the handles are closed.
pub(super) async fn run(shared: Arc<Shared>, mut link: Option<Link>) {
    let mut backoff = Backoff::of_writer();
    loop {
        let begun = match link.take() {
            Some(link) => Ok(link),
            None => tokio::select! {
                biased;
                () = shared.closed() => break,
                begun = begin(&shared) => begun,
            },
        };
        let why = match begun {
            Ok(found) => match serve(&shared, found, &mut backoff).await {
                Left::Done => break,
                Left::Lost(why) => why,
                Left::For(reached) => {
                    link = Some(arrive(&shared, *reached));
                    continue;
                }
            },
            Err(error) => error.to_string(),
        };
        shared.go_away(&why);
        tokio::select! {
            biased;
            () = shared.closed() => break,
            () = sleep(backoff.next()) => {}
        }
    }
    shared.end();
}

/// Sees whether a server may hold the log.
pub(super) async fn examine(shared: &Shared, mut link: Link) -> Result<Reached, ConnectError> {
    let findings = check::fitness(&mut link, shared.settings.replicas).await?;
    let partitions = shared.settings.partitions;
    let looked = probe::look(&mut link, &shared.keys, partitions).await;
    let looked = looked.map_err(|failure| ConnectError::Unreachable {
        at: link.at.to_string(),
        why: failure.why().to_owned(),
    })?;
    probe::check_layout(&link, &looked, partitions)?;
    Ok(Reached {
        link,
        findings,
        looked,
    })
}

/// A connection to write by, and everybody knows of it.
pub(super) async fn begin(shared: &Shared) -> Result<Link, ConnectError> {
    let link = connect::master(&shared.settings, None).await?;
    Ok(arrive(shared, examine(shared, link).await?))
}

/// Everybody knows that the log is here.
fn arrive(shared: &Shared, reached: Reached) -> Link {
    let Reached {
        link,
        findings,
        looked,
    } = reached;
    shared.findings.send_if_modified(|known| {
        let is_new = *known != findings;
        for finding in findings.iter().filter(|_| is_new) {
            tracing::warn!(%finding, server = %link.at, "the log's server is not set up as it should be");
        }
        *known = findings;
        is_new
    });
    let replication_id = looked.info.replication_id();
    let partition = shared.settings.partition.0;
    tracing::info!(
        server = %link.at,
        partition,
        replication_id,
        "connected to the log"
    );
    take_look(shared, &looked);
    shared.come_back(&link.at);
    link
}

/// A server that takes writes, and is named as the master instead of this one. One that takes none is no better: whoever names it may
/// be the one who has heard nothing.
async fn another(shared: &Shared, than: &Address) -> Option<Reached> {
    let mut others = Others::than(&shared.settings, than);
    while let Some(link) = others.next().await {
        if let Ok(reached) = examine(shared, link).await
            && reached.looked.layout.is_ok()
        {
            return Some(reached);
        }
    }
    None
}

fn take_look(shared: &Shared, looked: &Looked) {
    {
        let mut state = shared.lock();
        state.memory = looked.info.memory();
        state.ends = PerLog {
            alerts: looked.extents.alerts.end,
            tracks: looked.extents.tracks.end,
        };
    }
    match &looked.layout {
        Ok(_) => shared.be_healthy(),
        Err(why) => shared.be_troubled(why),
    }
}

/// Writes what there is to write until the server is lost.
async fn serve(shared: &Shared, mut link: Link, backoff: &mut Backoff) -> Left {
    let mut looked_at = Instant::now();
    let mut next_look = match is_lonely(shared) {
        true => looked_at,
        false => looked_at + LOOK_EVERY,
    };
    let mut next_part = 0;
    loop {
        let mut is_in_doubt = false;
        let done = match shared.take() {
            Some(Work::Batch(batch)) => commit(shared, &mut link, &batch).await,
            Some(Work::Chore(chore)) => do_chore(shared, &mut link, chore, &mut next_part).await,
            Some(Work::Done) => return Left::Done,
            None => {
                is_in_doubt = wait(shared, next_look).await;
                Ok(())
            }
        };
        match done {
            Ok(()) => {}
            // What the server refuses, it refuses; what is broken, is left.
            Err(Failure::Refused(why)) => is_in_doubt = lacks_replicas(&why),
            Err(Failure::Broken(why)) => return Left::Lost(why),
        }
        if is_in_doubt {
            // Who goes on being refused doubts ever more rarely.
            next_look = next_look.min(looked_at + connect::ASK_AGAIN_EVERY);
        }
        if Instant::now() >= next_look {
            match probe::look(&mut link, &shared.keys, shared.settings.partitions).await {
                Ok(looked) => {
                    // It may have been emptied and set up anew since.
                    let partitions = shared.settings.partitions;
                    if let Err(error) = probe::check_layout(&link, &looked, partitions) {
                        return Left::Lost(error.to_string());
                    }
                    take_look(shared, &looked);
                }
                Err(Failure::Refused(why)) => shared.be_troubled(&why),
                Err(Failure::Broken(why)) => return Left::Lost(why),
            }
            backoff.reset();
            if is_lonely(shared)
                && let Some(reached) = another(shared, &link.at).await
            {
                tracing::warn!(left = %link.at, "the log's server has no replicas, and another has its place");
                return Left::For(Box::new(reached));
            }
            looked_at = Instant::now();
            next_look = looked_at + LOOK_EVERY;
        }
    }
}

/// Whether the server takes nothing for want of replicas.
fn is_lonely(shared: &Shared) -> bool {
    matches!(&*shared.health.borrow(), Health::Troubled { why } if lacks_replicas(why))
}

/// Until somebody offers something, positions are due, or it is time to look; true when somebody doubts that the server has
/// its place.
async fn wait(shared: &Shared, next_look: Instant) -> bool {
    let due = shared
        .next_deadline_in_ms()
        .map(|ms| Instant::now() + Duration::from_millis(ms));
    let until = due.map_or(next_look, |due| due.min(next_look));
    tokio::select! {
        () = shared.wake.notified() => false,
        () = shared.doubts.notified() => true,
        () = sleep_until(until) => false,
    }
}

async fn commit(shared: &Shared, link: &mut Link, batch: &Batch) -> Result<(), Failure> {
    let now_ms = shared.clock.unix_ms();
    let fate = append::append(link, &shared.keys, batch, now_ms, &shared.settings).await;
    // Health goes before anybody is told.
    let settled = match &fate {
        Fate::Placed {
            firsts, durability, ..
        } => {
            for log in LogName::ALL {
                let count = batch.runs.get(log).entries.len() as u64;
                if count > 0 {
                    shared.raise_end(log, firsts.get(log).plus(count));
                }
            }
            Settled::Placed {
                firsts: *firsts,
                durability: *durability,
            }
        }
        Fate::Rejected { why, .. } => {
            shared.be_troubled(why);
            Settled::Lost(AppendError::Rejected { why: why.clone() })
        }
        Fate::Unknown { why } => {
            shared.be_troubled(why);
            Settled::Lost(AppendError::Unknown { why: why.clone() })
        }
    };
    shared.settle(|state| state.pending.batcher.settled(batch.id, settled));
    fate.into()
}

/// `next_part` is that of the snapshot that was begun on this connection.
async fn do_chore(
    shared: &Shared,
    link: &mut Link,
    chore: Chore,
    next_part: &mut usize,
) -> Result<(), Failure> {
    let keys = &shared.keys;
    // Whoever no longer waits does not need the answer.
    match chore {
        Chore::Snapshot(slice, reply) if slice.part > 0 && slice.part != *next_part => {
            drop(reply.send(Err(StoreError::Unreachable {
                doing: "writing the snapshot",
                why: "what it was begun with went to a server that was lost".to_owned(),
            })));
            Ok(())
        }
        Chore::Snapshot(slice, reply) => {
            let written = snapshot::write(link, keys, &slice, shared.clock.unix_ms()).await;
            let told = match &written {
                Ok(Written::Done) => {
                    *next_part = slice.part + 1;
                    Ok(())
                }
                Ok(Written::Lost { found }) => Err(StoreError::SnapshotLost {
                    after: slice.after.0,
                    found: found.0,
                }),
                Ok(Written::Ahead { end }) => Err(StoreError::SnapshotAhead {
                    resume_at: slice.resume_at.unwrap_or_default().0,
                    end: end.0,
                }),
                Ok(Written::Rewound { behind }) => {
                    Err(StoreError::SnapshotRewound { behind: behind.0 })
                }
                Err(failure) => Err(failure.store_error("writing the snapshot")),
            };
            drop(reply.send(told));
            written.map(|_| ())
        }
        Chore::Trim { log, by, reply } => {
            let trimmed = trim::step(link, keys, log, by).await;
            let told = trimmed
                .as_ref()
                .map_err(|failure| failure.store_error("trimming the log"));
            drop(reply.send(told.copied()));
            trimmed.map(|_| ())
        }
    }
}

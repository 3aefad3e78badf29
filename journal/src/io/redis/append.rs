//! Puts a batch into the log: one transaction, and then the wait for the replicas.

use redis::{Cmd, Value};

use super::connect::Link;
use super::failure::{Failure, is_over};
use super::reply::{self, AT_MS, ENTRY};
use super::settings::{Keys, Settings};
use crate::batcher::{Batch, Durability};
use crate::offset::{LogName, Offset, PerLog};
use crate::stream_id;

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the log, each run in a row from here.
    Placed {
        firsts: PerLog<Offset>,
        durability: Durability,
        /// The connection broke while the replicas were waited for.
        broken: Option<String>,
    },
    /// The server took nothing of it.
    Rejected {
        why: String,
        /// This server will take nothing either until it is another one's replica no more.
        is_over: bool,
    },
    /// It may be in the log, or not, or in a part.
    Unknown { why: String },
}

/// Appends a batch. A transaction, so that all of it is there or nothing, and the entries of an
/// offer are in a row among those of other writers.
pub(super) async fn append(
    link: &mut Link,
    keys: &Keys,
    batch: &Batch,
    now_ms: u64,
    settings: &Settings,
) -> Fate {
    append_after(link, keys, batch, now_ms, settings, Vec::new())
        .await
        .0
}

/// Like [`append`], and asks these questions before it in the same transaction; their answers are
/// those of the log into which the batch came.
pub(super) async fn append_after(
    link: &mut Link,
    keys: &Keys,
    batch: &Batch,
    now_ms: u64,
    settings: &Settings,
    questions: Vec<Cmd>,
) -> (Fate, Vec<Value>) {
    let counts = PerLog {
        alerts: batch.runs.alerts.entries.len(),
        tracks: batch.runs.tracks.entries.len(),
    };
    let asked = questions.len();
    let commands = questions.into_iter().chain(additions(keys, batch, now_ms));
    let mut answers = match link.ask(transaction(commands)).await {
        Ok(answers) => answers,
        Err(failure) => {
            let why = failure.why().to_owned();
            return (Fate::Unknown { why }, Vec::new());
        }
    };
    let looks = take_looks(&mut answers, asked);
    let fate = match conclude(&answers, counts) {
        Fate::Placed { firsts, .. } => {
            let (durability, broken) = wait(link, settings).await;
            Fate::Placed {
                firsts,
                durability,
                broken,
            }
        }
        fate => fate,
    };
    (fate, looks)
}

/// Waits for the replicas of everything that is in the log, and asks these questions in one
/// transaction with a write that means nothing: the server waits for what this connection has
/// written.
pub(super) async fn wait_for_all(
    link: &mut Link,
    keys: &Keys,
    questions: Vec<Cmd>,
    now_ms: u64,
    settings: &Settings,
) -> Result<(Durability, Vec<Value>), Failure> {
    let asked = questions.len();
    let mut mark = redis::cmd("SET");
    mark.arg(&keys.waited_at).arg(now_ms);
    let commands = questions.into_iter().chain([mark]);
    let mut answers = link.ask(transaction(commands)).await?;
    let looks = take_looks(&mut answers, asked);
    if let Some(refusal) = refusal(&answers) {
        return Err(refusal);
    }
    match wait(link, settings).await {
        (durability, None) => Ok((durability, looks)),
        (_, Some(why)) => Err(Failure::Broken(why)),
    }
}

/// Why the write that means nothing was not executed.
fn refusal(answers: &[Value]) -> Option<Failure> {
    let inside = match answers.last() {
        Some(Value::Array(executed)) => &executed[..],
        _ => &[],
    };
    let error = answers
        .iter()
        .chain(inside)
        .find_map(|answer| match answer {
            Value::ServerError(error) => Some(error),
            _ => None,
        })?;
    Some(Failure::of(error))
}

fn transaction(commands: impl Iterator<Item = Cmd>) -> Vec<Cmd> {
    let ends = |name| [redis::cmd(name)];
    let all = ends("MULTI").into_iter().chain(commands);
    all.chain(ends("EXEC")).collect()
}

fn additions(keys: &Keys, batch: &Batch, now_ms: u64) -> Vec<Cmd> {
    let mut commands = Vec::new();
    for log in LogName::ALL {
        for entry in &batch.runs.get(log).entries {
            let mut command = redis::cmd("XADD");
            command.arg(keys.stream(log)).arg(stream_id::NEXT);
            command.arg(ENTRY).arg(&entry[..]).arg(AT_MS).arg(now_ms);
            commands.push(command);
        }
    }
    commands
}

/// Takes the answers to the first so many commands out of those to a transaction.
fn take_looks(answers: &mut [Value], asked: usize) -> Vec<Value> {
    match answers.last_mut() {
        Some(Value::Array(executed)) if executed.len() >= asked => {
            executed.drain(..asked).collect()
        }
        _ => Vec::new(),
    }
}

/// What the answers to `MULTI`, the additions and `EXEC` say.
fn conclude(answers: &[Value], counts: PerLog<usize>) -> Fate {
    let [began, queued @ .., executed] = answers else {
        return Fate::Unknown {
            why: "the transaction was not answered".to_owned(),
        };
    };
    if let Value::ServerError(error) = began {
        // Without it the server has taken each command by itself.
        return Fate::Unknown {
            why: reply::server_words(error),
        };
    }
    match executed {
        Value::Array(ids) => firsts(ids, counts),
        Value::ServerError(aborted) => {
            let refusals = queued.iter().filter_map(|answer| match answer {
                Value::ServerError(error) => Some(error),
                _ => None,
            });
            // The first refusal says why; the end says only that there was one.
            let error = refusals.chain([aborted]).next().unwrap_or(aborted);
            Fate::Rejected {
                why: reply::server_words(error),
                is_over: is_over(error.code()),
            }
        }
        _ => Fate::Unknown {
            why: "the transaction ended in a way that no server ends it".to_owned(),
        },
    }
}

fn firsts(ids: &[Value], counts: PerLog<usize>) -> Fate {
    let unknown = |why: String| Fate::Unknown { why };
    let refusal = ids.iter().find_map(|id| match id {
        Value::ServerError(error) => Some(reply::server_words(error)),
        _ => None,
    });
    if let Some(why) = refusal {
        return unknown(why);
    }
    let offsets: Option<Vec<Offset>> = ids
        .iter()
        .map(|id| reply::bytes(id).and_then(stream_id::offset))
        .collect();
    let offsets = offsets.filter(|offsets| offsets.len() == counts.alerts + counts.tracks);
    let Some(offsets) = offsets else {
        return unknown("the server gave ids that are not ours".to_owned());
    };
    let (alerts, tracks) = offsets.split_at(counts.alerts);
    let in_a_row = |run: &[Offset]| run.windows(2).all(|pair| pair[0].plus(1) == pair[1]);
    if !in_a_row(alerts) || !in_a_row(tracks) {
        return unknown("the server gave ids that are not in a row".to_owned());
    }
    Fate::Placed {
        firsts: PerLog {
            alerts: alerts.first().copied().unwrap_or_default(),
            tracks: tracks.first().copied().unwrap_or_default(),
        },
        durability: Durability::Confirmed { replicas: 0 },
        broken: None,
    }
}

/// Waits until as many replicas as are wanted have what this connection has written; says also whether
/// the connection broke meanwhile.
async fn wait(link: &mut Link, settings: &Settings) -> (Durability, Option<String>) {
    let (replicas, patience) = (settings.replicas, settings.replicas_timeout);
    if replicas == 0 {
        return (Durability::Confirmed { replicas }, None);
    }
    let mut command = redis::cmd("WAIT");
    // Never 0, which the server takes for ever.
    command
        .arg(replicas)
        .arg(patience.as_millis().max(1) as u64);
    match link.ask_patiently(vec![command], patience).await.as_deref() {
        Ok([Value::Int(reached)]) => (standing(*reached, replicas), None),
        Ok([Value::ServerError(error)]) => (Durability::Offered, Some(reply::server_words(error))),
        Ok(_) => (Durability::Offered, None),
        Err(failure) => (Durability::Offered, Some(failure.why().to_owned())),
    }
}

/// `WAIT` does not fail when its time is over; it answers how many there were.
fn standing(reached: i64, wanted: u8) -> Durability {
    let reached = u8::try_from(reached.max(0)).unwrap_or(u8::MAX);
    if reached >= wanted {
        Durability::Confirmed { replicas: reached }
    } else {
        Durability::Offered
    }
}

impl From<Fate> for Result<(), Failure> {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Placed { broken: None, .. } => Ok(()),
            Fate::Placed {
                broken: Some(why), ..
            }
            | Fate::Unknown { why }
            | Fate::Rejected { why, is_over: true } => Err(Failure::Broken(why)),
            Fate::Rejected {
                why,
                is_over: false,
            } => Err(Failure::Refused(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(texts: &[&str]) -> Vec<Value> {
        let parse = |text: &&str| redis::parse_redis_value(text.as_bytes()).unwrap();
        texts.iter().map(parse).collect()
    }

    fn fate(texts: &[&str], alerts: usize, tracks: usize) -> Fate {
        conclude(&answers(texts), PerLog { alerts, tracks })
    }

    const QUEUED: &str = "+QUEUED\r\n";

    #[test]
    fn the_server_gives_the_offsets_of_both_runs() {
        let ids = "*3\r\n$3\r\n0-8\r\n$3\r\n0-9\r\n$3\r\n0-3\r\n";
        let placed = fate(&["+OK\r\n", QUEUED, QUEUED, QUEUED, ids], 2, 1);
        let expected = PerLog {
            alerts: Offset(7),
            tracks: Offset(2),
        };
        assert!(
            matches!(placed, Fate::Placed { firsts, .. } if firsts == expected),
            "{placed:?}"
        );
    }

    #[test]
    fn what_was_looked_at_is_taken_out_of_what_was_executed() {
        let executed = "*3\r\n*0\r\n-ERR no such key\r\n$3\r\n0-1\r\n";
        let mut placed = answers(&["+OK\r\n", QUEUED, QUEUED, QUEUED, executed]);
        let looks = take_looks(&mut placed, 2);
        assert!(matches!(
            &looks[..],
            [Value::Array(_), Value::ServerError(_)]
        ));
        let one = PerLog {
            alerts: 1,
            tracks: 0,
        };
        assert!(matches!(conclude(&placed, one), Fate::Placed { .. }));
        let abort = "-EXECABORT Transaction discarded\r\n";
        let mut refused = answers(&["+OK\r\n", QUEUED, QUEUED, "-OOM no\r\n", abort]);
        assert_eq!(take_looks(&mut refused, 2), []);
        assert!(matches!(conclude(&refused, one), Fate::Rejected { .. }));
    }

    #[test]
    fn a_write_that_is_refused_is_no_broken_connection_unless_the_server_is_over() {
        let abort = "-EXECABORT Transaction discarded\r\n";
        let refused = |why| refusal(&answers(&["+OK\r\n", why, abort]));
        let why = "NOREPLICAS too few".to_owned();
        assert_eq!(
            refused("-NOREPLICAS too few\r\n"),
            Some(Failure::Refused(why))
        );
        let why = "READONLY a replica".to_owned();
        assert_eq!(
            refused("-READONLY a replica\r\n"),
            Some(Failure::Broken(why))
        );
        let done = answers(&["+OK\r\n", QUEUED, "*1\r\n+OK\r\n"]);
        assert_eq!(refusal(&done), None);
    }

    #[test]
    fn what_the_server_did_not_queue_is_rejected_with_its_first_reason() {
        let oom = "-OOM command not allowed\r\n";
        let abort = "-EXECABORT Transaction discarded\r\n";
        let full = fate(&["+OK\r\n", QUEUED, oom, abort], 2, 0);
        let expected = Fate::Rejected {
            why: "OOM command not allowed".to_owned(),
            is_over: false,
        };
        assert_eq!(full, expected);
        let replica = fate(&["+OK\r\n", "-READONLY a replica\r\n", abort], 1, 0);
        assert!(
            matches!(replica, Fate::Rejected { is_over: true, .. }),
            "{replica:?}"
        );
    }

    #[test]
    fn a_slot_that_moves_is_a_refusal_by_a_server_that_is_left() {
        let abort = "-EXECABORT Transaction discarded\r\n";
        let ask = "-ASK 12739 127.0.0.1:7002\r\n";
        let moved = "-MOVED 12739 127.0.0.1:7002\r\n";
        for texts in [
            // While it was queued, some of it, and when all was queued.
            &["+OK\r\n", ask, ask, abort][..],
            &["+OK\r\n", QUEUED, moved, abort],
            &["+OK\r\n", QUEUED, QUEUED, "-TRYAGAIN Multiple keys\r\n"],
            &["+OK\r\n", QUEUED, QUEUED, moved],
        ] {
            let fate = fate(texts, 1, 1);
            assert!(
                matches!(fate, Fate::Rejected { is_over: true, .. }),
                "{fate:?}"
            );
        }
    }

    #[test]
    fn what_the_answers_leave_open_is_unknown() {
        let id = "$3\r\n0-8\r\n";
        for (texts, alerts, why) in [
            (
                &["-NOPERM no MULTI\r\n", id, "-ERR\r\n"][..],
                1,
                "each by itself",
            ),
            (&["+OK\r\n", QUEUED, "*0\r\n"], 1, "too few ids"),
            (&["+OK\r\n", QUEUED, "$-1\r\n"], 1, "no ids"),
            (
                &["+OK\r\n", QUEUED, "*1\r\n$4\r\n17-8\r\n"],
                1,
                "an id of others",
            ),
            (
                &["+OK\r\n", QUEUED, "*2\r\n$3\r\n0-8\r\n$4\r\n0-10\r\n"],
                2,
                "not in a row",
            ),
            (
                &["+OK\r\n", QUEUED, "*1\r\n-WRONGTYPE no stream\r\n"],
                1,
                "refused within",
            ),
            (&["+OK\r\n"], 0, "no answers"),
        ] {
            let fate = fate(texts, alerts, 0);
            assert!(matches!(fate, Fate::Unknown { .. }), "{why}: {fate:?}");
        }
    }

    #[test]
    fn nothing_that_was_sent_is_in_the_words_of_a_refusal() {
        let unknown = "-ERR unknown command 'XADD', with args beginning with: 'key' 'secret' \r\n";
        let abort = "-EXECABORT Transaction discarded\r\n";
        let expected = Fate::Rejected {
            why: "ERR unknown command 'XADD'".to_owned(),
            is_over: false,
        };
        assert_eq!(fate(&["+OK\r\n", unknown, abort], 1, 0), expected);
    }

    #[test]
    fn waiting_is_answered_by_how_many_there_were() {
        assert_eq!(standing(0, 1), Durability::Offered);
        assert_eq!(standing(1, 2), Durability::Offered);
        assert_eq!(standing(2, 1), Durability::Confirmed { replicas: 2 });
        assert_eq!(
            standing(1_000, 1),
            Durability::Confirmed { replicas: u8::MAX }
        );
    }
}

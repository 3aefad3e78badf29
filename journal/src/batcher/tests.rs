use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::offset::LogName::{Alerts, Tracks};

const SMALL: Limits = Limits {
    batch_entries_max: 4,
    batch_bytes_max: 40,
    queue_entries_max: 12,
    queue_bytes_max: 100,
};

fn batcher() -> Batcher<u64> {
    Batcher::new(SMALL, PerLog::default())
}

fn entries(count: usize) -> Vec<Bytes> {
    vec![Bytes::from_static(b"entry"); count]
}

fn tickets<T>(outcomes: Vec<Outcome<T>>) -> Vec<(T, Result<Appended, AppendError>)> {
    outcomes
        .into_iter()
        .map(|outcome| (outcome.ticket, outcome.result))
        .collect()
}

fn at(first: u64, count: u64) -> Appended {
    Appended {
        first: Offset(first),
        count,
        durability: Durability::Confirmed { replicas: 0 },
    }
}

#[test]
fn the_next_batch_is_collected_while_the_first_is_in_flight() {
    let mut batcher = batcher();
    batcher.offer(0, Alerts, entries(1), 1).unwrap();
    let first = batcher.poll_batch(0).unwrap();
    batcher.offer(0, Alerts, entries(1), 2).unwrap();
    batcher.offer(0, Alerts, entries(2), 3).unwrap();
    assert_eq!(batcher.poll_batch(0), None);
    assert_eq!(
        tickets(batcher.committed(first.id, Ok(()))),
        [(1, Ok(at(0, 1)))]
    );
    let second = batcher.poll_batch(0).unwrap();
    assert_eq!(second.runs.alerts.first, Offset(1));
    let answered = tickets(batcher.committed(second.id, Ok(())));
    assert_eq!(answered, [(2, Ok(at(1, 1))), (3, Ok(at(2, 2)))]);
    assert!(batcher.is_idle());
}

#[test]
fn few_positions_ride_with_an_alert_and_all_go_when_they_have_waited() {
    let mut batcher = Batcher::new(Limits::default(), PerLog::default());
    let count = 3 * TRACKS_RIDING_MAX;
    for number in 0..count as u64 {
        batcher.offer(0, Tracks, entries(1), number).unwrap();
    }
    batcher.offer(1, Alerts, entries(1), 1_000).unwrap();
    let with_alert = batcher.poll_batch(1).unwrap();
    assert_eq!(with_alert.runs.tracks.entries.len(), TRACKS_RIDING_MAX);
    let _ = batcher.committed(with_alert.id, Ok(()));
    assert_eq!(batcher.poll_batch(2), None);
    batcher
        .offer(TRACKS_WAIT_MS, Alerts, entries(1), 1_001)
        .unwrap();
    let due = batcher.poll_batch(TRACKS_WAIT_MS).unwrap();
    assert_eq!(due.runs.tracks.entries.len(), count - TRACKS_RIDING_MAX);
    assert_eq!(due.runs.alerts.entries.len(), 1);
}

#[test]
fn positions_ride_with_an_alert_or_wait_100_ms() {
    let mut batcher = batcher();
    batcher.offer(5, Tracks, entries(1), 1).unwrap();
    assert_eq!(batcher.next_deadline(), Some(105));
    assert_eq!(batcher.poll_batch(104), None);
    batcher.offer(104, Alerts, entries(1), 2).unwrap();
    let both = batcher.poll_batch(104).unwrap();
    assert_eq!(
        (
            both.runs.alerts.entries.len(),
            both.runs.tracks.entries.len()
        ),
        (1, 1)
    );
    assert_eq!(tickets(batcher.committed(both.id, Ok(()))).len(), 2);

    batcher.offer(200, Tracks, entries(1), 3).unwrap();
    assert_eq!(batcher.poll_batch(299), None);
    let alone = batcher.poll_batch(300).unwrap();
    assert_eq!(
        alone.runs.tracks,
        Run {
            first: Offset(1),
            entries: entries(1)
        }
    );
    assert!(alone.runs.alerts.entries.is_empty());
}

#[test]
fn who_waits_behind_others_changes_nothing_for_the_thread_that_sleeps() {
    let mut batcher = batcher();
    let sleep = |batcher: &Batcher<u64>| (batcher.is_ready(9), batcher.next_deadline());
    for ticket in 1..=2 {
        batcher
            .offer(4 + ticket, Tracks, entries(1), ticket)
            .unwrap();
        assert_eq!(sleep(&batcher), (false, Some(105)), "position {ticket}");
    }
    for ticket in 3..=4 {
        batcher.offer(9, Alerts, entries(1), ticket).unwrap();
        assert_eq!(sleep(&batcher), (true, Some(105)), "alert {ticket}");
    }
    assert!(batcher.poll_batch(9).is_some());
    for log in [Tracks, Alerts] {
        batcher.offer(9, log, entries(1), 5).unwrap();
        assert_eq!(
            sleep(&batcher),
            (false, None),
            "the thread does not sleep now"
        );
    }
}

#[test]
fn a_full_batch_of_positions_does_not_wait_and_closing_waits_for_nothing() {
    let mut batcher = batcher();
    batcher.offer(0, Tracks, entries(4), 1).unwrap();
    let full = batcher.poll_batch(0).unwrap();
    assert_eq!(tickets(batcher.committed(full.id, Ok(()))).len(), 1);
    batcher.offer(0, Tracks, entries(1), 2).unwrap();
    assert_eq!(batcher.poll_batch(0), None);
    batcher.flush();
    assert!(batcher.poll_batch(0).is_some());
}

#[test]
fn positions_never_take_the_room_of_alerts() {
    let mut batcher = batcher();
    for ticket in 0..3 {
        batcher.offer(0, Tracks, entries(4), ticket).unwrap();
    }
    let refused = batcher.offer(0, Tracks, entries(1), 9).unwrap_err();
    assert_eq!(
        refused.error,
        AppendError::Busy {
            log: Tracks,
            queued_entries: 12
        }
    );
    assert_eq!(refused.ticket, 9);
    batcher.offer(0, Alerts, entries(4), 4).unwrap();
}

#[test]
fn what_never_fits_and_what_is_nothing_are_refused() {
    let mut batcher = batcher();
    let error = batcher.offer(0, Alerts, entries(5), 1).unwrap_err().error;
    assert!(
        matches!(
            error,
            AppendError::TooLarge {
                entries: 5,
                entries_max: 4,
                ..
            }
        ),
        "{error}"
    );
    let large = vec![Bytes::from(vec![0; 41])];
    let error = batcher.offer(0, Alerts, large, 1).unwrap_err().error;
    assert!(
        matches!(
            error,
            AppendError::TooLarge {
                bytes: 41,
                bytes_max: 40,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        batcher.offer(0, Alerts, vec![], 1).unwrap_err().error,
        AppendError::Empty
    );
    assert!(batcher.is_idle());
}

#[test]
fn after_a_failed_commit_everything_fails_for_ever() {
    let mut batcher = batcher();
    batcher.offer(0, Alerts, entries(1), 1).unwrap();
    let batch = batcher.poll_batch(0).unwrap();
    batcher.offer(0, Alerts, entries(1), 2).unwrap();
    batcher.offer(0, Tracks, entries(1), 3).unwrap();
    let failed = || AppendError::Failed {
        why: "sync".to_owned(),
    };
    let answered = tickets(batcher.committed(batch.id, Err("sync".to_owned())));
    assert_eq!(
        answered,
        [(1, Err(failed())), (2, Err(failed())), (3, Err(failed()))]
    );
    assert_eq!(
        batcher.offer(0, Alerts, entries(1), 4).unwrap_err().error,
        failed()
    );
    assert_eq!(batcher.poll_batch(u64::MAX), None);
    assert_eq!(batcher.next_deadline(), None);
    assert!(
        batcher.committed(batch.id, Ok(())).is_empty(),
        "a second word about it is no word"
    );
}

#[test]
fn a_batch_that_is_not_in_flight_answers_nobody() {
    let mut batcher = batcher();
    batcher.offer(0, Alerts, entries(1), 1).unwrap();
    assert!(batcher.committed(BatchId(0), Ok(())).is_empty());
    let batch = batcher.poll_batch(0).unwrap();
    assert!(
        batcher
            .committed(BatchId(7), Err("stray".to_owned()))
            .is_empty()
    );
    assert_eq!(batcher.committed(batch.id, Ok(())).len(), 1);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Offer { log: LogName, entries: usize },
    Poll,
    Commit,
    FailCommit,
    Wait { ms: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let log = prop_oneof![Just(Alerts), Just(Tracks)];
    prop_oneof![
        8 => (log, 0usize..6).prop_map(|(log, entries)| Step::Offer { log, entries }),
        6 => Just(Step::Poll),
        6 => Just(Step::Commit),
        1 => Just(Step::FailCommit),
        2 => (0u64..150).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// The batcher, or one with the bug that this whole room is there to exclude.
enum Subject {
    Honest,
    AcknowledgesEarly,
}

/// What a checker that knows nothing of the batcher's inside has seen.
#[derive(Default)]
struct Books {
    offered: BTreeMap<u64, (LogName, Vec<Bytes>)>,
    answered: BTreeMap<u64, Result<Appended, AppendError>>,
    committed: PerLog<Vec<Bytes>>,
    failed: bool,
}

impl Books {
    fn answer(&mut self, outcomes: Vec<Outcome<u64>>) -> Result<(), String> {
        for Outcome { ticket, result } in outcomes {
            let (log, entries) = self
                .offered
                .get(&ticket)
                .ok_or(format!("{ticket} was never taken"))?;
            if let Ok(appended) = &result {
                let first = usize::try_from(appended.first.0).unwrap();
                let durable = self.committed.get(*log).get(first..first + entries.len());
                if durable != Some(entries) || appended.count != entries.len() as u64 {
                    return Err(format!(
                        "{ticket} was answered, and its entries are not durable"
                    ));
                }
            } else if !self.failed {
                return Err(format!("{ticket} failed without a failed commit"));
            }
            if self.answered.insert(ticket, result).is_some() {
                return Err(format!("{ticket} was answered twice"));
            }
        }
        Ok(())
    }

    fn order_is_kept(&self) -> Result<(), String> {
        for log in LogName::ALL {
            let of_log = self.offered.values().filter(|(of, _)| *of == log);
            let offered: Vec<&Bytes> = of_log.flat_map(|(_, entries)| entries).collect();
            let committed: Vec<&Bytes> = self.committed.get(log).iter().collect();
            if !offered.starts_with(&committed) {
                return Err(format!("the {log} is not in the order of the offers"));
            }
        }
        Ok(())
    }
}

/// Runs a script against a batcher and a disk that is a list.
fn run(subject: &Subject, script: &[Step]) -> Result<(), String> {
    let mut batcher = batcher();
    let mut books = Books::default();
    let mut in_flight: Option<Batch> = None;
    let mut now_ms = 0;
    for (ticket, &step) in (0u64..).zip(script) {
        match step {
            Step::Offer { log, entries } => {
                let entry = |n| Bytes::from(format!("{ticket}/{n}"));
                let entries: Vec<Bytes> = (0..entries).map(entry).collect();
                if batcher.offer(now_ms, log, entries.clone(), ticket).is_ok() {
                    books.offered.insert(ticket, (log, entries));
                }
            }
            Step::Poll => {
                if let Some(batch) = batcher.poll_batch(now_ms) {
                    if let Subject::AcknowledgesEarly = subject {
                        books.answer(batcher.committed(batch.id, Ok(())))?;
                    }
                    in_flight = Some(batch);
                }
            }
            Step::Commit => {
                if let Some(batch) = in_flight.take() {
                    write(&mut books, &batch);
                    books.answer(batcher.committed(batch.id, Ok(())))?;
                }
            }
            Step::FailCommit => {
                if let Some(batch) = in_flight.take() {
                    books.failed = true;
                    books.answer(batcher.committed(batch.id, Err("planned".to_owned())))?;
                }
            }
            Step::Wait { ms } => now_ms += ms,
        }
    }
    drain(&mut batcher, &mut books, in_flight)?;
    books.order_is_kept()
}

fn write(books: &mut Books, batch: &Batch) {
    for log in LogName::ALL {
        let run = batch.runs.get(log);
        let written = books.committed.get_mut(log);
        assert_eq!(run.first, Offset(written.len() as u64));
        written.extend(run.entries.iter().cloned());
    }
}

fn drain(
    batcher: &mut Batcher<u64>,
    books: &mut Books,
    mut in_flight: Option<Batch>,
) -> Result<(), String> {
    batcher.flush();
    while let Some(batch) = in_flight.take().or_else(|| batcher.poll_batch(u64::MAX)) {
        write(books, &batch);
        books.answer(batcher.committed(batch.id, Ok(())))?;
    }
    if !batcher.is_idle() || books.answered.len() != books.offered.len() {
        return Err("somebody was never answered".to_owned());
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_ticket_before_its_commit_each_once_order_kept(
        script in prop::collection::vec(step(), 0..120),
    ) {
        prop_assert_eq!(run(&Subject::Honest, &script), Ok(()));
    }

    #[test]
    fn batches_stay_within_their_limits(
        offers in prop::collection::vec((0usize..5, prop::bool::ANY), 0..40),
    ) {
        let mut batcher = Batcher::new(SMALL, PerLog::default());
        for (ticket, (count, alerts)) in (0u64..).zip(offers) {
            // What has no room is refused, which another test looks at.
            let _ = batcher.offer(0, if alerts { Alerts } else { Tracks }, entries(count), ticket);
        }
        batcher.flush();
        while let Some(batch) = batcher.poll_batch(0) {
            for log in LogName::ALL {
                let run = &batch.runs.get(log).entries;
                prop_assert!(run.len() <= SMALL.batch_entries_max);
                prop_assert!(run.iter().map(Bytes::len).sum::<usize>() <= SMALL.batch_bytes_max);
            }
            let _ = batcher.committed(batch.id, Ok(()));
        }
        prop_assert!(batcher.is_idle());
    }
}

#[test]
fn an_early_acknowledgement_is_caught_by_the_same_books() {
    let script = [
        Step::Offer {
            log: Alerts,
            entries: 1,
        },
        Step::Poll,
    ];
    assert_eq!(run(&Subject::Honest, &script), Ok(()));
    let caught = run(&Subject::AcknowledgesEarly, &script).unwrap_err();
    assert_eq!(caught, "0 was answered, and its entries are not durable");
}

fn placed(alerts: u64, tracks: u64) -> Settled {
    Settled::Placed {
        firsts: PerLog {
            alerts: Offset(alerts),
            tracks: Offset(tracks),
        },
        durability: Durability::Offered,
    }
}

#[test]
fn a_server_gives_the_offsets_whatever_was_planned() {
    let mut batcher = batcher();
    batcher.offer(0, Alerts, entries(2), 1).unwrap();
    batcher.offer(0, Alerts, entries(1), 2).unwrap();
    batcher.offer(0, Tracks, entries(1), 3).unwrap();
    let batch = batcher.poll_batch(0).unwrap();
    let offered = |first, count| Appended {
        durability: Durability::Offered,
        ..at(first, count)
    };
    assert_eq!(
        tickets(batcher.settled(batch.id, placed(70, 9))),
        [
            (1, Ok(offered(70, 2))),
            (2, Ok(offered(72, 1))),
            (3, Ok(offered(9, 1)))
        ]
    );
    // Others have written meanwhile.
    batcher.offer(0, Alerts, entries(1), 4).unwrap();
    let batch = batcher.poll_batch(0).unwrap();
    assert_eq!(
        tickets(batcher.settled(batch.id, placed(100, 0))),
        [(4, Ok(offered(100, 1)))]
    );
    assert_eq!(tickets(batcher.settled(batch.id, placed(0, 0))), []);
}

#[test]
fn a_batch_that_a_server_lost_concerns_nobody_behind_it() {
    let mut batcher = batcher();
    batcher.offer(0, Alerts, entries(1), 1).unwrap();
    let batch = batcher.poll_batch(0).unwrap();
    batcher.offer(0, Alerts, entries(1), 2).unwrap();
    let why = "a broken pipe".to_owned();
    let lost = AppendError::Unknown { why };
    assert_eq!(
        tickets(batcher.settled(batch.id, Settled::Lost(lost.clone()))),
        [(1, Err(lost))]
    );
    let next = batcher.poll_batch(0).unwrap();
    assert_eq!(tickets(batcher.settled(next.id, placed(5, 0))).len(), 1);
    assert!(batcher.is_idle());
}

#[test]
fn who_is_turned_away_waited_for_no_batch() {
    let mut batcher = batcher();
    batcher.offer(0, Alerts, entries(1), 1).unwrap();
    let batch = batcher.poll_batch(0).unwrap();
    batcher.offer(0, Alerts, entries(1), 2).unwrap();
    batcher.offer(0, Tracks, entries(1), 3).unwrap();
    let away = tickets(batcher.turn_away(&AppendError::Closed));
    assert_eq!(
        away,
        [(2, Err(AppendError::Closed)), (3, Err(AppendError::Closed))]
    );
    assert_eq!(tickets(batcher.settled(batch.id, placed(0, 0))).len(), 1);
    batcher.offer(0, Alerts, entries(1), 4).unwrap();
    assert!(batcher.poll_batch(0).is_some());
}

mod away;
mod format;
mod keep;
mod lag;
mod maps;
mod orphans;
mod part;
mod place;
mod rewound;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use journal::io::sim_backend::{Faults, SimDisk};
use journal::{Clock, Offset, Options};
use protocol::{AlertId, Content, DeviceId, IncidentId, OfficerId, State, Subject};

use self::place::{DAY, DEVICE, Place, SOON, at, close, id_of, press, tidy, until, until_state};
use super::*;
use crate::board::Incident;
use crate::io::engine::supervise;

#[tokio::test]
async fn a_log_that_fails_ends_the_dispatcher_and_says_so() {
    let disk = SimDisk::new();
    let place = Place::on(&disk);
    let reader = place.reader().await;
    let engine = reader.engine.clone();
    let stop = CancellationToken::new();
    let task = tokio::spawn(supervise(engine.clone(), reader.run(stop)));
    let mut states = engine.states();
    states.wait_for(|state| state.ready).await.unwrap();
    disk.set_faults(Faults {
        fail_sync: Some(disk.syncs()),
        ..Faults::default()
    });
    let entry = place.entry(1, 1, press());
    let appended = place.journal.append(LogName::Alerts, vec![entry]).await;
    assert!(appended.is_err());
    let why = tokio::time::timeout(SOON, engine.ended()).await.unwrap();
    assert!(why.contains("the simulated sync failed"), "{why}");
    assert!(!engine.state().ready);
    task.await.unwrap();
    assert!(!engine.state().ready, "and stays so");
}

#[tokio::test]
async fn a_panic_of_the_task_ends_the_dispatcher_and_says_so() {
    let place = Place::new();
    let engine = place.reader().await.engine;
    supervise(engine.clone(), async { panic!("as a test wants") }).await;
    assert!(engine.ended().await.contains("panicked"));
    assert!(!engine.state().ready);
    assert_eq!(engine.shared.metrics.panics.get(), 1);
    engine.say_state(&Health::Healthy, 0, None);
    assert!(!engine.state().ready, "no later word takes it back");
}

/// A card drawn between fold and proposal would show the alert at the national desk.
#[tokio::test]
async fn whoever_looks_while_alerts_are_folded_never_sees_one_that_nobody_was_proposed_for() {
    const PHONES: u16 = 60;
    let place = Place::new();
    let mut reader = place.reader().await;
    reader.note_caught_up();
    let engine = reader.engine.clone();
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let watcher = std::thread::spawn(move || {
        let mut looks = 0_u64;
        let now = engine.now();
        while is_done.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            let is_proposed = |dispatch: &Dispatch, incident: &Incident| {
                let card = dispatch.card(incident, &|officer| officer.to_string(), now);
                card.pending || incident.lifecycle().state() != State::New
            };
            assert!(engine.read(|dispatch| {
                let mut incidents = dispatch.board().incidents();
                incidents.all(|incident| is_proposed(dispatch, incident))
            }));
            looks += 1;
            std::thread::yield_now();
        }
        looks
    });
    for phone in 0..PHONES {
        let mut device = [0; 16];
        device[..2].copy_from_slice(&phone.to_be_bytes());
        let entry = place.entry_of(DeviceId::Enrolled(device), 1, 1, press());
        reader.fold(
            0,
            LogName::Alerts,
            vec![(Offset(u64::from(phone)), entry)],
            true,
        );
    }
    drop(done);
    let looks = watcher.join().expect("an alert was nobody's");
    assert!(looks > 0);
    let on_board = |dispatch: &Dispatch| dispatch.board().incidents().len();
    assert_eq!(reader.engine.read(on_board), usize::from(PHONES));
}

#[tokio::test]
async fn a_stop_that_was_asked_for_is_no_end() {
    let place = Place::new();
    let reader = place.reader().await;
    let engine = reader.engine.clone();
    let stop = CancellationToken::new();
    stop.cancel();
    supervise(engine.clone(), reader.run(stop)).await;
    assert_eq!(engine.state().ended, None);
}

#[tokio::test]
async fn an_incident_that_panics_costs_no_other() {
    let place = Place::new();
    let engine = place.reader().await.engine;
    let mut left = vec![1, 2, 3, 4];
    let mut done = Vec::new();
    engine.survive(|| {
        while let Some(incident) = left.pop() {
            assert!(incident % 2 == 0, "as a test wants");
            done.push(incident);
        }
    });
    assert_eq!(done, [4, 2]);
    assert_eq!(engine.shared.metrics.panics.get(), 2);
}

#[tokio::test]
async fn what_the_engine_counts() {
    let place = Place::new();
    let mut reader = place.reader().await;
    let gone = place.entry(2, 1, press());
    let mut gone = gone.to_vec();
    *gone.last_mut().unwrap() ^= 1;
    place.append(Bytes::from_static(b"x")).await;
    place.append(gone.into()).await;
    place.raise(1).await;
    until_state(&mut reader, 2, State::Assigned).await;
    reader.look_at_clock();
    let engine = reader.engine.clone();
    engine.fail(DecisionId::from_bytes([9; 16]), "full".to_owned());
    let metrics = &engine.shared.metrics;
    assert_eq!(metrics.undecodable.get(), 1);
    assert_eq!(metrics.bodies_gone.get(), 1);
    assert_eq!(metrics.appends_failed.get(), 1);
    assert_eq!(metrics.incidents.get(), 1, "one phone, two presses");
    assert!(metrics.entries(LogName::Alerts).get() >= 4);
    assert!(metrics.journal_live_bytes.get() > 0);
    assert_eq!(metrics.snapshots.get(), 0);
    tidy(&place, &mut reader).await;
    assert_eq!(metrics.snapshots.get(), 1);
}

#[tokio::test]
async fn an_unreadable_batch_is_passed_over_once() {
    let file = "log.redb";
    let mut place =
        Place::over(|folder, options| Journal::open_embedded(folder.join(file), options).unwrap());
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    tidy(&place, &mut reader).await;
    let broken = place.entry(2, 1, press());
    place.append(broken.clone()).await;
    place.raise(3).await;
    place.journal.close().await;
    drop(reader);

    let path = place.folder.path().join(file);
    let mut bytes = std::fs::read(&path).unwrap();
    let found: Vec<usize> = (4..bytes.len() - broken.len())
        .filter(|at| bytes[*at..].starts_with(&broken))
        .collect();
    assert!(!found.is_empty());
    for at in found {
        // The length before the entry: the batch ends early.
        bytes[at - 4..at].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    let clock = Clock::Manual(Arc::clone(&place.now_ms));
    let options = Options {
        clock,
        ..Options::default()
    };
    place.journal = Journal::open_embedded(path, options).unwrap();

    let mut reader = place.reader().await;
    let third = AlertId::from_bytes([3; 16]);
    until(&mut reader, "the press behind the gap", |dispatch| {
        let board = dispatch.board();
        board.incident_of_alert(&DEVICE, &third).is_some()
    })
    .await;
    let metrics = &reader.engine.shared.metrics;
    assert_eq!((metrics.gaps.get(), metrics.refolds.get()), (1, 0));
}

#[tokio::test]
async fn behind_a_trimmed_log_the_board_begins_anew_from_the_snapshot() {
    let place = Place::new();
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    place.advance_hours(2);
    tidy(&place, &mut reader).await;
    let first = place.journal.first(LogName::Alerts).await.unwrap();
    assert!(first > Offset::ZERO);
    // As a reader that was away for long.
    reader.followed[0].alerts = place.journal.tail(LogName::Alerts, Offset::ZERO);
    reader.engine.dispatch().begin_anew();
    let stop = CancellationToken::new();
    let metrics = reader.engine.clone();
    let metrics = &metrics.shared.metrics;
    while metrics.refolds.get() == 0 {
        reader.turn(&stop).await.unwrap();
    }
    assert_eq!(metrics.gaps.get(), 0);
    until_state(&mut reader, 1, State::Assigned).await;
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_a_problem_until_it_can() {
    let place = Place::new();
    let mut reader = place.reader().await;
    std::fs::write(place.key_file(DAY), b"junk").unwrap();
    until(&mut reader, "caught up", Dispatch::is_caught_up).await;
    reader.look_at_clock();
    let state = reader.engine.state();
    assert!(!state.ready);
    assert_eq!(
        state.problems,
        [format!("the key of day {DAY} cannot be used")]
    );
    std::fs::remove_file(place.key_file(DAY)).unwrap();
    reader.look_at_clock();
    assert!(reader.engine.state().ready);
    assert!(place.key_file(DAY).exists());
}

#[tokio::test]
async fn a_key_that_cannot_be_made_is_a_problem_whoever_looks_for_it() {
    let place = Place::new();
    let mut reader = place.reader().await;
    let days = place.folder.path().join("days");
    std::fs::remove_dir_all(&days).unwrap();
    until(&mut reader, "caught up", Dispatch::is_caught_up).await;
    for _ in 0..2 {
        reader.look_at_clock();
        assert!(!reader.engine.state().ready);
        // That it is not there is no answer to whether it can be made.
        assert!(reader.engine.reading_key(journal::Day(DAY)).is_none());
        reader.say_state();
        assert!(!reader.engine.state().ready);
    }
    std::fs::create_dir(&days).unwrap();
    reader.look_at_clock();
    assert!(reader.engine.state().ready);
}

#[tokio::test]
async fn the_key_of_an_old_day_that_is_given_up_is_no_problem_any_more() {
    let place = Place::new();
    let mut reader = place.reader().await;
    until(&mut reader, "caught up", Dispatch::is_caught_up).await;
    std::fs::write(place.key_file(DAY - 9), b"junk").unwrap();
    assert!(reader.engine.reading_key(journal::Day(DAY - 9)).is_none());
    reader.look_at_clock();
    assert!(!reader.engine.state().ready);
    std::fs::remove_file(place.key_file(DAY - 9)).unwrap();
    reader.look_at_clock();
    assert!(reader.engine.state().ready);
}

#[tokio::test]
async fn the_tick_comes_before_the_log() {
    let place = Place::new();
    let mut reader = place.reader().await;
    place.raise(1).await;
    // Both are due; a tick of this very millisecond might not be yet.
    let past = Instant::now() - Duration::from_secs(1);
    reader.tick.reset_at(past);
    let stop = CancellationToken::new();
    assert!(reader.turn(&stop).await.unwrap());
    assert_eq!(reader.followed[0].alerts.cursor(), Offset::ZERO);
    assert!(place.key_file(DAY).exists());
    until_state(&mut reader, 1, State::Assigned).await;
}

#[tokio::test]
async fn tomorrows_key_is_there_before_midnight() {
    let place = Place::new();
    let mut reader = place.reader().await;
    reader.look_at_clock();
    assert!(!place.key_file(DAY + 1).exists());
    place.advance_hours(7);
    reader.look_at_clock();
    assert!(place.key_file(DAY + 1).exists());
}

#[tokio::test]
async fn after_a_restart_an_old_resend_of_a_buried_alert_does_not_ring() {
    let place = Place::new();
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    tidy(&place, &mut reader).await;
    close(&mut reader, 1).await;
    tidy(&place, &mut reader).await;
    assert_eq!(place.kept().await.alerts.len(), 4, "with the note");

    place.advance_hours(26);
    let signed_in = reader.engine.record_sign_in(OfficerId::new("kim")).await;
    signed_in.unwrap();
    let log_time = place.now();
    until(&mut reader, "the sign-in", |dispatch| {
        dispatch.board().log_time() == log_time
    })
    .await;
    tidy(&place, &mut reader).await;
    assert!(reader.engine.read(|d| d.board().get(&id_of(1)).is_none()));
    assert_eq!(
        place.kept().await.alerts.len(),
        3,
        "raise, assignment, close"
    );
    let rows = place.journal.snapshot_read().await.unwrap().rows.count();
    assert_eq!(rows, 1);

    drop(reader);
    let mut reader = place.reader().await;
    place.advance_hours(5 * 24);
    place.append(place.entry(1, 2, press())).await;
    place.raise(9).await;
    until_state(&mut reader, 9, State::Assigned).await;
    tidy(&place, &mut reader).await;
    let ids = |dispatch: &Dispatch| -> Vec<IncidentId> {
        dispatch.board().incidents().map(Incident::id).collect()
    };
    assert_eq!(reader.engine.read(ids), [id_of(9)]);

    place.advance_hours(3 * 24);
    let signed_in = reader.engine.record_sign_in(OfficerId::new("kim")).await;
    signed_in.unwrap();
    let log_time = place.now();
    until(&mut reader, "the sign-in", |dispatch| {
        dispatch.board().log_time() == log_time
    })
    .await;
    tidy(&place, &mut reader).await;
    let alerts = place.kept().await.alerts.into_iter();
    let mut left = alerts.map(|(_, entry)| protocol::Entry::decode(&entry).unwrap().header);
    assert!(
        left.all(|header| match header.subject {
            Subject::Report(report) => report.alert != AlertId::from_bytes([1; 16]),
            Subject::Decision(decision) => decision.incident != id_of(1),
            _ => true,
        }),
        "after its seven days nothing is left"
    );
}

#[tokio::test]
async fn after_a_restart_the_newest_position_is_there_though_its_track_is_trimmed() {
    let place = Place::new();
    let mut reader = place.reader().await;
    place.raise(1).await;
    let moved = place.entry(1, 2, Content::Position(Ok(at(37.9))));
    let appended = place.journal.append(LogName::Tracks, vec![moved]).await;
    appended.unwrap();
    let is_there = |dispatch: &Dispatch| {
        let incident = dispatch.board().get(&id_of(1));
        incident.is_some_and(|one| one.position() == Some(&at(37.9)))
    };
    until(&mut reader, "the position", is_there).await;
    tidy(&place, &mut reader).await;
    place.advance_hours(2);
    tidy(&place, &mut reader).await;
    assert_eq!(
        place.journal.first(LogName::Tracks).await.unwrap(),
        place.journal.end(LogName::Tracks)
    );
    drop(reader);
    let reader = place.reader().await;
    assert!(reader.engine.read(is_there));
}

#[tokio::test]
async fn a_track_waits_for_the_alert_that_it_belongs_to() {
    let place = Place::new();
    let mut reader = place.reader().await;
    let moved = place.entry(1, 2, Content::Position(Ok(at(37.9))));
    let appended = place.journal.append(LogName::Tracks, vec![moved]).await;
    appended.unwrap();
    place.raise(1).await;
    // The track is read first, as it may be when both come with one commit.
    let stop = CancellationToken::new();
    while reader.followed[0].held.is_none() {
        assert_eq!(reader.followed[0].alerts.cursor(), Offset::ZERO);
        reader.turn(&stop).await.unwrap();
    }
    let folded = |reader: &Reader| reader.engine.shared.metrics.entries(LogName::Tracks).get();
    assert_eq!(folded(&reader), 0);
    until(&mut reader, "the position", |dispatch| {
        let incident = dispatch.board().get(&id_of(1));
        incident.is_some_and(|one| one.position() == Some(&at(37.9)))
    })
    .await;
    assert_eq!(folded(&reader), 1);
}

#[tokio::test]
async fn the_board_goes_on_while_a_snapshot_is_written_and_a_failed_one_loses_nothing() {
    let disk = SimDisk::new();
    let place = Place::on(&disk);
    let mut reader = place.reader().await;
    place.raise(1).await;
    until_state(&mut reader, 1, State::Assigned).await;
    let held = disk.hold_syncs();
    place.now_ms.fetch_add(TIDY_EVERY.0, Ordering::SeqCst);
    reader.look_at_clock();
    let stop = CancellationToken::new();
    // The next tick comes although the snapshot waits for the disk.
    assert!(reader.turn(&stop).await.unwrap());
    assert!(reader.chore.is_some());
    disk.set_faults(Faults {
        fail_sync: Some(disk.syncs()),
        ..Faults::default()
    });
    drop(held);
    reader.end_chore().await;
    assert_eq!(reader.engine.shared.metrics.snapshots.get(), 0);
    let cursor = reader.followed[0].alerts.cursor();
    let again = reader.followed[0].snapshots.slices(cursor);
    let entries: usize = again
        .iter()
        .flat_map(|slice| &slice.rows)
        .map(|row| journal::incident_rows::read_row(row.value.clone()).len())
        .sum();
    assert_eq!(entries, 2, "the raise and its assignment");
}

#[test]
fn a_complaint_comes_at_once_and_then_once_a_minute() {
    let mut complaint = Complaint::default();
    let at = |seconds: i64| UnixMillis::new(1_000_000 + seconds * 1_000);
    let told: Vec<i64> = (0..150)
        .filter(|second| complaint.is_due(*second >= 10, at(*second)))
        .collect();
    assert_eq!(told, [10, 70, 130]);
    assert!(!complaint.is_due(false, at(151)));
    assert!(complaint.is_due(true, at(152)), "it has begun anew");
}

#[tokio::test]
async fn a_board_that_has_not_caught_up_or_lags_takes_no_consoles() {
    let place = Place::new();
    let mut reader = place.reader().await;
    assert!(!reader.engine.state().takes_consoles);
    until(&mut reader, "caught up", Dispatch::is_caught_up).await;
    assert!(reader.engine.state().takes_consoles);
    reader.engine.say_state(&Health::Healthy, 10_001, None);
    let state = reader.engine.state();
    assert!(!state.takes_consoles && !state.ready);
    assert!(state.problems[0].contains("behind the log"), "{state:?}");
    reader.engine.say_state(&Health::Healthy, 10_000, None);
    assert!(reader.engine.state().takes_consoles);
    // Trouble with the log is said, and hides no board.
    let why = "gone".to_owned();
    reader.engine.say_state(&Health::Troubled { why }, 0, None);
    let state = reader.engine.state();
    assert!(state.takes_consoles && !state.ready);
    reader.engine.end("as a test wants");
    assert!(!reader.engine.state().takes_consoles);
}

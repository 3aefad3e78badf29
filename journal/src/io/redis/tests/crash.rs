//! The server, or the way to it, is gone for a while.

use super::proxy::Way;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_comes_back_with_all_that_was_confirmed() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let journal = open(server.settings()).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    append(&journal, "a").await;
    read(&mut tail, &["a"]).await;
    let mut confirmed = vec![entry("a")];
    // Until it dies in the middle of them.
    let writer = tokio::spawn({
        let journal = journal.clone();
        async move {
            let mut confirmed = Vec::new();
            for n in 0.. {
                let text = entry(format!("{n}"));
                match within(journal.append(Alerts, vec![text.clone()])).await {
                    Ok(appended) => {
                        assert_eq!(appended.first.0, confirmed.len() as u64 + 1);
                        confirmed.push(text);
                    }
                    Err(error) => return (confirmed, error),
                }
            }
            unreachable!()
        }
    });
    server.until("some entries are there", || {
        journal.end(Alerts) > Offset(50)
    });
    server.kill();
    let why = trouble(&journal).await;
    let waits = journal.offer(Alerts, vec![entry("offered meanwhile")]);
    let waits = waits.expect("it waits in the queue");
    server.restart();
    let (written, error) = within(writer).await.unwrap();
    assert!(
        matches!(error, AppendError::Unknown { .. }),
        "{error} {why}"
    );
    confirmed.extend(written);
    until_healthy(&journal).await;
    let last = within(waits).await.expect("and is appended").first;
    let found = all(&journal).await;
    assert_eq!(found[..confirmed.len()], confirmed);
    assert_eq!(found[last.0 as usize], "offered meanwhile");
    assert!(found.len() <= confirmed.len() + 2, "one was under way");
    // The reader proves what it has read, and goes on behind it.
    let mut rest = vec![entry("a")];
    while rest.len() < found.len() {
        match within(tail.next()).await.unwrap() {
            Tailed::Entries { entries, .. } => rest.extend(entries),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(rest, found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_full_while_the_server_is_away_refuses_and_says_so() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let options = Options {
        limits: Limits {
            queue_entries_max: 2,
            ..Limits::default()
        },
        ..Options::default()
    };
    let opening = Journal::open_redis(server.settings(), options);
    let journal = within(opening).await.unwrap();
    server.kill();
    trouble(&journal).await;
    let offer = |text: &str| journal.offer(Alerts, vec![entry(text)]);
    let waiting = [offer("a").unwrap(), offer("b").unwrap()];
    let full = offer("c").unwrap_err();
    assert!(matches!(full, AppendError::Busy { .. }), "{full}");
    let chore = within(journal.trim(0)).await.unwrap_err();
    assert!(matches!(chore, StoreError::Unreachable { .. }), "{chore}");
    server.restart();
    for pending in waiting {
        within(pending).await.unwrap();
    }
    assert_eq!(all(&journal).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    server.kill();
    let refused = Journal::open_redis(server.settings(), Options::default());
    let refused = within(refused).await.unwrap_err();
    let is_unreachable = matches!(
        &refused,
        OpenError::Server(ConnectError::Unreachable { .. })
    );
    assert!(is_unreachable, "{refused}");

    let journal = Journal::Redis(Redis::start(server.settings(), &Options::default()));
    trouble(&journal).await;
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    let waiting = journal.offer(Alerts, vec![entry("a")]).unwrap();
    server.restart();
    within(waiting).await.unwrap();
    read(&mut tail, &["a"]).await;
    until_healthy(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_server_that_is_away_is_told_when_the_log_is_closed() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let journal = open(server.settings()).await;
    server.kill();
    trouble(&journal).await;
    let waiting = journal.offer(Alerts, vec![entry("a")]).unwrap();
    within(journal.close()).await;
    assert_eq!(within(waiting).await, Err(AppendError::Closed));
    assert_eq!(*journal.health().borrow(), Health::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_leaves_what_was_taken_to_be_written() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open(server.settings()).await;
    let position = journal.offer(Tracks, vec![entry("t")]).unwrap();
    drop(journal);
    assert_eq!(within(position).await.unwrap().first, Offset(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_to_a_server_that_hangs_is_unknown_and_what_came_behind_it_is_not_lost() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let patient = open(server.settings()).await;
    let mut tail = patient.tail(Alerts, Offset::ZERO);
    append(&patient, "a").await;
    let journal = open_somehow(impatient(server.settings())).await;
    until_healthy(&journal).await;
    server.stop();
    let hangs = within(journal.append(Alerts, vec![entry("b")])).await;
    assert!(
        matches!(hangs, Err(AppendError::Unknown { .. })),
        "{hangs:?}"
    );
    trouble(&journal).await;
    let behind = journal.offer(Alerts, vec![entry("c")]).unwrap();
    server.go_on();
    // Unknown again where even this machine is too slow for it.
    if within(behind).await.is_err() {
        until_appended(&journal, "c").await;
    }
    // The server may have found the first append in its socket when it woke up.
    let found = all(&patient).await;
    assert_eq!(found[0], "a");
    assert!(found.contains(&entry("c")), "{found:?}");
    let mut read = Vec::new();
    while read.len() < found.len() {
        match within(tail.next()).await.unwrap() {
            Tailed::Entries { entries, .. } => read.extend(entries),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(read[..found.len()], found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_the_server_holds_back_too_long_is_unknown() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let journal = open_somehow(impatient(server.settings())).await;
    until_appended(&journal, "a").await;
    server.command(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    let held = within(journal.append(Alerts, vec![entry("b")])).await;
    assert!(matches!(held, Err(AppendError::Unknown { .. })), "{held:?}");
    trouble(&journal).await;
    server.command(&["CLIENT", "UNPAUSE"]);
    until_appended(&journal, "c").await;
    // A server drops what it held back for a client that has gone, or runs it: both are what
    // *unknown* means.
    let patient = open(server.settings()).await;
    let found = all(&patient).await;
    assert_eq!(found.first(), Some(&entry("a")));
    assert!(found.contains(&entry("c")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_in_the_middle_of_a_batch_leaves_all_of_it_or_nothing() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let journal = open(proxy.settings()).await;
    let batch: Vec<Bytes> = (0..20).map(|n| entry(format!("entry {n:04}"))).collect();
    let mut expected = 0;
    // From within the first command to the middle of the last ones.
    for bytes in [1, 10, 200, 500, 1_000, 1_500] {
        until_healthy(&journal).await;
        proxy.set_way(Way::CutAfter(bytes));
        let cut = within(journal.append(Alerts, batch.clone())).await;
        match cut {
            // What the writer asked once a second came before it.
            Ok(appended) => {
                assert_eq!(appended.first, Offset(expected));
                expected += 20;
                proxy.set_way(Way::Open);
            }
            Err(AppendError::Unknown { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        within(journal.first(Alerts)).await.unwrap();
        assert_eq!(journal.end(Alerts), Offset(expected), "cut after {bytes}");
    }
    until_healthy(&journal).await;
    append(&journal, "whole").await;
    assert_eq!(all(&journal).await.last(), Some(&entry("whole")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_was_lost_is_unknown_and_there() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let journal = open(proxy.settings()).await;
    append(&journal, "a").await;
    loop {
        let end = all(&journal).await.len();
        proxy.set_way(Way::Deaf);
        let lost = within(journal.append(Alerts, vec![entry("b")])).await;
        // The lost answer may have been that to a look at the server.
        if let Err(error) = lost {
            assert!(matches!(error, AppendError::Unknown { .. }), "{error}");
            server.until("the entry is there", || {
                server.command(&["XLEN", "{ansim:p0}:alerts"]) == redis::Value::Int(end as i64 + 1)
            });
            break;
        }
        until_healthy(&journal).await;
    }
    // Its author offers it again; a reader takes each once.
    append(&journal, "b").await;
    let found = all(&journal).await;
    assert!(found.ends_with(&[entry("b"), entry("b")]), "{found:?}");
}

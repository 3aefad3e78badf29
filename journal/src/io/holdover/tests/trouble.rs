//! The server, or the way to it, or this process, is gone for a while.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_up_later_is_given_everything() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    server.kill();
    let mut author = Author::new("a", server.settings());
    author.until_troubled().await;
    author.raise(50).await;
    assert!(author.journal.accepts(), "receipts go on");
    let backlog = author.held().backlog();
    assert_eq!(backlog.entries, 50);
    assert!(backlog.oldest_age_ms.is_some());
    let unshipped = author.journal.unshipped().unwrap();
    assert_eq!((unshipped.first, unshipped.end), (Offset(0), Offset(50)));
    let read = |from| {
        let read = author.journal.read_unshipped(&unshipped, Offset(from), 1);
        read.unwrap()
    };
    let (waiting, read_to) = read(10);
    assert_eq!(waiting[0].at, Offset(10));
    assert_eq!(waiting[0].entry, author.receipted[10]);
    assert_eq!(read_to, Offset(10 + waiting.len() as u64));
    assert_eq!(read(50), (Vec::new(), Offset(50)));
    let mut tail = author.journal.tail(Alerts, Offset::ZERO);
    let since = Instant::now();
    server.restart();
    let doubled = settle("away at the start", server.settings(), &[&author], since).await;
    assert_eq!(doubled, 0);
    author
        .until_health(|health| *health == Health::Healthy)
        .await;
    assert_eq!(author.held().backlog(), Backlog::default());
    let unshipped = author.journal.unshipped().unwrap();
    assert_eq!((unshipped.first, unshipped.end), (Offset(50), Offset(50)));
    let Tailed::Entries { entries, .. } = within(tail.next()).await.unwrap() else {
        panic!("it was empty before")
    };
    assert_eq!(entries, author.receipted[..entries.len()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_in_the_middle_costs_no_receipt() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(100).await;
    author
        .until(|progress| progress.shipped.alerts > Offset(10))
        .await;
    server.kill();
    author.raise(100).await;
    author.until_troubled().await;
    let since = Instant::now();
    server.restart();
    author.raise(10).await;
    let doubled = settle("SIGKILL", server.settings(), &[&author], since).await;
    assert!(doubled <= 100, "what was under way, at most");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_lost_cost_nothing_but_doubles() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let mut author = Author::new("a", proxy.settings());
    let since = Instant::now();
    let mut n = 0;
    // The lost answer may be that to a look at the server.
    while n < 20 || author.held().backlog().shipped_again == 0 {
        author.raise(5).await;
        proxy.set_way(match n % 3 {
            0 => Way::Deaf,
            1 => Way::CutAfter(1 + 37 * (n % 20)),
            _ => Way::Open,
        });
        author.raise(5).await;
        if n % 4 == 0 {
            proxy.cut();
        } else {
            author.held().all_shipped().await;
        }
        n += 1;
    }
    proxy.set_way(Way::Open);
    settle("answers lost", server.settings(), &[&author], since).await;
    let progress = *author.held().progress().borrow();
    assert_eq!(progress.rewinds, 0, "nothing was lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_with_a_full_holdover_delivers_it_when_it_returns() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(20).await;
    author.held().all_shipped().await;
    server.kill();
    author.until_troubled().await;
    author.raise(30).await;
    author.die_and_return(server.settings(), 7);
    assert!(author.held().backlog().entries >= 30);
    author.raise(5).await;
    let since = Instant::now();
    server.restart();
    let doubled = settle("the process died", server.settings(), &[&author], since).await;
    assert!(doubled <= 20, "what was not remembered yet, at most");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_leaves_what_was_answered_to_the_next_start() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    server.kill();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.redb");
    let settings = server.settings();
    let open = || Journal::open_held(&path, settings.clone(), Options::default()).unwrap();
    let journal = open();
    within(journal.append(Alerts, vec![entry("a:0")]))
        .await
        .unwrap();
    let health = journal.health();
    drop(journal);
    assert_eq!(*health.borrow(), Health::Closed);
    let journal = open();
    within(journal.append(Alerts, vec![entry("a:1")]))
        .await
        .unwrap();
    within(journal.close()).await;
    let closed = within(journal.append(Alerts, vec![entry("late")])).await;
    assert_eq!(closed, Err(AppendError::Closed));
    let journal = open();
    server.restart();
    let Journal::Held(held) = &journal else {
        unreachable!()
    };
    held.all_shipped().await;
    assert_eq!(all(server.settings()).await, ["a:0", "a:1"]);
    within(journal.close()).await;
    // And one that closed in good order ships nothing twice.
    let journal = open();
    within(journal.append(Alerts, vec![entry("a:2")]))
        .await
        .unwrap();
    within(journal.close()).await;
    assert_eq!(all(server.settings()).await, ["a:0", "a:1", "a:2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_is_given_everything_when_it_has_some() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(10).await;
    author.held().all_shipped().await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    author.raise(20).await;
    author.until_troubled().await;
    assert!(author.journal.accepts());
    assert_eq!(author.held().backlog().entries, 20);
    // How full it is, is known when it was looked at.
    let mut looked = author.held().shared().health();
    within(looked.wait_for(|health| matches!(health, Health::Troubled { .. })))
        .await
        .unwrap();
    let position = author.journal.offer(Tracks, vec![entry("t")]).unwrap_err();
    assert!(matches!(position, AppendError::Full { .. }), "{position}");
    let since = Instant::now();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    let doubled = settle("out of memory", server.settings(), &[&author], since).await;
    assert_eq!(doubled, 0, "a refusal is one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_disk_that_is_full_gives_no_receipt_and_what_was_receipted_is_shipped() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(10).await;
    author.held().all_shipped().await;
    author.disk.set_faults(Faults {
        full_from: Some(author.disk.operations() + 100),
        ..Faults::default()
    });
    let since = Instant::now();
    let error = loop {
        let text = entry(format!(
            "a:{} {}",
            author.receipted.len(),
            "x".repeat(5_000)
        ));
        match within(author.journal.append(Alerts, vec![text.clone()])).await {
            Ok(_) => author.receipted.push(text),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, AppendError::Failed { .. }), "{error}");
    let health = author.journal.health().borrow().clone();
    assert!(matches!(health, Health::Failed { .. }), "{health:?}");
    assert!(!author.journal.accepts());
    settle("own disk full", server.settings(), &[&author], since).await;
    within(author.journal.close()).await;
    let health = author.journal.health().borrow().clone();
    assert!(
        matches!(health, Health::Failed { .. }),
        "it stays: {health:?}"
    );
}

/// Nobody writes any more, so no commit finds out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_own_disk_that_cannot_be_read_is_a_failure_and_no_silence() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    server.kill();
    let disk = SimDisk::new();
    let options = Options {
        // Nothing is read from memory.
        cache_bytes: 0,
        ..Options::default()
    };
    let mut author = Author {
        journal: over(&disk, server.settings(), &options),
        disk,
        ..Author::new("a", server.settings())
    };
    author.raise(5).await;
    author.disk.set_faults(Faults {
        fail_reads: true,
        ..Faults::default()
    });
    server.restart();
    let health = author.until_health(Health::is_over).await;
    assert!(matches!(health, Health::Failed { .. }), "{health:?}");
    assert!(!author.journal.accepts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_wait_for_no_server() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(1).await;
    author.held().all_shipped().await;
    server.stop();
    author.raise(20).await;
    assert!(author.held().backlog().entries >= 20);
    server.go_on();
    settle(
        "a server that hung",
        server.settings(),
        &[&author],
        Instant::now(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_does_not_hide_what_waits_behind_it() {
    if !is_here() {
        return;
    }
    let mut server = TestServer::start();
    server.kill();
    let mut author = Author::new("a", server.settings());
    author.raise(3).await;
    let own = author.held().owner.own.store();
    own.damage(Alerts, Offset::ZERO);
    let unshipped = author.journal.unshipped().unwrap();
    assert_eq!(unshipped.first, Offset::ZERO);
    let reading = author
        .journal
        .read_unshipped(&unshipped, Offset::ZERO, 1 << 20);
    let (waiting, read_to) = reading.unwrap();
    let entries: Vec<Bytes> = waiting.iter().map(|one| one.entry.clone()).collect();
    assert_eq!(entries, author.receipted[1..]);
    assert_eq!(read_to, Offset(3));
    let age_ms = author.journal.receipted_ms_ago(waiting[0].at).unwrap();
    assert!(age_ms.is_some());
}

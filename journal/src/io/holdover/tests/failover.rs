//! Servers that have lost what they had acknowledged.

use super::*;

/// A master with a replica that gets nothing more, and the way to whoever is master.
struct Site {
    master: TestServer,
    replica: TestServer,
    proxy: Proxy,
}

impl Site {
    async fn new() -> Self {
        let master = TestServer::start();
        let replica = master.replica();
        let proxy = Proxy::to(master.socket_address()).await;
        Self {
            master,
            replica,
            proxy,
        }
    }

    fn settings(&self, replicas: u8) -> Settings {
        Settings {
            replicas,
            replicas_timeout: Duration::from_millis(50),
            ..self.proxy.settings()
        }
    }

    /// Returns when the replica has so many entries, and lets it have no more.
    fn detach_at(&self, entries: usize) {
        let there = redis::Value::Int(entries as i64);
        self.replica.until("the replica has them", || {
            self.replica.command(&["XLEN", "{ansim:p0}:alerts"]) == there
        });
        self.replica.detach();
    }

    fn fail_over(&self) {
        self.replica.promote();
        self.proxy.point_at(self.replica.socket_address());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failover_took_back_is_shipped_again() {
    if !is_here() {
        return;
    }
    let site = Site::new().await;
    let mut author = Author::new("a", site.settings(1));
    author.raise(20).await;
    author.held().all_shipped().await;
    site.detach_at(20);
    author.raise(30).await;
    author.until_shipped().await;
    assert_eq!(all(site.master.settings()).await.len(), 50);
    let mut reader = author.journal.tail(Alerts, Offset(49));
    within(reader.next()).await.unwrap();
    let backlog = author.held().backlog();
    assert_eq!(
        backlog.entries, 30,
        "the server took them, no replica has them"
    );
    let kept = site.replica.command(&["XLEN", "{ansim:p0}:alerts"]);
    assert_eq!(kept, redis::Value::Int(20));
    let since = Instant::now();
    site.fail_over();
    let progress = author.until(|progress| progress.rewinds > 0).await;
    assert!(progress.confirmed <= Offset(20));
    assert_eq!(within(reader.next()).await, Ok(Tailed::Rewound));
    author.until_shipped().await;
    assert_eq!(
        author.held().backlog().entries,
        30,
        "there is no replica yet"
    );
    let _new_replica = site.replica.replica();
    let settings = site.replica.settings();
    let doubled = settle("failover", settings, &[&author], since).await;
    assert_eq!(doubled, 0);
    let backlog = author.held().backlog();
    assert_eq!((backlog.entries, backlog.oldest_age_ms), (0, None));
    assert!(backlog.shipped_again >= 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_replica_has_is_confirmed_as_soon_as_one_has_it() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let settings = Settings {
        replicas: 1,
        replicas_timeout: Duration::from_millis(50),
        ..server.settings()
    };
    let mut author = Author::new("a", settings);
    author.raise(5).await;
    author.until_shipped().await;
    assert_eq!(author.held().backlog().entries, 5);
    // Now it refuses also the write that goes before the wait for replicas.
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    author.until_troubled().await;
    author.raise(5).await;
    assert_eq!(author.held().backlog().entries, 10);
    let since = Instant::now();
    let replica = server.replica();
    settle("no replica", server.settings(), &[&author], since).await;
    let there = replica.command(&["XLEN", "{ansim:p0}:alerts"]);
    assert_eq!(there, redis::Value::Int(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_authors_bring_back_each_its_own_in_order() {
    if !is_here() {
        return;
    }
    let site = Site::new().await;
    // Nobody asks for replicas, so what is lost was confirmed.
    let mut one = Author::new("a", site.settings(0));
    let mut other = Author::new("b", site.settings(0));
    for _ in 0..10 {
        one.raise(2).await;
        other.raise(3).await;
    }
    one.held().all_shipped().await;
    other.held().all_shipped().await;
    site.detach_at(50);
    for _ in 0..10 {
        one.raise(3).await;
        other.raise(2).await;
    }
    one.held().all_shipped().await;
    other.held().all_shipped().await;
    let since = Instant::now();
    site.fail_over();
    one.raise(7).await;
    one.until(|progress| progress.rewinds > 0).await;
    other.until(|progress| progress.rewinds > 0).await;
    let authors = [&one, &other];
    settle(
        "failover of two authors",
        site.replica.settings(),
        &authors,
        since,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_that_dies_before_the_failover_finds_out_when_it_returns() {
    if !is_here() {
        return;
    }
    let site = Site::new().await;
    let mut author = Author::new("a", site.settings(0));
    author.raise(20).await;
    author.held().all_shipped().await;
    site.detach_at(20);
    author.raise(20).await;
    author.held().all_shipped().await;
    within(author.journal.close()).await;
    let since = Instant::now();
    site.fail_over();
    author.die_and_return(site.settings(0), 1);
    author.until(|progress| progress.rewinds > 0).await;
    let doubled = settle(
        "failover while away",
        site.replica.settings(),
        &[&author],
        since,
    )
    .await;
    assert!(doubled <= 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_emptied_is_filled_again_though_nobody_raises() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(300).await;
    author.held().all_shipped().await;
    let since = Instant::now();
    // The connections stay; nothing but the content tells.
    server.command(&["FLUSHALL"]);
    author.until(|progress| progress.rewinds > 0).await;
    let doubled = settle("emptied", server.settings(), &[&author], since).await;
    assert_eq!(doubled, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shipped_into_a_log_that_was_emptied_a_moment_ago_proves_nothing() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let mut author = Author::new("a", server.settings());
    author.raise(40).await;
    author.held().all_shipped().await;
    for _ in 0..5 {
        let since = Instant::now();
        let rewinds = author.held().progress().borrow().rewinds;
        server.command(&["FLUSHALL"]);
        // Long before the author looks; the server takes it, at the place of the first.
        author.raise(1).await;
        author.until(|progress| progress.rewinds > rewinds).await;
        settle("emptied and written", server.settings(), &[&author], since).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_log_in_its_place_is_given_everything_that_is_kept() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let proxy = Proxy::to(server.socket_address()).await;
    let mut author = Author::new("a", proxy.settings());
    author.raise(30).await;
    author.held().all_shipped().await;
    // As long as the one that was written, so that every offset exists in it.
    let new = TestServer::start();
    let mut stranger = Author::new("b", new.settings());
    stranger.raise(60).await;
    stranger.held().all_shipped().await;
    let since = Instant::now();
    proxy.point_at(new.socket_address());
    author.raise(1).await;
    author.until(|progress| progress.rewinds > 0).await;
    let authors = [&author, &stranger];
    let doubled = settle("another log", new.settings(), &authors, since).await;
    assert_eq!(doubled, 0);
}

/// A failover takes back what it had shipped last, others write on, and what they wrote is trimmed too before it is there
/// again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_away_until_the_log_was_trimmed_brings_what_no_replica_had_all_the_same() {
    if !is_here() {
        return;
    }
    let site = Site::new().await;
    let mut author = Author::new("a", site.settings(1));
    author.raise(5).await;
    author.held().all_shipped().await;
    site.detach_at(5);
    author.raise(3).await;
    author.until_shipped().await;
    within(author.journal.close()).await;

    site.fail_over();
    let bystander = within(Journal::open_redis(
        site.replica.settings(),
        Options::default(),
    ));
    let bystander = bystander.await.unwrap();
    for other in 0..20 {
        let text = vec![entry(format!("other {other}"))];
        within(bystander.append(Alerts, text)).await.unwrap();
    }
    let alerts = "{ansim:p0}:alerts";
    site.replica.command(&["XTRIM", alerts, "MAXLEN", "5"]);

    author.die_and_return(site.settings(0), 1);
    author.raise(1).await;
    author.held().all_shipped().await;
    let opening = Journal::open_redis(site.replica.settings(), Options::default());
    let journal = within(opening).await.unwrap();
    let first = within(journal.first(Alerts)).await.unwrap();
    let mut tail = journal.tail(Alerts, first);
    let mut read = Vec::new();
    while read.last() != author.receipted.last() {
        if let Tailed::Entries { entries, .. } = within(tail.next()).await.unwrap() {
            read.extend(entries);
        }
    }
    assert!(
        author.receipted[5..].iter().all(|text| read.contains(text)),
        "{read:?}"
    );
    assert!(
        !author.receipted[..5].iter().any(|text| read.contains(text)),
        "what replicas had, is not brought again: {read:?}"
    );
}

//! Looks at an own journal in front of a real server that does not take everything.

use std::sync::atomic::{AtomicU64, Ordering};

use journal::io::journal::{Clock, Options};
use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestServer, is_here};
use journal::{LogName, Partition, PartitionCount};
use protocol::{
    AlertId, Day, DeviceId, Header, ReportHeader, ReportKind, ReportNumber, UnixMillis,
    Verification,
};

use super::*;

fn raise_of(phone: u8) -> Bytes {
    let header = Header {
        time: UnixMillis::new(0),
        day: Day(0),
        subject: Subject::Report(ReportHeader {
            device: DeviceId::Enrolled([phone; 16]),
            alert: AlertId::from_bytes([1; 16]),
            number: ReportNumber(1),
            kind: ReportKind::Raise,
            verification: Verification::Verified,
            drill: false,
        }),
    };
    protocol::join(&header.encode(), b"sealed")
}

/// The log is stuck since the oldest alert that its own partition lacks: others, which are in theirs, make it no older.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_age_is_that_of_the_oldest_which_its_own_partition_lacks() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let partitions = PartitionCount::new(4).unwrap();
    let is_away = |entry: &Bytes| partitions.of_entry(entry) == Partition(2);
    server.command(&["SET", "{ansim:p2}:alerts", "no stream"]);
    let now_ms = Arc::new(AtomicU64::new(0));
    let options = Options {
        clock: Clock::Manual(Arc::clone(&now_ms)),
        ..Options::default()
    };
    let settings = Settings {
        partitions,
        ..server.settings()
    };
    let folder = tempfile::tempdir().unwrap();
    let journal =
        Journal::open_held(folder.path().join("journal.redb"), settings, options).unwrap();
    let (its, others): (Vec<Bytes>, Vec<Bytes>) = (0..40).map(raise_of).partition(is_away);
    assert!(!its.is_empty());
    let other_count = others.len() as u64;
    journal.append(LogName::Alerts, others).await.unwrap();
    now_ms.store(60_000, Ordering::SeqCst);
    journal.append(LogName::Alerts, its.clone()).await.unwrap();
    now_ms.store(61_000, Ordering::SeqCst);

    let mut window = Window::default();
    let mut backlog = Backlog::default();
    server.until("the others have theirs", || {
        let unshipped = journal.unshipped().unwrap();
        backlog = look_at(&journal, &unshipped, &mut window).unwrap();
        backlog.first == Offset(other_count)
    });
    assert_eq!(backlog.end, Offset(40));
    assert_eq!(backlog.oldest_age, Some(Millis(1_000)));
    let offered = window.entries_from(Offset::ZERO);
    assert_eq!(offered.map(|(_, entry)| entry).collect::<Vec<_>>(), its);
    journal.close().await;
}

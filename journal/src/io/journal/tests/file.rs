//! The journal in a real file.

use std::path::PathBuf;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::io::day_keys::DayKeys;
use crate::seal::{Day, open, seal};

fn at(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("journal.redb")
}

fn open_at(path: &Path) -> Result<Journal, OpenError> {
    Journal::open_embedded(path, Options::default())
}

#[tokio::test]
async fn what_is_appended_is_read_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_at(&at(&dir)).unwrap();
    let appended = journal
        .append(Alerts, vec![entry("a"), entry("b")])
        .await
        .unwrap();
    assert_eq!((appended.first, appended.count), (Offset(0), 2));
    journal.append(Tracks, vec![entry("t")]).await.unwrap();
    journal.close().await;

    let journal = open_at(&at(&dir)).unwrap();
    assert_eq!(journal.newest(Alerts), Some(Offset(1)));
    let appended = journal.append(Alerts, vec![entry("c")]).await.unwrap();
    assert_eq!(appended.first, Offset(2));
    let mut tail = journal.tail(Alerts, Offset(1));
    let entries = vec![entry("b"), entry("c")];
    assert_eq!(
        within(tail.next()).await,
        Ok(Tailed::Entries {
            first: Offset(1),
            entries
        })
    );
}

#[tokio::test]
async fn a_second_opener_is_refused_and_told_who_holds_it_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open_at(&at(&dir)).unwrap();
    let refused = open_at(&at(&dir)).unwrap_err();
    let OpenError::Held { path, pid } = &refused else {
        panic!("{refused}")
    };
    assert_eq!((path, *pid), (&at(&dir), Some(std::process::id())));
    journal.close().await;
    open_at(&at(&dir)).unwrap();
}

#[tokio::test]
async fn what_a_crash_left_of_a_first_start_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("journal.redb.new"), b"half a database").unwrap();
    std::fs::write(at(&dir), b"").unwrap();
    let journal = open_at(&at(&dir)).unwrap();
    journal.append(Alerts, vec![entry("a")]).await.unwrap();
    assert!(!dir.path().join("journal.redb.new").exists());
}

#[test]
fn a_file_that_is_no_journal_is_refused_by_name_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(at(&dir), b"somebody's diary").unwrap();
    let refused = open_at(&at(&dir)).unwrap_err().to_string();
    assert!(refused.contains("journal.redb"), "{refused}");
    assert_eq!(std::fs::read(at(&dir)).unwrap(), b"somebody's diary");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let refused = open_at(&dir.path().join("absent/journal.redb"))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("absent/journal.redb"), "{refused}");
}

#[tokio::test]
async fn no_plaintext_is_in_the_file_and_without_the_days_key_there_is_no_body() {
    let canary = b"37.566535,126.977969 canary: help me quietly";
    let dir = tempfile::tempdir().unwrap();
    let keys = DayKeys::open(dir.path().join("keys")).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let day = Day::of_unix_ms(1_763_750_000_000);
    let key = keys.get_or_create(day, &mut rng).unwrap();
    let body = seal(&key, b"device", b"alert", b"header", canary, &mut rng).unwrap();
    let sealed = Bytes::from(body);
    let journal = open_at(&at(&dir)).unwrap();
    journal
        .append(Alerts, vec![entry("CLEAR HEADER"), sealed.clone()])
        .await
        .unwrap();
    journal.append(Tracks, vec![sealed.clone()]).await.unwrap();
    let row = Row {
        key: entry("incident"),
        value: sealed.clone(),
        folded_to: Offset(2),
    };
    let slice = SnapshotSlice {
        rows: vec![row],
        ..Default::default()
    };
    journal.snapshot_write(slice).await.unwrap();
    journal.close().await;

    let file = std::fs::read(at(&dir)).unwrap();
    let holds = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
    assert!(holds(b"CLEAR HEADER"), "the search can find something");
    assert!(!holds(b"canary") && !holds(b"37.5665") && !holds(b"126.977"));
    assert_eq!(
        open(&key, b"device", b"alert", b"header", &sealed).as_deref(),
        Ok(&canary[..])
    );
    keys.delete(day).unwrap();
    assert!(keys.get(day).unwrap().is_none());
}

//! Tails lose nothing, whatever they come upon.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tail_never_loses_an_entry_under_concurrent_appends() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 300;
    let journal = over(&SimDisk::new());
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let mut tail = journal.tail(Alerts, Offset::ZERO);
            tokio::spawn(async move {
                let mut read = Vec::new();
                while read.len() < (WRITERS * EACH) as usize {
                    let Tailed::Entries { first, entries } = within(tail.next()).await.unwrap()
                    else {
                        panic!("neither gap nor rewind")
                    };
                    assert_eq!(first, Offset(read.len() as u64));
                    read.extend(entries);
                }
                read
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut at = Vec::new();
                for n in 0..EACH {
                    let entry = entry(format!("{writer}:{n}"));
                    let appended = journal.append(Alerts, vec![entry.clone()]).await.unwrap();
                    at.push((appended.first, entry));
                }
                at
            })
        })
        .collect();
    let mut appended = Vec::new();
    for writer in writers {
        let at = writer.await.unwrap();
        assert!(
            at.is_sorted_by_key(|(first, _)| *first),
            "one writer's entries are in its order"
        );
        appended.extend(at);
    }
    appended.sort();
    let appended: Vec<Bytes> = appended.into_iter().map(|(_, entry)| entry).collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), appended);
    }
}

#[tokio::test]
async fn what_came_before_the_tail_looked_is_seen_all_the_same() {
    let journal = over(&SimDisk::new());
    let mut early = journal.tail(Alerts, Offset::ZERO);
    journal.append(Alerts, vec![entry("a")]).await.unwrap();
    journal
        .append(Tracks, vec![entry("other log")])
        .await
        .unwrap();
    let mut late = journal.tail(Alerts, Offset::ZERO);
    let a = Tailed::Entries {
        first: Offset(0),
        entries: vec![entry("a")],
    };
    assert_eq!(within(early.next()).await, Ok(a.clone()));
    assert_eq!(within(late.next()).await, Ok(a));
    assert_eq!(late.cursor(), Offset(1));
}

#[tokio::test]
async fn a_cancelled_wait_loses_nothing() {
    let journal = over(&SimDisk::new());
    let mut tail = journal.tail(Alerts, Offset::ZERO);
    tokio::select! {
        biased;
        tailed = tail.next() => panic!("{tailed:?} of an empty log"),
        () = std::future::ready(()) => {}
    }
    journal.append(Alerts, vec![entry("a")]).await.unwrap();
    assert!(matches!(
        within(tail.next()).await,
        Ok(Tailed::Entries { .. })
    ));
}

#[tokio::test]
async fn a_reader_far_behind_catches_up_in_slices() {
    let journal = over(&SimDisk::new());
    let wide = "x".repeat(700);
    for _ in 0..5 {
        let batch = (0..1_400).map(|n| entry(format!("{n} {wide}"))).collect();
        journal.append(Alerts, batch).await.unwrap();
    }
    let mut tail = journal.tail(Alerts, Offset(1));
    let (mut read, mut slices) = (0, 0);
    while read < 6_999 {
        let Tailed::Entries { first, entries } = within(tail.next()).await.unwrap() else {
            panic!("neither gap nor rewind")
        };
        assert_eq!(first, Offset(1 + read));
        read += entries.len() as u64;
        slices += 1;
    }
    assert!(slices > 1);
}

#[tokio::test]
async fn a_cursor_before_the_first_entry_is_a_gap() {
    let disk = SimDisk::new();
    let (journal, _) = manual(&disk);
    for text in ["a", "b"] {
        journal.append(Tracks, vec![entry(text)]).await.unwrap();
    }
    journal.trim(RETENTION_MS).await.unwrap();
    let mut tail = journal.tail(Tracks, Offset::ZERO);
    assert_eq!(
        within(tail.next()).await,
        Ok(Tailed::Gap {
            first_available: Offset(2)
        })
    );
    journal.append(Tracks, vec![entry("c")]).await.unwrap();
    let c = Tailed::Entries {
        first: Offset(2),
        entries: vec![entry("c")],
    };
    assert_eq!(
        within(tail.next()).await,
        Ok(c),
        "it goes on behind the gap"
    );
}

#[tokio::test]
async fn a_cursor_beyond_the_end_is_of_another_log() {
    let journal = over(&SimDisk::new());
    journal.append(Alerts, vec![entry("a")]).await.unwrap();
    let mut tail = journal.tail(Alerts, Offset(5));
    assert_eq!(within(tail.next()).await, Ok(Tailed::Rewound));
    assert_eq!(tail.cursor(), Offset(1));
}

#[tokio::test]
async fn a_tail_ends_with_its_journal() {
    let journal = over(&SimDisk::new());
    let mut waiting = journal.tail(Alerts, Offset::ZERO);
    let waiting = tokio::spawn(async move { within(waiting.next()).await });
    journal.close().await;
    assert_eq!(waiting.await.unwrap(), Err(TailError::Closed));
    assert_eq!(
        within(journal.tail(Alerts, Offset::ZERO).next()).await,
        Err(TailError::Closed)
    );
    assert_eq!(
        journal.append(Alerts, vec![entry("x")]).await,
        Err(AppendError::Closed)
    );
}

use super::*;
use crate::io::tail::Tailed;
use crate::offset::LogName::{Alerts, Tracks};
use crate::snapshot::Row;

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn in_memory() -> Journal {
    Journal::over(redb::backends::InMemoryBackend::new(), Options::default()).unwrap()
}

#[tokio::test]
async fn what_is_appended_is_read_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.redb");
    let journal = Journal::open_embedded(&path, Options::default()).unwrap();
    let appended = journal
        .append(Alerts, vec![bytes("a"), bytes("b")])
        .await
        .unwrap();
    assert_eq!((appended.first, appended.count), (Offset(0), 2));
    journal.append(Tracks, vec![bytes("t")]).await.unwrap();
    assert_eq!(journal.newest(Alerts), Some(Offset(1)));
    journal.close().await;
    assert_eq!(
        journal.append(Alerts, vec![bytes("x")]).await,
        Err(AppendError::Closed)
    );

    let journal = Journal::open_embedded(&path, Options::default()).unwrap();
    let appended = journal.append(Alerts, vec![bytes("c")]).await.unwrap();
    assert_eq!(appended.first, Offset(2));
    let mut tail = journal.tail(Alerts, Offset(1));
    let entries = vec![bytes("b"), bytes("c")];
    assert_eq!(
        tail.next().await,
        Ok(Tailed::Entries {
            first: Offset(1),
            entries
        })
    );
}

#[tokio::test]
async fn a_snapshot_comes_back_with_its_offset() {
    let journal = in_memory();
    assert_eq!(journal.snapshot_read().unwrap().resume_at, None);
    journal.append(Alerts, vec![bytes("a")]).await.unwrap();
    let row = Row {
        key: bytes("incident"),
        value: bytes("state"),
        folded_to: Offset(1),
    };
    let slice = SnapshotSlice {
        rows: vec![row.clone()],
        resume_at: Some(Offset(1)),
        ..Default::default()
    };
    journal.snapshot_write(slice).await.unwrap();
    let snapshot = journal.snapshot_read().unwrap();
    assert_eq!(snapshot.resume_at, Some(Offset(1)));
    assert_eq!(snapshot.rows.collect::<Result<Vec<_>, _>>(), Ok(vec![row]));
}

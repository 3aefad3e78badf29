//! A dispatcher that shows a part of the log.

use std::collections::BTreeSet;

use journal::io::redis::settings::Settings;
use journal::io::redis::test_server::{TestServer, is_here};
use journal::{PARTITIONS_DEFAULT, Partition};
use protocol::DeviceId;

use super::format::NEWER;
use super::place::{Place, press, until};
use crate::dispatch::Dispatch;

const PART: Partition = Partition(5);

fn part() -> Option<BTreeSet<Partition>> {
    Some(BTreeSet::from([PART]))
}

fn place(server: &TestServer) -> Place {
    Place::held(Settings {
        partitions: PARTITIONS_DEFAULT,
        ..server.settings()
    })
}

/// A phone whose alerts are in this partition.
fn device_of(partition: Partition) -> DeviceId {
    let mut devices = (0..=u8::MAX).map(|number| DeviceId::Enrolled([number; 16]));
    let is_there = |device: &DeviceId| PARTITIONS_DEFAULT.of_device(device) == partition;
    devices.find(is_there).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_relays_offer_of_other_parts_is_for_other_dispatchers() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let place = place(&server);
    let (all, some) = (place.reader().await, place.reader_of(part()).await);
    for (reader, partition, taken) in [
        (&all, Partition(6), 1),
        (&some, Partition(6), 0),
        (&some, PART, 1),
        (&some, Partition::ZERO, 1),
    ] {
        let entry = place.entry_of(device_of(partition), 1, 1, press());
        let shown = |reader: &super::Reader| reader.engine.read(|d| d.unlogged().len());
        let before = shown(reader);
        let answer = reader.engine.offered(std::slice::from_ref(&entry));
        assert_eq!((answer.taken, answer.left_out), (taken, 1 - taken));
        let more = shown(reader) - before;
        assert_eq!(more, usize::try_from(taken).unwrap());
    }
}

/// They stand in the first partition.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_shows_a_part_knows_which_map_and_format_are_in_force() {
    if !is_here() {
        return;
    }
    let server = TestServer::start();
    let place = place(&server);
    let mut all = place.reader().await;
    all.engine.dispatch().become_release(NEWER);
    until(&mut all, "caught up", Dispatch::is_caught_up).await;
    all.put_map_in_force().await.unwrap();
    all.engine.raise_format(NEWER).await.unwrap();

    let mut some = place.reader_of(part()).await;
    let read = some.followed.iter().map(|one| one.partition());
    assert_eq!(read.collect::<Vec<_>>(), [Partition::ZERO, PART]);
    until(&mut some, "the format", |dispatch| {
        dispatch.format().in_force() == NEWER
    })
    .await;
    assert_eq!(some.map_in_force, Some(all.engine.maps().borrow().clone()));
    some.say_state();
    let state = some.engine.state();
    assert!(!state.ready, "it knows no format {}", NEWER.0);
    let shows = "this board shows partitions 0, 5 of the log alone";
    let says = state.problems.iter().any(|one| one.contains(shows));
    assert!(says, "{state:?}");
}

//! A dispatcher that shows a part of the log.

use std::collections::BTreeSet;

use journal::Partition;

use super::place::{Place, press};

#[tokio::test]
async fn what_relays_offer_of_other_parts_is_for_other_dispatchers() {
    let place = Place::new();
    let entry = place.entry(1, 1, press());
    let part = |number| Some(BTreeSet::from([Partition(number)]));
    for (fold, taken) in [(None, 1), (part(0), 1), (part(1), 0)] {
        let engine = place.reader_of(fold).await.engine;
        let answer = engine.offered(std::slice::from_ref(&entry));
        assert_eq!((answer.taken, answer.left_out), (taken, 1 - taken));
        let shown = engine.read(|dispatch| dispatch.unlogged().len());
        assert_eq!(shown, usize::try_from(taken).unwrap());
    }
}

//! Two releases at one log, and the format that only the newer one knows.

use journal::LogName;
use protocol::{FormatVersion, State};

use super::place::{Place, id_of, tidy, until, until_state};
use crate::board::Incident;
use crate::dispatch::Dispatch;
use crate::io::engine::FormatError;
use crate::io::engine::reader::Reader;

pub(super) const NEWER: FormatVersion = FormatVersion(FormatVersion::KNOWN.0 + 1);

#[tokio::test]
async fn a_newer_release_raises_the_format_once_and_an_older_one_stops_proposing() {
    let place = Place::new();
    let (mut older, mut newer) = (place.reader().await, place.reader().await);
    newer.engine.dispatch().become_release(NEWER);
    let refused = newer.engine.raise_format(NEWER).await.unwrap_err();
    assert!(matches!(refused, FormatError::CatchingUp), "{refused}");
    for reader in [&mut older, &mut newer] {
        until(reader, "caught up", Dispatch::is_caught_up).await;
    }
    let refused = older.engine.raise_format(NEWER).await.unwrap_err();
    assert!(matches!(refused, FormatError::Refused(_)), "{refused}");

    let begin = place.journal.end(LogName::Alerts);
    let was = newer.engine.raise_format(NEWER).await.unwrap();
    assert_eq!(was, FormatVersion::FIRST);
    let is_raised = |dispatch: &Dispatch| dispatch.format().in_force() == NEWER;
    for reader in [&mut older, &mut newer] {
        until(reader, "it is raised", is_raised).await;
    }
    assert_eq!(newer.engine.raise_format(NEWER).await.unwrap(), NEWER);
    assert_eq!(place.journal.end(LogName::Alerts), begin.plus(1), "once");

    place.raise(1).await;
    until(&mut older, "the alert", |dispatch| {
        dispatch.board().get(&id_of(1)).is_some()
    })
    .await;
    let state = |incident: &Incident| incident.lifecycle().state();
    let state_of = |reader: &Reader| {
        let of = |dispatch: &Dispatch| dispatch.board().get(&id_of(1)).map(state);
        reader.engine.read(of)
    };
    assert_eq!(state_of(&older), Some(State::New));
    older.say_state();
    assert!(!older.engine.state().ready);
    until_state(&mut newer, 1, State::Assigned).await;
    newer.say_state();
    assert!(newer.engine.state().ready);

    // Whoever begins with the snapshot knows it, too.
    place.advance_hours(2);
    tidy(&place, &mut newer).await;
    assert!(place.journal.first(LogName::Alerts).await.unwrap() > begin);
    assert!(place.reader().await.engine.read(is_raised));
}

//! What a desk sees of the board, in slices: no look holds the board for long, and nothing is kept
//! for a console but a number.

use std::collections::BTreeSet;

use protocol::{IncidentId, UnixMillis};

use crate::board::{Cursors, Incident};
use crate::card::Card;
use crate::desk::Desk;
use crate::dispatch::Dispatch;
use crate::io::users::Users;

/// Cards that leave at once: with full trails some 2 MB, and a few milliseconds of the board's lock.
const MAX_CARDS: usize = 100;

/// Changes that are looked at under one lock, seen or not.
const MAX_LOOKED_AT: usize = 4_000;

/// Who looks, and what for.
pub(super) struct Viewer<'a> {
    pub(super) desk: &'a Desk,
    pub(super) users: &'a Users,
    pub(super) now: UnixMillis,
    /// Incidents that this console was shown on a proposal alone, which may have been in vain.
    pub(super) shown_pending: &'a BTreeSet<IncidentId>,
}

/// Changes of the board as a desk sees them.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub(super) cards: Vec<Card>,
    /// Incidents that the desk had and has no more.
    pub(super) left: Vec<IncidentId>,
    /// The newest change in it, by the board's count.
    pub(super) to: u64,
    /// Where a reader stands who has got all slices up to this one; absent when another change
    /// shares the place.
    pub(super) cursor: Option<Cursors>,
    /// Where the fold began to count, which tells it from others.
    pub(super) began_at: u64,
    /// There are newer changes.
    pub(super) more: bool,
}

/// The changes after number `from`, the oldest first, for a reader who stands at these cursors.
pub(super) fn look(
    dispatch: &Dispatch,
    viewer: &Viewer<'_>,
    from: u64,
    cursors: &Cursors,
) -> Slice {
    let board = dispatch.board();
    // A board that was folded anew counts from the beginning.
    let from = if from > board.change() { 0 } else { from };
    let mut slice = Slice {
        to: board.change(),
        cursor: Some(board.cursors().clone()),
        began_at: board.began_at(),
        ..Slice::default()
    };
    if from == board.change() {
        return slice;
    }
    let mut last: Option<&Incident> = None;
    // Who has seen nothing of this fold stands nowhere in it.
    let is_anew = from <= board.began_at();
    let mut reached = if is_anew {
        Cursors::default()
    } else {
        cursors.clone()
    };
    for (looked_at, incident) in board.changed_since(from).enumerate() {
        if let Some(last) = last
            && (looked_at == MAX_LOOKED_AT || slice.cards.len() == MAX_CARDS)
        {
            slice.to = last.change();
            let shares_place = last.changed_at() == incident.changed_at();
            slice.cursor = (!shares_place).then_some(reached);
            slice.more = true;
            break;
        }
        last = Some(incident);
        reached.reach(incident.changed_at());
        let incident = dispatch.shown(&incident.id()).unwrap_or(incident);
        if dispatch.sees(viewer.desk, incident) {
            let name = |officer: &_| viewer.users.name_of(officer);
            slice.cards.push(dispatch.card(incident, &name, viewer.now));
        } else if viewer.shown_pending.contains(&incident.id())
            || had(dispatch, viewer.desk, incident.desks())
        {
            slice.left.push(incident.id());
        }
    }
    let departed = board.departed(from.saturating_add(1)..=slice.to);
    slice.left.extend(
        departed
            .filter(|(_, desks)| had(dispatch, viewer.desk, desks))
            .map(|(id, _)| id),
    );
    slice
}

/// Changes of what the log does not have, as a desk sees them.
#[derive(Debug, Default)]
pub(super) struct UnloggedSlice {
    pub(super) cards: Vec<Card>,
    /// Incidents that the desk was shown and sees no more.
    pub(super) left: Vec<IncidentId>,
    /// The newest change in it, by its own count.
    pub(super) to: u64,
    /// There are newer changes.
    pub(super) more: bool,
}

/// What changed after number `from` beside the board. `shown` are those that this viewer has been shown, kept as it goes on: what
/// the log has got or nobody offers any more is a card of the board again, or has left.
pub(super) fn look_unlogged(
    dispatch: &Dispatch,
    viewer: &Viewer<'_>,
    from: u64,
    shown: &mut BTreeSet<IncidentId>,
) -> UnloggedSlice {
    let unlogged = dispatch.unlogged();
    let from = if from > unlogged.change() { 0 } else { from };
    let mut slice = UnloggedSlice {
        to: unlogged.change(),
        ..UnloggedSlice::default()
    };
    if from == unlogged.change() {
        return slice;
    }
    let name = |officer: &_| viewer.users.name_of(officer);
    let card = |incident| dispatch.card(incident, &name, viewer.now);
    let mut last = from;
    for (change, incident) in unlogged.changed_since(from) {
        if slice.cards.len() == MAX_CARDS {
            slice.to = last;
            slice.more = true;
            return slice;
        }
        last = change;
        let incident = incident.incident();
        if dispatch.sees(viewer.desk, incident) {
            shown.insert(incident.id());
            slice.cards.push(card(incident));
        } else if shown.remove(&incident.id()) {
            slice.left.push(incident.id());
        }
    }
    shown.retain(|id| {
        let is_here = unlogged.get(id).is_some();
        if !is_here {
            match dispatch.visible(viewer.desk, id) {
                Some(incident) => slice.cards.push(card(incident)),
                None => slice.left.push(*id),
            }
        }
        is_here
    });
    slice
}

fn had(dispatch: &Dispatch, desk: &Desk, desks: &BTreeSet<protocol::DeskId>) -> bool {
    *desk == Desk::National
        || desks
            .iter()
            .any(|owner| desk.covers(Some(owner), dispatch.map()))
}

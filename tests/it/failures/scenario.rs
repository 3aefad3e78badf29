//! The one scenario of all faults, and what has to hold after each.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use journal::io::redis::test_server::is_here;
use serde_json::Value;

use super::boards::{Board, Cards};
use super::load::{CLAIM, Load, TEXTS};
use super::servers::Log;
use super::site::Site;
use crate::support::tell;

/// Raises that are receipted before the fault.
const BEFORE: usize = 6;

/// Raises that are receipted after it.
const AFTER: usize = 4;

/// How often it is looked whether something has come about.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks before a test gives up: two minutes and more. Looks and not time are counted, as a machine
/// that does other things may stop the test, and whatever it waits for.
const LOOKS_MAX: usize = 2_400;

/// Looks until something has come about.
///
/// # Panics
/// When it never does, with what was missing at the last look.
pub(super) async fn patiently<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let mut missing = String::new();
    for _ in 0..LOOKS_MAX {
        match look().await {
            Ok(found) => return found,
            Err(still) => missing = still,
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    panic!("{what}: not in time, {missing}")
}

/// People press at both relays and officers take alerts at both dispatchers, before a fault, while it
/// lasts, and when it is healed, which is when `fault` returns. In the end every alert that was
/// receipted is on both boards, once, and the boards are equal.
pub(super) async fn under<L: Log>(
    what: &str,
    servers: impl AsyncFnOnce() -> L,
    fault: impl AsyncFnOnce(&mut Site<L>, &mut Load),
) {
    if !is_here() {
        return;
    }
    let mut site = Site::start(servers().await).await;
    let mut load = Load::start(&site.doors());
    load.receipts(BEFORE).await;
    fault(&mut site, &mut load).await;
    let healed = Instant::now();
    let pressed = load.incidents();
    let boards = [site.board(0).await, site.board(1).await];
    for board in &boards {
        board.knows(&pressed).await;
    }
    let recovered = healed.elapsed();
    load.receipts(AFTER).await;
    load.end().await;
    site.is_ready().await;
    agree(&boards, &load).await;
    check_pasts(&boards, &load).await;
    // Whatever came twice has come by now.
    let outcome = Outcome {
        counts: count(&boards, &load).await,
        recovered,
    };
    tell(&format!("{what}: {outcome}"));
    assert!(outcome.counts.are_right(), "{what}: {outcome}");
}

/// Returns when both boards show the same, and all that people and officers know.
async fn agree(boards: &[Board; 2], load: &Load) {
    let (incidents, claims) = (load.incidents(), load.claims());
    let taken = load.books().open().acknowledged.clone();
    patiently("both boards are equal", async || {
        let [one, other] = [boards[0].cards().await, boards[1].cards().await];
        let wanted: BTreeSet<&String> = incidents.iter().collect();
        if one.keys().collect::<BTreeSet<_>>() != wanted {
            return Err(format!("{} of {} incidents", one.len(), wanted.len()));
        }
        if let Some(difference) = difference(&one, &other) {
            return Err(difference);
        }
        let has_heard = |card: &&Value| card["talk"]["count"] == TEXTS.len();
        let heard = one.values().filter(has_heard).count();
        if heard < one.len() {
            return Err(format!("{heard} of {} have all words", one.len()));
        }
        let is_claimed = |id: &&String| one[*id]["cancel"]["meaning"] == CLAIM.as_str();
        let claimed = claims.iter().filter(is_claimed).count();
        if claimed < claims.len() {
            return Err(format!("{claimed} of {} claims are there", claims.len()));
        }
        let is_open = |id: &&String| one[*id]["state"] != "acknowledged";
        match taken.iter().find(is_open) {
            Some(id) => Err(format!("an officer was told that they have {id}")),
            None => Ok(()),
        }
    })
    .await;
}

/// The first thing in which two boards are not the same.
fn difference(one: &Cards, other: &Cards) -> Option<String> {
    let ids: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let different = ids.into_iter().find(|id| one.get(*id) != other.get(*id))?;
    let (one, other) = (one.get(different), other.get(different));
    Some(format!("{one:?} here, {other:?} there"))
}

/// What was said and decided, once and in order, at both dispatchers.
async fn check_pasts(boards: &[Board; 2], load: &Load) {
    let claims = load.claims();
    assert!(!claims.is_empty(), "somebody claims that it is over");
    let cards = boards[0].cards().await;
    let taken = load.books().open().acknowledged.clone();
    for incident in load.incidents() {
        let past = boards[0].past(&incident).await;
        assert_eq!(past, boards[1].past(&incident).await);
        assert_eq!(past.texts, TEXTS);
        assert_eq!(past.assigned, 1);
        // Officers see the claim, and decide: it ends nothing.
        let claimed = claims.contains(&incident).then_some(CLAIM.as_str());
        assert_eq!(past.claims, Vec::from_iter(claimed));
        assert!(cards[&incident]["closed"].is_null());
        // An officer who was told nothing in time may have been heard all the same.
        let told = usize::from(taken.contains(&incident));
        assert!((told..=1).contains(&past.acknowledged), "{past:?}");
    }
}

struct Counts {
    raised: usize,
    receipted: usize,
    on_boards: usize,
    lost: usize,
    doubled: usize,
}

impl Counts {
    fn are_right(&self) -> bool {
        let all = [self.receipted, self.on_boards] == [self.raised; 2];
        all && (self.lost, self.doubled) == (0, 0)
    }
}

/// Counts in presses: each person has made one.
async fn count(boards: &[Board; 2], load: &Load) -> Counts {
    let incidents = load.incidents();
    let shown = [boards[0].cards().await, boards[1].cards().await];
    let is_everywhere = |id: &&String| shown.iter().all(|cards| cards.contains_key(*id));
    let on_boards = incidents.iter().filter(is_everywhere).count();
    let surplus = |cards: &Cards| {
        let presses = |id: &String| usize::from(incidents.contains(id));
        let surplus = cards.iter().map(|(id, card)| {
            let shown = card["presses"].as_u64().unwrap();
            usize::try_from(shown).unwrap() - presses(id)
        });
        surplus.sum::<usize>()
    };
    let books = load.books().open();
    Counts {
        raised: books.raised(),
        receipted: books.receipts(),
        on_boards,
        lost: books.receipts().saturating_sub(on_boards),
        doubled: shown.iter().map(surplus).sum(),
    }
}

/// What it came to.
struct Outcome {
    counts: Counts,
    /// From when the fault was healed until everybody who had pressed by then was on both boards.
    recovered: Duration,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            raised,
            receipted,
            on_boards,
            lost,
            doubled,
        } = self.counts;
        let seconds = self.recovered.as_secs_f64();
        write!(
            f,
            "raised {raised}, receipted {receipted}, on both boards {on_boards}, lost {lost}, \
             doubled {doubled}, all known after {seconds:.1} s"
        )
    }
}

//! Does the index say what is right? Many places of a tiling, asked of the dispatcher and of two
//! plain loops that share no code with it.

use dispatcher::jurisdiction::JurisdictionIndex;
use protocol::{LatLon, Reason};
use rand::{Rng, RngExt as _};
use serde::Serialize;

use crate::exact_loop::{ExactArea, ExactMap};
use crate::plain_loop::PlainMap;
use crate::tiling::Tiling;

/// Side of the cells of the finest tiling for which the loop that rounds is asked: 10¹⁰ times what it
/// is wrong by.
const LEAST_PLAIN_CELL_DEG: f64 = 1e-3;

/// A tiling and those who know whose its places are.
pub struct Judge<'a> {
    tiling: &'a Tiling,
    exact: ExactMap,
    /// It rounds, by a hundred millionth of the narrowest cells: not asked where cells are so tiny.
    plain: Option<PlainMap>,
    outline: ExactArea,
}

/// What came of asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Tally {
    /// Places asked for.
    pub points: u64,
    /// Of them, those whose owner or reason is another than a plain loop's.
    pub mismatches: u64,
    /// Of them, those which the tiling fills and which the index found in no area.
    pub without_owner: u64,
}

impl Tally {
    /// Nothing was wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mismatches == 0 && self.without_owner == 0
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            points: self.points + other.points,
            mismatches: self.mismatches + other.mismatches,
            without_owner: self.without_owner + other.without_owner,
        }
    }
}

impl<'a> Judge<'a> {
    /// `None` for a tiling whose corners the exact loop cannot hold; see [`ExactMap::new`].
    #[must_use]
    pub fn new(tiling: &'a Tiling) -> Option<Self> {
        Some(Self {
            tiling,
            exact: ExactMap::new(&tiling.map)?,
            plain: (tiling.cell_deg() > LEAST_PLAIN_CELL_DEG).then(|| PlainMap::new(&tiling.map)),
            outline: ExactArea::new(&tiling.outline)?,
        })
    }

    /// Asks for so many places: every second one anywhere in the tiling, for which both loops are
    /// asked, the others awkward (see [`Tiling::awkward`]), for which only the exact one is.
    pub fn tally(&self, index: &JurisdictionIndex, points: u64, rng: &mut impl Rng) -> Tally {
        let mut tally = Tally::default();
        for _ in 0..points {
            let awkward = rng.random_bool(0.5);
            let at = if awkward {
                self.tiling.awkward(rng)
            } else {
                self.tiling.anywhere(rng)
            };
            tally = tally.and(self.ask(index, at, awkward));
        }
        tally
    }

    fn ask(&self, index: &JurisdictionIndex, at: LatLon, awkward: bool) -> Tally {
        let said = index.locate(at, None, None);
        let held = !matches!(said.reason, Reason::Nearest | Reason::None);
        let owner = said.jurisdiction.as_ref();
        let right = self.exact.holding(at).is_some_and(|right| {
            if right.owner.is_none() {
                // Who is nearest outside of the tiling is another question.
                return !held;
            }
            (right.owner, right.reason) == (owner, said.reason)
        });
        let plain = self.plain.as_ref().filter(|_| !awkward);
        let plain =
            plain.is_none_or(|plain| plain.owners(at).into_iter().any(|id| Some(id) == owner));
        Tally {
            points: 1,
            mismatches: u64::from(!right || !plain),
            without_owner: u64::from(!held && self.outline.holds(at) != Some(false)),
        }
    }
}

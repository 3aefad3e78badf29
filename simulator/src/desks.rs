//! The people: how long alerts wait for a first look, with so many seats in each room.
//!
//! A staffing calculator ([`EVIDENCE`]). Each alert waits in the room of its station. The first free
//! seat looks at it and then handles it to the end; exponential handling is what Erlang's formulas
//! take, and in one room the result is theirs. Whom nobody at the station has looked at for a while,
//! the provincial room may take, and after that the national desk; whoever is first, has it. Presses
//! of the same phone are one incident and one alert here.
//!
//! With another seat in a single room nobody waits longer. In a chain of rooms that holds for all
//! people together and not for each of them: a seat at a station lets the provincial room take
//! somebody else's long case sooner, and a third one finds it busy.

mod flow;
mod rooms;
mod seats;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt as _};
use rand_distr::{Distribution as _, Exp1};

use crate::report::{People, SeatsAndShare};
use crate::scenario::{Desks, Scenario};
use flow::{Look, NEVER_US, Rules, Task, first_looks};
pub use rooms::{Room, Rooms, owners};
use seats::{Staffing, shared_out, total};

/// What has to stand beside every figure about the desks.
pub const EVIDENCE: &str =
    "Simulated officers are a staffing calculator and no evidence about officers.";

/// For so many seconds after the scenario officers go on with what waits: the longest wait that the
/// report has a share for, so that everybody has a chance of it. Who has not been looked at then, is
/// said to be never looked at.
pub const AFTERWARDS_S: f64 = 600.0;

/// The first waits that a share is told of, in seconds; the first is that of the target.
const WITHIN_S: [u64; 3] = [15, 60, 600];

/// Points of the staffing curve, as multiples of the seats that are needed.
const CURVE: [f64; 9] = [0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5];

/// The seats that are needed are exact below this number, and beyond it to this fraction: each step
/// of the search lets everybody come to the desks once more, and the load is a guess.
const SEATS_EXACT_TO: u64 = 1_000;

/// Tells the draws of handling times from all others of a seed.
const HANDLING_SALT: u64 = 0xde5c_de5c_de5c_de5c;

const SECOND_US: f64 = 1e6;

/// An alert, as the desks have it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DeskAlert {
    /// Since the start.
    pub at: Duration,
    /// Whose it is.
    pub owner: Room,
}

/// `--what-if` says nothing that can be reckoned.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no question: write `seats=N`, N being all seats of all rooms together")]
pub struct BadWhatIf(String);

/// Reads `seats=N`.
///
/// # Errors
/// When it is something else.
pub fn what_if(text: &str) -> Result<u64, BadWhatIf> {
    let number = text.strip_prefix("seats=");
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or_else(|| BadWhatIf(text.to_owned()))
}

/// A scenario's desks and everything that comes to them.
#[derive(Debug)]
pub struct DeskRun {
    rules: Rules,
    staffing: Staffing,
    tasks: Vec<Task>,
    target_share_15_s: f64,
}

impl DeskRun {
    /// These alerts, in any order, at the desks of a scenario. How long each keeps a seat busy is
    /// drawn from the scenario's seed.
    #[must_use]
    pub fn new(scenario: &Scenario, rooms: &Rooms, mut alerts: Vec<DeskAlert>) -> Self {
        alerts.sort_unstable();
        let desks = &scenario.desks;
        let rng = &mut ChaCha8Rng::seed_from_u64(scenario.seed ^ HANDLING_SALT);
        let task = |alert: &DeskAlert| Task {
            at_us: u64::try_from(alert.at.as_micros()).unwrap_or(u64::MAX),
            owner: rooms.number(alert.owner),
            service_us: service_us(desks, rng),
        };
        let until_s = scenario.seconds + AFTERWARDS_S;
        let change = desks.shift_change.as_ref();
        Self {
            tasks: alerts.iter().map(task).collect(),
            rules: Rules {
                province_of: rooms.province_numbers(),
                rooms: rooms.count(),
                province_after_us: micros(desks.province_after_s),
                national_after_us: micros(desks.national_after_s),
                half_between_us: change
                    .map(|change| (micros(change.at_s), micros(change.at_s + change.for_s))),
                until_us: micros(until_s),
            },
            staffing: rooms.staffing(desks),
            target_share_15_s: desks.target_share_15_s,
        }
    }

    /// Seats of all rooms, as the scenario has them.
    #[must_use]
    pub fn seats(&self) -> u64 {
        total(&self.staffing)
    }

    /// What becomes of the alerts; with `seats` in all rooms together, shared out as the scenario has
    /// them, instead of the scenario's own.
    #[must_use]
    pub fn people(&self, seats: Option<u64>) -> People {
        let seats = seats.unwrap_or(self.seats());
        let looks = first_looks(&self.rules, &self.tasks, &shared_out(&self.staffing, seats));
        let [within_15_s, within_60_s, within_600_s] = WITHIN_S.map(|s| share_within(&looks, s));
        let seen = looks.iter().filter(|look| look.wait_us != NEVER_US);
        let worst_us = seen.clone().map(|look| look.wait_us).max().unwrap_or(0);
        let seats_needed = self.seats_needed();
        People {
            passed: within_15_s >= self.target_share_15_s,
            within_15_s,
            within_60_s,
            within_600_s,
            worst_wait_s: worst_us as f64 / SECOND_US,
            never: (looks.len() - seen.count()) as u64,
            seats,
            seats_needed,
            curve: self.curve(seats, seats_needed),
        }
    }

    /// Share that is looked at within 15 s with so many seats.
    #[must_use]
    pub fn within_15_s(&self, seats: u64) -> f64 {
        self.share_15_s(&shared_out(&self.staffing, seats))
    }

    fn share_15_s(&self, seats: &[u32]) -> f64 {
        // Nothing that happens later changes who was looked at by then.
        let last_us = self.tasks.last().map_or(0, |task| task.at_us);
        let rules = Rules {
            until_us: self
                .rules
                .until_us
                .min(last_us.saturating_add(WITHIN_S[0] * 1_000_000)),
            ..self.rules.clone()
        };
        share_within(&first_looks(&rules, &self.tasks, seats), WITHIN_S[0])
    }

    /// With how many seats the target is met, to one of [`SEATS_EXACT_TO`]; absent when no number is
    /// enough, because the rooms that are told in time have no seat to begin with.
    fn seats_needed(&self) -> Option<u64> {
        let is_met = |seats: u64| self.within_15_s(seats) >= self.target_share_15_s;
        if is_met(0) {
            return Some(0);
        }
        // Nobody ever waits when each room with a seat has one for every alert.
        let plenty = u32::try_from(self.tasks.len()).ok()?;
        let rooms = shared_out(&self.staffing, self.seats());
        let plenty: Vec<u32> = rooms.iter().map(|seats| plenty * (*seats).min(1)).collect();
        if self.share_15_s(&plenty) < self.target_share_15_s {
            return None;
        }
        let (mut missed, mut met) = (0, self.seats().max(1));
        while !is_met(met) {
            (missed, met) = (met, met * 2);
        }
        while met - missed > 1 + met / SEATS_EXACT_TO {
            let middle = missed + (met - missed) / 2;
            if is_met(middle) {
                met = middle;
            } else {
                missed = middle;
            }
        }
        Some(met)
    }

    /// From few seats to more than are needed.
    fn curve(&self, seats: u64, seats_needed: Option<u64>) -> Vec<SeatsAndShare> {
        let around = seats_needed.unwrap_or(seats).max(1) as f64;
        let mut numbers: Vec<u64> = CURVE.iter().map(|n| (n * around).round() as u64).collect();
        numbers.extend([seats, self.seats()]);
        numbers.extend(seats_needed);
        numbers.sort_unstable();
        numbers.dedup();
        let point = |seats: u64| SeatsAndShare {
            seats,
            within_15_s: self.within_15_s(seats),
        };
        numbers.into_iter().map(point).collect()
    }
}

/// Of nobody, everybody was looked at in time.
fn share_within(looks: &[Look], within_s: u64) -> f64 {
    if looks.is_empty() {
        return 1.0;
    }
    let in_time = looks
        .iter()
        .filter(|look| look.wait_us <= within_s * 1_000_000);
    in_time.count() as f64 / looks.len() as f64
}

/// A first look, and then the handling, which is exponential.
fn service_us(desks: &Desks, rng: &mut impl Rng) -> u64 {
    let is_false = rng.random::<f64>() < desks.false_share;
    let mean_min = if is_false {
        desks.handle_false_min
    } else {
        desks.handle_min
    };
    let times_mean: f64 = Exp1.sample(rng);
    micros(desks.first_look_s + mean_min * 60.0 * times_mean)
}

fn micros(seconds: f64) -> u64 {
    // Saturates, and nothing negative gets here.
    (seconds * SECOND_US).round() as u64
}

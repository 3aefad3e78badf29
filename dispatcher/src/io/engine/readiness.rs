//! What makes the dispatcher not ready, and who is told.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use journal::{Day, DayKey, DayKeyError, Health};
use protocol::{MapVersion, Millis, UnixMillis};

use super::{Engine, EngineState};
use crate::dispatch::Dispatch;

/// How long before midnight the key of the next day is made: whoever is on duty then has the evening
/// to give the keys' disk back its room.
const KEY_AHEAD: Millis = Millis::from_secs(6 * 3600);

/// How often the size of the journal is complained about while it is too large.
const COMPLAIN_EVERY: Millis = Millis::from_secs(60);

/// Entries by which a board may be behind the log before it says so and is shown to nobody new: some four seconds of a
/// nation in trouble, with what is decided of it.
const LAG_ENTRIES_MAX: u64 = 10_000;

/// Says when to complain about something that lasts.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    since: Option<UnixMillis>,
}

impl Complaint {
    /// Whether to complain now: at once when it begins, and then once a minute.
    pub(super) fn is_due(&mut self, wrong: bool, now: UnixMillis) -> bool {
        if !wrong {
            self.since = None;
            return false;
        }
        let due = self
            .since
            .is_none_or(|since| now.since(since) >= COMPLAIN_EVERY);
        if due {
            self.since = Some(now);
        }
        due
    }
}

impl Engine {
    /// The key of a day, to read with. A key that cannot be read is a problem until it can.
    pub(super) fn reading_key(&self, day: Day) -> Option<DayKey> {
        match self.shared.config.day_keys.get(day) {
            // Whether it could be made, nobody knows by that.
            Ok(None) => None,
            read => self.note_key(day, read).ok().flatten(),
        }
    }

    /// The key of a day, to seal with; made when it is not there.
    pub(super) fn sealing_key(&self, day: Day) -> Result<DayKey, DayKeyError> {
        let keys = &self.shared.config.day_keys;
        let made = keys.get_or_create(day, &mut rand::rng());
        self.note_key(day, made)
    }

    fn note_key<T>(&self, day: Day, result: Result<T, DayKeyError>) -> Result<T, DayKeyError> {
        let mut unusable = self.unusable_keys();
        match &result {
            Ok(_) if unusable.remove(&day) => tracing::info!(%day, "the day key works again"),
            Ok(_) => {}
            Err(error) if unusable.insert(day) => {
                tracing::error!(%day, %error, "a day key cannot be used");
            }
            Err(_) => {}
        }
        result
    }

    /// Makes the keys that will be needed before anybody waits for them, and tries again those that
    /// did not work.
    pub(super) fn watch_keys(&self, now: UnixMillis) {
        let needed = [now, now.plus(KEY_AHEAD)].map(|time| Day(time.day().0));
        let again: Vec<Day> = self.unusable_keys().iter().copied().collect();
        for day in again.into_iter().filter(|day| !needed.contains(day)) {
            // One that is gone for good is no problem any more: nothing can be read with it.
            let read = self.shared.config.day_keys.get(day);
            let _ = self.note_key(day, read);
        }
        for day in needed {
            // Who cannot seal is told when they try; the problem stands until then.
            let _ = self.sealing_key(day);
        }
    }

    /// Says how things are; `in_force` is the map that the log named last.
    pub(super) fn say_state(
        &self,
        health: &Health,
        lag_entries: u64,
        in_force: Option<&MapVersion>,
    ) {
        let mut problems = Vec::new();
        let is_caught_up = self.read(Dispatch::is_caught_up);
        let lags = lag_entries > LAG_ENTRIES_MAX;
        if !is_caught_up {
            problems.push("the board is still reading the log".to_owned());
        } else if lags {
            problems.push(format!(
                "the board is more than {LAG_ENTRIES_MAX} entries behind the log: alerts come late"
            ));
        }
        let format = self.read(Dispatch::format);
        if let Some(newer) = format.newer() {
            problems.push(format!(
                "the log is in format {} of a newer release, and this one knows {}: alerts are shown and none is given \
                 to a desk here; install the newer release",
                newer.0,
                format.known().0
            ));
        }
        match health {
            Health::Healthy => {}
            Health::Troubled { why } => problems.push(format!(
                "the shared log is away, so what is new elsewhere is not seen here: {why}"
            )),
            Health::Failed { why } => problems.push(format!("the log takes nothing: {why}")),
            Health::Closed => problems.push("the log is closed".to_owned()),
        }
        for day in self.unusable_keys().iter() {
            problems.push(format!("the key of day {day} cannot be used"));
        }
        problems.extend(self.elsewhere().iter().cloned());
        let ready = problems.is_empty();
        problems.extend(self.partial());
        let lag = i64::try_from(lag_entries).unwrap_or(i64::MAX);
        self.shared.metrics.lag_entries.set(lag);
        // No reason to send officers away: alerts come and decisions go.
        let missing = self.shared.config.journal.replicas_missing();
        let missing = missing.iter().map(ToString::to_string);
        self.set_state(EngineState {
            ready,
            problems,
            takes_consoles: is_caught_up && !lags,
            warnings: missing.chain(self.another_map(in_force)).collect(),
            lag_entries,
            ended: None,
        });
    }

    /// Said while dispatchers answer by two maps.
    fn another_map(&self, in_force: Option<&MapVersion>) -> Option<String> {
        let own = self.shared.maps.borrow();
        let other = in_force.filter(|in_force| **in_force != *own)?;
        Some(format!(
            "another dispatcher answers by the map {}, and this one by {}: whichever is quicker decides; give all of them the \
             same file, and send SIGHUP to those that have the old one",
            other.as_str(),
            own.as_str()
        ))
    }

    /// Said to whoever looks at a board that is not the whole.
    fn partial(&self) -> Option<String> {
        let fold = self.shared.config.fold.as_ref()?;
        let shown: Vec<String> = fold.iter().map(|one| one.0.to_string()).collect();
        Some(format!(
            "this board shows partitions {} of the log alone; alerts of the others are at other dispatchers",
            shown.join(", ")
        ))
    }

    /// Takes what is wrong with another part of the same process, said with the next tick: a site
    /// whose relay cannot seal is not ready, however well its board is.
    pub fn note_elsewhere(&self, problems: Vec<String>) {
        *self.elsewhere() = problems;
    }

    fn elsewhere(&self) -> MutexGuard<'_, Vec<String>> {
        let elsewhere = &self.shared.elsewhere;
        elsewhere.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that nobody follows the log any more.
    pub(super) fn end(&self, why: &str) {
        tracing::error!(why, "the dispatcher has ended");
        self.shared.states.send_modify(|state| {
            state.ready = false;
            state.takes_consoles = false;
            state
                .problems
                .push(format!("nobody follows the log: {why}"));
            state.ended = Some(why.to_owned());
        });
    }

    /// Returns why nobody follows the log any more, when that is so without anybody having asked
    /// for it. Alerts go on being receipted then and no officer sees them: the process must end.
    pub async fn ended(&self) -> String {
        let mut states = self.states();
        loop {
            if let Some(why) = &states.borrow_and_update().ended {
                return why.clone();
            }
            if states.changed().await.is_err() {
                return "the engine is gone".to_owned();
            }
        }
    }

    fn unusable_keys(&self) -> MutexGuard<'_, BTreeSet<Day>> {
        self.shared
            .unusable_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn set_state(&self, state: EngineState) {
        self.shared.states.send_if_modified(|known| {
            // Who has ended stays so.
            let modified = *known != state && known.ended.is_none();
            if modified {
                *known = state;
            }
            modified
        });
    }
}

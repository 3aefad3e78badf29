//! The keys of today and tomorrow, made before a raise needs them: a folder that is full or read-only is found out
//! about a day ahead.

use std::sync::Arc;

use journal::{Day, DayKeyError};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::hub::Hub;
use super::problems::Problem;
use super::rng::SystemRng;
use crate::limits::DAY_KEYS_INTERVAL;

impl Hub {
    /// Makes day keys ahead for as long as the relay runs.
    pub(crate) async fn keep_day_keys(self: Arc<Self>) {
        loop {
            let hub = Arc::clone(&self);
            // Files block. What panics there is tried again.
            let _ = spawn_blocking(move || hub.make_day_keys()).await;
            sleep(DAY_KEYS_INTERVAL.to_duration()).await;
        }
    }

    fn make_day_keys(&self) {
        let today = Day::of_unix_ms(self.unix_ms());
        match self.make_day_key(today) {
            Ok(()) => {
                if self.problems.end(Problem::NotSealed) {
                    tracing::info!("reports can be sealed again");
                }
            }
            Err(error) => self.cannot_seal(&error.to_string()),
        }
        match self.make_day_key(Day(today.0.saturating_add(1))) {
            Ok(()) => drop(self.problems.end(Problem::NoKeyForTomorrow)),
            Err(error) => {
                self.metrics.seal_failures.inc();
                let words = format!(
                    "the key of tomorrow cannot be made, no report gets a receipt from midnight (UTC) on: {error}"
                );
                if self
                    .problems
                    .begin(Problem::NoKeyForTomorrow, words.clone())
                {
                    tracing::error!("{words}");
                }
            }
        }
    }

    fn make_day_key(&self, day: Day) -> Result<(), DayKeyError> {
        self.day_keys.get_or_create(day, &mut SystemRng).map(drop)
    }
}

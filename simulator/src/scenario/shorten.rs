//! A short form of a scenario, for machines that check every change.

use super::{Abuse, Event, Scenario};

impl Scenario {
    /// The same in so many seconds and at so many times the rates: each wave has its share of the
    /// time, what happens comes at its turn, and what phones and officers do takes as long as ever.
    ///
    /// The summary says so. What it says about the machine is about a smaller load of the same nature;
    /// what it says about the people is nothing. Values that make no sense are found by
    /// [`Scenario::check`].
    #[must_use]
    pub fn shortened(mut self, seconds: f64, rate_factor: f64) -> Self {
        let shrink = seconds / self.seconds;
        self.summary = format!(
            "Short form, {seconds} s instead of {} s and {rate_factor} times the rates. {}",
            self.seconds, self.summary
        );
        self.seconds = seconds;
        for wave in &mut self.waves {
            wave.alerts_per_s *= rate_factor;
            // Rounding must not lead beyond the end.
            wave.from_s = (wave.from_s * shrink).min(seconds);
            wave.until_s = wave.until_s.map(|until_s| (until_s * shrink).min(seconds));
        }
        for event in &mut self.events {
            let Event::Restart { at_s, down_s } = event;
            *at_s = (*at_s * shrink).min(seconds);
            *down_s = (*down_s * shrink).min(seconds - *at_s);
        }
        if let Some(change) = &mut self.desks.shift_change {
            change.at_s = (change.at_s * shrink).min(seconds);
            change.for_s *= shrink;
        }
        self.abuse = self.abuse.map(|abuse| Abuse {
            handshakes_per_s: abuse.handshakes_per_s * rate_factor,
            garbage_per_s: abuse.garbage_per_s * rate_factor,
            unverified_per_s: abuse.unverified_per_s * rate_factor,
            stolen_token_per_s: abuse.stolen_token_per_s * rate_factor,
        });
        self
    }
}

//! Which values make sense.

use protocol::LatLon;

use super::{Abuse, Crowd, Desks, Event, Levels, NAMES, Phones, Scenario, Wave, WavePlace};

/// The longest scenario, in seconds: a day. Whoever means longer has mistaken the unit.
pub const MAX_SECONDS: f64 = 86_400.0;

/// The highest rate, per second: a hundred earthquakes of a nation at once.
pub const MAX_RATE_PER_S: f64 = 100_000.0;

/// The most alerts in the mean: the books of a run keep each press.
pub const MAX_ALERTS: f64 = 2_000_000.0;

/// The most waves: each press looks at all of them.
pub const MAX_WAVES: usize = 100;

/// The most events: each is a line of the report.
pub const MAX_EVENTS: usize = 100;

/// The widest circle of a wave, in metres: beyond it a flat disc is no place on Earth.
pub const MAX_RADIUS_M: f64 = 100_000.0;

/// The longest time between two positions, in seconds: the idle timeout of a phone's connection.
pub const MAX_POSITION_EVERY_S: f64 = 120.0;

/// The slackest level in milliseconds: ten minutes, beyond which the books tell no times apart.
pub const MAX_LEVEL_MS: f64 = 600_000.0;

/// The most seats in a room: more than all police officers of the nation (about 130,000) in each is
/// a slip of the key.
pub const MAX_SEATS_PER_ROOM: u32 = 100_000;

/// The longest handling in minutes: a shift of twelve hours.
pub const MAX_HANDLE_MIN: f64 = 720.0;

/// The longest name in letters: it is a word of a file's name and of a title.
const MAX_NAME: usize = 40;

/// The most people who follow at one event: a full stadium is a wave, and no event.
const MAX_FOLLOWERS: u32 = 1_000;

/// Why a scenario is refused.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, an unknown key, a missing one, or one of another type; the source has line and
    /// column.
    #[error("{file}: {source}")]
    Toml {
        /// The file.
        file: String,
        /// What is wrong, and in which line.
        source: Box<toml::de::Error>,
    },
    /// A value makes no sense.
    #[error("{file}: `{key}` is {value}, but it has to be {rule}")]
    Value {
        /// The file.
        file: String,
        /// The key with its table, such as `waves[0].until_s`.
        key: String,
        /// What it is.
        value: String,
        /// What it has to be.
        rule: String,
    },
    /// There is no such scenario.
    #[error("no scenario is called `{name}`: name a file, or one of {}", NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
}

/// A value that makes no sense, of whatever file.
struct Wrong {
    key: String,
    value: String,
    rule: String,
}

type Checked = Result<(), Wrong>;

fn wrong(key: &str, value: impl ToString, rule: impl Into<String>) -> Checked {
    Err(Wrong {
        key: key.to_owned(),
        value: value.to_string(),
        rule: rule.into(),
    })
}

/// A number from the least to the most, with its unit.
fn within(key: &str, value: f64, (least, most): (f64, f64), unit: &str) -> Checked {
    // Not a number is in no range.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    wrong(key, value, format!("from {least} to {most}{unit}"))
}

/// More than nothing, and no more than the most.
fn positive(key: &str, value: f64, most: f64, unit: &str) -> Checked {
    if value > 0.0 && value <= most {
        return Ok(());
    }
    wrong(key, value, format!("more than 0 and at most {most}{unit}"))
}

fn share(key: &str, value: f64) -> Checked {
    within(key, value, (0.0, 1.0), ": it is a share")
}

fn rate(key: &str, value: f64) -> Checked {
    within(key, value, (0.0, MAX_RATE_PER_S), " per second")
}

fn count(key: &str, value: u32, most: u32) -> Checked {
    if value <= most {
        return Ok(());
    }
    wrong(key, value, format!("at most {most}"))
}

impl Scenario {
    /// Whether all values make sense.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] with the first that does not.
    pub fn check(&self, file: &str) -> Result<(), ScenarioError> {
        self.checked()
            .map_err(|Wrong { key, value, rule }| ScenarioError::Value {
                file: file.to_owned(),
                key,
                value,
                rule,
            })
    }

    fn checked(&self) -> Checked {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.chars().all(is_word) {
            let rule = format!("1 to {MAX_NAME} of the letters a-z, 0-9 and -");
            return wrong("name", format!("{:?}", self.name), rule);
        }
        if self.summary.trim().is_empty() {
            return wrong("summary", "empty", "a sentence: directors read it");
        }
        positive("seconds", self.seconds, MAX_SECONDS, " s")?;
        if self.waves.is_empty() || self.waves.len() > MAX_WAVES {
            let rule = format!("1 to {MAX_WAVES} waves");
            return wrong("waves", format!("{} waves", self.waves.len()), rule);
        }
        for (n, wave) in self.waves.iter().enumerate() {
            wave_makes_sense(wave, self.seconds, &format!("waves[{n}]"))?;
        }
        if self.expected_alerts() > MAX_ALERTS {
            let rule = format!("at most {MAX_ALERTS} alerts in the mean");
            return wrong("waves", format!("{} alerts", self.expected_alerts()), rule);
        }
        phones_make_sense(&self.phones)?;
        self.abuse.as_ref().map_or(Ok(()), abuse_makes_sense)?;
        if self.events.len() > MAX_EVENTS {
            let rule = format!("at most {MAX_EVENTS} events");
            return wrong("events", format!("{} events", self.events.len()), rule);
        }
        for (n, event) in self.events.iter().enumerate() {
            event_makes_sense(event, self.seconds, n)?;
        }
        levels_make_sense(&self.levels)?;
        desks_make_sense(&self.desks, self.seconds)
    }
}

fn wave_makes_sense(wave: &Wave, seconds: f64, table: &str) -> Checked {
    let key = |name: &str| format!("{table}.{name}");
    rate(&key("alerts_per_s"), wave.alerts_per_s)?;
    within(&key("from_s"), wave.from_s, (0.0, seconds), " s")?;
    if let Some(until_s) = wave.until_s {
        within(&key("until_s"), until_s, (wave.from_s, seconds), " s")?;
    }
    match &wave.place {
        WavePlace::Nation => {}
        WavePlace::Agency(agency) if agency.is_empty() => {
            return wrong(&key("where.agency"), "empty", "the name of an agency");
        }
        // Whether there is one of this name, says the table of stations.
        WavePlace::Agency(_) => {}
        WavePlace::Around { lat, lon, radius_m } => {
            if LatLon::new(*lat, *lon).is_err() {
                let rule = "a latitude from -90 to 90 and a longitude from -180 to 180 degrees";
                return wrong(&key("where.around"), format!("{lat} {lon}"), rule);
            }
            let key = key("where.around.radius_m");
            within(&key, *radius_m, (0.0, MAX_RADIUS_M), " m")?;
        }
    }
    let Crowd {
        share: crowded,
        most_followers,
        delay_s,
    } = wave.crowd;
    share(&key("crowd.share"), crowded)?;
    count(&key("crowd.most_followers"), most_followers, MAX_FOLLOWERS)?;
    positive(&key("crowd.delay_s"), delay_s, MAX_SECONDS, " s")
}

fn phones_make_sense(phones: &Phones) -> Checked {
    share("phones.tracking_share", phones.tracking_share)?;
    let every_s = phones.position_every_s;
    let most_s = MAX_POSITION_EVERY_S;
    positive("phones.position_every_s", every_s, most_s, " s")?;
    share("phones.redial_share", phones.redial_share)?;
    share("phones.ticket_share", phones.ticket_share)?;
    share("phones.bad_network_share", phones.bad_network_share)?;
    share("phones.bad_network_loss", phones.bad_network_loss)
}

fn abuse_makes_sense(abuse: &Abuse) -> Checked {
    rate("abuse.handshakes_per_s", abuse.handshakes_per_s)?;
    rate("abuse.garbage_per_s", abuse.garbage_per_s)?;
    rate("abuse.unverified_per_s", abuse.unverified_per_s)?;
    rate("abuse.stolen_token_per_s", abuse.stolen_token_per_s)
}

fn event_makes_sense(event: &Event, seconds: f64, n: usize) -> Checked {
    let Event::Restart { at_s, down_s } = event;
    within(&format!("events[{n}].at_s"), *at_s, (0.0, seconds), " s")?;
    let left_s = seconds - at_s;
    within(&format!("events[{n}].down_s"), *down_s, (0.0, left_s), " s")
}

fn levels_make_sense(levels: &Levels) -> Checked {
    let receipt_ms = levels.receipt_p999_ms;
    positive("levels.receipt_p999_ms", receipt_ms, MAX_LEVEL_MS, " ms")?;
    let console_ms = levels.console_p99_ms;
    positive("levels.console_p99_ms", console_ms, MAX_LEVEL_MS, " ms")?;
    levels.returned_within_s.map_or(Ok(()), |within_s| {
        positive("levels.returned_within_s", within_s, MAX_SECONDS, " s")
    })
}

fn desks_make_sense(desks: &Desks, seconds: f64) -> Checked {
    let seats = MAX_SEATS_PER_ROOM;
    count("desks.seats_per_station", desks.seats_per_station, seats)?;
    count("desks.seats_per_province", desks.seats_per_province, seats)?;
    count("desks.seats_national", desks.seats_national, seats)?;
    let most_s = MAX_HANDLE_MIN * 60.0;
    within(
        "desks.first_look_s",
        desks.first_look_s,
        (0.0, most_s),
        " s",
    )?;
    let minutes = (0.0, MAX_HANDLE_MIN);
    within("desks.handle_min", desks.handle_min, minutes, " min")?;
    let false_min = desks.handle_false_min;
    within("desks.handle_false_min", false_min, minutes, " min")?;
    share("desks.false_share", desks.false_share)?;
    let (province_s, national_s) = (desks.province_after_s, desks.national_after_s);
    within(
        "desks.province_after_s",
        province_s,
        (0.0, MAX_SECONDS),
        " s",
    )?;
    let after_province = (province_s, MAX_SECONDS);
    within("desks.national_after_s", national_s, after_province, " s")?;
    if let Some(change) = desks.shift_change {
        within("desks.shift_change.at_s", change.at_s, (0.0, seconds), " s")?;
        let lasts = (0.0, MAX_SECONDS);
        within("desks.shift_change.for_s", change.for_s, lasts, " s")?;
    }
    positive("desks.target_share_15_s", desks.target_share_15_s, 1.0, "")
}

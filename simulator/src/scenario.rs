//! A scenario: who presses where and when, how phones behave, who is at the desks, and what has to
//! hold. Read from TOML with comments; an unknown key is refused with its line.

mod built_in;
mod check;
mod shorten;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use built_in::NAMES;
pub use check::{
    MAX_ALERTS, MAX_EVENTS, MAX_HANDLE_MIN, MAX_LEVEL_MS, MAX_POSITION_EVERY_S, MAX_RADIUS_M,
    MAX_RATE_PER_S, MAX_SEATS_PER_ROOM, MAX_SECONDS, MAX_WAVES, ScenarioError,
};

/// A load on a service, and the service levels that it is judged by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One word, such as `earthquake`.
    pub name: String,
    /// What happens, for whoever reads the report.
    pub summary: String,
    /// How long it takes, in seconds; after it nobody presses, and what is under way may drain.
    pub seconds: f64,
    /// What is drawn is drawn from it; `--seed` replaces it.
    #[serde(default)]
    pub seed: u64,
    /// Everybody who presses, added up.
    pub waves: Vec<Wave>,
    /// How phones behave.
    #[serde(default)]
    pub phones: Phones,
    /// Who else is on the network.
    #[serde(default)]
    pub abuse: Option<Abuse>,
    /// What happens to the service meanwhile.
    #[serde(default)]
    pub events: Vec<Event>,
    /// What has to hold.
    pub levels: Levels,
    /// Who is at the desks.
    pub desks: Desks,
}

/// People who press within a time, as an open loop: they wait for nobody.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wave {
    /// Alerts per second in the mean, redials not counted.
    pub alerts_per_s: f64,
    /// When it begins, in seconds since the start.
    #[serde(default)]
    pub from_s: f64,
    /// When it ends; without it at the end of the scenario.
    pub until_s: Option<f64>,
    /// Where they are.
    #[serde(rename = "where", default)]
    pub place: WavePlace,
    /// How many of them see the same.
    #[serde(default)]
    pub crowd: Crowd,
}

/// Where the people of a wave are.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum WavePlace {
    /// Where people live, all over the nation; some at sea.
    #[default]
    Nation,
    /// Where people live around the stations of this agency.
    Agency(String),
    /// Around a place, anywhere within the radius with equal chance.
    Around {
        /// Latitude in degrees.
        lat: f64,
        /// Longitude in degrees.
        lon: f64,
        /// All of them are within this many metres.
        radius_m: f64,
    },
}

/// Clustered arrivals: to some events belong several people, who press a little later each and are in
/// the same street (a Neyman-Scott process).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crowd {
    /// Share of the events to which more than one alert belongs.
    pub share: f64,
    /// The most people who follow at such an event; their number is uniform from 1 on.
    pub most_followers: u32,
    /// Mean delay of those who follow, in seconds.
    pub delay_s: f64,
}

impl Default for Crowd {
    /// As fires and brawls are: one of ten is seen by several people, who press within seconds.
    fn default() -> Self {
        Self {
            share: 0.1,
            most_followers: 6,
            delay_s: 3.0,
        }
    }
}

/// How phones behave.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phones {
    /// Share of the phones that send positions until the end; the others leave after the receipt.
    pub tracking_share: f64,
    /// Between two positions of a tracking phone, in seconds.
    pub position_every_s: f64,
    /// Share of the people who press again once, after some seconds.
    pub redial_share: f64,
    /// Share of the phones that hold a ticket of an earlier visit.
    pub ticket_share: f64,
    /// Share of the phones whose network loses packets.
    pub bad_network_share: f64,
    /// Share of the packets that such a network loses, each way.
    pub bad_network_loss: f64,
}

impl Default for Phones {
    /// Of twenty phones one goes on to send positions every five seconds; the others are off again
    /// with their receipt.
    fn default() -> Self {
        Self {
            tracking_share: 0.05,
            position_every_s: 5.0,
            redial_share: 0.1,
            ticket_share: 0.5,
            bad_network_share: 0.0,
            bad_network_loss: 0.05,
        }
    }
}

/// Traffic that is no emergency, beside the real alerts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Abuse {
    /// Connections per second that are begun and then left alone.
    pub handshakes_per_s: f64,
    /// Connections per second that send bytes which are nothing.
    pub garbage_per_s: f64,
    /// Raises per second with tokens of nobody.
    pub unverified_per_s: f64,
    /// Presses per second of a single stolen token.
    pub stolen_token_per_s: f64,
}

/// Something that happens to the service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "what")]
pub enum Event {
    /// The service is stopped and started again with its data.
    Restart {
        /// In seconds since the start.
        at_s: f64,
        /// For how many seconds it stays stopped, at the least.
        #[serde(default)]
        down_s: f64,
    },
}

/// Service levels of the machine. Times are from the moment at which somebody meant to press.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// Raise to receipt: 999 of 1,000 within this many milliseconds.
    pub receipt_p999_ms: f64,
    /// Raise to the card on a console: 99 of 100 within this many milliseconds.
    pub console_p99_ms: f64,
    /// After a restart every phone that tracks is connected again within this many seconds.
    #[serde(default)]
    pub returned_within_s: Option<f64>,
}

/// Who is at the desks: a staffing calculator, and no evidence about officers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desks {
    /// Seats in every station's room.
    pub seats_per_station: u32,
    /// Seats in every provincial room.
    pub seats_per_province: u32,
    /// Seats at the national desk.
    pub seats_national: u32,
    /// Seconds for a first look.
    pub first_look_s: f64,
    /// Minutes to handle a true emergency, in the mean.
    pub handle_min: f64,
    /// Minutes to handle a false press, in the mean.
    pub handle_false_min: f64,
    /// Share of false presses.
    pub false_share: f64,
    /// From when on the provincial room may take what nobody at the station has looked at, in seconds
    /// after the press.
    #[serde(default = "province_after_s")]
    pub province_after_s: f64,
    /// The same for the national desk.
    #[serde(default = "national_after_s")]
    pub national_after_s: f64,
    /// When shifts change, in seconds since the start, and for how many seconds only half of the
    /// seats are taken then.
    #[serde(default)]
    pub shift_change: Option<ShiftChange>,
    /// What share is to be looked at within 15 s.
    pub target_share_15_s: f64,
}

/// 15 s: within it a station has to acknowledge, or the room above is told as well.
const fn province_after_s() -> f64 {
    15.0
}

/// 30 s: the provincial room has the same time for it.
const fn national_after_s() -> f64 {
    30.0
}

/// A change of shifts.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftChange {
    /// In seconds since the start.
    pub at_s: f64,
    /// For how many seconds only half of the seats are taken.
    pub for_s: f64,
}

impl Wave {
    /// When it ends in a scenario that takes so many seconds.
    #[must_use]
    pub fn end_s(&self, seconds: f64) -> f64 {
        self.until_s.unwrap_or(seconds)
    }
}

impl Scenario {
    /// Reads a scenario. `file` names it in errors.
    ///
    /// # Errors
    /// [`ScenarioError`] when the text is no TOML, has an unknown key or lacks one (with the line), or
    /// when a value makes no sense (with the key).
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text).map_err(|source| ScenarioError::Toml {
            file: file.to_owned(),
            source: Box::new(source),
        })?;
        scenario.check(file)?;
        Ok(scenario)
    }

    /// One of the scenarios that come with the program; see [`NAMES`].
    ///
    /// # Errors
    /// [`ScenarioError::Unknown`] for any other name.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        let (file, text) = built_in::text(name).ok_or_else(|| ScenarioError::Unknown {
            name: name.to_owned(),
        })?;
        Self::from_toml(text, file)
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many people press, in the mean; redials not counted.
    #[must_use]
    pub fn expected_alerts(&self) -> f64 {
        let of_wave = |wave: &Wave| wave.alerts_per_s * (wave.end_s(self.seconds) - wave.from_s);
        self.waves.iter().map(of_wave).sum()
    }
}

//! A scenario: who presses where and when, how phones behave, who is at the desks, and what has to
//! hold. Read from TOML with comments; an unknown key is refused with its line.

use serde::{Deserialize, Serialize};

/// A load on a service, and the service levels that it is judged by.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One word, such as `earthquake`.
    pub name: String,
    /// What happens, for whoever reads the report.
    pub summary: String,
    /// How long people press, in seconds.
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
}

/// Where the people of a wave are.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum WavePlace {
    /// Where people live, all over the nation; some at sea.
    #[default]
    Nation,
    /// In the areas of stations of this agency.
    Agency(String),
    /// Around a place.
    Around {
        /// Latitude in degrees.
        lat: f64,
        /// Longitude in degrees.
        lon: f64,
        /// All of them are within this many metres.
        radius_m: f64,
    },
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
        }
    }
}

/// Traffic that is no emergency, beside the real alerts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Abuse {
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
    /// Minutes to handle a true emergency.
    pub handle_min: f64,
    /// Minutes to handle a false press.
    pub handle_false_min: f64,
    /// Share of false presses.
    pub false_share: f64,
    /// When shifts change, in seconds since the start, and for how many seconds only half of the
    /// seats are taken then.
    #[serde(default)]
    pub shift_change: Option<ShiftChange>,
    /// What share is to be looked at within 15 s.
    pub target_share_15_s: f64,
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

//! Who presses: what the phone knows, whether it is enrolled, and what the person does afterwards.

mod accuracy;

use std::time::Duration;

use protocol::{
    CancelMeaning, Capability, DeviceId, DeviceState, HearsText, InstallKey, LatLon, Millis,
    Position, Raise, UnixMillis,
};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::places::moved;
use crate::scenario::Phones;
pub use accuracy::Accuracy;

/// What people type.
const WORDS: [&str; 10] = [
    "도와주세요",
    "문 밖에 누가 있어요",
    "말을 할 수 없어요",
    "3층이에요. 조용히 와 주세요",
    "남편이 술에 취했어요",
    "차에 갇혔어요",
    "따라오는 사람이 있어요",
    "please hurry",
    "아이와 같이 있어요",
    "배에 물이 들어와요",
];

/// What an app says of a text that arrives covertly, if it says anything.
const SHOWS_COVERTLY: [&str; 3] = [
    "",
    "texts appear in the covert view alone",
    "문자는 숨은 화면에만 보입니다",
];

/// What an app says becomes visible when officers write.
const SHOWS_VISIBLY: [&str; 3] = ["", "a notification", "잠금 화면에 알림 1개"];

/// How long a phone without a fix at hand looks for its first one.
const FIRST_FIX_AFTER: Duration = Duration::from_secs(1);

/// Whether a relay can tell who the phone is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trust {
    /// It has a token of the site.
    Enrolled,
    /// Its token was good once.
    Expired,
    /// It has none.
    NoToken,
    /// It has one of another site.
    Foreign,
    /// It has bytes that are none.
    Malformed,
}

/// What the phone knows of its place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Fix {
    /// A fix is at hand when the button is pressed.
    AtHand(LatLon),
    /// The first fix comes later; whoever waits for one stands still.
    Later(LatLon),
    /// There will be none.
    Never,
}

/// How somebody moves.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Walk {
    /// Speed in metres per second.
    pub speed_mps: f64,
    /// Direction in degrees clockwise from north.
    pub bearing_deg: f64,
}

impl Walk {
    /// Where somebody is who began to move so long ago.
    #[must_use]
    pub fn after(&self, from: LatLon, time: Duration) -> LatLon {
        let metres = self.speed_mps * time.as_secs_f64();
        let (sin, cos) = self.bearing_deg.to_radians().sin_cos();
        moved(from, metres * sin, metres * cos)
    }
}

/// What somebody does after the press.
#[derive(Clone, PartialEq, Debug)]
pub enum Act {
    /// Types something.
    Text(&'static str),
    /// Says that it is to end, and how that is meant.
    Cancel(CancelMeaning),
    /// Presses again.
    PressAgain,
    /// The app is killed, and started again by the next step.
    GoAway,
    /// The app is back with what it had saved.
    ComeBack,
    /// The phone goes on over another network.
    ChangeNetwork,
}

/// One person with a phone.
#[derive(Clone, PartialEq, Debug)]
pub struct Person {
    /// Seed of the phone: of its ids, jitter and sealing.
    pub seed: [u8; 32],
    /// Subject of the token, and install key.
    pub device: [u8; 16],
    /// Whether a relay can tell who the phone is.
    pub trust: Trust,
    /// What the phone knows of its place.
    pub fix: Fix,
    /// How well the phone knows its place.
    pub accuracy: Accuracy,
    /// How the person moves; still without it.
    pub walk: Option<Walk>,
    /// Between two positions.
    pub interval: Duration,
    /// Battery.
    pub device_state: DeviceState,
    /// How the person would get an officer's words.
    pub hears_text: HearsText,
    /// What becomes visible then.
    pub shows: &'static str,
    /// What they do after the press, and how long after it; in order.
    pub acts: Vec<(Duration, Act)>,
}

impl Person {
    /// Somebody at a place, drawn from a seed.
    #[must_use]
    pub fn draw(seed: u64, at: LatLon) -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let fix = match rng.random_range(0..100) {
            0..4 => Fix::Never,
            4..8 => Fix::Later(at),
            _ => Fix::AtHand(at),
        };
        let walk = matches!(fix, Fix::AtHand(_)).then(|| walk(rng)).flatten();
        let mut person = Self {
            seed: rng.random(),
            device: rng.random(),
            trust: trust(rng),
            fix,
            accuracy: Accuracy::draw(rng),
            walk,
            interval: match (fix, walk) {
                (Fix::Later(_), _) => FIRST_FIX_AFTER,
                (_, Some(_)) => Duration::from_secs(1),
                (_, None) => Duration::from_secs(3),
            },
            device_state: DeviceState {
                battery_percent: rng.random_bool(0.9).then(|| rng.random_range(2..=100)),
                charging: rng.random_bool(0.6).then(|| rng.random_bool(0.2)),
            },
            hears_text: *[HearsText::Covertly, HearsText::Visibly, HearsText::Not]
                .choose(rng)
                .unwrap_or(&HearsText::Unknown),
            shows: "",
            acts: Vec::new(),
        };
        person.shows = shows(person.hears_text, rng);
        person.acts = acts(rng);
        person
    }

    /// Does nothing but what a scenario asks of a phone, and presses again after this time if at all.
    pub(crate) fn behave(&mut self, phones: &Phones, redial_after: Option<Duration>) {
        let every = Duration::try_from_secs_f64(phones.position_every_s);
        self.interval = every.unwrap_or(self.interval);
        self.acts.clear();
        self.acts
            .extend(redial_after.map(|after| (after, Act::PressAgain)));
    }

    /// The device that a relay takes the phone for.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        match self.trust {
            Trust::Enrolled | Trust::Expired => DeviceId::Enrolled(self.device),
            Trust::NoToken | Trust::Foreign | Trust::Malformed => {
                DeviceId::Install(InstallKey(self.device))
            }
        }
    }

    /// Where the first fix is, which decides whose the alert is; absent if there will be none.
    #[must_use]
    pub fn place(&self) -> Option<LatLon> {
        match self.fix {
            Fix::AtHand(at) | Fix::Later(at) => Some(at),
            Fix::Never => None,
        }
    }

    /// What the phone says when the button is pressed; `now` is its clock.
    #[must_use]
    pub fn raise(&self, since_press: Duration, now: UnixMillis) -> Raise {
        let interval = u64::try_from(self.interval.as_millis()).ok().map(Millis);
        Raise {
            fix: self.position(since_press, now).map(Ok),
            device_state: self.device_state,
            capability: Capability {
                hears_text: self.hears_text,
                shows: self.shows.to_owned(),
            },
            exercise: false,
            interval: interval.filter(|_| self.fix != Fix::Never),
        }
    }

    /// The newest fix so long after the first press; `now` is the phone's clock.
    #[must_use]
    pub fn position(&self, since_press: Duration, now: UnixMillis) -> Option<Position> {
        let from = match self.fix {
            Fix::AtHand(at) => at,
            Fix::Later(at) if since_press >= FIRST_FIX_AFTER => at,
            Fix::Later(_) | Fix::Never => return None,
        };
        Some(Position {
            radius: self.accuracy.radius(),
            confidence: self.accuracy.confidence(),
            fix_at: Some(now),
            source: self.accuracy.source,
            speed_mps: self.walk.map(|walk| walk.speed_mps),
            bearing_deg: self.walk.map(|walk| walk.bearing_deg),
            ..Position::at(self.walk.map_or(from, |walk| walk.after(from, since_press)))
        })
    }

    /// Whether the phone needs an outbox that outlives the app.
    #[must_use]
    pub fn goes_away(&self) -> bool {
        self.acts.iter().any(|(_, act)| *act == Act::GoAway)
    }

    /// Whether the phone needs a socket of its own.
    #[must_use]
    pub fn changes_network(&self) -> bool {
        self.acts.iter().any(|(_, act)| *act == Act::ChangeNetwork)
    }
}

/// An app does not contradict itself: one that gets texts covertly speaks of no notification.
fn shows(hears_text: HearsText, rng: &mut ChaCha8Rng) -> &'static str {
    let words = match hears_text {
        HearsText::Covertly => SHOWS_COVERTLY,
        HearsText::Visibly => SHOWS_VISIBLY,
        HearsText::Not | HearsText::Unknown => [""; 3],
    };
    words.choose(rng).copied().unwrap_or_default()
}

fn trust(rng: &mut ChaCha8Rng) -> Trust {
    match rng.random_range(0..100) {
        0..3 => Trust::NoToken,
        3..5 => Trust::Foreign,
        5..7 => Trust::Expired,
        7 => Trust::Malformed,
        _ => Trust::Enrolled,
    }
}

/// On foot, in a car, or not at all.
fn walk(rng: &mut ChaCha8Rng) -> Option<Walk> {
    let speed_mps = match rng.random_range(0..10) {
        0..3 => rng.random_range(0.8..2.0),
        3 => rng.random_range(8.0..25.0),
        _ => return None,
    };
    Some(Walk {
        speed_mps,
        bearing_deg: rng.random_range(0.0..360.0),
    })
}

fn acts(rng: &mut ChaCha8Rng) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    let mut add = |rng: &mut ChaCha8Rng, from_ms: u64, to_ms: u64, act: Act| {
        let after = Duration::from_millis(rng.random_range(from_ms..to_ms));
        acts.push((after, act));
        after
    };
    if rng.random_bool(0.25) {
        let words = WORDS.choose(rng).copied().unwrap_or_default();
        add(rng, 1_000, 8_000, Act::Text(words));
    }
    if rng.random_bool(0.08) {
        let meaning = [
            CancelMeaning::NoCode,
            CancelMeaning::Mistaken,
            CancelMeaning::Safe,
            CancelMeaning::Duress,
        ];
        let meaning = *meaning.choose(rng).unwrap_or(&CancelMeaning::NoCode);
        add(rng, 2_000, 8_000, Act::Cancel(meaning));
    }
    if rng.random_bool(0.06) {
        add(rng, 500, 4_000, Act::PressAgain);
    }
    match rng.random_range(0..100) {
        0..6 => {
            let gone = add(rng, 500, 2_500, Act::GoAway);
            let back_ms = u64::try_from(gone.as_millis()).unwrap_or(0) + 700;
            add(rng, back_ms, back_ms + 500, Act::ComeBack);
        }
        6..10 => drop(add(rng, 500, 3_000, Act::ChangeNetwork)),
        _ => {}
    }
    acts.sort_by_key(|(after, _)| *after);
    acts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many() -> Vec<Person> {
        let at = LatLon::new(37.5, 127.0).unwrap();
        (0..2_000).map(|seed| Person::draw(seed, at)).collect()
    }

    #[test]
    fn every_kind_of_person_is_there_and_most_are_plain() {
        let people = many();
        let share = |what: &dyn Fn(&Person) -> bool| {
            people.iter().filter(|person| what(person)).count() as f64 / people.len() as f64
        };
        assert!((share(&|person| person.trust == Trust::Enrolled) - 0.92).abs() < 0.03);
        for trust in [
            Trust::Expired,
            Trust::NoToken,
            Trust::Foreign,
            Trust::Malformed,
        ] {
            assert!(share(&|person| person.trust == trust) > 0.0, "{trust:?}");
        }
        assert!((share(&|person| person.fix == Fix::Never) - 0.04).abs() < 0.02);
        assert!((share(&|person| person.walk.is_some()) - 0.37).abs() < 0.05);
        assert!(share(&Person::goes_away) > 0.02);
        assert!(share(&Person::changes_network) > 0.02);
        assert!(share(&|person| person.acts.is_empty()) > 0.4);
    }

    #[test]
    fn whoever_goes_away_comes_back() {
        for person in many() {
            assert!(person.acts.is_sorted_by_key(|(after, _)| *after));
            let at = |wanted: &Act| person.acts.iter().position(|(_, act)| act == wanted);
            match (at(&Act::GoAway), at(&Act::ComeBack)) {
                (Some(gone), Some(back)) => assert!(gone < back),
                (None, None) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn whoever_waits_for_a_fix_stands_still() {
        let later = many()
            .into_iter()
            .filter(|person| matches!(person.fix, Fix::Later(_)));
        assert!(later.count() > 0);
        assert!(
            many()
                .iter()
                .all(|person| person.walk.is_none() || matches!(person.fix, Fix::AtHand(_)))
        );
    }

    #[test]
    fn a_first_fix_comes_with_the_press_or_later_or_never() {
        let now = UnixMillis::new(1_795_245_000_000);
        for person in many() {
            let at = |since_press| {
                person
                    .position(since_press, now)
                    .map(|position| position.at)
            };
            let (first, later) = (at(Duration::ZERO), at(FIRST_FIX_AFTER));
            match person.fix {
                Fix::AtHand(place) => assert_eq!(first, Some(place)),
                Fix::Later(place) => assert_eq!((first, later), (None, Some(place))),
                Fix::Never => assert_eq!((first, later), (None, None)),
            }
        }
    }

    #[test]
    fn a_walk_to_the_east_goes_east() {
        let from = LatLon::new(37.5, 127.0).unwrap();
        let walk = Walk {
            speed_mps: 2.0,
            bearing_deg: 90.0,
        };
        let at = walk.after(from, Duration::from_secs(500));
        assert!((at.lon_deg() - 127.011_335).abs() < 1e-4);
    }
}

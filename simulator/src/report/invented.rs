//! A report that no run made, so that page, schema and comparison can be looked at without one.

use std::f64::consts::{LN_10, PI, TAU};

use dispatcher::jurisdiction::Authority;
use hdrhistogram::Histogram;
use protocol::UnixMillis;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng as _};

use super::latency::empty;
use super::{
    Build, Cell, Cost, FORMAT, Generator, Latency, Machine, MapLabel, People, Report,
    SeatsAndShare, Second, ServicePlace, Setting, Shed, Stage, StageName,
};
use crate::scenario::Scenario;

/// Ten minutes and half a minute for draining.
const SECONDS: u32 = 630;
/// 1 % of 51.7 million people in ten minutes.
const PRESSES_PER_S: f64 = 862.0;
/// Seats that the invented desks have.
const SEATS: u64 = 812;
/// Seats that they would need.
const SEATS_NEEDED: u64 = 7_310;

/// An invented report of a nation in trouble, always the same one: the machine holds, the people do
/// not. It says in every text member that it is invented.
#[must_use]
pub fn invented() -> Report {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_121);
    let seconds = seconds(&mut rng);
    let raised = seconds.iter().map(|second| second.begun).sum();
    let scenario = scenario();
    let generator = Generator {
        offered: raised,
        begun: raised,
        late: Latency::of(&times(&mut rng, raised, 0.4, 0.5)),
        processor_share: Some(0.61),
        doubts: Vec::new(),
    };
    let mut machine = machine(&mut rng, raised);
    machine.judge(&scenario.levels, &generator);
    Report {
        format: FORMAT,
        scenario,
        build: build(),
        began_at: UnixMillis::new(1_795_230_000_000),
        elapsed_s: f64::from(SECONDS),
        generator,
        machine,
        people: Some(people()),
        places: places(&mut rng, raised),
        seconds,
        parts: Vec::new(),
    }
}

fn scenario() -> Scenario {
    let mut scenario =
        Scenario::named("earthquake").expect("the scenarios of the program are read by its tests");
    scenario
        .summary
        .push_str(" (Invented: no run made these figures.)");
    scenario
}

fn build() -> Build {
    Build {
        program: "ansim 0.1.0 (invented, no run)".to_owned(),
        processor: "invented processor".to_owned(),
        cores: 2,
        memory_bytes: 8 << 30,
        system: "Linux (invented)".to_owned(),
        map: MapLabel {
            version: "invented-2026-11".to_owned(),
            authority: Authority::Invented,
        },
        setting: Setting {
            service: ServicePlace::SameMachine,
            service_cores: None,
            note: "Invented figures: no run made them.".to_owned(),
        },
    }
}

/// A uniform number and its mirror of the normal law, by Box and Muller.
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (TAU * v).cos()
}

/// To six decimals: no figure of a report means more, and JSON keeps them exactly.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Log-normal times around a median in milliseconds, as microseconds; every hundredth drawn stands
/// for a hundred.
fn times(rng: &mut ChaCha8Rng, count: u64, median_ms: f64, spread: f64) -> Histogram<u64> {
    let mut micros = empty();
    let mut left = count;
    while left > 0 {
        let n = left.min(100);
        let ms = median_ms * (spread * normal(rng)).exp();
        micros
            .record_n((ms * 1_000.0) as u64, n)
            .expect("a histogram that grows by itself takes any time");
        left -= n;
    }
    micros
}

fn machine(rng: &mut ChaCha8Rng, raised: u64) -> Machine {
    let stages = [
        (StageName::Receipt, 9.0, 0.75),
        (StageName::Assigned, 14.0, 0.7),
        (StageName::Console, 21.0, 0.7),
    ];
    let stage = |(name, median_ms, spread)| Stage {
        name,
        from_intended: Latency::of(&times(rng, raised, median_ms, spread)),
        from_begun: Latency::of(&times(rng, raised, median_ms * 0.8, spread * 0.9)),
    };
    Machine {
        raised,
        receipted: raised,
        on_board: raised,
        reordered: 12,
        positions_sent: 3_811_204,
        positions_seen: 3_402_877,
        stages: stages.map(stage).into(),
        cost: Some(Cost {
            cpu_s_per_thousand_alerts: Some(0.731),
            cpu_s_per_thousand_positions: Some(0.0148),
            bytes_per_connection: Some(34_410.0),
            resident_bytes_max: 1_482 << 20,
        }),
        shed: vec![
            Shed {
                what: "ansim_relay_datagrams_dropped".to_owned(),
                count: 31_877,
            },
            Shed {
                what: "ansim_relay_retries".to_owned(),
                count: 402_110,
            },
        ],
        ..Machine::default()
    }
}

fn people() -> People {
    let share = |seats: u64| {
        let full = seats as f64 / SEATS_NEEDED as f64;
        rounded(1.0 - (-LN_10 * full.powf(1.4)).exp())
    };
    let curve = (1..=24).map(|n| n * SEATS / 2).map(|seats| SeatsAndShare {
        seats,
        within_15_s: share(seats),
    });
    People {
        passed: false,
        within_15_s: share(SEATS),
        within_60_s: 0.153,
        within_600_s: 0.324,
        worst_wait_s: 598.2,
        never: 349_914,
        seats: SEATS,
        seats_needed: Some(SEATS_NEEDED),
        curve: curve.collect(),
    }
}

/// Three cities and everywhere else.
fn places(rng: &mut ChaCha8Rng, alerts: u64) -> Vec<Cell> {
    const CITIES: [(f64, f64, f64, f64); 4] = [
        (37.52, 127.0, 0.28, 0.5),
        (35.18, 129.07, 0.2, 0.65),
        (35.87, 128.6, 0.2, 0.75),
        (36.35, 127.4, 0.25, 0.82),
    ];
    let mut cells = std::collections::BTreeMap::<(i32, i32), u64>::new();
    let mut left = alerts;
    while left > 0 {
        let n = left.min(rng.random_range(1..40));
        let city: f64 = rng.random();
        let (lat, lon) = match CITIES.iter().find(|(.., below)| city < *below) {
            Some((lat, lon, spread, _)) => (lat + spread * normal(rng), lon + spread * normal(rng)),
            None => (rng.random_range(34.4..38.2), rng.random_range(126.3..129.3)),
        };
        let key = ((lat * 10.0).floor() as i32, (lon * 10.0).floor() as i32);
        *cells.entry(key).or_default() += n;
        left -= n;
    }
    // Somebody at sea, who is not to be found on a map.
    cells.insert((331, 1_263), 2);
    let cell = |((lat_tenths, lon_tenths), alerts)| Cell {
        lat_tenths,
        lon_tenths,
        alerts,
    };
    cells.into_iter().map(cell).collect()
}

fn seconds(rng: &mut ChaCha8Rng) -> Vec<Second> {
    let mut tracking = 0.0;
    let mut second = |s: u32| {
        let pressing = s < 600;
        let wave = 0.84 + 0.25 * (f64::from(s) / 600.0 * PI).sin() + 0.05 * normal(rng);
        let rate = if pressing { PRESSES_PER_S * wave } else { 0.0 };
        tracking += rate * 0.05;
        let busy = 1.0 + (rate / PRESSES_PER_S - 0.9).max(0.0) * 1.5;
        let begun = rate as u64;
        Second {
            offered: begun,
            begun,
            receipted: begun,
            on_board: begun,
            positions_sent: (tracking / 5.0) as u64,
            receipt_p99_ms: pressing.then(|| rounded(38.0 * busy * (0.12 * normal(rng)).exp())),
            console_p99_ms: pressing.then(|| rounded(70.0 * busy * (0.12 * normal(rng)).exp())),
            connected: (tracking + rate * 2.0) as u64,
            resident_bytes: Some((180 << 20) + (tracking * 34_000.0) as u64),
            cpu_s: Some(rounded(
                0.05 + rate * 0.000_731 + tracking / 5.0 * 0.000_014,
            )),
        }
    };
    (0..SECONDS).map(&mut second).collect()
}

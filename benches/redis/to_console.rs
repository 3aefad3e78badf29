//! From press to receipt and to the console, with the embedded log and over Redis.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::people::People;
use crate::presses::judge;
use crate::servers::{ALWAYS, EVERYSEC, Setup};
use crate::site::{Load, Site};
use crate::support::{rounded, row};
use crate::times::percentile_ms;
use crate::turns::median;

const TABLE: &str = "Redis, from press to console: steady alerts of phones that never met the relay; one process with \
     the embedded log, or a relay, a dispatcher and Redis as processes, in turns; phones and one \
     console on the same cores; CPU without phones and console";

const ALERTS_PER_S: [u32; 2] = [100, 500];

/// None is the embedded log.
const SITES: [Option<Setup>; 4] = [
    None,
    Some(ALWAYS),
    Some(ALWAYS.with_replica()),
    Some(EVERYSEC.with_replica()),
];

/// How long a turn lasts. No alert waits so long that its escalation falls into the turn.
const LASTS_S: u32 = 4;

/// Turns of each site, one after the other, each begun anew.
const TURNS: usize = 3;

/// The times of a stage, one for each press.
type Times = fn(&Load) -> &Vec<Option<Duration>>;

pub(crate) async fn measure() {
    let mut people = People::new();
    for per_s in ALERTS_PER_S {
        let mut loads: Vec<Vec<Load>> = SITES.iter().map(|_| Vec::new()).collect();
        for _ in 0..TURNS {
            for (at, setup) in SITES.into_iter().enumerate() {
                let mut site = match setup {
                    None => Site::embedded(&mut people).await,
                    Some(setup) => Site::fleet(&mut people, setup, 1).await,
                };
                loads[at].push(site.load(&mut people, per_s, LASTS_S).await);
            }
        }
        for (setup, loads) in SITES.into_iter().zip(loads) {
            let site = setup.map_or("embedded".to_owned(), |setup| setup.to_string());
            tell(&format!("{per_s}/s: {site}"), &loads, setup);
        }
    }
}

fn tell(name: &str, loads: &[Load], setup: Option<Setup>) {
    let mut late: Vec<Duration> = loads.iter().flat_map(|load| load.late.clone()).collect();
    let late_ms = percentile_ms(&mut late, 0.99);
    let of = |figure: fn(&Load) -> f64| rounded(median(loads.iter().map(figure).collect()));
    let mut columns = Map::new();
    let mut say = |name: &str, value: Value| drop(columns.insert(name.to_owned(), value));
    say("cores busy", json!(of(|load| load.cores.0)));
    say("cores busy, other programs", json!(of(|load| load.cores.1)));
    say("generator", json!(judge(late_ms)));
    say("generator late, p99 ms", json!(late_ms));
    say("n", json!(late.len()));
    let stages: [(&str, Times); 3] = [
        ("receipt", |load| &load.receipts),
        ("first card", |load| &load.cards),
        ("durable assignment", |load| &load.assigned),
    ];
    for (stage, times) in stages {
        let all: Vec<_> = loads.iter().flat_map(times).collect();
        let mut times: Vec<Duration> = all.iter().filter_map(|time| **time).collect();
        say(&format!("{stage}: missing"), json!(all.len() - times.len()));
        if !times.is_empty() {
            for (share, called) in [(0.5, "p50"), (0.99, "p99")] {
                let ms = percentile_ms(&mut times, share);
                say(&format!("{stage}: {called} ms"), json!(ms));
            }
        }
    }
    let each = |load: &Load, cost_s: f64| cost_s * 1e3 / load.late.len() as f64;
    let cost = |figure: fn(&Load) -> f64| {
        let costs = loads.iter().map(|load| each(load, figure(load)));
        json!(rounded(median(costs.collect())))
    };
    let ours = cost(|load| load.costs.relay_s + load.costs.dispatchers_s);
    say("CPU s, 1,000 alerts: relay and dispatcher", ours);
    if let Some(setup) = setup {
        say(
            "CPU s, 1,000 alerts: Redis",
            cost(|load| load.costs.redis_s),
        );
        if setup.replica {
            say(
                "CPU s, 1,000 alerts: replica",
                cost(|load| load.costs.replica_s),
            );
        }
    }
    row(TABLE, name, Value::Object(columns));
}

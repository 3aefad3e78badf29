//! One more dispatcher, and what it costs.

use std::time::Duration;

use serde_json::json;

use crate::people::People;
use crate::presses::judge;
use crate::servers::ALWAYS;
use crate::site::{Costs, Load, Site};
use crate::support::{rounded, row};
use crate::times::percentile_ms;
use crate::turns::median;

const TABLE: &str = "Redis, one more dispatcher: 250 alerts a second to one relay, fsync always, without a replica; one, \
     two and three dispatchers follow, each with one console of the national desk; processes, phones \
     and consoles on the same cores; each in turns";

const DISPATCHERS: [usize; 3] = [1, 2, 3];

const ALERTS_PER_S: u32 = 250;

/// How long the load of a turn lasts: 1,500 alerts, so that a dispatcher computes for tens of the
/// system's ticks, and no escalation falls into it.
const LASTS_S: u32 = 6;

/// How long nobody presses before that: the system counts hundredths of a second, and an idle process
/// computes for some thousandths of each.
const IDLE: Duration = Duration::from_secs(10);

/// Turns of each number, one after the other, each begun anew.
const TURNS: usize = 3;

struct Turn {
    load: Load,
    idle: Costs,
    /// Entries in the shared log for each alert.
    entries: f64,
    /// What the server's memory holds for each alert.
    memory_bytes: f64,
}

pub(crate) async fn measure() {
    let mut people = People::new();
    let mut turns: Vec<Vec<Turn>> = DISPATCHERS.iter().map(|_| Vec::new()).collect();
    for _ in 0..TURNS {
        for (at, dispatchers) in DISPATCHERS.into_iter().enumerate() {
            turns[at].push(turn(&mut people, dispatchers).await);
        }
    }
    for (dispatchers, turns) in DISPATCHERS.into_iter().zip(turns) {
        tell(dispatchers, &turns);
    }
}

async fn turn(people: &mut People, dispatchers: usize) -> Turn {
    let mut site = Site::fleet(people, ALWAYS, dispatchers).await;
    let before = site.costs();
    tokio::time::sleep(IDLE).await;
    let idle = site.costs().since(before);
    let appended = |site: &Site| site.servers.as_ref().unwrap().appended();
    let memory_bytes = |site: &Site| site.servers.as_ref().unwrap().memory_bytes();
    let (before, before_bytes) = (appended(&site), memory_bytes(&site));
    let load = site.load(people, ALERTS_PER_S, LASTS_S).await;
    Turn {
        entries: (appended(&site) - before) / load.late.len() as f64,
        memory_bytes: (memory_bytes(&site) - before_bytes) / load.late.len() as f64,
        load,
        idle,
    }
}

fn tell(dispatchers: usize, turns: &[Turn]) {
    let of = |figure: &dyn Fn(&Turn) -> f64| rounded(median(turns.iter().map(figure).collect()));
    let each = |turn: &Turn, cost_s: f64| cost_s * 1e3 / turn.load.late.len() as f64;
    let idle = |cost_s: f64| cost_s / IDLE.as_secs_f64();
    let count = dispatchers as f64;
    let mut late: Vec<Duration> = turns
        .iter()
        .flat_map(|turn| turn.load.late.clone())
        .collect();
    let cards: Vec<_> = turns.iter().flat_map(|turn| &turn.load.cards).collect();
    let mut heard: Vec<Duration> = cards.iter().filter_map(|time| **time).collect();
    let columns = json!({
        "CPU s, 1,000 alerts: Redis": of(&|turn| each(turn, turn.load.costs.redis_s)),
        "CPU s, 1,000 alerts: a dispatcher": of(&|turn| each(turn, turn.load.costs.dispatchers_s / count)),
        "CPU s, 1,000 alerts: the relay": of(&|turn| each(turn, turn.load.costs.relay_s)),
        "cores busy": of(&|turn| turn.load.cores.0),
        "cores busy, other programs": of(&|turn| turn.load.cores.1),
        "entries in the log for each alert": of(&|turn| turn.entries),
        "first card: missing": cards.len() - heard.len(),
        "first card: p50 ms": percentile_ms(&mut heard, 0.5),
        "first card: p99 ms": percentile_ms(&mut heard, 0.99),
        "generator": judge(percentile_ms(&mut late, 0.99)),
        "idle cores: Redis": of(&|turn| idle(turn.idle.redis_s)),
        "idle cores: a dispatcher": of(&|turn| idle(turn.idle.dispatchers_s / count)),
        "idle cores: the relay": of(&|turn| idle(turn.idle.relay_s)),
        "memory of Redis, bytes an alert": of(&|turn| turn.memory_bytes),
    });
    let name = match dispatchers {
        1 => "1 dispatcher".to_owned(),
        more => format!("{more} dispatchers"),
    };
    row(TABLE, &name, columns);
}

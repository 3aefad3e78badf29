//! Several partitions that are written at once, on one server and on several.

use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::io::redis::settings::Settings;
use journal::{Journal, LogName, Options, Partition};
use serde_json::json;
use tokio::task::JoinSet;

use crate::cores::Cores;
use crate::cpu::cpu_s;
use crate::servers::{ALWAYS, EVERYSEC, Servers, Setup};
use crate::support::{rounded, row};
use crate::times::percentile_ms;
use crate::turns::{median, median_ratio};

const TABLE: &str = "Redis, partitions: entries of 160 bytes, one writer for each partition and one batch after the \
     other, partitions of one server or of as many servers; writers, servers and whatever else runs \
     share the cores of this machine";

/// Entries in one batch.
const BATCHES: [usize; 2] = [1, 64];

/// Partitions, and the servers on which they are.
const SHAPES: [(usize, usize); 5] = [(1, 1), (2, 1), (4, 1), (2, 2), (4, 4)];

/// As many as the largest shape has.
const SERVERS: usize = 4;

/// How long a turn of one shape lasts: a hundred ticks of the system's count of processor time.
const TURN: Duration = Duration::from_secs(1);

/// Turns of each shape, one after the other.
const TURNS: usize = 5;

/// From this share of a core on, or of all of them, nothing is left of it: the rest goes in moments
/// between two pieces of work.
const FULL: f64 = 0.9;

/// What came of one turn, each in cores but the first.
struct Turn {
    entries_per_s: f64,
    /// The server that computes most.
    busiest: f64,
    servers: f64,
    writers: f64,
    others: f64,
}

pub(crate) async fn measure() {
    for setup in [ALWAYS, EVERYSEC] {
        let servers: Vec<Servers> = (0..SERVERS).map(|_| Servers::start(setup)).collect();
        let mut shapes = Vec::new();
        for shape in SHAPES {
            shapes.push(open(&servers, shape).await);
        }
        for entries in BATCHES {
            measure_batches(setup, &servers, &shapes, entries).await;
        }
    }
}

/// A journal for each partition of a shape.
async fn open(servers: &[Servers], (partitions, on): (usize, usize)) -> Vec<Journal> {
    let mut journals = Vec::new();
    for partition in 0..partitions {
        let settings = Settings {
            partition: Partition(u16::try_from(partition).unwrap()),
            // A log of its own for each shape: nobody else writes to it.
            key_prefix: format!("{partitions}-on-{on}"),
            ..servers[partition % on].settings()
        };
        let opened = Journal::open_redis(settings, Options::default());
        journals.push(opened.await.unwrap());
    }
    journals
}

async fn measure_batches(
    setup: Setup,
    servers: &[Servers],
    shapes: &[Vec<Journal>],
    entries: usize,
) {
    let batch = vec![Bytes::from(vec![7; 160]); entries];
    let mut turns: Vec<Vec<Turn>> = shapes.iter().map(|_| Vec::new()).collect();
    let mut times: Vec<Vec<Duration>> = shapes.iter().map(|_| Vec::new()).collect();
    for _ in 0..TURNS {
        for (at, journals) in shapes.iter().enumerate() {
            let (turn, took) = write(servers, journals, &batch).await;
            turns[at].push(turn);
            times[at].extend(took);
        }
    }
    let of = |at: usize, figure: fn(&Turn) -> f64| turns[at].iter().map(figure).collect::<Vec<_>>();
    for (at, (partitions, on)) in SHAPES.into_iter().enumerate() {
        let rates = [
            of(at, |turn| turn.entries_per_s),
            of(0, |turn| turn.entries_per_s),
        ];
        let cores = |figure: fn(&Turn) -> f64| median(of(at, figure));
        let columns = json!({
            "cores: all servers": rounded(cores(|turn| turn.servers)),
            "cores: busiest server": rounded(cores(|turn| turn.busiest)),
            "cores: other programs": rounded(cores(|turn| turn.others)),
            "cores: writers": rounded(cores(|turn| turn.writers)),
            "entries/s": rounded(median(rates[0].clone())),
            "p50 ms": percentile_ms(&mut times[at], 0.5),
            "p99 ms": percentile_ms(&mut times[at], 0.99),
            "times one partition": rounded(median_ratio(&rates)),
            "what limits": limit(
                cores(|turn| turn.busiest),
                cores(|turn| turn.servers + turn.writers),
                cores(|turn| turn.servers + turn.writers + turn.others),
            ),
        });
        let places = if on == 1 {
            "1 server".to_owned()
        } else {
            format!("{on} servers")
        };
        let shape = if partitions == 1 {
            "1 partition".to_owned()
        } else {
            format!("{partitions} partitions")
        };
        let name = format!(
            "fsync {}, {entries} in a batch: {shape}, {places}",
            setup.fsync
        );
        row(TABLE, &name, columns);
    }
}

/// What is used up, as far as processors tell: by the busiest server, by what is measured, and by all
/// that runs.
fn limit(busiest: f64, measured: f64, all: f64) -> &'static str {
    let full = std::thread::available_parallelism().unwrap().get() as f64 * FULL;
    if busiest >= FULL {
        "the one core that a Redis uses"
    } else if measured >= full {
        "the cores of this machine"
    } else if all >= full {
        "other programs on this machine: measure again"
    } else {
        "the wait for sync and answer"
    }
}

/// One turn, and how long each append took.
async fn write(
    servers: &[Servers],
    journals: &[Journal],
    batch: &[Bytes],
) -> (Turn, Vec<Duration>) {
    let processes = servers.iter().map(|server| server.master_process);
    let processes: Vec<u32> = processes.collect();
    let computed = || processes.iter().copied().map(cpu_s).collect::<Vec<_>>();
    let writers = std::process::id();
    let measured = processes.iter().copied().chain([writers]).collect();
    let (before, writers_before) = (computed(), cpu_s(writers));
    let (cores, begun) = (Cores::watch(measured), Instant::now());
    let mut tasks = JoinSet::new();
    for journal in journals {
        let (journal, batch) = (journal.clone(), batch.to_vec());
        tasks.spawn(async move {
            let mut times = Vec::new();
            while begun.elapsed() < TURN {
                let at = Instant::now();
                let appended = journal.append(LogName::Alerts, batch.clone()).await;
                appended.unwrap();
                times.push(at.elapsed());
            }
            times
        });
    }
    let times: Vec<Duration> = tasks.join_all().await.concat();
    let elapsed_s = begun.elapsed().as_secs_f64();
    let used = computed().into_iter().zip(before);
    let used: Vec<f64> = used
        .map(|(after, before)| (after - before) / elapsed_s)
        .collect();
    let (_, others) = cores.busy();
    let turn = Turn {
        entries_per_s: (times.len() * batch.len()) as f64 / elapsed_s,
        busiest: used.iter().copied().fold(0.0, f64::max),
        servers: used.iter().sum(),
        writers: (cpu_s(writers) - writers_before) / elapsed_s,
        others: others.as_f64().unwrap_or_default(),
    };
    (turn, times)
}

//! Appends one after the other, to the embedded log and to Redis.

use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::{Durability, Journal, LogName, Options};
use serde_json::json;

use crate::cpu::cpu_s;
use crate::servers::{ALWAYS, EVERYSEC, Servers, Setup};
use crate::support::{rounded, row};
use crate::times::percentile_ms;
use crate::turns::median;

pub(crate) const TABLE: &str = "Redis, appends: entries of 160 bytes, one batch after the other by one writer, to each log in \
     turns; servers and the replica on the same cores and disk; CPU of the writer's process (with the \
     embedded log in it), of the server and of the replica";

/// Entries in one batch.
const BATCHES: [usize; 3] = [1, 64, 512];

const SETUPS: [Setup; 4] = [
    ALWAYS,
    ALWAYS.with_replica(),
    EVERYSEC,
    EVERYSEC.with_replica(),
];

/// How long a turn of one log lasts: a hundred ticks of the system's count of processor time.
const TURN: Duration = Duration::from_secs(1);

/// Turns of each log, one after the other.
const TURNS: usize = 5;

/// Appends of each log before the first turn.
const WARM_UP: usize = 50;

struct Log {
    name: String,
    journal: Journal,
    servers: Option<Servers>,
    /// What the server's memory held before the first append.
    empty_bytes: f64,
    turns: Vec<Turn>,
}

/// What came of one turn.
struct Turn {
    appends_per_s: f64,
    /// CPU seconds of a thousand entries: this process, the server, the replica.
    costs_s: [Option<f64>; 3],
    times: Vec<Duration>,
    /// Appends that the replica did not confirm in time.
    unconfirmed: usize,
}

pub(crate) async fn measure() {
    for entries in BATCHES {
        // New ones for each size: what is in a log makes the next append no dearer by much, but it
        // takes memory.
        let folder = tempfile::tempdir().unwrap();
        let embedded =
            Journal::open_embedded(folder.path().join("j.redb"), Options::default()).unwrap();
        let mut logs = vec![Log {
            name: "embedded".to_owned(),
            journal: embedded,
            servers: None,
            empty_bytes: 0.0,
            turns: Vec::new(),
        }];
        for setup in SETUPS {
            logs.push(Log::on(setup).await);
        }
        let batch = vec![Bytes::from(vec![7; 160]); entries];
        for log in &logs {
            for _ in 0..WARM_UP {
                let appended = log.journal.append(LogName::Alerts, batch.clone());
                appended.await.unwrap();
            }
        }
        for _ in 0..TURNS {
            for log in &mut logs {
                let turn = log.turn(&batch).await;
                log.turns.push(turn);
            }
        }
        let embedded_p50_ms = logs[0].times_ms(0.5);
        for log in logs {
            log.tell(entries, embedded_p50_ms);
            log.journal.close().await;
        }
    }
}

impl Log {
    async fn on(setup: Setup) -> Self {
        let servers = Servers::start(setup);
        let opened = Journal::open_redis(servers.settings(), Options::default());
        Self {
            name: setup.to_string(),
            journal: opened.await.unwrap(),
            empty_bytes: servers.memory_bytes(),
            servers: Some(servers),
            turns: Vec::new(),
        }
    }

    /// Who computes: this process, the server, the replica.
    fn processes(&self) -> [Option<u32>; 3] {
        let servers = self.servers.as_ref();
        [
            Some(std::process::id()),
            servers.map(|servers| servers.master_process),
            servers.and_then(|servers| servers.replica_process),
        ]
    }

    async fn turn(&self, batch: &[Bytes]) -> Turn {
        let wanted = Durability::Confirmed {
            replicas: u8::from(self.processes()[2].is_some()),
        };
        let computed = || self.processes().map(|process| process.map(cpu_s));
        let (before, begun) = (computed(), Instant::now());
        let (mut times, mut unconfirmed) = (Vec::new(), 0);
        while begun.elapsed() < TURN {
            let at = Instant::now();
            let appended = self.journal.append(LogName::Alerts, batch.to_vec()).await;
            times.push(at.elapsed());
            unconfirmed += usize::from(appended.unwrap().durability != wanted);
        }
        let appends = times.len() as f64;
        let appends_per_s = appends / begun.elapsed().as_secs_f64();
        let thousands = appends * batch.len() as f64 / 1e3;
        let after = computed();
        let cost_s = |who: usize| Some((after[who]? - before[who]?) / thousands);
        Turn {
            appends_per_s,
            costs_s: [0, 1, 2].map(cost_s),
            times,
            unconfirmed,
        }
    }

    fn times_ms(&self, share: f64) -> f64 {
        let turns = self.turns.iter();
        let mut times: Vec<Duration> = turns.flat_map(|turn| turn.times.clone()).collect();
        percentile_ms(&mut times, share)
    }

    fn tell(&self, entries: usize, embedded_p50_ms: f64) {
        let appends_per_s = median(self.turns.iter().map(|turn| turn.appends_per_s).collect());
        let p50_ms = self.times_ms(0.5);
        let unconfirmed: usize = self.turns.iter().map(|turn| turn.unconfirmed).sum();
        let mut columns = json!({
            "appends/s": rounded(appends_per_s),
            "entries/s": rounded(appends_per_s * entries as f64),
            "p50 ms": p50_ms,
            "p50, times embedded": rounded(p50_ms / embedded_p50_ms),
            "p99 ms": self.times_ms(0.99),
        });
        for (who, name) in ["writer", "Redis", "replica"].into_iter().enumerate() {
            let costs = self.turns.iter().filter_map(|turn| turn.costs_s[who]);
            let costs: Vec<f64> = costs.collect();
            if !costs.is_empty() {
                columns[format!("CPU s, 1,000 entries: {name}")] = json!(rounded(median(costs)));
            }
        }
        if let Some(servers) = &self.servers {
            let bytes = (servers.memory_bytes() - self.empty_bytes) / servers.appended();
            columns["memory of Redis, bytes an entry"] = json!(rounded(bytes));
        }
        if self.processes()[2].is_some() {
            columns["not confirmed"] = json!(unconfirmed);
        }
        row(
            TABLE,
            &format!("{entries} in a batch: {}", self.name),
            columns,
        );
    }
}

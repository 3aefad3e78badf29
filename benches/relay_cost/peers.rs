//! The relay beside what one would take instead: HTTPS with the same journal, and a broker.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::interval;

use crate::child::{Kind, Server};
use crate::mosquitto::Mosquitto;
use crate::pace::{Pace, TICK};
use crate::phones::{Identity, Phone, Phones};
use crate::process::Usage;
use crate::support::{rounded, row};
use crate::tls_phone::{Http, Mqtt, TlsPhones};
use crate::turns::{median, median_ratio};

const COLD: &str = "Peers, a cold alert: connection with a full TLS 1.3 handshake, an alert, its receipt, goodbye; \
     64 at once; the relay and HTTPS answer after the sync of their journal, the echo and the broker \
     without one (it saves what it keeps every second)";

const WARM: &str = "Peers, a position on a warm connection: 2,000 a second of 500 phones; a datagram to the relay and \
     the sink, a request with its answer over HTTPS, QoS 0 to the broker";

const AT_ONCE: usize = 64;

/// Alerts of one turn.
const ALERTS: usize = 2_000;

/// Turns of each server, one after the other.
const TURNS: usize = 5;

const SOCKETS: usize = 8;

/// Phones with a warm connection to each server.
const PHONES: usize = 500;

const POSITIONS_PER_S: f64 = 2_000.0;

/// How long a turn of positions lasts.
const TURN: Duration = Duration::from_secs(4);

/// A position that has not arrived after so long is lost.
const ARRIVE_IN: Duration = Duration::from_secs(2);

/// A server with its name in the table.
enum Peer {
    Ours(&'static str, Server),
    Mosquitto(Mosquitto),
}

/// How phones speak to it.
#[derive(Clone, Copy)]
enum Door {
    Quic(SocketAddr),
    Https(SocketAddr),
    Mqtt(SocketAddr),
}

impl Peer {
    fn name(&self) -> &'static str {
        match self {
            Self::Ours(name, _) => name,
            Self::Mosquitto(_) => "Mosquitto, TLS, QoS 1 for alerts, persistence",
        }
    }

    fn usage(&self) -> Usage {
        match self {
            Self::Ours(_, server) => server.usage(),
            Self::Mosquitto(broker) => broker.usage(),
        }
    }

    /// Those that have arrived, where the server says so.
    fn positions(&mut self) -> Option<u64> {
        match self {
            Self::Ours(_, server) => Some(server.positions()),
            Self::Mosquitto(_) => None,
        }
    }

    /// How many of so many positions are not there after a while.
    async fn not_arrived(&mut self, all: u64) -> u64 {
        let begun = Instant::now();
        let mut ticks = interval(TICK * 10);
        loop {
            let left = all.saturating_sub(self.positions().unwrap_or(all));
            if left == 0 || begun.elapsed() > ARRIVE_IN {
                return left;
            }
            ticks.tick().await;
        }
    }

    fn door(&self) -> Door {
        match self {
            Self::Ours(HTTPS, server) => Door::Https(server.address),
            Self::Ours(_, server) => Door::Quic(server.address),
            Self::Mosquitto(broker) => Door::Mqtt(broker.address),
        }
    }
}

const RELAY: &str = "Ansim's relay";
const BARE: &str = "bare quinn, an echo or a sink";
const HTTPS: &str = "axum, HTTP/1.1 over TLS, the same journal";

struct Everybody {
    quic: Phones,
    tls: TlsPhones,
}

pub(crate) async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let trusted = Identity::create(folder.path());
    let everybody = Arc::new(Everybody {
        quic: Phones::new(trusted.clone(), SOCKETS),
        tls: TlsPhones::new(trusted),
    });
    let start = |name, kind| Peer::Ours(name, Server::start(kind, folder.path()));
    let mut peers = vec![
        start(RELAY, Kind::Relay),
        start(BARE, Kind::Bare),
        start(HTTPS, Kind::Https),
    ];
    match Mosquitto::start(folder.path(), &everybody.tls).await {
        Ok(broker) => peers.push(Peer::Mosquitto(broker)),
        Err(why) => row(COLD, "Mosquitto: not measured", json!({ "why": why })),
    }
    cold(&everybody, &peers).await;
    warm(&everybody, &mut peers).await;
}

async fn cold(everybody: &Arc<Everybody>, peers: &[Peer]) {
    let mut costs_us = vec![Vec::new(); peers.len()];
    let mut rates = costs_us.clone();
    let mut times_ms = costs_us.clone();
    for peer in peers {
        alerts(everybody, peer, ALERTS / 4).await;
    }
    for _ in 0..TURNS {
        for (at, peer) in peers.iter().enumerate() {
            let (cost_us, per_s, times) = alerts(everybody, peer, ALERTS).await;
            costs_us[at].push(cost_us);
            rates[at].push(per_s);
            times_ms[at].extend(times);
        }
    }
    for (at, peer) in peers.iter().enumerate() {
        let times = &mut times_ms[at];
        times.sort_by(f64::total_cmp);
        let share =
            |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
        let ratio = median_ratio(&[costs_us[0].clone(), costs_us[at].clone()]);
        row(
            COLD,
            peer.name(),
            json!({
                "server CPU s, 1,000 alerts": rounded(median(costs_us[at].clone()) / 1e3),
                "relay's CPU, times this": rounded(ratio),
                "alerts/s": rounded(median(rates[at].clone())),
                "p50 ms": rounded(share(0.5)),
                "p99 ms": rounded(share(0.99)),
            }),
        );
    }
}

/// Microseconds of the server for each alert, alerts in a second, and milliseconds until the receipt of each.
async fn alerts(everybody: &Arc<Everybody>, peer: &Peer, count: usize) -> (f64, f64, Vec<f64>) {
    let (before, begun) = (peer.usage(), Instant::now());
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let times = Arc::new(Mutex::new(Vec::new()));
    let mut calls = JoinSet::new();
    for _ in 0..count {
        let turn = Arc::clone(&room).acquire_owned().await.unwrap();
        let (everybody, times, door) = (Arc::clone(everybody), Arc::clone(&times), peer.door());
        calls.spawn(async move {
            let begun = Instant::now();
            let answered = alert(&everybody, door, begun).await;
            times.lock().unwrap().push(answered.as_secs_f64() * 1e3);
            drop(turn);
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let per_s = count as f64 / begun.elapsed().as_secs_f64();
    // The farewell belongs to the alert.
    everybody.quic.idle().await;
    let cost_us = (peer.usage().cpu_s - before.cpu_s) * 1e6 / count as f64;
    let times = std::mem::take(&mut *times.lock().unwrap());
    (cost_us, per_s, times)
}

/// Returns how long the receipt took.
async fn alert(everybody: &Everybody, door: Door, begun: Instant) -> Duration {
    match door {
        Door::Quic(server) => {
            let mut phone = everybody.quic.connect(server).await;
            phone.raise().await;
            let answered = begun.elapsed();
            phone.close();
            answered
        }
        Door::Https(server) => {
            let mut phone = Http::connect(&everybody.tls, server).await;
            phone.post("/alerts", &everybody.quic.next_raise()).await;
            let answered = begun.elapsed();
            phone.close().await;
            answered
        }
        Door::Mqtt(server) => {
            let mut phone = Mqtt::connect(&everybody.tls, server, "").await;
            phone.raise(&everybody.quic.next_raise()).await;
            let answered = begun.elapsed();
            phone.close().await;
            answered
        }
    }
}

/// Phones with a warm connection to one server.
enum Crowd {
    Quic(Vec<Phone>),
    Https(Vec<Http>),
    Mqtt(Vec<Mqtt>),
}

impl Crowd {
    async fn connect(everybody: &Everybody, door: Door) -> Self {
        match door {
            Door::Quic(server) => {
                let mut crowd = Vec::new();
                for _ in 0..PHONES {
                    let mut phone = everybody.quic.connect(server).await;
                    phone.raise().await;
                    crowd.push(phone);
                }
                Self::Quic(crowd)
            }
            Door::Https(server) => {
                let mut crowd = Vec::new();
                for _ in 0..PHONES {
                    crowd.push(Http::connect(&everybody.tls, server).await);
                }
                Self::Https(crowd)
            }
            Door::Mqtt(server) => {
                let mut crowd = Vec::new();
                for phone in 0..PHONES {
                    let name = format!("phone-{phone}");
                    let mut phone = Mqtt::connect(&everybody.tls, server, &name).await;
                    phone.connected().await;
                    crowd.push(phone);
                }
                Self::Mqtt(crowd)
            }
        }
    }

    async fn say(&mut self, number: u64) {
        let phone = number as usize % PHONES;
        let said = 2 + number / PHONES as u64;
        match self {
            Self::Quic(crowd) => crowd[phone].send_position(said),
            Self::Https(crowd) => {
                let body = Phones::position(said);
                crowd[phone].post("/positions", &body).await;
            }
            Self::Mqtt(crowd) => crowd[phone].say(&Phones::position(said)).await,
        }
    }
}

async fn warm(everybody: &Everybody, peers: &mut [Peer]) {
    let mut crowds = Vec::new();
    for peer in peers.iter() {
        crowds.push((Crowd::connect(everybody, peer.door()).await, 0));
    }
    let mut costs_us = vec![Vec::new(); peers.len()];
    let mut rates = costs_us.clone();
    let mut missing = vec![0; peers.len()];
    for _ in 0..TURNS {
        for (at, peer) in peers.iter_mut().enumerate() {
            let (crowd, number) = &mut crowds[at];
            let (before, had) = (peer.usage(), peer.positions());
            let sent = send(crowd, number).await;
            if let Some(had) = had {
                missing[at] += peer.not_arrived(had + sent).await;
            }
            costs_us[at].push((peer.usage().cpu_s - before.cpu_s) * 1e6 / sent as f64);
            rates[at].push(sent as f64 / TURN.as_secs_f64());
        }
    }
    for (at, peer) in peers.iter().enumerate() {
        let ratio = median_ratio(&[costs_us[0].clone(), costs_us[at].clone()]);
        row(
            WARM,
            peer.name(),
            json!({
                "server CPU s, 1,000 positions": rounded(median(costs_us[at].clone()) / 1e3),
                "relay's CPU, times this": rounded(ratio),
                "positions/s": rounded(median(rates[at].clone())),
                "not arrived": missing[at],
            }),
        );
    }
}

/// What is due, in turn for all phones; returns how many were sent.
async fn send(crowd: &mut Crowd, number: &mut u64) -> u64 {
    let mut pace = Pace::new(POSITIONS_PER_S, TURN);
    while let Some(due) = pace.due().await {
        for _ in due {
            crowd.say(*number).await;
            *number += 1;
        }
    }
    pace.sent()
}

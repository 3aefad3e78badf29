//! Phones with an open alert say where they are.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::interval;

use crate::child::{Kind, Server};
use crate::pace::{Pace, TICK};
use crate::phones::{Identity, Phone, Phones};
use crate::support::{rounded, row};
use crate::turns::{median, median_ratio};

const TABLE: &str =
    "Server CPU of a position on a warm connection, beside a bare quinn datagram sink";

/// What a position may cost, as a multiple of the sink.
const BUDGET: f64 = 1.3;

/// Phones with an open alert at each server.
const PHONES: usize = 1_000;

const SOCKETS: usize = 8;

/// Positions in a second: hardly anything, and what leaves some of two cores.
const RATES: [usize; 2] = [2_000, 8_000];

/// How long a turn lasts.
const TURN: Duration = Duration::from_secs(5);

/// Turns of each server, one after the other.
const TURNS: usize = 5;

/// A position that has not arrived after so long is lost.
const ARRIVE_IN: Duration = Duration::from_secs(10);

struct Party {
    server: Server,
    phones: Vec<Phone>,
    /// Of the next position.
    number: u64,
}

pub(crate) async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let phones = Phones::new(Identity::create(folder.path()), SOCKETS);
    let mut parties = Vec::new();
    for kind in [Kind::Relay, Kind::Bare] {
        let mut party = Party {
            server: Server::start(kind, folder.path()),
            phones: Vec::new(),
            number: 2,
        };
        for _ in 0..PHONES {
            let mut phone = phones.connect(party.server.address).await;
            phone.raise().await;
            party.phones.push(phone);
        }
        parties.push(party);
    }
    for rate in RATES {
        let mut costs_us = [Vec::new(), Vec::new()];
        let mut lost = [0, 0];
        for _ in 0..TURNS {
            for (at, party) in parties.iter_mut().enumerate() {
                let (cost_us, missing) = party.turn(rate).await;
                costs_us[at].push(cost_us);
                lost[at] += missing;
            }
        }
        let ratio = median_ratio(&costs_us);
        let [relay_us, bare_us] = costs_us.map(median);
        row(
            TABLE,
            &format!("{rate} positions/s"),
            json!({
                "relay µs": rounded(relay_us),
                "bare µs": rounded(bare_us),
                "ratio": rounded(ratio),
                "budget": BUDGET,
                "lost": lost[0] + lost[1],
            }),
        );
    }
}

impl Party {
    /// Microseconds of the server for each position that arrived, and how many did not.
    async fn turn(&mut self, rate: usize) -> (f64, u64) {
        let arrived_before = self.server.positions();
        let before = self.server.usage();
        let sent = self.send(rate).await;
        let begun = Instant::now();
        let mut ticks = interval(TICK * 10);
        while self.server.positions() - arrived_before < sent && begun.elapsed() < ARRIVE_IN {
            ticks.tick().await;
        }
        let cost_s = self.server.usage().cpu_s - before.cpu_s;
        let arrived = self.server.positions() - arrived_before;
        (cost_s * 1e6 / arrived as f64, sent - arrived)
    }

    /// In turn for all phones, spread evenly over the time.
    async fn send(&mut self, rate: usize) -> u64 {
        let mut pace = Pace::new(rate as f64, TURN);
        while let Some(due) = pace.due().await {
            for sent in due {
                let phone = &self.phones[sent as usize % PHONES];
                phone.send_position(self.number + sent / PHONES as u64);
            }
        }
        self.number += pace.sent() / PHONES as u64 + 1;
        pace.sent()
    }
}

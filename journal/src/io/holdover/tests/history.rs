//! Seeded misfortunes, several at once.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// Misfortunes of one run.
const TURNS: usize = 30;

/// A master after the other, each once a replica of the one before it, and authors who reach by way of
/// the proxy whoever it is.
struct World {
    rng: StdRng,
    master: TestServer,
    proxy: Proxy,
    authors: Vec<Author>,
}

impl World {
    async fn new(seed: u64) -> Self {
        let master = TestServer::start();
        let proxy = Proxy::to(master.socket_address()).await;
        let authors = ["a", "b", "c"].map(|name| Author::new(name, proxy.settings()));
        Self {
            rng: StdRng::seed_from_u64(seed),
            master,
            proxy,
            authors: authors.into(),
        }
    }

    /// Another server takes over, with what the old one had at some moment.
    async fn fail_over(&mut self) {
        let replica = self.master.replica();
        replica.detach();
        self.raise().await;
        replica.promote();
        self.proxy.point_at(replica.socket_address());
        self.master = replica;
    }

    async fn raise(&mut self) {
        for author in &mut self.authors {
            let count = self.rng.random_range(0..10);
            author.raise(count).await;
        }
    }

    async fn turn(&mut self) {
        self.raise().await;
        let luck = self.rng.random_range(0..1_000);
        let at = self.rng.random_range(0..self.authors.len());
        match self.rng.random_range(0..9) {
            0 => self.fail_over().await,
            1 => {
                self.master.kill();
                self.raise().await;
                self.master.restart();
            }
            2 => self.proxy.cut(),
            3 => self.proxy.set_way(Way::Deaf),
            4 => self.proxy.set_way(Way::CutAfter(luck)),
            5 => {
                let settings = self.proxy.settings();
                self.authors[at].die_and_return(settings, luck as u64);
            }
            6 => drop(self.master.command(&["FLUSHALL"])),
            7 => {
                self.master.command(&["CONFIG", "SET", "maxmemory", "1"]);
                self.raise().await;
                self.master.command(&["CONFIG", "SET", "maxmemory", "0"]);
            }
            _ => self.authors[at].held().all_shipped().await,
        }
    }
}

/// Everything goes wrong, and then nothing any more: then the shared log has everything.
async fn run(seed: u64) {
    let mut world = World::new(seed).await;
    for _ in 0..TURNS {
        world.turn().await;
    }
    world.proxy.set_way(Way::Open);
    let since = Instant::now();
    // Whoever has confirmed what was lost since, finds out on this connection.
    world.proxy.cut();
    for author in &mut world.authors {
        author.raise(1).await;
        author.held().all_shipped().await;
    }
    let authors: Vec<&Author> = world.authors.iter().collect();
    let settings = world.master.settings();
    settle(&format!("seed {seed}"), settings, &authors, since).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_whatever_happens() {
    if !is_here() {
        return;
    }
    for seed in 0..3 {
        run(seed).await;
    }
}

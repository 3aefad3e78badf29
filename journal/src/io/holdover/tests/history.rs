//! Seeded misfortunes, several at once.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// Misfortunes of one run.
const TURNS: usize = 30;

/// Phones of each author.
const PHONES: u32 = 40;

/// A master after the other, each once a replica of the one before it, and authors who reach by way of
/// the proxy whoever it is.
struct World {
    rng: StdRng,
    partitions: PartitionCount,
    master: TestServer,
    proxy: Proxy,
    authors: Vec<Author>,
}

impl World {
    async fn new(seed: u64, partitions: PartitionCount) -> Self {
        let master = TestServer::start();
        let proxy = Proxy::to(master.socket_address()).await;
        let settings = Settings {
            partitions,
            ..proxy.settings()
        };
        let authors = ["a", "b", "c"].map(|name| Author {
            phones: PHONES,
            ..Author::new(name, settings.clone())
        });
        Self {
            rng: StdRng::seed_from_u64(seed),
            partitions,
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

    fn settings(&self) -> Settings {
        Settings {
            partitions: self.partitions,
            ..self.proxy.settings()
        }
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
        match self.rng.random_range(0..10) {
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
                let settings = self.settings();
                self.authors[at].die_and_return(settings, luck as u64);
            }
            6 => drop(self.master.command(&["FLUSHALL"])),
            7 => {
                // One partition loses everything, the others go on.
                let partition = luck as u16 % self.partitions.get();
                let key = format!("{{ansim:p{partition}}}:alerts");
                self.master.command(&["DEL", &key]);
            }
            8 => {
                self.master.command(&["CONFIG", "SET", "maxmemory", "1"]);
                self.raise().await;
                self.master.command(&["CONFIG", "SET", "maxmemory", "0"]);
            }
            _ => self.authors[at].held().all_shipped().await,
        }
    }
}

/// Everything goes wrong, and then nothing any more: then the shared log has everything.
async fn run(seed: u64, partitions: u16) {
    let partitions = PartitionCount::new(partitions).unwrap();
    let mut world = World::new(seed, partitions).await;
    for _ in 0..TURNS {
        world.turn().await;
    }
    world.proxy.set_way(Way::Open);
    let since = Instant::now();
    // Whoever has confirmed what was lost since, finds out on this connection: in each partition that has
    // something, as each phone says something more.
    world.proxy.cut();
    for author in &mut world.authors {
        author.raise(PHONES as usize).await;
        author.held().all_shipped().await;
    }
    let authors: Vec<&Author> = world.authors.iter().collect();
    let settings = Settings {
        partitions,
        ..world.master.settings()
    };
    let what = format!("seed {seed}, {partitions} partitions");
    settle(&what, settings, &authors, since).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_whatever_happens() {
    if !is_here() {
        return;
    }
    for (seed, partitions) in [(0, 1), (1, 1), (2, 4), (3, 16)] {
        run(seed, partitions).await;
    }
}

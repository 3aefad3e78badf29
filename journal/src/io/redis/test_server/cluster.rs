//! A cluster: masters that share the slots, and a replica of each.

use redis::Value;

use super::{TestServer, comes_about, until};
use crate::hash_slot::HASH_SLOTS;
use crate::io::redis::settings::{Address, Settings, Topology};
use crate::io::redis::{reply, test_server::patient};

/// Masters: of three, two are enough to say that the third is gone.
const MASTERS: usize = 3;

/// After so many milliseconds a server that does not answer is taken for gone. Less, and a busy machine
/// would see failovers that nobody asked for.
const NODE_TIMEOUT_MS: &str = "2000";

/// Where nobody is to be taken for gone: a quarter of an hour.
const NEVER_MS: &str = "900000";

/// How often a replica is asked to take over, and how long it is looked at each time: a server gives it up
/// after five seconds, which are over when the machine had stopped them all.
const ASKED_MAX: usize = 20;
const LOOKS_EACH: usize = 500;

/// Keys of a slot that are moved at once.
const KEYS_MAX: &str = "100";

/// How long a move of keys may take, in milliseconds.
const MIGRATE_TIMEOUT_MS: &str = "60000";

/// Servers of one cluster, each known by its place. Those below three were its masters when it began, and
/// behind them come their replicas in the same order, if there are any.
#[derive(Debug)]
pub struct TestCluster {
    servers: Vec<TestServer>,
}

impl TestCluster {
    /// Three masters with a replica each; a master that is gone is replaced within seconds.
    ///
    /// # Panics
    /// When it does not come about.
    #[must_use]
    pub fn start() -> Self {
        let cluster = Self::of(2 * MASTERS, NODE_TIMEOUT_MS);
        for (replica, master) in cluster.servers[MASTERS..].iter().zip(&cluster.servers) {
            replica.command(&["CLUSTER", "REPLICATE", &id(master)]);
        }
        for replica in &cluster.servers[MASTERS..] {
            replica.await_info("master_link_status", "up");
        }
        // A replica is elected by masters that know it as one.
        let all_know = |server: &TestServer| nodes(server).matches("slave ").count() == MASTERS;
        until("all know the replicas", || {
            cluster.servers.iter().all(all_know)
        });
        cluster
    }

    /// Three masters alone, of which none is ever taken for gone.
    ///
    /// # Panics
    /// When it does not come about.
    #[must_use]
    pub fn without_replicas() -> Self {
        Self::of(MASTERS, NEVER_MS)
    }

    fn of(count: usize, node_timeout_ms: &str) -> Self {
        let server = |_| {
            TestServer::with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                node_timeout_ms,
                "--cluster-require-full-coverage",
                "no",
                // A replica may take over however long it has heard nothing of its master.
                "--cluster-replica-validity-factor",
                "0",
                // None goes to another master.
                "--cluster-migration-barrier",
                "100",
            ])
        };
        let servers: Vec<TestServer> = (0..count).map(server).collect();
        let share = usize::from(HASH_SLOTS).div_ceil(MASTERS);
        for (at, server) in servers.iter().enumerate() {
            // Of two that claim a slot the one with the higher epoch has it; each has its own.
            server.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
            if at < MASTERS {
                let end = ((at + 1) * share).min(usize::from(HASH_SLOTS));
                let (first, last) = ((at * share).to_string(), (end - 1).to_string());
                server.command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            }
        }
        let port_of = |server: &TestServer, setting| {
            let answer = server.command(&["CONFIG", "GET", setting]);
            let pairs = reply::pairs(&answer).expect("a setting");
            pairs[0].1.clone()
        };
        for server in &servers[1..] {
            let (port, bus) = (port_of(server, "port"), port_of(server, "cluster-port"));
            servers[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let cluster = Self { servers };
        cluster.until_whole();
        cluster
    }

    /// Returns when each server knows all others and is ready to answer.
    fn until_whole(&self) {
        let known = format!("cluster_known_nodes:{}", self.servers.len());
        until("the cluster is whole", || {
            self.servers.iter().all(|server| {
                let state = text(&server.command(&["CLUSTER", "INFO"]));
                let mut wanted = ["cluster_state:ok", "cluster_slots_ok:16384", &known].into_iter();
                wanted.all(|line| state.lines().any(|said| said == line))
            })
        });
    }

    /// Where its servers listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        self.servers.iter().map(TestServer::address).collect()
    }

    /// Settings for a log on it, with patience. The server at place 0 is asked first.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let servers = self.addresses();
        Settings {
            topology: Topology::Cluster { servers },
            ..patient(Settings::at(self.servers[0].address()))
        }
    }

    /// The server at this place.
    #[must_use]
    pub fn server(&self, at: usize) -> &TestServer {
        &self.servers[at]
    }

    /// The server at this place, to do something to it.
    pub fn server_mut(&mut self, at: usize) -> &mut TestServer {
        &mut self.servers[at]
    }

    /// Makes the replica at this place the master of its shard; nothing is lost.
    ///
    /// # Panics
    /// When it never comes to that.
    pub fn fail_over_to(&self, at: usize) {
        let replica = &self.servers[at];
        replica.await_info("role", "slave");
        replica.await_info("master_link_status", "up");
        let taken_over = (0..ASKED_MAX).any(|_| {
            // It may have come to that since.
            let _ = replica.try_command(&["CLUSTER", "FAILOVER"]);
            comes_about(LOOKS_EACH, || replica.info("role") == "master")
        });
        assert!(taken_over, "the replica takes over");
    }

    /// The place of the master that answers for this key.
    ///
    /// # Panics
    /// When none ever does.
    #[must_use]
    pub fn master_of(&self, key: &str) -> usize {
        let mut at = None;
        until("a master answers for the key", || {
            let answers = |server: &TestServer| server.try_command(&["EXISTS", key]).is_ok();
            at = self.servers.iter().position(answers);
            at.is_some()
        });
        at.unwrap_or_default()
    }

    /// A master without this key to which its slot can be moved.
    #[must_use]
    pub fn another_than(&self, at: usize) -> usize {
        (at + 1) % MASTERS
    }

    /// The replica of a master at the beginning.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn replica_of(&self, at: usize) -> &TestServer {
        &self.servers[MASTERS + at]
    }

    /// Moves a slot and what is in it from one master to another.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) {
        self.begin_move(slot, from, to);
        self.move_all_keys(slot, from, to);
        self.end_move(slot, from, to);
    }

    /// Moves what is in the slot, and leaves it open whose the slot is.
    pub fn move_all_keys(&self, slot: u16, from: usize, to: usize) {
        while self.move_keys(slot, from, to, KEYS_MAX) {}
    }

    /// From here on what the old master has not is asked for at the new one.
    pub fn begin_move(&self, slot: u16, from: usize, to: usize) {
        let (old, new) = (&self.servers[from], &self.servers[to]);
        let slot = slot.to_string();
        // In this order, or the new one would send back whom the old one sends.
        new.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(old)]);
        old.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(new)]);
    }

    /// Moves at most so many keys; false when there was none.
    ///
    /// # Panics
    /// When a server refuses.
    pub fn move_keys(&self, slot: u16, from: usize, to: usize, count_max: &str) -> bool {
        let old = &self.servers[from];
        let answer = old.command(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), count_max]);
        let Value::Array(keys) = answer else {
            panic!("keys of slot {slot}: {answer:?}")
        };
        if keys.is_empty() {
            return false;
        }
        let port = self.servers[to].address().port.to_string();
        let keys: Vec<String> = keys.iter().map(text).collect();
        let whereto = ["MIGRATE", "127.0.0.1", &port, "", "0", MIGRATE_TIMEOUT_MS];
        let words = whereto.into_iter().chain(["KEYS"]);
        let words: Vec<&str> = words.chain(keys.iter().map(String::as_str)).collect();
        old.command(&words);
        true
    }

    /// Says whose the slot is now: first to the new master, so that it is nobody's at no time, and then to
    /// all others that were masters.
    pub fn end_move(&self, slot: u16, from: usize, to: usize) {
        let (slot, new) = (slot.to_string(), id(&self.servers[to]));
        let others = (0..MASTERS).filter(|&at| at != from && at != to);
        for at in [to, from].into_iter().chain(others) {
            self.servers[at].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &new]);
        }
    }
}

fn id(server: &TestServer) -> String {
    text(&server.command(&["CLUSTER", "MYID"]))
}

fn nodes(server: &TestServer) -> String {
    text(&server.command(&["CLUSTER", "NODES"]))
}

fn text(answer: &Value) -> String {
    reply::text(answer).unwrap_or_default().to_owned()
}

//! A site as its own processes: one with the embedded log, or a relay and dispatchers over Redis.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansim::demo_site::DemoOfficer;
use serde_json::json;

use crate::console::Console;
use crate::cores::Cores;
use crate::cpu::cpu_s;
use crate::member::Member;
use crate::people::People;
use crate::presses::{Press, press_all, wait_for_all};
use crate::servers::{Servers, Setup};

/// A dispatcher that has not read an empty log by then never will.
const READY_IN: Duration = Duration::from_secs(60);

/// How often it is asked.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A site that runs, with one console of the national desk at each dispatcher.
pub(crate) struct Site {
    /// The relay, or the process that is everything; dispatchers follow. Gone before the servers,
    /// as fields go in their order.
    members: Vec<Member>,
    consoles: Vec<Console>,
    pub(crate) servers: Option<Servers>,
    _folder: tempfile::TempDir,
}

/// What came of a load.
pub(crate) struct Load {
    pub(crate) receipts: Vec<Option<Duration>>,
    /// On the first console: any card, and one whose assignment is durable.
    pub(crate) cards: Vec<Option<Duration>>,
    pub(crate) assigned: Vec<Option<Duration>>,
    /// By how much the generator was late.
    pub(crate) late: Vec<Duration>,
    pub(crate) costs: Costs,
    /// Cores at work for the site, its servers, the phones and the consoles; and for other programs.
    pub(crate) cores: (f64, f64),
}

/// CPU seconds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Costs {
    /// Of the relay, or of the process that is everything.
    pub(crate) relay_s: f64,
    /// Of all dispatchers together.
    pub(crate) dispatchers_s: f64,
    pub(crate) redis_s: f64,
    pub(crate) replica_s: f64,
}

impl Costs {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            relay_s: self.relay_s - before.relay_s,
            dispatchers_s: self.dispatchers_s - before.dispatchers_s,
            redis_s: self.redis_s - before.redis_s,
            replica_s: self.replica_s - before.replica_s,
        }
    }
}

impl Site {
    /// One process with the embedded log.
    pub(crate) async fn embedded(people: &mut People) -> Self {
        Self::start(people, None, &["serve"]).await
    }

    /// A relay and dispatchers over Redis.
    pub(crate) async fn fleet(people: &mut People, setup: Setup, dispatchers: usize) -> Self {
        let mut commands = vec!["relay"];
        commands.resize(1 + dispatchers, "dispatcher");
        Self::start(people, Some(setup), &commands).await
    }

    async fn start(people: &mut People, setup: Option<Setup>, commands: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let officer = DemoOfficer::new("kim", "김하나", "national");
        let officers = std::slice::from_ref(&officer);
        let config = people.demo.write(folder.path(), &squares(), officers);
        let config = std::fs::read_to_string(config.unwrap()).unwrap();
        let servers = setup.map(Servers::start);
        let log = match (&setup, &servers) {
            (Some(setup), Some(servers)) => log_section(*setup, servers),
            _ => String::new(),
        };
        let config = config + &log;
        let start = |(number, command): (usize, &&str)| {
            let path = own_config(folder.path(), &config, number);
            Member::start(command, &path)
        };
        let members: Vec<Member> = commands.iter().enumerate().map(start).collect();
        let mut consoles = Vec::new();
        for console in members.iter().filter_map(Member::console) {
            let url = format!("http://{console}");
            let ready = tokio::time::timeout(READY_IN, until_ready(&url));
            ready.await.expect("a dispatcher that has read the log");
            consoles.push(Console::open(&url, &officer).await);
        }
        let mut site = Self {
            members,
            consoles,
            servers,
            _folder: folder,
        };
        // The day's key is made, and all code is in memory.
        site.load(people, 1, 1).await;
        site
    }

    fn relay(&self) -> SocketAddr {
        self.members[0].relay().unwrap()
    }

    /// Seconds that its processes have computed.
    pub(crate) fn costs(&self) -> Costs {
        let servers = self.servers.as_ref();
        let dispatchers = self.members[1..].iter();
        Costs {
            relay_s: cpu_s(self.members[0].process()),
            dispatchers_s: dispatchers.map(|member| cpu_s(member.process())).sum(),
            redis_s: servers.map_or(0.0, |servers| cpu_s(servers.master_process)),
            replica_s: servers
                .and_then(|servers| servers.replica_process)
                .map_or(0.0, cpu_s),
        }
    }

    /// Presses at a steady rate, until all consoles have heard of everything.
    pub(crate) async fn load(&mut self, people: &mut People, per_s: u32, lasts_s: u32) -> Load {
        let callers: Vec<_> = (0..per_s * lasts_s)
            .map(|_| people.phone(self.relay()))
            .collect();
        let heard_before: Vec<usize> = self.consoles.iter().map(Console::assigned).collect();
        let members = self.members.iter().map(Member::process);
        let servers = self.servers.iter().flat_map(Servers::processes);
        let processes = members.chain(servers).chain([std::process::id()]);
        let (before, cores) = (self.costs(), Cores::watch(processes.collect()));
        let mut presses = press_all(callers, per_s).await;
        for (console, before) in self.consoles.iter().zip(heard_before) {
            wait_for_all(console, before + presses.len()).await;
        }
        let costs = self.costs().since(before);
        let (own, others) = cores.busy();
        let cores = [own, others].map(|cores| cores.as_f64().unwrap_or_default());
        let heard = self.consoles[0].heard();
        let cards = presses.iter().map(|press| press.until_heard(&heard.card));
        let assigned = presses
            .iter()
            .map(|press| press.until_heard(&heard.assignment));
        Load {
            cards: cards.collect(),
            assigned: assigned.collect(),
            late: presses.iter().map(Press::late).collect(),
            receipts: presses.iter_mut().map(Press::until_receipt).collect(),
            costs,
            cores: cores.into(),
        }
    }
}

/// Until a dispatcher has a board to show.
async fn until_ready(url: &str) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ready = || http.get(format!("{url}/readyz")).send();
    while !ready().await.unwrap().status().is_success() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What a fleet has more in its configuration.
fn log_section(setup: Setup, servers: &Servers) -> String {
    format!(
        "[log]\nservers = [\"{}\"]\nreplicas = {}\n",
        servers.address(),
        u8::from(setup.replica)
    )
}

/// The configuration of one process: the same for all but the folder of its data.
fn own_config(folder: &Path, config: &str, number: usize) -> PathBuf {
    let path = folder.join(format!("member-{number}.toml"));
    let config = config.replace("data = \"data\"", &format!("data = \"data-{number}\""));
    std::fs::write(&path, config).unwrap();
    path
}

/// A map of Korea in squares of one degree: what a look at a map costs is measured elsewhere.
fn squares() -> String {
    let square = |(lon, lat): (i32, i32)| {
        let corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)];
        let ring = corners.map(|(east, north)| [lon + east, lat + north]);
        let id = format!("{lat}-{lon}");
        json!({
            "type": "Feature",
            "properties": { "id": id, "name": id },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    };
    let corners = (124..132).flat_map(|lon| (33..39).map(move |lat| (lon, lat)));
    let features: Vec<_> = corners.map(square).collect();
    json!({ "type": "FeatureCollection", "authority": "invented", "features": features })
        .to_string()
}

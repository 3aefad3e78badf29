//! Two relays and two dispatchers over one log on a real Redis server, each with a journal of its own.

mod officers;
mod operators;
mod roaming;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ansim::demo_site::{DemoOfficer, DemoSite};
use ansim::service::{Service, ServiceParts};
use client::Event;
use journal::io::redis::settings::{Settings, Topology};
use journal::io::redis::test_server::{TestSentinels, TestServer, is_here};
use journal::{PARTITIONS_DEFAULT, Partition, PartitionCount};
use protocol::{DeviceId, Enrolment, Progress};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::serve::MAP;
use crate::support::site::{Console, TestPhone, at, in_time, now, two_stations};

const COMMANDS: [&str; 3] = [
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
    "33333333-3333-4333-8333-333333333333",
];

/// How often a board is asked what is on it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Relay,
    Dispatcher,
}

pub(super) struct Fleet {
    demo: DemoSite,
    officers: Vec<DemoOfficer>,
    log: Settings,
    relays: Vec<Service>,
    dispatchers: Vec<Service>,
    folder: tempfile::TempDir,
}

impl Fleet {
    pub(super) async fn start(log: Settings) -> Self {
        let log = Settings {
            partitions: PARTITIONS_DEFAULT,
            ..log
        };
        let mut fleet = Self {
            demo: DemoSite::new().unwrap(),
            officers: vec![
                DemoOfficer::new("kim", "김하나", "station:north"),
                DemoOfficer::new("choi", "최나라", "national"),
            ],
            log,
            relays: Vec::new(),
            dispatchers: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        for number in 0..2 {
            let dispatcher = fleet.member(Part::Dispatcher, number).await;
            let relay = fleet.member(Part::Relay, number).await;
            fleet.dispatchers.push(dispatcher);
            fleet.relays.push(relay);
        }
        fleet
    }

    async fn member(&self, part: Part, number: usize) -> Service {
        Service::start(self.parts(part, number)).await.unwrap()
    }

    fn parts(&self, part: Part, number: usize) -> ServiceParts {
        let name = match part {
            Part::Relay => "relay",
            Part::Dispatcher => "dispatcher",
        };
        let folder = self.folder.path().join(format!("{name}-{number}"));
        let mut parts = self
            .demo
            .parts(&folder, two_stations(), &self.officers)
            .unwrap();
        parts.log = Some(self.log.clone());
        // All seal under the same keys.
        parts.day_keys = self.folder.path().join("day-keys");
        match part {
            Part::Relay => {
                parts.dispatcher = None;
                if let Some(relay) = &mut parts.relay {
                    relay.operations = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
                }
            }
            Part::Dispatcher => parts.relay = None,
        }
        parts
    }

    fn enrolment(&self, relay: usize, device: u8) -> Enrolment {
        let relay = self.relays[relay].relay_address().unwrap();
        self.demo.enrolment(relay, [device; 16], now()).unwrap()
    }

    pub(super) fn phone(&self, relay: usize, device: u8) -> TestPhone {
        TestPhone::start(&self.enrolment(relay, device))
    }

    pub(super) async fn console(&self, dispatcher: usize, user: &str) -> Console {
        let mut officers = self.officers.iter();
        let officer = officers.find(|officer| officer.user == user).unwrap();
        Console::sign_in(&self.dispatchers[dispatcher], officer).await
    }

    pub(super) async fn shutdown(self) {
        for service in self.relays.into_iter().chain(self.dispatchers) {
            service.shutdown().await;
        }
    }
}

/// Into how many partitions something came.
fn partitions_used(redis: &TestServer) -> usize {
    let used = PARTITIONS_DEFAULT.all().filter(|partition| {
        let key = format!("{{ansim:p{}}}:alerts", partition.0);
        let first = redis.command(&["XRANGE", &key, "-", "+", "COUNT", "1"]);
        first.as_sequence().is_some_and(|first| !first.is_empty())
    });
    used.count()
}

/// Presses, and waits for the receipt.
pub(super) async fn press(phone: &mut TestPhone) {
    let alert = phone.handle.raise(Some(at(38.01))).await.unwrap();
    phone
        .event("the receipt", |event| {
            matches!(event, Event::Receipted(receipt) if receipt.alert == alert).then_some(())
        })
        .await;
}

/// Waits until so many incidents are on the board, each once.
pub(super) async fn on_board(console: &Console, count: usize) {
    in_time("all incidents on the board", async {
        loop {
            let (status, board) = console.get("/api/board").await;
            assert_eq!(status, StatusCode::OK);
            let cards = board["cards"].as_array().unwrap();
            let ids: BTreeSet<_> = cards.iter().map(|card| card["id"].to_string()).collect();
            assert_eq!(ids.len(), cards.len(), "no card twice");
            assert!(cards.len() <= count, "no incident that nobody raised");
            if cards.len() == count {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_relay_hears_it_every_dispatcher_shows_it_and_any_can_answer() {
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let fleet = Fleet::start(redis.settings()).await;
    let (first, second) = (fleet.console(0, "kim").await, fleet.console(1, "kim").await);
    let mut phones = [fleet.phone(0, 1), fleet.phone(1, 2)];
    for phone in &mut phones {
        press(phone).await;
    }
    on_board(&first, 2).await;
    on_board(&second, 2).await;

    let (_, board) = first.get("/api/board").await;
    for (card, command) in board["cards"].as_array().unwrap().iter().zip(COMMANDS) {
        let id = card["id"].as_str().unwrap();
        // Begins with the board as it is.
        let mut seconds = second.follow().await;
        let assigned = seconds
            .card("it is assigned", |card| {
                card["id"] == id && card["state"] == "assigned"
            })
            .await;
        let acknowledge = json!({ "command_id": command, "revision": assigned["revision"] });
        let path = format!("/api/incidents/{id}/acknowledge");
        let (status, answer) = first.post(&path, &acknowledge).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        seconds
            .card("seen at the other dispatcher", |card| {
                card["id"] == id && card["state"] == "acknowledged"
            })
            .await;
    }
    for phone in &mut phones {
        phone
            .event("seen", |event| match event {
                Event::Status(status) => (status.progress == Progress::Seen).then_some(()),
                _ => None,
            })
            .await;
    }
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_down_phones_get_receipts_and_all_arrives_when_it_is_back() {
    const PHONES: u8 = 24;
    if !is_here() {
        return;
    }
    let mut redis = TestServer::start();
    let fleet = Fleet::start(redis.settings()).await;
    let consoles = [
        fleet.console(0, "choi").await,
        fleet.console(1, "choi").await,
    ];
    let mut back_at = None;
    for number in 0..PHONES {
        if number == PHONES / 3 {
            redis.kill();
        }
        if number == 2 * PHONES / 3 {
            redis.restart();
            back_at = Some(Instant::now());
        }
        press(&mut fleet.phone(usize::from(number % 2), number + 1)).await;
    }
    for console in &consoles {
        on_board(console, usize::from(PHONES)).await;
    }
    let recovered = back_at.unwrap().elapsed().as_secs_f64();
    let used = partitions_used(&redis);
    assert!(used > 4, "{PHONES} phones in {used} partitions");
    println!(
        "Redis killed and back: raised {PHONES}, receipted {PHONES}, on both boards {PHONES}, lost 0, \
         doubled 0, all there after {recovered:.1} s"
    );
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_dies_is_replaced_by_its_replica_and_nothing_is_lost() {
    const PHONES: u8 = 24;
    if !is_here() {
        return;
    }
    let mut master = TestServer::start();
    let replica = master.replica();
    let sentinels = TestSentinels::start(1, &master);
    replica.until("the sentinel knows the replica", || {
        let known = sentinels.try_command(0, &["SENTINEL", "REPLICAS", TestSentinels::SERVICE]);
        known.is_ok_and(|known| known.as_sequence().is_some_and(|known| !known.is_empty()))
    });
    let log = Settings {
        topology: Topology::Sentinel {
            sentinels: sentinels.addresses(),
            service: TestSentinels::SERVICE.to_owned(),
            credentials: None,
        },
        replicas: 1,
        ..master.settings()
    };
    let fleet = Fleet::start(log).await;
    let consoles = [
        fleet.console(0, "choi").await,
        fleet.console(1, "choi").await,
    ];
    let mut killed_at = None;
    for number in 0..PHONES {
        if number == PHONES / 2 {
            master.kill();
            killed_at = Some(Instant::now());
        }
        press(&mut fleet.phone(usize::from(number % 2), number + 1)).await;
    }
    for console in &consoles {
        on_board(console, usize::from(PHONES)).await;
    }
    let recovered = killed_at.unwrap().elapsed().as_secs_f64();
    println!(
        "master killed, replica promoted: raised {PHONES}, receipted {PHONES}, on both boards {PHONES}, \
         lost 0, doubled 0, all there after {recovered:.1} s"
    );
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatcher_that_comes_later_has_the_same_board() {
    const PHONES: u8 = 8;
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let mut fleet = Fleet::start(redis.settings()).await;
    for number in 0..PHONES {
        press(&mut fleet.phone(usize::from(number % 2), number + 1)).await;
    }
    on_board(&fleet.console(0, "choi").await, usize::from(PHONES)).await;
    let gone = fleet.dispatchers.pop().unwrap();
    gone.shutdown().await;
    let again = fleet.member(Part::Dispatcher, 1).await;
    fleet.dispatchers.push(again);
    let boards = [
        fleet.console(0, "choi").await,
        fleet.console(1, "choi").await,
    ];
    for board in &boards {
        on_board(board, usize::from(PHONES)).await;
    }
    let cards = |board: Value| {
        let cards = board["cards"].as_array().unwrap().iter();
        let told = cards.map(|card| (card["id"].clone(), card["station"]["id"].clone()));
        told.map(|(id, station)| format!("{id} {station}"))
            .collect::<BTreeSet<_>>()
    };
    let (_, one) = boards[0].get("/api/board").await;
    let (_, other) = boards[1].get("/api/board").await;
    assert_eq!(cards(one), cards(other));
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dispatchers_that_show_a_part_each_show_the_whole_together_and_say_so() {
    const PHONES: u8 = 16;
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let mut fleet = Fleet::start(redis.settings()).await;
    let halves = PARTITIONS_DEFAULT.get() / 2;
    for number in 0..2 {
        fleet.dispatchers.remove(0).shutdown().await;
        let mut parts = fleet.parts(Part::Dispatcher, number);
        let half = PARTITIONS_DEFAULT
            .all()
            .filter(|one| usize::from(one.0 / halves) == number);
        parts.dispatcher.as_mut().unwrap().fold = Some(half.collect());
        let dispatcher = Service::start(parts).await.unwrap();
        fleet.dispatchers.push(dispatcher);
    }
    let mut shown = [0, 0];
    for number in 0..PHONES {
        let device = DeviceId::Enrolled([number + 1; 16]);
        let partition = PARTITIONS_DEFAULT.of_device(&device);
        let at = usize::from(partition.0 / halves);
        shown[at] += 1;
        // The first is on all boards.
        shown[1] += usize::from(at == 0 && partition == Partition::ZERO);
        press(&mut fleet.phone(usize::from(number % 2), number + 1)).await;
    }
    assert!(shown.iter().all(|&count| count > 0), "{shown:?}");
    for (number, count) in shown.into_iter().enumerate() {
        let console = fleet.console(number, "choi").await;
        on_board(&console, count).await;
        let (status, ready) = console.get("/readyz").await;
        assert_eq!(status, StatusCode::OK);
        let said = ready["problems"][0].as_str().unwrap();
        assert!(said.contains("this board shows partitions"), "{said}");
    }
    fleet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_configured_for_another_number_of_partitions_does_not_start() {
    if !is_here() {
        return;
    }
    let redis = TestServer::start();
    let mut fleet = Fleet::start(redis.settings()).await;
    fleet.log.partitions = PartitionCount::new(8).unwrap();
    let parts = fleet.parts(Part::Relay, 2);
    let refused = Service::start(parts).await.err().unwrap().to_string();
    assert!(refused.contains("has 16 partitions"), "{refused}");
    assert!(refused.contains("configured for 8"), "{refused}");
    fleet.shutdown().await;
}

/// A process of the site, killed when dropped.
pub(crate) struct Member {
    child: Child,
    /// By their names: relay, console, operations.
    pub(crate) doors: BTreeMap<String, SocketAddr>,
}

impl Member {
    pub(crate) fn start(part: &str, config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ansim"))
            .args([part, "--config"])
            .arg(config)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let doors = lines.find_map(|line| {
            let line = line.unwrap();
            let doors = line.split(", ").map(|door| {
                let (name, address) = door.split_once(": ")?;
                let address = address.trim_end_matches(" (UDP)");
                Some((name.to_owned(), address.parse().ok()?))
            });
            doors.collect::<Option<BTreeMap<_, _>>>()
        });
        // Somebody must read on, or a full pipe would hold the process up.
        std::thread::spawn(move || for _ in lines {});
        Self {
            child,
            doors: doors.expect("it says where it listens"),
        }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success(), "kill {signal} {pid}");
    }

    /// Whether SIGSTOP has come to all its threads.
    pub(crate) fn stands_still(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.unwrap().contains(") T ")
    }

    /// SIGTERM, as an operator stops it; returns when it has ended by itself, and well.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "stopped, it ended with {ended}");
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.doors["operations"]);
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Drop for Member {
    /// SIGKILL, as when the power goes.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_killed_with_a_full_holdover_delivers_it_when_it_returns() {
    const PHONES: u8 = 4;
    if !is_here() {
        return;
    }
    let mut redis = TestServer::start();
    let folder = tempfile::tempdir().unwrap();
    let demo = DemoSite::new().unwrap();
    let officers = [DemoOfficer::new("choi", "최나라", "national")];
    let dispatcher_config = demo.write(folder.path(), MAP, &officers).unwrap();
    let log = format!("[log]\nservers = [\"{}\"]\nreplicas = 0\n", redis.address());
    let config = std::fs::read_to_string(&dispatcher_config).unwrap() + &log;
    std::fs::write(&dispatcher_config, &config).unwrap();
    let relay_config = folder.path().join("relay.toml");
    let config = config
        .replace("data = \"data\"", "data = \"relay-data\"")
        .replace("[relay]\n", "[relay]\noperations = \"127.0.0.1:0\"\n");
    std::fs::write(&relay_config, config).unwrap();

    let dispatcher = Member::start("dispatcher", &dispatcher_config);
    let relay = Member::start("relay", &relay_config);
    assert_eq!(relay.get("/healthz").await.0, 200);
    let (_, metrics) = relay.get("/metrics").await;
    assert!(metrics.contains("ansim_holdover_entries 0"), "{metrics}");
    let console = Console::sign_in_at(dispatcher.doors["console"], &officers[0]).await;

    redis.kill();
    for device in 1..=PHONES {
        let enrolment = demo
            .enrolment(relay.doors["relay"], [device; 16], now())
            .unwrap();
        press(&mut TestPhone::start(&enrolment)).await;
    }
    on_board(&console, 0).await;
    drop(relay);
    redis.restart();
    let relay = Member::start("relay", &relay_config);
    on_board(&console, usize::from(PHONES)).await;
    in_time("an empty holdover", async {
        loop {
            let (_, metrics) = relay.get("/metrics").await;
            if metrics.contains("ansim_holdover_oldest_seconds 0.0") {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await;
}

//! A site of processes: two relays and two dispatchers, each with a journal and a way to the log of
//! its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use ansim::demo_site::{DemoOfficer, DemoSite};
use protocol::Enrolment;
use serde_json::Value;

use super::boards::Board;
use super::scenario::patiently;
use super::servers::Log;
use crate::fleet::Member;
use crate::serve::MAP;
use crate::support::site::now;

/// A process of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Relay(usize),
    Dispatcher(usize),
}

impl Who {
    const ALL: [Self; 4] = [
        Self::Relay(0),
        Self::Relay(1),
        Self::Dispatcher(0),
        Self::Dispatcher(1),
    ];

    /// The command that it is.
    fn part(self) -> &'static str {
        match self {
            Self::Relay(_) => "relay",
            Self::Dispatcher(_) => "dispatcher",
        }
    }

    /// Its door for those whom it is there for, and the section of the configuration that has it.
    fn door(self) -> &'static str {
        match self {
            Self::Relay(_) => "relay",
            Self::Dispatcher(_) => "console",
        }
    }

    fn name(self) -> String {
        let (Self::Relay(number) | Self::Dispatcher(number)) = self;
        format!("{}-{number}", self.part())
    }
}

/// Where phones and officers find the site, as it is at the moment.
pub(super) struct Doors {
    demo: DemoSite,
    /// Of the national desk, one at each dispatcher.
    officers: [DemoOfficer; 2],
    at: Mutex<BTreeMap<Who, SocketAddr>>,
}

impl Doors {
    fn at(&self, who: Who) -> SocketAddr {
        self.at.lock().unwrap()[&who]
    }

    /// What a phone knows that goes to this relay first.
    pub(super) fn enrolment(&self, relay: usize, device: [u8; 16]) -> Enrolment {
        let to = |relay| {
            self.demo
                .enrolment(self.at(Who::Relay(relay)), device, now())
        };
        let mut enrolment = to(relay).unwrap();
        enrolment.relays.extend(to(1 - relay).unwrap().relays);
        enrolment
    }

    /// Where officers of a dispatcher sign in.
    pub(super) fn console(&self, dispatcher: usize) -> SocketAddr {
        self.at(Who::Dispatcher(dispatcher))
    }

    /// The officer whose place is at this dispatcher.
    pub(super) fn officer(&self, dispatcher: usize) -> &DemoOfficer {
        &self.officers[dispatcher]
    }
}

pub(super) struct Site<L> {
    members: BTreeMap<Who, Member>,
    pub(super) servers: L,
    doors: Arc<Doors>,
    folder: tempfile::TempDir,
}

impl<L: Log> Site<L> {
    pub(super) async fn start(servers: L) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let demo = DemoSite::new().unwrap();
        let officers = [("kim", "김하나"), ("choi", "최나라")];
        let officers = officers.map(|(user, name)| DemoOfficer::new(user, name, "national"));
        let config = demo.write(folder.path(), MAP, &officers).unwrap();
        let config = std::fs::read_to_string(config).unwrap();
        let mut site = Self {
            members: BTreeMap::new(),
            servers,
            doors: Arc::new(Doors {
                demo,
                officers,
                at: Mutex::default(),
            }),
            folder,
        };
        for who in Who::ALL {
            let log = site.log_of(who).await;
            let data = format!("data = \"{}\"", who.name());
            let own = config
                .replace("data = \"data\"", &data)
                .replace("[relay]\n", "[relay]\noperations = \"127.0.0.1:0\"\n");
            std::fs::write(site.config_of(who), own + &log).unwrap();
            site.start_again(who);
        }
        site
    }

    fn config_of(&self, who: Who) -> PathBuf {
        self.folder.path().join(format!("{}.toml", who.name()))
    }

    /// The section of the configuration that says where the log is.
    async fn log_of(&mut self, who: Who) -> String {
        let where_it_is = self.servers.found_by(who, self.folder.path()).await;
        let replicas = self.servers.replicas();
        format!("[log]\n{where_it_is}replicas = {replicas}\n")
    }

    /// SIGKILL, as when the power goes.
    pub(super) fn kill(&mut self, who: Who) {
        drop(self.members.remove(&who));
    }

    /// SIGTERM; returns when it has ended.
    pub(super) fn stop(&mut self, who: Who) {
        self.members.remove(&who).expect("it runs").stop();
    }

    fn data_of(&self, who: Who) -> PathBuf {
        self.folder.path().join(who.name())
    }

    /// Copies what is on the disk of a process that runs, at one moment: a snapshot of its disk.
    pub(super) async fn copy_data(&self, who: Who, to: &Path) {
        let member = &self.members[&who];
        member.signal("-STOP");
        patiently("it stands still", async || match member.stands_still() {
            true => Ok(()),
            false => Err("it does not".to_owned()),
        })
        .await;
        copy(&self.data_of(who), &to.join(who.name()));
        member.signal("-CONT");
    }

    /// The disk of a process that was stopped is gone.
    pub(super) fn lose_data(&self, who: Who) {
        std::fs::remove_dir_all(self.data_of(who)).unwrap();
    }

    /// A copy takes the place of what is on the disk of a process that was stopped, and has more.
    pub(super) fn put_data_back(&self, who: Who, from: &Path) {
        let (copied, now) = (from.join(who.name()), self.data_of(who));
        let journal = |data: &Path| std::fs::read(data.join("journal.redb")).unwrap();
        assert!(
            journal(&copied) != journal(&now),
            "{who:?} has done nothing since"
        );
        self.lose_data(who);
        copy(&copied, &now);
    }

    /// Starts it, with what is on its disk, and at other ports than before.
    pub(super) fn start_again(&mut self, who: Who) {
        let member = Member::start(who.part(), &self.config_of(who));
        let mut at = self.doors.at.lock().unwrap();
        at.insert(who, member.doors[who.door()]);
        self.members.insert(who, member);
    }

    /// From here on it is started again where phones or officers know it to be.
    pub(super) fn keep_door(&self, who: Who) {
        let path = self.config_of(who);
        let config = std::fs::read_to_string(&path).unwrap();
        let section = format!("[{}]\n", who.door());
        let (before, from_there) = config.split_once(&section).unwrap();
        let here = format!("listen = \"{}\"", self.doors.at(who));
        let from_there = from_there.replacen("listen = \"127.0.0.1:0\"", &here, 1);
        std::fs::write(path, [before, &section, &from_there].concat()).unwrap();
    }

    pub(super) fn doors(&self) -> Arc<Doors> {
        Arc::clone(&self.doors)
    }

    /// The board of a dispatcher, as its officer sees it.
    pub(super) async fn board(&self, dispatcher: usize) -> Board {
        Board::of(&self.doors, dispatcher).await
    }

    /// Returns when a process has something to complain about.
    pub(super) async fn complains(&self, who: Who) {
        self.complains_of(who, "").await;
    }

    /// Returns when a process complains in these words, among others.
    pub(super) async fn complains_of(&self, who: Who, words: &str) {
        let has = |problem: &Value| problem.as_str().is_some_and(|said| said.contains(words));
        patiently(&format!("{} complains", who.name()), async || {
            match &self.readiness(who).await["problems"] {
                Value::Array(problems) if problems.iter().any(has) => Ok(()),
                problems => Err(format!("it says {problems}")),
            }
        })
        .await;
    }

    /// Returns when no process is kept from its work.
    pub(super) async fn is_ready(&self) {
        for &who in self.members.keys() {
            self.is_ready_at(who).await;
        }
    }

    /// Returns when nothing keeps a process from its work.
    pub(super) async fn is_ready_at(&self, who: Who) {
        patiently(&format!("{} is ready", who.name()), async || {
            let readiness = self.readiness(who).await;
            match readiness["ready"] == true {
                true => Ok(()),
                false => Err(readiness.to_string()),
            }
        })
        .await;
    }

    /// What `/readyz` of a process says.
    async fn readiness(&self, who: Who) -> Value {
        let door = match who {
            Who::Relay(_) => "operations",
            Who::Dispatcher(_) => "console",
        };
        let url = format!("http://{}/readyz", self.members[&who].doors[door]);
        let answer = reqwest::get(url).await.unwrap().text().await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

/// With owners and modes.
fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(
        done.unwrap().success(),
        "cp -a {} {}",
        from.display(),
        to.display()
    );
}

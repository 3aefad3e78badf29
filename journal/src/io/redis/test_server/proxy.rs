//! An address in front of a server, where a test decides what goes through.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::patient;
use crate::io::redis::settings::{Address, Settings};

/// What is read at once. A pipeline of appends is longer.
const PIECE_BYTES: usize = 4_096;

/// What is done with what a client sends, and with the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Goes through, and so do the answers.
    Open,
    /// Goes through, each piece so much later, and so do the answers.
    Late(Duration),
    /// Is gone, as are the answers, and nobody is told: connections stay, and new ones come about.
    Lost,
    /// All connections end, and new ones end at once.
    Shut,
    /// After so many further bytes from clients, all connections end.
    CutAfter(usize),
    /// Goes through; the answers do not, and after the first of them all connections end.
    Deaf,
}

/// What becomes of one piece.
enum Fate {
    Passes,
    PassesAfter(Duration),
    IsLost,
    /// Only so much of it passes, and all connections end.
    IsLast(usize),
}

struct State {
    target: SocketAddr,
    way: Way,
}

impl State {
    fn of_question(&mut self, count: usize) -> Fate {
        match &mut self.way {
            Way::CutAfter(left) if *left <= count => {
                let last = *left;
                self.way = Way::Open;
                Fate::IsLast(last)
            }
            Way::CutAfter(left) => {
                *left -= count;
                Fate::Passes
            }
            Way::Open | Way::Deaf => Fate::Passes,
            Way::Late(by) => Fate::PassesAfter(*by),
            Way::Lost | Way::Shut => Fate::IsLost,
        }
    }

    fn of_answer(&mut self) -> Fate {
        match self.way {
            Way::Deaf => {
                self.way = Way::Open;
                Fate::IsLast(0)
            }
            Way::Open | Way::CutAfter(_) => Fate::Passes,
            Way::Late(by) => Fate::PassesAfter(by),
            Way::Lost | Way::Shut => Fate::IsLost,
        }
    }
}

/// Forwards connections to a server.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    state: Mutex<State>,
    /// Raised to end all connections.
    epoch: watch::Sender<u64>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        write!(f, "{:?} to {}", state.way, state.target)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self) {
        self.epoch.send_modify(|epoch| *epoch += 1);
    }
}

impl Proxy {
    /// Listens in front of a server.
    ///
    /// # Panics
    /// When there is no socket for it.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a socket");
        let port = listener.local_addr().expect("its address").port();
        let way = Way::Open;
        let shared = Arc::new(Shared {
            state: Mutex::new(State { target, way }),
            epoch: watch::Sender::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            port,
            shared,
            _tasks: tasks,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
        }
    }

    /// Settings for a log behind it, with patience.
    #[must_use]
    pub fn settings(&self) -> Settings {
        patient(Settings::at(self.address()))
    }

    /// New connections go there, and the old ones end.
    pub fn point_at(&self, target: SocketAddr) {
        self.aim_at(target);
        self.cut();
    }

    /// New connections go there, and the old ones stay where they are.
    pub fn aim_at(&self, target: SocketAddr) {
        self.shared.state().target = target;
    }

    /// From now on. Connections that have lost something end, as the rest would make no sense.
    pub fn set_way(&self, way: Way) {
        let before = std::mem::replace(&mut self.shared.state().way, way);
        if way == Way::Shut || before == Way::Lost {
            self.cut();
        }
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.shared.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // Before the look at the way: whatever changes it then ends this connection too.
        let mut ended = shared.epoch.subscribe();
        let target = {
            let state = shared.state();
            if state.way == Way::Shut {
                continue;
            }
            state.target
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            tokio::select! {
                _ = ended.changed() => {}
                _ = forward(client, target, &shared) => {}
            }
        });
    }
}

async fn forward(
    mut client: TcpStream,
    target: SocketAddr,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let question = |count| shared.state().of_question(count);
    let answer = |_| shared.state().of_answer();
    tokio::select! {
        ended = pass(from_client, to_server, question, shared) => ended,
        ended = pass(from_server, to_client, answer, shared) => ended,
    }
}

/// Until one side has ended, or all have to.
async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    fate: impl Fn(usize) -> Fate,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut piece = [0; PIECE_BYTES];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        match fate(count) {
            Fate::Passes => to.write_all(&piece[..count]).await?,
            Fate::PassesAfter(by) => {
                tokio::time::sleep(by).await;
                to.write_all(&piece[..count]).await?;
            }
            Fate::IsLost => {}
            Fate::IsLast(last) => {
                to.write_all(&piece[..last]).await?;
                shared.cut();
                return Ok(());
            }
        }
    }
}

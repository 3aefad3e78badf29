//! An address in front of a server, where a test decides what goes through.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
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
    /// As [`Self::Lost`], but for connections of whoever said this in the first piece: the name of a user.
    LostBut(&'static str),
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

/// The first piece that a client has sent.
type Greeting = OnceLock<Vec<u8>>;

fn said(greeting: &Greeting, word: &str) -> bool {
    let piece = greeting.get().map_or(&[][..], Vec::as_slice);
    piece
        .windows(word.len())
        .any(|said| said == word.as_bytes())
}

/// An end of all connections, but for those of one.
#[derive(Clone, Copy, Default)]
struct Cut {
    but: Option<&'static str>,
}

impl State {
    /// Whether what is said on this connection is gone.
    fn is_lost(&self, greeting: &Greeting) -> bool {
        match self.way {
            Way::Lost => true,
            Way::LostBut(word) => !said(greeting, word),
            _ => false,
        }
    }

    fn of_question(&mut self, count: usize, greeting: &Greeting) -> Fate {
        if self.is_lost(greeting) {
            return Fate::IsLost;
        }
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
            Way::Open | Way::Deaf | Way::LostBut(_) => Fate::Passes,
            Way::Late(by) => Fate::PassesAfter(*by),
            Way::Lost | Way::Shut => Fate::IsLost,
        }
    }

    fn of_answer(&mut self, greeting: &Greeting) -> Fate {
        if self.is_lost(greeting) {
            return Fate::IsLost;
        }
        match self.way {
            Way::Deaf => {
                self.way = Way::Open;
                Fate::IsLast(0)
            }
            Way::Open | Way::CutAfter(_) | Way::LostBut(_) => Fate::Passes,
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
    /// Says when connections end.
    cuts: watch::Sender<Cut>,
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

    fn cut(&self, but: Option<&'static str>) {
        self.cuts.send_replace(Cut { but });
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
            cuts: watch::Sender::default(),
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
        match before {
            Way::LostBut(word) => self.shared.cut(Some(word)),
            Way::Lost => self.cut(),
            _ if way == Way::Shut => self.cut(),
            _ => {}
        }
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.shared.cut(None);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        // Before the look at the way: whatever changes it then ends this connection too.
        let cuts = shared.cuts.subscribe();
        let target = {
            let state = shared.state();
            if state.way == Way::Shut {
                continue;
            }
            state.target
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let greeting = Greeting::new();
            tokio::select! {
                () = is_cut(cuts, &greeting) => {}
                _ = forward(client, target, &shared, &greeting) => {}
            }
        });
    }
}

/// Returns when this connection is to end.
async fn is_cut(mut cuts: watch::Receiver<Cut>, greeting: &Greeting) {
    while cuts.changed().await.is_ok() {
        let Cut { but } = *cuts.borrow_and_update();
        if !but.is_some_and(|word| said(greeting, word)) {
            return;
        }
    }
}

async fn forward(
    mut client: TcpStream,
    target: SocketAddr,
    shared: &Shared,
    greeting: &Greeting,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let question = |piece: &[u8]| {
        greeting.get_or_init(|| piece.to_vec());
        shared.state().of_question(piece.len(), greeting)
    };
    let answer = |_: &[u8]| shared.state().of_answer(greeting);
    let ended = tokio::select! {
        ended = pass(from_client, to_server, question, shared) => ended,
        ended = pass(from_server, to_client, answer, shared) => ended,
    };
    if shared.state().is_lost(greeting) {
        // Nobody is told of an end either.
        pending::<()>().await;
    }
    ended
}

/// Until one side has ended, or all have to.
async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    fate: impl Fn(&[u8]) -> Fate,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut piece = [0; PIECE_BYTES];
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            return Ok(());
        }
        match fate(&piece[..count]) {
            Fate::Passes => to.write_all(&piece[..count]).await?,
            Fate::PassesAfter(by) => {
                tokio::time::sleep(by).await;
                to.write_all(&piece[..count]).await?;
            }
            Fate::IsLost => {}
            Fate::IsLast(last) => {
                to.write_all(&piece[..last]).await?;
                shared.cut(None);
                return Ok(());
            }
        }
    }
}

//! An address in front of a server, where a test decides what goes through.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::io::redis::settings::{Address, Settings};
use crate::io::redis::test_server::patient;

/// What is done with what a client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io) enum Way {
    /// Goes through, and so do the answers.
    Open,
    /// After so many further bytes from clients, all connections end.
    CutAfter(usize),
    /// Goes through; the answers do not, and after the first of them all connections end.
    Deaf,
}

struct State {
    target: SocketAddr,
    way: Way,
}

/// Forwards connections to a server.
pub(in crate::io) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
    /// Raised to end all connections.
    epoch: Arc<watch::Sender<u64>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(in crate::io) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Way::Open;
        let state = Arc::new(Mutex::new(State { target, way }));
        let epoch = Arc::new(watch::Sender::new(0));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state), Arc::clone(&epoch)));
        Self {
            port,
            state,
            epoch,
            _tasks: tasks,
        }
    }

    pub(in crate::io) fn settings(&self) -> Settings {
        patient(Settings::at(Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
        }))
    }

    /// New connections go there, and the old ones end.
    pub(in crate::io) fn point_at(&self, target: SocketAddr) {
        self.aim_at(target);
        self.cut();
    }

    /// New connections go there, and the old ones stay where they are.
    pub(in crate::io) fn aim_at(&self, target: SocketAddr) {
        self.state.lock().unwrap().target = target;
    }

    pub(in crate::io) fn set_way(&self, way: Way) {
        self.state.lock().unwrap().way = way;
    }

    pub(in crate::io) fn cut(&self) {
        self.epoch.send_modify(|epoch| *epoch += 1);
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>, epoch: Arc<watch::Sender<u64>>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let target = state.lock().unwrap().target;
        let (state, epoch) = (Arc::clone(&state), Arc::clone(&epoch));
        connections.spawn(async move {
            let mut ended = epoch.subscribe();
            tokio::select! {
                _ = ended.changed() => {}
                _ = forward(client, target, &state, &epoch) => {}
            }
        });
    }
}

async fn forward(
    mut client: TcpStream,
    target: SocketAddr,
    state: &Mutex<State>,
    epoch: &watch::Sender<u64>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let questions = async {
        let mut buffer = [0; 4_096];
        loop {
            let count = from_client.read(&mut buffer).await?;
            let (pass, cut) = {
                let mut state = state.lock().unwrap();
                match &mut state.way {
                    Way::CutAfter(left) if *left <= count => {
                        let pass = *left;
                        state.way = Way::Open;
                        (pass, true)
                    }
                    Way::CutAfter(left) => {
                        *left -= count;
                        (count, false)
                    }
                    _ => (count, false),
                }
            };
            to_server.write_all(&buffer[..pass]).await?;
            if cut {
                epoch.send_modify(|epoch| *epoch += 1);
            }
            if count == 0 || cut {
                return std::io::Result::Ok(());
            }
        }
    };
    let answers = async {
        let mut buffer = [0; 4_096];
        loop {
            let count = from_server.read(&mut buffer).await?;
            if count == 0 {
                return std::io::Result::Ok(());
            }
            let is_deaf = {
                let mut state = state.lock().unwrap();
                let is_deaf = state.way == Way::Deaf;
                if is_deaf {
                    state.way = Way::Open;
                }
                is_deaf
            };
            if is_deaf {
                epoch.send_modify(|epoch| *epoch += 1);
                return Ok(());
            }
            to_client.write_all(&buffer[..count]).await?;
        }
    };
    tokio::select! {
        ended = questions => ended,
        ended = answers => ended,
    }
}

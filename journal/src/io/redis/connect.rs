//! A connection to the master: finds it, gets in, makes sure that it is one.

use std::path::Path;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, Pipeline, RedisConnectionInfo, RedisError, TlsCertificates, Value,
};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::failure::{ConnectError, Failure, is_elsewhere};
use super::settings::{Address, Credentials, Keys, Settings, Tls, Topology};
use super::{cluster, probe, reply};
use crate::offset::LogName;
use crate::server_check::Info;

/// How long a server that was named may be silent before all who name one are asked again, and how long they then are left alone. A
/// machine that hangs is no answer for [`super::settings::CONNECT_TIMEOUT`], and may have been replaced meanwhile.
pub(super) const ASK_AGAIN_EVERY: Duration = Duration::from_millis(500);

/// A connection and what is at its other end.
pub(super) struct Link {
    connection: MultiplexedConnection,
    response_timeout: Duration,
    pub(super) at: Address,
    /// What the server said of itself when it let us in.
    pub(super) info: Info,
}

impl Link {
    /// Sends commands in a row and returns the answer to each; an error of the server is an answer.
    ///
    /// Not cancelled but given up: what a dropped call has sent is executed all the same, and the
    /// next call would wait behind it.
    pub(super) async fn ask(&mut self, commands: Vec<Cmd>) -> Result<Vec<Value>, Failure> {
        self.ask_patiently(commands, Duration::ZERO).await
    }

    /// Like [`Self::ask`], for commands that make the server wait so long.
    pub(super) async fn ask_patiently(
        &mut self,
        commands: Vec<Cmd>,
        waiting: Duration,
    ) -> Result<Vec<Value>, Failure> {
        let count = commands.len();
        let mut pipeline = Pipeline::with_capacity(count);
        for command in commands {
            pipeline.add_command(command);
        }
        self.connection
            .set_response_timeout(self.response_timeout + waiting);
        let answers = self
            .connection
            .send_packed_commands(&pipeline, 0, count)
            .await;
        match answers {
            Ok(answers) if answers.len() == count => Ok(answers),
            Ok(_) => Err(Failure::Broken(
                "some commands were not answered".to_owned(),
            )),
            Err(error) => Err(Failure::Broken(reply::words(&error))),
        }
    }

    /// Sends one command.
    pub(super) async fn ask_one(&mut self, command: Cmd) -> Result<Value, Failure> {
        let mut answers = self.ask(vec![command]).await?;
        Ok(answers.pop().unwrap_or_default())
    }
}

/// `INFO` of these sections.
pub(super) fn info(sections: &[&str]) -> Cmd {
    let mut command = redis::cmd("INFO");
    command.arg(sections);
    command
}

/// Connects to the master, wherever it is now. It is looked for at `likely` before anybody is asked.
pub(super) async fn master(
    settings: &Settings,
    likely: Option<&Address>,
) -> Result<Link, ConnectError> {
    if let Topology::Single(address) = &settings.topology {
        return at(settings, address).await;
    }
    // Most guides name the same server, which may take its time to be no answer.
    let mut tried = Vec::new();
    let mut why = "no server is named in the settings".to_owned();
    if let Some(likely) = likely {
        match at(settings, likely).await {
            Ok(link) => return Ok(link),
            Err(error) => why = error.to_string(),
        }
        tried.push(likely.clone());
    }
    for guide in guides(settings) {
        let found = match named_by(settings, guide).await {
            Ok(address) if tried.contains(&address) => continue,
            Ok(address) => {
                tried.push(address.clone());
                let found = tokio::select! {
                    found = at(settings, &address) => found,
                    link = replaced(settings, &address) => Ok(link),
                };
                found.map_err(|error| named(error, guide))
            }
            // What became of a server that was named tells more.
            Err(_) if !tried.is_empty() => continue,
            Err(error) => Err(error),
        };
        match found {
            Ok(link) => return Ok(link),
            // The others were told the same password and the same files.
            Err(error @ (ConnectError::File { .. } | ConnectError::Denied { .. })) => {
                return Err(error);
            }
            Err(
                ConnectError::NoMaster { why: said, .. } | ConnectError::NoShard { why: said, .. },
            ) => {
                why = said;
            }
            Err(error) => why = error.to_string(),
        }
    }
    Err(lost(settings, why))
}

/// Who tells where the master is; nobody where it is always at the same address.
fn guides(settings: &Settings) -> &[Address] {
    match &settings.topology {
        Topology::Single(_) => &[],
        Topology::Sentinel { sentinels, .. } => sentinels,
        Topology::Cluster { servers } => servers,
    }
}

/// Returns when somebody names another master that lets us in. A slow server is left the time that it has.
async fn replaced(settings: &Settings, than: &Address) -> Link {
    loop {
        sleep(ASK_AGAIN_EVERY).await;
        if let Some(link) = Others::than(settings, than).next().await {
            return link;
        }
    }
}

/// Masters that somebody names instead of one. All are asked at once: those who are away, or have heard nothing yet, do not hold up
/// one who has.
pub(super) struct Others<'a> {
    settings: &'a Settings,
    asked: JoinSet<Option<Address>>,
    tried: Vec<Address>,
}

impl<'a> Others<'a> {
    pub(super) fn than(settings: &'a Settings, than: &Address) -> Self {
        let mut asked = JoinSet::new();
        for guide in guides(settings) {
            let (settings, guide) = (settings.clone(), guide.clone());
            asked.spawn(async move { named_by(&settings, &guide).await.ok() });
        }
        Self {
            settings,
            asked,
            tried: vec![than.clone()],
        }
    }

    /// The next that lets us in.
    pub(super) async fn next(&mut self) -> Option<Link> {
        while let Some(named) = self.asked.join_next().await {
            let named = named.ok().flatten();
            let Some(address) = named.filter(|named| !self.tried.contains(named)) else {
                continue;
            };
            let link = at(self.settings, &address).await;
            self.tried.push(address);
            if let Ok(link) = link {
                return Some(link);
            }
        }
        None
    }
}

/// Asks one server where the master is. One that was away may name a server that is master no more.
async fn named_by(settings: &Settings, guide: &Address) -> Result<Address, ConnectError> {
    let (question, credentials) = match &settings.topology {
        Topology::Sentinel {
            service,
            credentials,
            ..
        } => {
            let mut question = redis::cmd("SENTINEL");
            question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
            (question, credentials.as_ref())
        }
        Topology::Single(_) | Topology::Cluster { .. } => {
            (cluster::slots(), settings.credentials.as_ref())
        }
    };
    let mut link = open(settings, guide, credentials).await?;
    let answer = link.ask_one(question).await;
    let answer = answer.map_err(|failure| unreachable(guide, failure.why()))?;
    let named = match &settings.topology {
        Topology::Sentinel { .. } => {
            reply::address(&answer).ok_or_else(|| format!("the sentinel {guide} does not know it"))
        }
        Topology::Single(_) | Topology::Cluster { .. } => {
            cluster::master_of(keys(settings).slot(), &answer, guide)
        }
    };
    named.map_err(|why| lost(settings, why))
}

fn keys(settings: &Settings) -> Keys {
    Keys::new(&settings.key_prefix, settings.partition)
}

/// Nobody leads to the master.
fn lost(settings: &Settings, why: String) -> ConnectError {
    match &settings.topology {
        Topology::Sentinel { service, .. } => ConnectError::NoMaster {
            service: service.clone(),
            why,
        },
        Topology::Single(_) | Topology::Cluster { .. } => ConnectError::NoShard {
            slot: keys(settings).slot(),
            why,
        },
    }
}

/// Says by whom a server was named that cannot be reached: its address may be one of another network.
fn named(error: ConnectError, guide: &Address) -> ConnectError {
    match error {
        ConnectError::Unreachable { at, why } => ConnectError::Unreachable {
            at,
            why: format!(
                "{why}; {guide} names this address, and if it means nothing here the servers have to \
                 announce another (cluster-announce-ip, replica-announce-ip; for TLS tls-cluster)"
            ),
        },
        error => error,
    }
}

/// A connection to a server that says that it is master, and answers for the keys of the partition.
pub(super) async fn at(settings: &Settings, address: &Address) -> Result<Link, ConnectError> {
    let mut link = open(settings, address, settings.credentials.as_ref()).await?;
    let info = info(&["server", "replication", "memory", "cluster"]);
    let extent = probe::extent_of(&keys(settings), LogName::Alerts);
    let answers = link.ask(vec![info, extent]).await;
    let mut answers = answers.map_err(|failure| unreachable(address, failure.why()))?;
    let extent = answers.pop().unwrap_or_default();
    let info = reply::info(answers.pop().unwrap_or_default());
    link.info = info.map_err(|why| ConnectError::Denied {
        at: address.to_string(),
        why,
    })?;
    if !link.info.is_master() {
        let role = link.info.get("role");
        return Err(ConnectError::NotMaster {
            at: address.to_string(),
            role: if role == "slave" { "replica" } else { role }.to_owned(),
        });
    }
    match extent {
        Value::ServerError(error) if is_elsewhere(error.code()) => Err(ConnectError::Elsewhere {
            at: address.to_string(),
            why: reply::server_words(&error),
        }),
        _ => Ok(link),
    }
}

/// A connection that the server has let in.
async fn open(
    settings: &Settings,
    address: &Address,
    credentials: Option<&Credentials>,
) -> Result<Link, ConnectError> {
    let client = client(settings.tls.as_ref(), address, credentials).await?;
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_timeout))
        .set_response_timeout(Some(settings.response_timeout));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    // Around everything: names are resolved, and passwords sent, in here.
    let connected = timeout(settings.connect_timeout, connecting).await;
    let connection = match connected {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) if error.kind() == ErrorKind::AuthenticationFailed => {
            return Err(ConnectError::Denied {
                at: address.to_string(),
                why: reply::words(&error),
            });
        }
        Ok(Err(error)) => return Err(unreachable(address, &reply::words(&error))),
        Err(_) => {
            let why = format!(
                "no answer within {} ms",
                settings.connect_timeout.as_millis()
            );
            return Err(unreachable(address, &why));
        }
    };
    Ok(Link {
        connection,
        response_timeout: settings.response_timeout,
        at: address.clone(),
        info: Info::default(),
    })
}

fn unreachable(address: &Address, why: &str) -> ConnectError {
    ConnectError::Unreachable {
        at: address.to_string(),
        why: why.to_owned(),
    }
}

async fn client(
    tls: Option<&Tls>,
    address: &Address,
    credentials: Option<&Credentials>,
) -> Result<Client, ConnectError> {
    let invalid = |error: RedisError| unreachable(address, &reply::words(&error));
    let (host, port) = (address.host.clone(), address.port);
    let addr = match tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(_) => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
    };
    let info: ConnectionInfo = addr.into_connection_info().map_err(invalid)?;
    let info = info
        .set_tcp_settings(TcpSettings::default().set_nodelay(true))
        .set_redis_settings(login(credentials).await?);
    match tls {
        None => Client::open(info).map_err(invalid),
        Some(tls) => Client::build_with_tls(info, certificates(tls).await?).map_err(|error| {
            ConnectError::File {
                path: tls.ca_file.clone(),
                why: format!("it, or the client's certificate: {}", reply::words(&error)),
            }
        }),
    }
}

async fn login(credentials: Option<&Credentials>) -> Result<RedisConnectionInfo, ConnectError> {
    // The name of a library is no business of a server whose users may do little.
    let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(credentials) = credentials {
        let path = &credentials.password_file;
        let password = String::from_utf8(read(path).await?).map_err(|_| ConnectError::File {
            path: path.clone(),
            why: "it is not UTF-8".to_owned(),
        })?;
        login = login.set_password(password.trim_end());
        if let Some(user) = &credentials.user {
            login = login.set_username(user);
        }
    }
    Ok(login)
}

async fn certificates(tls: &Tls) -> Result<TlsCertificates, ConnectError> {
    let client_tls = match &tls.client {
        None => None,
        Some(client) => Some(ClientTlsConfig {
            client_cert: read(&client.certificate_file).await?,
            client_key: read(&client.key_file).await?,
        }),
    };
    Ok(TlsCertificates {
        client_tls,
        root_cert: Some(read(&tls.ca_file).await?),
    })
}

async fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    tokio::fs::read(path)
        .await
        .map_err(|error| ConnectError::File {
            path: path.to_owned(),
            why: error.to_string(),
        })
}

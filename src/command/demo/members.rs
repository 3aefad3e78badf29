//! The processes of the site: two relays and two dispatchers, each with files of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::process::{Process, Says};
use super::servers::{SERVICE, Servers};

/// Where a process listens, by the names that it gives.
type Listens = BTreeMap<String, SocketAddr>;

/// Two of each.
pub(super) struct Members {
    /// Where phones find the relays.
    pub(super) relays: Vec<SocketAddr>,
    /// Where officers find the dispatchers.
    pub(super) consoles: [SocketAddr; 2],
    _processes: Vec<Process>,
}

impl Members {
    /// Starts them by a configuration that is complete but for the log; it is copied for each.
    pub(super) fn start(config: &Path, servers: &Servers) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program does not know where it is")?;
        let mut processes = Vec::new();
        let mut start = |part: &str, number: usize| {
            let name = format!("{part} {number}");
            let config = configure(config, &format!("{part}-{number}"), servers)?;
            let mut command = Command::new(&program);
            command.args([part, "--config"]).arg(config);
            let (process, at) = Process::start(&name, &mut command, Says::OnError, listens)?;
            processes.push(process);
            let mut at = at.into_values();
            at.next().with_context(|| format!("{name} listens nowhere"))
        };
        let relays = vec![start("relay", 1)?, start("relay", 2)?];
        let consoles = [start("dispatcher", 1)?, start("dispatcher", 2)?];
        Ok(Self {
            relays,
            consoles,
            _processes: processes,
        })
    }
}

/// Writes the configuration of one process, and says where.
fn configure(config: &Path, name: &str, servers: &Servers) -> anyhow::Result<PathBuf> {
    let text = std::fs::read_to_string(config)
        .with_context(|| format!("cannot read {}", config.display()))?;
    let sentinels = servers.sentinels().map(|at| format!("\"{at}\""));
    let sentinels = sentinels.collect::<Vec<_>>().join(", ");
    let text = text.replace("data = \"data\"", &format!("data = \"{name}\""))
        + &format!(
            "[log]\nservers = [{sentinels}]\nsentinel_service = \"{SERVICE}\"\nreplicas = 1\n"
        );
    let own = config.with_file_name(format!("{name}.toml"));
    std::fs::write(&own, text).with_context(|| format!("cannot write {}", own.display()))?;
    Ok(own)
}

/// The line in which a process says where it listens.
fn listens(line: &str) -> Option<Listens> {
    let doors = line.split(", ").map(|door| {
        let (name, at) = door.split_once(": ")?;
        let at = at.trim_end_matches(" (UDP)").parse().ok()?;
        Some((name.to_owned(), at))
    });
    doors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_where_it_listens() {
        let at = listens("relay: 127.0.0.1:4433 (UDP)").unwrap();
        assert_eq!(at["relay"].port(), 4433);
        assert_eq!(
            listens("console: 127.0.0.1:80").unwrap()["console"].port(),
            80
        );
        assert_eq!(listens("{\"level\":\"INFO\"}"), None);
    }
}

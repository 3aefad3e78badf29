//! The commands, one file each. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 a
//! check or service level was not met.

mod demo;
mod folder;
mod jurisdictions;
mod locate;
mod map_file;
mod phone;
mod serve;
mod simulate;
mod token;
mod users;

use std::process::ExitCode;
use std::sync::LazyLock;

use ansim::service::Role;
use clap::{Parser, Subcommand};

/// The build, with the hash of the page that is in it.
static VERSION: LazyLock<String> = LazyLock::new(ansim::service::build_name);

/// Emergency SOS location relay: from a silent press to the officer responsible for the place.
#[derive(Debug, Parser)]
#[command(name = "ansim", version = VERSION.as_str())]
pub(crate) struct Ansim {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Relay, dispatcher and console in one process over the embedded log.
    Serve(serve::Serve),
    /// The relay alone, for a fleet over a shared log.
    Relay(serve::Serve),
    /// A dispatcher alone, for a fleet over a shared log.
    Dispatcher(serve::Serve),
    Users(users::UsersCommand),
    Token(token::Token),
    Phone(phone::PhoneCommand),
    Locate(locate::Locate),
    Demo(demo::Demo),
    Simulate(simulate::Simulate),
    Jurisdictions(jurisdictions::Jurisdictions),
}

impl Ansim {
    /// Runs the command. An error is printed with its causes.
    pub(crate) fn run(self) -> ExitCode {
        match self.command {
            Command::Serve(serve) => ended(serve.run(Role::Site)),
            Command::Relay(serve) => ended(serve.run(Role::Relay)),
            Command::Dispatcher(serve) => ended(serve.run(Role::Dispatcher)),
            Command::Users(users) => ended(users.run()),
            Command::Token(token) => ended(token.run()),
            Command::Phone(phone) => ended(phone.run()),
            Command::Locate(locate) => ended(locate.run()),
            Command::Demo(demo) => demo.run().unwrap_or_else(|error| ended(Err(error))),
            Command::Simulate(simulate) => ended(simulate.run()),
            Command::Jurisdictions(jurisdictions) => ended(jurisdictions.run()),
        }
    }
}

/// The command line, a configuration or a file that it names is wrong: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

/// A check or service level was not met: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotMet(pub(crate) String);

/// Prints what went wrong, and says it by the exit code too.
pub(crate) fn ended(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("ansim: {error:#}");
    if error.is::<WrongUsage>() {
        ExitCode::from(2)
    } else if error.is::<NotMet>() {
        ExitCode::from(3)
    } else {
        ExitCode::FAILURE
    }
}

/// Logs to standard error; `RUST_LOG` chooses what. No line has a location or a secret.
pub(crate) fn start_logging() {
    use std::io::IsTerminal as _;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.init();
    } else {
        builder.json().init();
    }
}

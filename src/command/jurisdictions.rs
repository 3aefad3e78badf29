//! `ansim jurisdictions`: maps, made and checked.

mod build;
mod check;

use clap::{Args, Subcommand};

/// Makes and checks maps of jurisdictions.
#[derive(Debug, Args)]
pub(crate) struct Jurisdictions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Build),
    Check(check::Check),
}

impl Jurisdictions {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Build(build) => build.run(),
            Command::Check(check) => check.run(),
        }
    }
}

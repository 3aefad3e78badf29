//! `ansim jurisdictions`: maps, made, checked and compared.

mod build;
mod check;
mod compare;

use clap::{Args, Subcommand};

/// Makes, checks and compares maps of jurisdictions.
#[derive(Debug, Args)]
pub(crate) struct Jurisdictions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Build),
    Check(check::Check),
    Compare(compare::Compare),
}

impl Jurisdictions {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Build(build) => build.run(),
            Command::Check(check) => check.run(),
            Command::Compare(compare) => compare.run(),
        }
    }
}

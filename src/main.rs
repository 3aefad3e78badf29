//! The one binary of Ansim: reads the command line, runs the command, says how it ended.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the command line is where the parts meet the world: it reads files and clocks"
)]

use std::process::ExitCode;

use clap::Parser as _;

mod command;

fn main() -> ExitCode {
    command::Ansim::parse().run()
}

//! The one binary of Ansim: reads the command line, runs the command, says how it ended.

use std::process::ExitCode;

use clap::Parser as _;

mod command;

fn main() -> ExitCode {
    command::Ansim::parse().run()
}

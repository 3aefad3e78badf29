//! The simulator's world: phones over quinn, a console over HTTP, clocks and timers.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where simulated people meet sockets, files and clocks"
)]

mod console_client;
mod load;
mod phone;
mod run;

pub use console_client::{ConsoleError, read_board};
pub use load::{
    ENDPOINTS, Host, Load, LoadError, Loaded, MAX_PREPARED, ProcessUse, Ready, SoFar, Tickets,
};
pub use run::{DRAIN, Outcome, Run, RunError, Sign, Site};

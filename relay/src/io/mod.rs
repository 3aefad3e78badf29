//! The world of the relay: sockets, TLS, the keys on disk, the clock, and the tasks that feed sessions.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place of the room that touches sockets, files and clocks"
)]

mod acceptor;
mod connection;
mod day_keys;
mod follow;
mod held;
mod hub;
mod intake_socket;
mod keep;
mod kernel_drops;
pub mod keys;
mod mailbox;
pub mod metrics;
mod problems;
mod pulse;
mod quic;
pub mod relay;
mod replicas;
mod rng;
pub mod session_store;
pub mod side_door;
pub mod tls;

#[cfg(test)]
mod tests;

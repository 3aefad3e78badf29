//! The world of the log: the database and its commit thread, the Redis client, the tails, and the
//! files of the day keys.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the one place of the room that touches files and clocks"
)]

pub mod day_keys;
mod embedded;
#[cfg(feature = "redis")]
pub mod holdover;
pub mod journal;
mod lock;
#[cfg(test)]
mod patience;
mod pending;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(test, feature = "test-backend"))]
pub mod sim_backend;
pub mod store;
pub mod tail;
mod writer;

pub use embedded::Embedded;

//! The dispatcher's world: the log, the clock, HTTP.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where the world of the dispatcher lives"
)]

pub mod assets;
mod engine;
mod engine_metrics;
pub mod http;
pub mod metrics;
pub mod sessions;
pub mod users;

pub use engine::{
    CommandError, Engine, EngineConfig, EngineState, MapSource, NotRecorded, StartError,
};

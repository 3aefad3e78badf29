#![cfg(test)]
//! What the parts do together, and the rules of the house: one program, a module per subject.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests use the world: files, sockets, clocks and other programs"
)]

mod agreement;
mod areas;
mod bad_maps;
mod browser;
mod check;
mod cluster;
mod compare;
mod demo;
mod deploy;
mod end_to_end;
mod engine;
mod failures;
mod fleet;
mod http;
mod locate;
mod lock;
mod phone_tool;
mod protocol_document;
mod quic;
mod redis_files;
mod reload;
mod serve;
mod side_door;
mod simulate;
mod support;
mod walls;
mod workflow;

//! Ansim: configuration in, running service out. Tests enter here.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the root is where the parts meet the world: it reads files"
)]

pub mod config;
pub mod demo;
pub mod demo_site;
pub mod map_text;
pub mod service;
pub mod site_keys;

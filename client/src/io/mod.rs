//! The phone over quinn: sockets, files and clocks.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the shell of the phone's half: sockets, files and clocks live here"
)]

mod clock;
mod endpoint;
mod handle;
mod quic;
mod store;
mod tickets;
mod wire;

pub use endpoint::{ALPN, BadEnrolment, Endpoint, EndpointOptions, check_authority};
pub use handle::{NotSent, Phone, PhoneEvent, PhoneHandle, PhoneOptions};
pub use store::{Store, StoreError};

#[cfg(test)]
mod tests;

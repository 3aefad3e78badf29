//! The phone's half of Ansim: what is kept until it is receipted, which relay to talk to, and a
//! thin QUIC shell.
//!
//! Everything at the top is pure: [`Phone`] is the whole phone as a state machine, without sockets,
//! files or clocks. `io` runs it over quinn.
//!
//! Nothing in this crate makes a sound, a vibration or a notification, and it reports no state for
//! which it has no receipt: after its deadline it says [`Event::NotDelivered`], so that the app can
//! offer the next means.

#[cfg(feature = "io")]
pub mod io;
mod link;
mod number;
mod outbox;
mod phone;
mod saved;

pub use link::{
    Action, BACKOFF_BASE, BACKOFF_CAP, HANDSHAKE_TIMEOUT, Link, Lost, close, decorrelated_jitter,
};
pub use number::{BLOCK, Numbers, RAISE_NUMBER};
pub use outbox::{MAX_ALERTS, MAX_CANCELS, MAX_TEXTS, MAX_TRACK, NotTaken};
pub use phone::{
    Event, FINAL_TIMEOUT, NOT_DELIVERED_AFTER, Now, Phone, PhoneConfig, RECEIPT_TIMEOUT, Receipted,
    Transmit,
};
pub use saved::{Saved, SavedError};

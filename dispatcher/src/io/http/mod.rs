//! The console's door: HTTP for officers' pages and for machines.
//!
//! Plain HTTP on loopback, TLS elsewhere. Whoever asks about the board goes through one of two
//! extractors, which know who sees what; a stream is a view of the board and keeps nothing but a
//! number; commands are answered by the log. What is absent: there is no cache of the board here, no
//! buffer of events, and no other way to sign in than the users' file.

mod admit;
mod areas;
mod board;
mod commands;
mod cursor;
mod door;
mod error;
mod events;
mod extract;
mod format;
mod history;
mod layers;
mod locate;
mod ops;
mod page;
mod reload;
mod routes;
mod server;
mod side_door;
mod sign_in;
mod throttle;
mod tls;
mod view;

pub use reload::{DeskGone, LeftOut, MapReloader, OrphanedArea, ReloadError, Reloaded};
pub use server::{HttpConfig, HttpError, SHUTDOWN_WITHIN, Server, ServerHandle};
pub use tls::{TlsError, TlsFiles};

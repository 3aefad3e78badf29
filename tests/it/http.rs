//! The console's door, from outside: over a socket, with a real engine and a real log behind it.

mod answers;
mod claims;
mod console;
mod format;
mod locate;
mod operation;
mod reload;
mod rooms;
mod side_door;
mod sight;
mod sign_in;
mod stream;
mod traces;

//! The relay through its real door: real sockets on loopback, a real journal, raw QUIC on the phone's side.

mod bounds;
mod early;
mod gate;
mod replicas;
mod reports;
mod restart;
mod retry;
mod site;
mod trouble;
mod way_back;

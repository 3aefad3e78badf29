//! From log to officer: who answers for a place, what stands on the board, who sees it, and the
//! HTTP door of the console.
//!
//! Entries come in, are opened ([`opened`]), folded ([`board`]) and looked at by the proposer
//! ([`proposer`]); officers' commands become decisions ([`dispatch`]); an incident leaves as a
//! [`card`]. Beside the board, [`unlogged`] has what relays offer while the log takes nothing, and [`orphans`]
//! positions that came before their alert. What is absent: this room does not know how a phone speaks.

pub mod board;
pub mod card;
pub mod desk;
pub mod dispatch;
pub mod format;
#[cfg(feature = "io")]
pub mod io;
pub mod jurisdiction;
pub mod opened;
pub mod orphans;
pub mod proposer;
pub mod unlogged;

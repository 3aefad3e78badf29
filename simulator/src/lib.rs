//! People, arrivals and books: the load on a service, and the judgement of what became of it.
//!
//! A [`plan::Plan`] says who presses when and where, and is the same for the same seed. `io` runs it
//! with the client's own code against a service that listens. What the phones did and what a
//! console saw goes into [`books::Books`], which share no code with the dispatcher: whose place it
//! is, says [`plain_loop::PlainMap`].
//!
//! [`tiling`] makes maps up, and [`agreement`] asks the dispatcher and plain loops for their places.

pub mod agreement;
pub mod arrivals;
pub mod books;
pub mod desks;
pub mod exact_loop;
#[cfg(feature = "io")]
pub mod io;
pub mod judge;
pub mod measure;
pub mod people;
pub mod places;
pub mod plain_loop;
pub mod plan;
pub mod report;
pub mod scenario;
pub mod sse;
pub mod tiling;

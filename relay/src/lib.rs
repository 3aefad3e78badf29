//! From phone to log: what phones say is admitted, appended, receipted, and answered by what the log says about it.
//!
//! The files at the top are pure: [`session`] is one connection as a state machine, [`admission`] marks who
//! speaks, [`mod@append`] is a report on its way into the log, [`ledger`] knows which reports are under way or durable,
//! [`receipts`] which of them wait for replicas,
//! [`way_back`] folds the alert log for the phones, [`side_door`] says what is offered to dispatchers while the log takes nothing,
//! [`intake`] which packets go in first when too many come, [`precedence`] which alerts do when the journal has no room, [`connection_id`] and [`close`] are formats. `io` holds the QUIC
//! door: endpoint, TLS, keys, metrics, and the loop that feeds a session.
//!
//! What is absent: the relay knows no jurisdiction, no desk and no officer. It refuses nobody.

pub mod admission;
pub mod append;
pub mod close;
pub mod connection_id;
pub mod intake;
pub mod ledger;
pub mod limits;
pub mod precedence;
pub mod receipts;
pub mod session;
pub mod side_door;
pub mod way_back;

#[cfg(feature = "io")]
pub mod io;

pub use admission::{Admission, Admitted};
pub use close::CloseCode;
pub use session::{Now, Session};
pub use side_door::{DispatcherAddress, InvalidDispatcher};

#[cfg(feature = "io")]
pub use io::relay::{Parts, Relay, RelayConfig, RelayHandle, RetryPolicy, StartError};
#[cfg(feature = "io")]
pub use io::side_door::Dispatchers;
#[cfg(feature = "io")]
pub use io::tls::{Certificate, CertificateError, CertificateSwitch};

//! The log: what is appended is durable before anybody is told so.
//!
//! Two logs per partition. The *alert log* (raises, texts, cancel claims, device events, decisions)
//! carries the promise of the service: a ticket is answered after its batch has been synced, never
//! before. The *track log* (positions and trails) carries none: it rides along with the next alert
//! batch or is committed after [`batcher::TRACKS_WAIT_MS`].
//!
//! There are three backends behind one interface. The *embedded* journal is a file of this process.
//! The *Redis* journal is a server that several relays and dispatchers share; a failover may rewind
//! it, and whoever reads or writes it is told. The *held* journal is both: what is appended goes to a
//! file of this process first, and from there into the log that is shared, as often as it takes.
//!
//! The files at the top are pure (time and randomness are arguments): [`batcher`] decides what is
//! committed together, [`mod@batch`] is the format of one commit, [`trim`] plans what may be
//! deleted, [`crowding`] what a full journal does with positions, [`mod@seal`] closes bodies, [`proof`] concludes whether a log is the one that was read,
//! [`server_check`] whether a server may hold one, [`shipping`] what an author does to bring its own
//! journal into the shared log, [`partitions`] into which of its partitions, [`dealing`] how far it is
//! with all of them, [`kept`] and [`keeping`] what it may delete of it. `io` holds the database, the commit thread, the
//! Redis client, the tails and the files of the day keys.
//!
//! What is absent: this room knows no alert. An entry is bytes, an incident the key of rows, a phone
//! what chooses the partition, and whether an entry is still needed somebody else says.

pub mod batch;
pub mod batcher;
pub mod crowding;
pub mod dealing;
pub mod error;
pub mod hash_slot;
pub mod incident_rows;
pub mod keeping;
pub mod kept;
pub mod ladder;
pub mod offset;
pub mod partitions;
pub mod proof;
pub mod seal;
pub mod server_check;
pub mod shipping;
pub mod snapshot;
pub mod stream_id;
pub mod trim;
pub mod unconfirmed;

#[cfg(feature = "io")]
pub mod io;

pub use batcher::{Appended, Durability};
pub use error::{AppendError, OpenError, StoreError, TailError};
pub use offset::{LogName, Offset, Partition, PerLog};
pub use partitions::{PARTITIONS_DEFAULT, PartitionCount};
pub use proof::Proof;
pub use seal::{Day, DayKey, OpenBodyError, open, seal};
pub use server_check::Finding;
pub use shipping::{Progress, Unshipped, Waiting};
pub use snapshot::{Row, SnapshotSlice};
pub use unconfirmed::ReplicasMissing;

#[cfg(feature = "io")]
pub use io::day_keys::{DayKeyError, DayKeys};
#[cfg(feature = "redis")]
pub use io::holdover::{Backlog, Held};
#[cfg(feature = "io")]
pub use io::journal::{Clock, Health, Journal, Options, PendingAppend};
#[cfg(feature = "redis")]
pub use io::redis::{ConnectError, Redis};
#[cfg(feature = "io")]
pub use io::store::Snapshot;
#[cfg(feature = "io")]
pub use io::tail::{Tail, Tailed};

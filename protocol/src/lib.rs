//! What everybody in the house speaks: ids, time, position, report, decision, log entry, the
//! phone's wire format and tokens. Everything here is pure.

mod assignment;
mod cancel;
mod decision;
mod enrolment;
mod entry;
#[path = "gen/mod.rs"]
mod generated_files;
pub mod hex;
mod id;
mod lifecycle;
pub mod limit;
mod position;
mod report;
pub mod side_door;
mod time;
pub mod token;
pub mod wire;

mod generated {
    pub(crate) use super::generated_files::ansim::log::v1 as log;
    pub(crate) use super::generated_files::ansim::v1 as phone;
}

pub use assignment::{Assignment, MapVersion, Reason, RunnerUp};
pub use cancel::{BadSiteKey, CancelMeaning, SitePrivateKey, SitePublicKey};
pub use decision::{Assigned, BadDecision, Decision, Outcome};
pub use enrolment::{Enrolment, RelayAddress};
pub use entry::{
    BadEntry, DecisionHeader, DecisionKind, Entry, FormatVersion, Header, ReportHeader, ReportKind,
    Site, Subject, Verification, join,
};
pub use id::{
    AlertId, DecisionId, DeskId, DeviceId, IncidentId, InstallKey, InvalidId, JurisdictionId,
    OfficerId, ReportNumber, Revision,
};
pub use lifecycle::{Effect, Lifecycle, NumberSet, REOPEN_WITHIN, State};
pub use position::{
    Altitude, ConfidencePercent, Datum, LatLon, Position, RadiusMetres, Source, Unusable,
};
pub use report::{Capability, Content, DeviceState, Fix, HearsText, Raise, Report};
pub use time::{Day, Millis, UnixMillis};
pub use wire::Progress;

//! What everybody in the house speaks: ids, time, position, report, decision, log entry, the
//! phone's wire format and tokens. Everything here is pure.

mod assignment;
mod id;
mod position;
mod time;

pub use assignment::{Assignment, MapVersion, Reason, RunnerUp};
pub use id::{
    AlertId, DecisionId, DeskId, DeviceId, IncidentId, InstallKey, InvalidId, JurisdictionId,
    OfficerId, ReportNumber, Revision,
};
pub use position::{
    Altitude, ConfidencePercent, Datum, LatLon, Position, RadiusMetres, Source, Unusable,
};
pub use time::{Day, Millis, UnixMillis};

//! An entry of the log: a clear header and a sealed body.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message as _;

use crate::generated::log as pb;
use crate::limit::MAX_HEADER_BYTES;
use crate::{
    AlertId, Content, Day, DecisionId, DeskId, DeviceId, IncidentId, MapVersion, OfficerId,
    ReportNumber, Revision, UnixMillis,
};

/// What is clear in every entry: enough to fold it when its body is gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// When it was appended, by the clock of whoever appended it.
    pub time: UnixMillis,
    /// Names the key of the body.
    pub day: Day,
    /// What kind of entry it is, with the ids that this kind has.
    pub subject: Subject,
}

/// What an entry is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A phone said something.
    Report(ReportHeader),
    /// A dispatcher or an officer decided something about an incident.
    Decision(DecisionHeader),
    /// Something that belongs to no phone; partition 0.
    Site(Site),
    /// Of a later release: kept, counted, passed over.
    Unknown,
}

/// Header of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportHeader {
    /// Who sent it.
    pub device: DeviceId,
    /// The alert it is about.
    pub alert: AlertId,
    /// Its number within the alert.
    pub number: ReportNumber,
    /// What it says.
    pub kind: ReportKind,
    /// What the relay found out about the sender.
    pub verification: Verification,
    /// The token is for practice only.
    pub drill: bool,
}

/// What a report says, without saying it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ReportKind {
    /// The press of the button.
    Raise,
    /// A live position.
    Position,
    /// Positions of a gap.
    Trail,
    /// The person's words.
    Text,
    /// A claim that the alert is to end.
    Cancel,
    /// Battery.
    DeviceState,
    /// A kind that this release does not know.
    Unknown,
}

impl ReportKind {
    /// The kind of a report's content.
    #[must_use]
    pub fn of(content: &Content) -> Self {
        match content {
            Content::Raise(_) => Self::Raise,
            Content::Position(_) => Self::Position,
            Content::Trail(_) => Self::Trail,
            Content::Text(_) => Self::Text,
            Content::Cancel(_) => Self::Cancel,
            Content::DeviceState(_) => Self::DeviceState,
            Content::Unknown => Self::Unknown,
        }
    }

    /// Whether it belongs to the track log, about which no promise is made.
    #[must_use]
    pub fn is_track(self) -> bool {
        matches!(self, Self::Position | Self::Trail)
    }

    /// The word in metrics and history.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Position => "position",
            Self::Trail => "trail",
            Self::Text => "text",
            Self::Cancel => "cancel",
            Self::DeviceState => "device_state",
            Self::Unknown => "unknown_report",
        }
    }
}

/// What a relay found out about who sends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verification {
    /// A valid token of this site.
    Verified,
    /// No token came.
    NoToken,
    /// A token of this site that is no longer valid.
    Expired,
    /// A token that somebody else signed.
    Foreign,
    /// Bytes that are no token.
    Malformed,
}

impl Verification {
    /// Whether the sender is an enrolled phone with a valid token.
    #[must_use]
    pub fn is_verified(self) -> bool {
        self == Self::Verified
    }

    /// Whether the site knows whose phone it is: a token that it signed, also one that has expired.
    #[must_use]
    pub fn is_of_site(self) -> bool {
        matches!(self, Self::Verified | Self::Expired)
    }
}

/// Header of a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecisionHeader {
    /// Names the decision for ever.
    pub id: DecisionId,
    /// The incident it is about.
    pub incident: IncidentId,
    /// The device of the incident: it chooses the partition, and relays find their phones by it.
    pub device: DeviceId,
    /// The alert that opened the incident.
    pub alert: AlertId,
    /// What was decided.
    pub kind: DecisionKind,
    /// The revision of the incident on which it was decided.
    pub revision: Revision,
    /// The officer; a dispatcher's own proposal has none.
    pub officer: Option<OfficerId>,
    /// The desk that owns the incident after an assignment.
    pub owner_desk: Option<DeskId>,
    /// Until when an officer must have acknowledged.
    pub due_at: Option<UnixMillis>,
}

/// What was decided, without its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DecisionKind {
    /// The incident was given to a desk.
    Assigned,
    /// A console has drawn or sounded it.
    Delivered,
    /// An officer has taken it.
    Acknowledged,
    /// An officer wrote to the phone.
    Message,
    /// An officer wrote for officers.
    Note,
    /// An officer ended it.
    Closed,
    /// An officer looked into it.
    Viewed,
}

impl DecisionKind {
    /// Whether it changes the incident's state, and so takes effect only on the revision it names.
    #[must_use]
    pub fn changes_state(self) -> bool {
        matches!(self, Self::Assigned | Self::Acknowledged | Self::Closed)
    }

    /// The word in metrics and history.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Delivered => "delivered",
            Self::Acknowledged => "acknowledged",
            Self::Message => "message",
            Self::Note => "note",
            Self::Closed => "closed",
            Self::Viewed => "viewed",
        }
    }
}

/// What belongs to no phone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Site {
    /// This version of the map is in force from here on.
    MapInForce(MapVersion),
    /// An officer signed in.
    SignedIn(OfficerId),
    /// From here on decisions may be of kinds that this format brought.
    FormatInForce(FormatVersion),
}

/// The format of a log: which kinds of decisions may stand in it. A log that names none has the first. An entry raises
/// it once all dispatchers of a site run a release that knows it, and new kinds are written only behind that
/// entry; so a dispatcher that meets a newer one knows that it does not understand everything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FormatVersion(pub u32);

impl FormatVersion {
    /// That of a log that names none.
    pub const FIRST: Self = Self(1);

    /// The newest that this release knows: it reads all up to this one.
    pub const KNOWN: Self = Self(1);
}

/// An entry as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The header as it is understood.
    pub header: Header,
    /// The header's bytes as they stand: the associated data of the seal.
    pub header_bytes: Bytes,
    /// The sealed body; empty when there is none.
    pub sealed: Bytes,
}

/// Why bytes are no entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadEntry {
    /// Shorter than its own header.
    #[error("the entry ends inside its header")]
    Short,
    /// The header is no protobuf message of log.proto, or lacks an id that its kind needs.
    #[error("the header of the entry does not decode")]
    Header,
}

impl Header {
    /// The header's bytes, to be sealed against and handed to [`join`].
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = pb::Header {
            time_ms: self.time.as_i64(),
            day: self.day.0,
            ..pb::Header::default()
        };
        match &self.subject {
            Subject::Report(report) => write_report(report, &mut out),
            Subject::Decision(decision) => write_decision(decision, &mut out),
            Subject::Site(Site::MapInForce(version)) => {
                out.set_kind(pb::Kind::MapInForce);
                out.map_version = version.as_str().to_owned();
            }
            Subject::Site(Site::SignedIn(officer)) => {
                out.set_kind(pb::Kind::SignedIn);
                out.officer = officer.to_string();
            }
            Subject::Site(Site::FormatInForce(version)) => {
                out.set_kind(pb::Kind::FormatInForce);
                out.format_version = version.0;
            }
            Subject::Unknown => {}
        }
        out.encode_to_vec().into()
    }

    /// The device whose entries are in order with this one.
    #[must_use]
    pub fn device(&self) -> Option<&DeviceId> {
        match &self.subject {
            Subject::Report(report) => Some(&report.device),
            Subject::Decision(decision) => Some(&decision.device),
            Subject::Site(_) | Subject::Unknown => None,
        }
    }
}

/// Puts a header's bytes and a sealed body together as one entry.
///
/// # Panics
/// Never: a header is far below the 64 KiB that its length can say, because every text in it is
/// bounded; a longer one is cut and then refused by [`Entry::decode`].
#[must_use]
pub fn join(header_bytes: &[u8], sealed: &[u8]) -> Bytes {
    let length = u16::try_from(header_bytes.len()).unwrap_or(u16::MAX);
    let mut out = BytesMut::with_capacity(2 + header_bytes.len() + sealed.len());
    out.put_u16(length);
    out.put_slice(header_bytes);
    out.put_slice(sealed);
    out.freeze()
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    /// See [`BadEntry`]. A kind that is not known is no error.
    pub fn decode(bytes: &Bytes) -> Result<Self, BadEntry> {
        let [high, low] = *bytes.first_chunk::<2>().ok_or(BadEntry::Short)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > MAX_HEADER_BYTES || bytes.len() < 2 + length {
            return Err(BadEntry::Short);
        }
        let header_bytes = bytes.slice(2..2 + length);
        let header = read_header(&header_bytes)?;
        Ok(Self {
            header,
            header_bytes,
            sealed: bytes.slice(2 + length..),
        })
    }
}

fn read_header(bytes: &Bytes) -> Result<Header, BadEntry> {
    let header = pb::Header::decode(bytes.clone()).map_err(|_| BadEntry::Header)?;
    let subject = if let Some(kind) = report_kind(header.kind()) {
        Subject::Report(read_report(kind, &header)?)
    } else if let Some(kind) = decision_kind(header.kind()) {
        Subject::Decision(read_decision(kind, &header)?)
    } else {
        match header.kind() {
            pb::Kind::MapInForce => {
                Subject::Site(Site::MapInForce(MapVersion::new(header.map_version)))
            }
            pb::Kind::SignedIn => Subject::Site(Site::SignedIn(OfficerId::new(header.officer))),
            pb::Kind::FormatInForce => {
                Subject::Site(Site::FormatInForce(FormatVersion(header.format_version)))
            }
            _ => Subject::Unknown,
        }
    };
    Ok(Header {
        time: UnixMillis::new(header.time_ms),
        day: Day(header.day),
        subject,
    })
}

fn report_kind(kind: pb::Kind) -> Option<ReportKind> {
    Some(match kind {
        pb::Kind::Raise => ReportKind::Raise,
        pb::Kind::Position => ReportKind::Position,
        pb::Kind::Trail => ReportKind::Trail,
        pb::Kind::Text => ReportKind::Text,
        pb::Kind::Cancel => ReportKind::Cancel,
        pb::Kind::DeviceState => ReportKind::DeviceState,
        pb::Kind::UnknownReport => ReportKind::Unknown,
        _ => return None,
    })
}

fn decision_kind(kind: pb::Kind) -> Option<DecisionKind> {
    Some(match kind {
        pb::Kind::Assigned => DecisionKind::Assigned,
        pb::Kind::Delivered => DecisionKind::Delivered,
        pb::Kind::Acknowledged => DecisionKind::Acknowledged,
        pb::Kind::Message => DecisionKind::Message,
        pb::Kind::Note => DecisionKind::Note,
        pb::Kind::Closed => DecisionKind::Closed,
        pb::Kind::Viewed => DecisionKind::Viewed,
        _ => return None,
    })
}

fn read_report(kind: ReportKind, header: &pb::Header) -> Result<ReportHeader, BadEntry> {
    Ok(ReportHeader {
        device: DeviceId::from_bytes(&header.device).map_err(|_| BadEntry::Header)?,
        alert: AlertId::from_bytes(id_bytes(&header.alert_id)?),
        number: ReportNumber(header.number),
        kind,
        verification: match header.verification() {
            pb::Verification::Verified => Verification::Verified,
            pb::Verification::NoToken => Verification::NoToken,
            pb::Verification::Expired => Verification::Expired,
            pb::Verification::Foreign => Verification::Foreign,
            pb::Verification::Malformed | pb::Verification::Unspecified => Verification::Malformed,
        },
        drill: header.drill,
    })
}

fn write_report(report: &ReportHeader, out: &mut pb::Header) {
    out.set_kind(match report.kind {
        ReportKind::Raise => pb::Kind::Raise,
        ReportKind::Position => pb::Kind::Position,
        ReportKind::Trail => pb::Kind::Trail,
        ReportKind::Text => pb::Kind::Text,
        ReportKind::Cancel => pb::Kind::Cancel,
        ReportKind::DeviceState => pb::Kind::DeviceState,
        ReportKind::Unknown => pb::Kind::UnknownReport,
    });
    out.device = report.device.to_bytes().to_vec().into();
    out.alert_id = report.alert.as_bytes().to_vec().into();
    out.number = report.number.0;
    out.set_verification(match report.verification {
        Verification::Verified => pb::Verification::Verified,
        Verification::NoToken => pb::Verification::NoToken,
        Verification::Expired => pb::Verification::Expired,
        Verification::Foreign => pb::Verification::Foreign,
        Verification::Malformed => pb::Verification::Malformed,
    });
    out.drill = report.drill;
}

fn read_decision(kind: DecisionKind, header: &pb::Header) -> Result<DecisionHeader, BadEntry> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(DecisionHeader {
        id: DecisionId::from_bytes(id_bytes(&header.decision_id)?),
        incident: IncidentId::from_bytes(id_bytes(&header.incident_id)?),
        device: DeviceId::from_bytes(&header.device).map_err(|_| BadEntry::Header)?,
        alert: AlertId::from_bytes(id_bytes(&header.alert_id)?),
        kind,
        revision: Revision(header.revision),
        officer: text(&header.officer).map(OfficerId::new),
        owner_desk: text(&header.owner_desk).map(DeskId::new),
        due_at: header.due_at_ms.map(UnixMillis::new),
    })
}

fn write_decision(decision: &DecisionHeader, out: &mut pb::Header) {
    out.set_kind(match decision.kind {
        DecisionKind::Assigned => pb::Kind::Assigned,
        DecisionKind::Delivered => pb::Kind::Delivered,
        DecisionKind::Acknowledged => pb::Kind::Acknowledged,
        DecisionKind::Message => pb::Kind::Message,
        DecisionKind::Note => pb::Kind::Note,
        DecisionKind::Closed => pb::Kind::Closed,
        DecisionKind::Viewed => pb::Kind::Viewed,
    });
    out.decision_id = decision.id.as_bytes().to_vec().into();
    out.incident_id = decision.incident.as_bytes().to_vec().into();
    out.device = decision.device.to_bytes().to_vec().into();
    out.alert_id = decision.alert.as_bytes().to_vec().into();
    out.revision = decision.revision.0;
    out.officer = decision
        .officer
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    out.owner_desk = decision
        .owner_desk
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    out.due_at_ms = decision.due_at.map(UnixMillis::as_i64);
}

fn id_bytes(bytes: &[u8]) -> Result<[u8; 16], BadEntry> {
    bytes.try_into().map_err(|_| BadEntry::Header)
}

#[cfg(test)]
mod tests;

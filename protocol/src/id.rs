//! Names of things. Each is a type of its own, so that one cannot be passed for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Reads the 16 bytes of wire and log. A UUID of any version is taken: an emergency is
            /// not refused over it.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes of wire and log.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text).map(Self).map_err(|_| InvalidId { what: $what })
            }
        }
    };
}

uuid_id! {
    /// One silent SOS. A UUIDv7 (RFC 9562, section 5.7) made on the phone, so that a resend is the same alert.
    AlertId, "alert id"
}

impl AlertId {
    /// Makes an id from the phone's clock and ten random bytes.
    #[must_use]
    pub fn new(now: crate::UnixMillis, random: [u8; 10]) -> Self {
        let millis = u64::try_from(now.as_i64()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The phone's clock when the id was made; `None` for an id of another version.
    #[must_use]
    pub fn made_at(&self) -> Option<crate::UnixMillis> {
        if self.0.get_version_num() != 7 {
            return None;
        }
        let (seconds, nanoseconds) = self.0.get_timestamp()?.to_unix();
        let millis = seconds
            .checked_mul(1000)?
            .checked_add(u64::from(nanoseconds) / 1_000_000)?;
        i64::try_from(millis).ok().map(crate::UnixMillis::new)
    }
}

/// Sixteen random bytes that an app makes at its first start and sends with every frame. They tell
/// two phones apart where no token does, and prove nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InstallKey(pub [u8; 16]);

/// Who sends, and so which partition an alert belongs to.
///
/// An enrolled phone is named by its token, any other by its install key; the two can never be
/// equal, so nobody can speak for an enrolled phone by guessing its bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceId {
    /// The subject of a token whose signature holds.
    Enrolled([u8; 16]),
    /// The install key of a phone without such a token.
    Install(InstallKey),
}

impl DeviceId {
    /// Length of [`DeviceId::to_bytes`].
    pub const BYTES: usize = 17;
    const ENROLLED_TAG: u8 = 1;
    const INSTALL_TAG: u8 = 2;

    /// One tag byte and the sixteen bytes of the id.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let (tag, id) = match self {
            Self::Enrolled(id) => (Self::ENROLLED_TAG, id),
            Self::Install(key) => (Self::INSTALL_TAG, &key.0),
        };
        let mut bytes = [tag; Self::BYTES];
        bytes[1..].copy_from_slice(id);
        bytes
    }

    /// Reads what [`DeviceId::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the length or the tag is another.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
        let bytes: &[u8; Self::BYTES] = bytes
            .try_into()
            .map_err(|_| InvalidId { what: "device id" })?;
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[1..]);
        match bytes[0] {
            Self::ENROLLED_TAG => Ok(Self::Enrolled(id)),
            Self::INSTALL_TAG => Ok(Self::Install(InstallKey(id))),
            _ => Err(InvalidId { what: "device id" }),
        }
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrolled(id) => write!(f, "Enrolled({})", Uuid::from_bytes(*id).simple()),
            Self::Install(key) => write!(f, "Install({})", Uuid::from_bytes(key.0).simple()),
        }
    }
}

uuid_id! {
    /// An alert as officers handle it. Every board derives the same id from the device and the alert
    /// that opened it, so no dispatcher has to hand it out.
    IncidentId, "incident id"
}

impl IncidentId {
    /// The first 16 bytes of SHA-256 over device and alert, marked as UUIDv8 (RFC 9562, section 5.8).
    #[must_use]
    pub fn of(device: &DeviceId, alert: &AlertId) -> Self {
        let mut input = Vec::with_capacity(DeviceId::BYTES + 16);
        input.extend_from_slice(&device.to_bytes());
        input.extend_from_slice(alert.as_bytes());
        Self(hashed_uuid(&input))
    }
}

uuid_id! {
    /// Names one decision for ever; the second with the same id changes nothing.
    ///
    /// A console sends its command's id; a proposal's is a hash of what it proposes, so that two
    /// dispatchers which see the same state propose under the same id.
    DecisionId, "decision id"
}

impl DecisionId {
    /// The id of a proposal about an incident at a revision.
    #[must_use]
    pub fn of_proposal(incident: &IncidentId, kind: &str, revision: Revision) -> Self {
        let mut input = Vec::with_capacity(64);
        input.extend_from_slice(incident.as_bytes());
        input.extend_from_slice(&revision.0.to_be_bytes());
        input.extend_from_slice(kind.as_bytes());
        Self(hashed_uuid(&input))
    }
}

fn hashed_uuid(input: &[u8]) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, input);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Numbers what one phone says about one alert. A restart of the phone skips numbers, never repeats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReportNumber(pub u64);

/// Counts the changes of an incident's state. A decision that changes state names the revision on
/// which it was made and takes effect only on that one.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Takes the text as it is.
            #[must_use]
            pub fn new(text: impl Into<std::sync::Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The area that a station answers for, as its map names it.
    JurisdictionId
}

text_id! {
    /// Where officers sign in and alerts are shown: `station:…`, `province:…` or `national`.
    DeskId
}

text_id! {
    /// An officer, by the name under which they sign in.
    OfficerId
}

impl DeskId {
    /// The desk that answers for whatever nobody else does.
    #[must_use]
    pub fn national() -> Self {
        Self::new("national")
    }

    /// The desk of the station that answers for a jurisdiction.
    #[must_use]
    pub fn station(jurisdiction: &JurisdictionId) -> Self {
        Self::new(format!("station:{jurisdiction}"))
    }

    /// The room of a provincial agency.
    #[must_use]
    pub fn province(agency: &str) -> Self {
        Self::new(format!("province:{agency}"))
    }
}

/// Text or bytes that do not name what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what}")]
pub struct InvalidId {
    what: &'static str,
}

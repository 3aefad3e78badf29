//! The one file that makes a phone able to raise an alert at a site.

use serde::{Deserialize, Serialize};

use crate::SitePublicKey;

/// What `ansim token issue` writes and a phone reads: JSON, with bytes as lower-case hex.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The relays, in the order in which to try them. Each is addressed singly.
    pub relays: Vec<RelayAddress>,
    /// The certificate, in PEM, that the relays' certificates must come from; nothing else is
    /// trusted.
    pub authority_pem: String,
    /// The token, opaque to the phone. Empty: alerts are accepted and marked unverified.
    #[serde(with = "hex_bytes", default, skip_serializing_if = "Vec::is_empty")]
    pub token: Vec<u8>,
    /// The site's X25519 key, to which cancel codes are sealed.
    #[serde(with = "hex_key")]
    pub site_key: SitePublicKey,
}

/// Where a relay listens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayAddress {
    /// Host or address, and UDP port: `relay-1.example:4433`, `[::1]:4433`.
    pub address: String,
    /// The name in the relay's certificate.
    pub server_name: String,
}

/// The token is a secret.
impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("relays", &self.relays)
            .finish_non_exhaustive()
    }
}

mod hex_bytes {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&crate::hex::encode(bytes))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(input: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(input)?;
        crate::hex::decode(&text).ok_or_else(|| D::Error::custom("expected hexadecimal digits"))
    }
}

mod hex_key {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::SitePublicKey;

    pub(super) fn serialize<S: Serializer>(key: &SitePublicKey, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&crate::hex::encode(&key.0))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(
        input: D,
    ) -> Result<SitePublicKey, D::Error> {
        let text = String::deserialize(input)?;
        crate::hex::decode(&text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(SitePublicKey)
            .ok_or_else(|| D::Error::custom("expected 64 hexadecimal digits"))
    }
}

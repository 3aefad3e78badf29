//! The token of an enrolled phone: a CBOR Web Token (RFC 8392) in COSE_Sign1 (RFC 9052, section
//! 4.2), signed with Ed25519 (RFC 9053, section 2.2). To the phone it is opaque.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use ciborium::Value;
use coset::cwt::{ClaimsSet, ClaimsSetBuilder, Timestamp};
use coset::iana::{Algorithm, EnumI64 as _};
use coset::{
    CborSerializable as _, CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate,
    TaggedCborSerializable as _,
};

use crate::limit::MAX_TOKEN_BYTES;
use crate::{DeviceId, UnixMillis, Verification};

/// Private-use claim: the 16 bytes of the device (RFC 8392, section 9.1 leaves keys below -65536 to
/// private use).
const CLAIM_DEVICE: i64 = -70_001;
/// Private-use claim: 16 bytes that refer to the person.
const CLAIM_PERSON: i64 = -70_002;
/// Private-use claim: present and true in a token that is for practice only.
const CLAIM_DRILL: i64 = -70_003;

/// Additional data that the signature covers, so that it is good for nothing else.
const SIGNATURE_CONTEXT: &[u8] = b"ansim token v1";

/// An opaque reference to the person whom a phone belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PersonRef(pub [u8; 16]);

/// What a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The phone.
    pub device: [u8; 16],
    /// Who it belongs to.
    pub person: PersonRef,
    /// When it was issued.
    pub issued_at: UnixMillis,
    /// From when on it no longer verifies.
    pub expires_at: UnixMillis,
    /// For practice only.
    pub drill: bool,
}

/// Makes tokens: the site's private key.
pub struct Issuer {
    key: Ed25519KeyPair,
}

/// Checks tokens: the site's public key.
#[derive(Clone, Debug)]
pub struct Authority {
    public_key: [u8; 32],
}

/// What checking a token found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Whether the alert counts as verified.
    pub verification: Verification,
    /// What the token says, when the site signed it (also when it has expired).
    pub claims: Option<Claims>,
}

impl Checked {
    /// The device that the token proves, also when it has expired: whose it was does not change.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        self.claims.map(|claims| DeviceId::Enrolled(claims.device))
    }
}

/// A key or token that cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// Not 32 bytes of an Ed25519 seed.
    #[error("the signing key is no Ed25519 seed of 32 bytes; make one with `ansim token keygen`")]
    BadSeed,
    /// The claims could not be written as CBOR.
    #[error("the claims of the token cannot be written")]
    Claims,
}

impl Issuer {
    /// Takes the 32 bytes of an Ed25519 seed (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// [`TokenError::BadSeed`].
    pub fn from_seed(seed: &[u8]) -> Result<Self, TokenError> {
        let key = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| TokenError::BadSeed)?;
        Ok(Self { key })
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn authority(&self) -> Authority {
        let mut public_key = [0; 32];
        public_key.copy_from_slice(self.key.public_key().as_ref());
        Authority { public_key }
    }

    /// Signs a token.
    ///
    /// # Errors
    /// [`TokenError::Claims`].
    pub fn issue(&self, claims: &Claims) -> Result<Vec<u8>, TokenError> {
        let seconds = |time: UnixMillis| Timestamp::WholeSeconds(time.as_i64().div_euclid(1000));
        let mut set = ClaimsSetBuilder::new()
            .issued_at(seconds(claims.issued_at))
            .expiration_time(seconds(claims.expires_at))
            .private_claim(CLAIM_DEVICE, Value::Bytes(claims.device.to_vec()))
            .private_claim(CLAIM_PERSON, Value::Bytes(claims.person.0.to_vec()));
        if claims.drill {
            set = set.private_claim(CLAIM_DRILL, Value::Bool(true));
        }
        let payload = set.build().to_vec().map_err(|_| TokenError::Claims)?;
        let header = HeaderBuilder::new()
            .algorithm(Algorithm::EdDSA)
            .key_id(self.authority().key_id().to_vec())
            .build();
        CoseSign1Builder::new()
            .protected(header)
            .payload(payload)
            .create_signature(SIGNATURE_CONTEXT, |bytes| {
                self.key.sign(bytes).as_ref().to_vec()
            })
            .build()
            .to_tagged_vec()
            .map_err(|_| TokenError::Claims)
    }
}

impl Authority {
    /// Takes the 32 bytes of an Ed25519 public key (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_public_key(public_key: [u8; 32]) -> Self {
        Self { public_key }
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Tells the sites' keys apart: the first four bytes of the public key.
    fn key_id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.public_key;
        [a, b, c, d]
    }

    /// Checks a token at a time by the relay's clock. There always is an answer; none refuses.
    #[must_use]
    pub fn check(&self, token: &[u8], now: UnixMillis) -> Checked {
        let unverified = |verification| Checked {
            verification,
            claims: None,
        };
        if token.is_empty() {
            return unverified(Verification::NoToken);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return unverified(Verification::Malformed);
        }
        let Ok(signed) = CoseSign1::from_tagged_slice(token) else {
            return unverified(Verification::Malformed);
        };
        if !self.has_signed(&signed) {
            return unverified(Verification::Foreign);
        }
        let Some(claims) = signed.payload.as_deref().and_then(read_claims) else {
            return unverified(Verification::Malformed);
        };
        let verification = if now < claims.expires_at {
            Verification::Verified
        } else {
            Verification::Expired
        };
        Checked {
            verification,
            claims: Some(claims),
        }
    }

    /// Algorithm and key are pinned here and not chosen by the token.
    fn has_signed(&self, signed: &CoseSign1) -> bool {
        let algorithm = RegisteredLabelWithPrivate::Assigned(Algorithm::EdDSA);
        signed.protected.header.alg == Some(algorithm)
            && signed.protected.header.key_id == self.key_id()
            && signed
                .verify_signature(SIGNATURE_CONTEXT, |signature, bytes| {
                    UnparsedPublicKey::new(&ED25519, self.public_key).verify(bytes, signature)
                })
                .is_ok()
    }
}

fn read_claims(payload: &[u8]) -> Option<Claims> {
    let set = ClaimsSet::from_slice(payload).ok()?;
    let private = |id: i64| {
        set.rest
            .iter()
            .find(|(name, _)| is_private(name, id))
            .map(|(_, value)| value)
    };
    let bytes = |id: i64| <[u8; 16]>::try_from(private(id)?.as_bytes()?.as_slice()).ok();
    Some(Claims {
        device: bytes(CLAIM_DEVICE)?,
        person: PersonRef(bytes(CLAIM_PERSON)?),
        issued_at: millis(set.issued_at.as_ref()?)?,
        expires_at: millis(set.expiration_time.as_ref()?)?,
        drill: private(CLAIM_DRILL)
            .and_then(Value::as_bool)
            .unwrap_or(false),
    })
}

fn is_private(name: &coset::cwt::ClaimName, id: i64) -> bool {
    match name {
        RegisteredLabelWithPrivate::PrivateUse(value) => *value == id,
        RegisteredLabelWithPrivate::Assigned(known) => known.to_i64() == id,
        RegisteredLabelWithPrivate::Text(_) => false,
    }
}

fn millis(time: &Timestamp) -> Option<UnixMillis> {
    match time {
        Timestamp::WholeSeconds(seconds) => seconds.checked_mul(1000).map(UnixMillis::new),
        Timestamp::FractionalSeconds(seconds) => {
            (seconds.abs() < 1e12).then(|| UnixMillis::new((seconds * 1000.0) as i64))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_245_000_000);

    fn claims() -> Claims {
        Claims {
            device: [1; 16],
            person: PersonRef([2; 16]),
            issued_at: NOW,
            expires_at: UnixMillis::new(NOW.as_i64() + 1_000),
            drill: false,
        }
    }

    fn site() -> Issuer {
        Issuer::from_seed(&[42; 32]).unwrap()
    }

    #[test]
    fn a_token_of_the_site_verifies_until_it_expires() {
        let token = site().issue(&claims()).unwrap();
        let authority = site().authority();
        let checked = authority.check(&token, NOW);
        assert_eq!(checked.verification, Verification::Verified);
        assert_eq!(checked.claims, Some(claims()));
        let later = authority.check(&token, claims().expires_at);
        assert_eq!(later.verification, Verification::Expired);
        assert_eq!(later.device(), Some(DeviceId::Enrolled([1; 16])));
    }

    #[test]
    fn a_token_fits_into_the_first_flight() {
        let token = site()
            .issue(&Claims {
                drill: true,
                ..claims()
            })
            .unwrap();
        assert!(token.len() <= 170, "{} bytes", token.len());
    }

    #[test]
    fn nothing_foreign_or_broken_verifies_and_nothing_is_refused() {
        let authority = site().authority();
        let foreign = Issuer::from_seed(&[43; 32])
            .unwrap()
            .issue(&claims())
            .unwrap();
        assert_eq!(
            authority.check(&foreign, NOW).verification,
            Verification::Foreign
        );
        assert_eq!(
            authority.check(b"", NOW).verification,
            Verification::NoToken
        );
        assert_eq!(
            authority.check(b"garbage", NOW).verification,
            Verification::Malformed
        );
        let huge = vec![0; MAX_TOKEN_BYTES + 1];
        assert_eq!(
            authority.check(&huge, NOW).verification,
            Verification::Malformed
        );
    }

    #[test]
    fn a_drill_token_says_so() {
        let token = site()
            .issue(&Claims {
                drill: true,
                ..claims()
            })
            .unwrap();
        let checked = site().authority().check(&token, NOW);
        assert!(checked.claims.is_some_and(|claims| claims.drill));
    }

    proptest! {
        #[test]
        fn no_flipped_bit_verifies(at in 0_usize..200, bit in 0_u8..8) {
            let mut token = site().issue(&claims()).unwrap();
            let at = at % token.len();
            token[at] ^= 1 << bit;
            let checked = site().authority().check(&token, NOW);
            prop_assert_ne!(checked.verification, Verification::Verified);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = site().authority().check(&bytes, NOW);
        }
    }
}

//! Sealing of bodies: whoever deletes the day's key has deleted that day's content, in copies and
//! backups too.
//!
//! The key of a body is HKDF-SHA256 (RFC 5869) of the day's key with the salt `ansim body v1` and
//! the info `length(device): u16 BE | device | length(alert): u16 BE | alert`, so that every relay
//! and dispatcher of a site derives the same one and nothing is carried per alert. The body is
//! closed by AES-256-GCM-SIV (RFC 8452) under a random nonce; the caller's clear header is the
//! associated data.
//!
//! A sealed body is `version: u8 = 1 | nonce: 12 bytes | ciphertext | tag: 16 bytes`.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf;
use rand::{CryptoRng, Rng};
use zeroize::{Zeroize, Zeroizing};

/// Format of a sealed body. Raised when key derivation, cipher or layout change.
pub const SEALED_VERSION: u8 = 1;

/// Bytes of a day's key, and of each key derived from it (AES-256).
pub const KEY_BYTES: usize = 32;

/// Bytes that sealing adds: version, nonce, tag (RFC 8452, section 4).
pub const SEALED_OVERHEAD_BYTES: usize = 1 + NONCE_LEN + TAG_BYTES;

/// Bytes of the authentication tag.
const TAG_BYTES: usize = 16;

/// Bytes of a device or alert id at most: the length is written in 16 bits, and ids are far
/// shorter.
pub const ID_BYTES_MAX: usize = 255;

const SALT: &[u8] = b"ansim body v1";

/// A day in UTC: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

impl Day {
    /// The day of `unix_ms`, milliseconds since the Unix epoch.
    #[must_use]
    pub const fn of_unix_ms(unix_ms: u64) -> Self {
        let day = unix_ms / (24 * 60 * 60 * 1000);
        // Beyond the year 11,000,000 all days are one.
        if day > u32::MAX as u64 {
            Self(u32::MAX)
        } else {
            Self(day as u32)
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The secret of one day. Erased from memory when dropped; never printed.
#[derive(Clone)]
pub struct DayKey(Zeroizing<[u8; KEY_BYTES]>);

impl DayKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rng.fill_bytes(&mut *key);
        Self(key)
    }

    /// The key with these bytes; the given array is erased.
    pub fn from_bytes(bytes: &mut [u8; KEY_BYTES]) -> Self {
        let key = Self(Zeroizing::new(*bytes));
        bytes.zeroize();
        key
    }

    /// The bytes, to be written to the key's file and nowhere else.
    #[cfg_attr(
        not(feature = "io"),
        expect(dead_code, reason = "only the key files need them")
    )]
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DayKey(redacted)")
    }
}

/// A body that cannot be sealed or opened. Says nothing about keys or content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenBodyError {
    /// Shorter than version, nonce and tag.
    #[error("the sealed body is too short")]
    Truncated,
    /// A format of another release.
    #[error("the sealed body has version {0}, this release reads {SEALED_VERSION}")]
    Version(u8),
    /// Changed, of another device, alert, header or day.
    #[error("the sealed body does not belong to this header and key")]
    NotAuthentic,
    /// A device or alert id is longer than [`ID_BYTES_MAX`].
    #[error("an id is longer than {ID_BYTES_MAX} bytes")]
    IdTooLong,
}

impl From<Unspecified> for OpenBodyError {
    fn from(_: Unspecified) -> Self {
        Self::NotAuthentic
    }
}

/// Seals `plaintext` for `device` and `alert` under the day's key; `aad` is the clear header that
/// it belongs to. The nonce comes from `rng`; two equal ones would show equal bodies as equal and
/// nothing else (RFC 8452, section 1).
///
/// # Errors
/// [`OpenBodyError::IdTooLong`] for an id above [`ID_BYTES_MAX`].
pub fn seal(
    day_key: &DayKey,
    device: &[u8],
    alert: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    rng: &mut impl Rng,
) -> Result<Vec<u8>, OpenBodyError> {
    let key = body_key(day_key, device, alert)?;
    let mut nonce = [0; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let mut sealed = Vec::with_capacity(SEALED_OVERHEAD_BYTES + plaintext.len());
    sealed.push(SEALED_VERSION);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let body = &mut sealed[1 + NONCE_LEN..];
    let tag =
        key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] closed.
///
/// # Errors
/// When anything at all differs: day, device, alert, header, or a bit of the body.
pub fn open(
    day_key: &DayKey,
    device: &[u8],
    alert: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, OpenBodyError> {
    if sealed.len() < SEALED_OVERHEAD_BYTES {
        return Err(OpenBodyError::Truncated);
    }
    if sealed[0] != SEALED_VERSION {
        return Err(OpenBodyError::Version(sealed[0]));
    }
    let (nonce, body) = sealed[1..].split_at(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce)?;
    let key = body_key(day_key, device, alert)?;
    let mut body = body.to_vec();
    let length = key.open_in_place(nonce, Aad::from(aad), &mut body)?.len();
    body.truncate(length);
    Ok(body)
}

fn body_key(day_key: &DayKey, device: &[u8], alert: &[u8]) -> Result<LessSafeKey, OpenBodyError> {
    let device_length = id_length(device)?;
    let alert_length = id_length(alert)?;
    let info = [&device_length[..], device, &alert_length[..], alert];
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(&*day_key.0);
    let key: UnboundKey = secret.expand(&info, &AES_256_GCM_SIV)?.into();
    Ok(LessSafeKey::new(key))
}

/// Without its length, device `ab` with alert `c` would share a key with device `a` and alert `bc`.
fn id_length(id: &[u8]) -> Result<[u8; 2], OpenBodyError> {
    if id.len() > ID_BYTES_MAX {
        return Err(OpenBodyError::IdTooLong);
    }
    u16::try_from(id.len())
        .map(u16::to_be_bytes)
        .map_err(|_| OpenBodyError::IdTooLong)
}

#[cfg(test)]
mod tests;

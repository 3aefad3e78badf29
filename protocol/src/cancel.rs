//! The code that tells a cancel from a cancel under duress.
//!
//! On the wire each is 64 bytes of HPKE ciphertext (RFC 9180, base mode: DHKEM(X25519,
//! HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305) of 16 padded bytes, to the site's public key. Who
//! watches the phone or the relay's network sees no difference.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, single_shot_open,
    single_shot_seal_with_rng,
};
use rand::CryptoRng;

use crate::limit::CANCEL_CODE_BYTES;
use crate::{AlertId, ReportNumber};

type Kem = X25519HkdfSha256;

const INFO: &[u8] = b"ansim cancel code v1";
const PLAIN_BYTES: usize = 16;
const SHARE_BYTES: usize = 32;

/// What a claim to cancel meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CancelMeaning {
    /// No code was typed.
    NoCode,
    /// The button was pressed by mistake.
    Mistaken,
    /// The danger is over.
    Safe,
    /// Somebody forces the person to cancel.
    Duress,
    /// The field could not be opened, or holds a value of a later release.
    Unreadable,
}

impl CancelMeaning {
    /// The word in the officers' API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCode => "no_code",
            Self::Mistaken => "mistaken",
            Self::Safe => "safe",
            Self::Duress => "duress",
            Self::Unreadable => "unreadable",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::NoCode | Self::Unreadable => 0,
            Self::Mistaken => 1,
            Self::Safe => 2,
            Self::Duress => 3,
        }
    }

    const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::NoCode,
            1 => Self::Mistaken,
            2 => Self::Safe,
            3 => Self::Duress,
            _ => Self::Unreadable,
        }
    }
}

/// The key to which phones of a site seal their codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SitePublicKey(pub [u8; 32]);

/// The key that opens them. It does not print itself.
#[derive(Clone)]
pub struct SitePrivateKey([u8; 32]);

/// The site's key is no X25519 key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the site key is no X25519 key; make one with `ansim token keygen`")]
pub struct BadSiteKey;

impl SitePrivateKey {
    /// Takes 32 bytes.
    ///
    /// # Errors
    /// When they are no X25519 key.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, BadSiteKey> {
        <Kem as hpke::Kem>::PrivateKey::from_bytes(&bytes).map_err(|_| BadSiteKey)?;
        Ok(Self(bytes))
    }

    /// The key for the phones.
    ///
    /// # Errors
    /// When the bytes are no X25519 key.
    pub fn public_key(&self) -> Result<SitePublicKey, BadSiteKey> {
        let private =
            <Kem as hpke::Kem>::PrivateKey::from_bytes(&self.0).map_err(|_| BadSiteKey)?;
        let mut public = [0; 32];
        public.copy_from_slice(&Kem::sk_to_pk(&private).to_bytes());
        Ok(SitePublicKey(public))
    }

    /// Opens the field of a cancel. There always is an answer.
    #[must_use]
    pub fn open(&self, code: &[u8], alert: &AlertId, number: ReportNumber) -> CancelMeaning {
        let meaning = (|| {
            let code: &[u8; CANCEL_CODE_BYTES] = code.try_into().ok()?;
            let (share, sealed) = code.split_at(SHARE_BYTES);
            let private = <Kem as hpke::Kem>::PrivateKey::from_bytes(&self.0).ok()?;
            let share = <Kem as hpke::Kem>::EncappedKey::from_bytes(share).ok()?;
            let plain = single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
                &OpModeR::Base,
                &private,
                &share,
                INFO,
                sealed,
                &associated_data(alert, number),
            )
            .ok()?;
            plain.first().copied().map(CancelMeaning::from_code)
        })();
        meaning.unwrap_or(CancelMeaning::Unreadable)
    }
}

impl std::fmt::Debug for SitePrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SitePrivateKey(…)")
    }
}

impl SitePublicKey {
    /// Seals a code for one cancel report.
    ///
    /// # Errors
    /// When the site's key is none.
    pub fn seal(
        &self,
        meaning: CancelMeaning,
        alert: &AlertId,
        number: ReportNumber,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, BadSiteKey> {
        let public = <Kem as hpke::Kem>::PublicKey::from_bytes(&self.0).map_err(|_| BadSiteKey)?;
        let mut plain = [0; PLAIN_BYTES];
        plain[0] = meaning.code();
        let (share, sealed) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
            &OpModeS::Base,
            &public,
            INFO,
            &plain,
            &associated_data(alert, number),
            rng,
        )
        .map_err(|_| BadSiteKey)?;
        let mut code = share.to_bytes().to_vec();
        code.extend_from_slice(&sealed);
        Ok(code)
    }
}

/// Binds a code to its report, so that it cannot be moved to another alert.
fn associated_data(alert: &AlertId, number: ReportNumber) -> [u8; 24] {
    let mut data = [0; 24];
    data[..16].copy_from_slice(alert.as_bytes());
    data[16..].copy_from_slice(&number.0.to_be_bytes());
    data
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::ChaCha20Rng;

    use super::*;

    fn keys() -> (SitePrivateKey, SitePublicKey) {
        let private = SitePrivateKey::from_bytes([5; 32]).unwrap();
        let public = private.public_key().unwrap();
        (private, public)
    }

    #[test]
    fn every_meaning_has_the_same_size_and_comes_back() {
        let (private, public) = keys();
        let alert = AlertId::from_bytes([1; 16]);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for meaning in [
            CancelMeaning::NoCode,
            CancelMeaning::Mistaken,
            CancelMeaning::Safe,
            CancelMeaning::Duress,
        ] {
            let code = public
                .seal(meaning, &alert, ReportNumber(3), &mut rng)
                .unwrap();
            assert_eq!(code.len(), CANCEL_CODE_BYTES);
            assert_eq!(private.open(&code, &alert, ReportNumber(3)), meaning);
        }
    }

    #[test]
    fn a_code_moved_to_another_report_is_unreadable() {
        let (private, public) = keys();
        let alert = AlertId::from_bytes([1; 16]);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let code = public
            .seal(CancelMeaning::Safe, &alert, ReportNumber(3), &mut rng)
            .unwrap();
        assert_eq!(
            private.open(&code, &alert, ReportNumber(4)),
            CancelMeaning::Unreadable
        );
        assert_eq!(
            private.open(&code[1..], &alert, ReportNumber(3)),
            CancelMeaning::Unreadable
        );
        assert_eq!(
            private.open(&[0; 64], &alert, ReportNumber(3)),
            CancelMeaning::Unreadable
        );
    }
}

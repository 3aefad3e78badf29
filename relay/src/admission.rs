//! Who speaks: marks every report with its device and what is known about it. Nothing that decodes is refused.

use std::sync::Arc;

use bytes::Bytes;
use protocol::limit::MAX_TOKEN_BYTES;
use protocol::token::{Authority, Checked};
use protocol::wire::Frame;
use protocol::{DeviceId, InstallKey, UnixMillis, Verification};

/// What a relay found out about the sender of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// Who sends: the subject of a token that the site signed (also an expired one), else the install key, else the
    /// alert's own bytes, so that a resend is the same device.
    pub device: DeviceId,
    /// What came of the token.
    pub verification: Verification,
    /// The token is valid and for practice only. Anything else is treated as real.
    pub drill: bool,
}

/// The memory of one connection: the token comes with its first frame.
#[derive(Debug)]
pub struct Admission {
    authority: Arc<Authority>,
    token: Bytes,
    checked: Option<Checked>,
}

impl Admission {
    /// For a connection of which nothing is known yet.
    #[must_use]
    pub fn new(authority: Arc<Authority>) -> Self {
        Self {
            authority,
            token: Bytes::new(),
            checked: None,
        }
    }

    /// Marks a report that arrived at `now` by the relay's clock.
    pub fn admit(&mut self, now: UnixMillis, frame: &Frame) -> Admitted {
        let checked = self.check(now, &frame.token);
        let verification = match (checked.verification, checked.claims) {
            (Verification::Verified, Some(claims)) if now >= claims.expires_at => {
                Verification::Expired
            }
            (verification, _) => verification,
        };
        let nameless = || InstallKey(*frame.report.alert.as_bytes());
        Admitted {
            device: checked.device().unwrap_or_else(|| {
                DeviceId::Install(frame.report.install_key.unwrap_or_else(nameless))
            }),
            verification,
            drill: verification.is_verified() && checked.claims.is_some_and(|claims| claims.drill),
        }
    }

    /// A signature is checked once per connection: it costs more than everything else about a position.
    fn check(&mut self, now: UnixMillis, token: &Bytes) -> Checked {
        if let Some(checked) = self.checked
            && (token.is_empty() || *token == self.token)
        {
            return checked;
        }
        let checked = self.authority.check(token, now);
        if !token.is_empty() {
            // A copy: the token's bytes would keep the whole frame in memory.
            self.token = Bytes::copy_from_slice(&token[..token.len().min(MAX_TOKEN_BYTES)]);
            self.checked = Some(checked);
        }
        checked
    }
}

#[cfg(test)]
mod tests {
    use protocol::token::{Claims, Issuer, PersonRef};
    use protocol::{AlertId, Content, Report, ReportNumber};

    use super::*;

    const NOW: UnixMillis = UnixMillis::new(1_795_245_000_000);

    fn frame(token: Vec<u8>, install_key: Option<InstallKey>) -> Frame {
        Frame {
            report: Report {
                alert: AlertId::from_bytes([7; 16]),
                number: ReportNumber(1),
                sent_at: None,
                install_key,
                content: Content::Unknown,
            },
            token: token.into(),
        }
    }

    fn token(seed: u8, drill: bool) -> Vec<u8> {
        let claims = Claims {
            device: [1; 16],
            person: PersonRef([2; 16]),
            issued_at: NOW,
            expires_at: UnixMillis::new(NOW.as_i64() + 1_000),
            drill,
        };
        Issuer::from_seed(&[seed; 32])
            .unwrap()
            .issue(&claims)
            .unwrap()
    }

    fn admission() -> Admission {
        let authority = Issuer::from_seed(&[1; 32]).unwrap().authority();
        Admission::new(Arc::new(authority))
    }

    #[test]
    fn a_token_is_remembered_until_it_expires() {
        let mut admission = admission();
        let key = Some(InstallKey([9; 16]));
        let first = admission.admit(NOW, &frame(token(1, false), key));
        assert_eq!(first.device, DeviceId::Enrolled([1; 16]));
        assert_eq!(first.verification, Verification::Verified);
        let second = admission.admit(NOW, &frame(Vec::new(), key));
        assert_eq!(second, first);
        let late = admission.admit(
            UnixMillis::new(NOW.as_i64() + 1_000),
            &frame(Vec::new(), key),
        );
        assert_eq!(late.verification, Verification::Expired);
        assert_eq!(
            late.device, first.device,
            "whose it was does not change when it expires"
        );
    }

    #[test]
    fn whoever_has_no_token_of_the_site_is_taken_by_install_key_and_marked() {
        let key = InstallKey([9; 16]);
        let foreign = admission().admit(NOW, &frame(token(2, false), Some(key)));
        assert_eq!(foreign.device, DeviceId::Install(key));
        assert_eq!(foreign.verification, Verification::Foreign);
        let none = admission().admit(NOW, &frame(Vec::new(), Some(key)));
        assert_eq!(
            (none.device, none.verification),
            (DeviceId::Install(key), Verification::NoToken)
        );
        let huge = admission().admit(NOW, &frame(vec![1; 10_000], Some(key)));
        assert_eq!(huge.verification, Verification::Malformed);
    }

    #[test]
    fn whoever_says_nothing_about_itself_is_the_same_device_at_a_resend() {
        let device = DeviceId::Install(InstallKey([7; 16]));
        for _ in 0..2 {
            assert_eq!(
                admission().admit(NOW, &frame(Vec::new(), None)).device,
                device
            );
        }
    }

    #[test]
    fn only_a_valid_drill_token_makes_a_drill() {
        let mut admission = admission();
        let drill = frame(token(1, true), None);
        assert!(admission.admit(NOW, &drill).drill);
        assert!(
            !admission
                .admit(UnixMillis::new(NOW.as_i64() + 1_000), &drill)
                .drill
        );
    }
}

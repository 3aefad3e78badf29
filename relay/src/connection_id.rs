//! Connection ids that a relay knows as its own, also after a restart: ten random bytes and six of an HMAC.
//!
//! Ten bytes, because quinn chooses the id of a Retry without looking whether it is in use: with three random bytes
//! one in 300 retried handshakes hangs at 20,000 connections. The HMAC, because a packet with an id that validates and
//! belongs to no connection is answered with a stateless reset (RFC 9000, section 10.3), so that a phone
//! notices a restarted relay at once.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

/// Bytes of a connection id (RFC 9000 allows 20).
pub const CONNECTION_ID_BYTES: usize = RANDOM_BYTES + TAG_BYTES;

/// Random bytes of a connection id.
pub const RANDOM_BYTES: usize = 10;

/// Bytes of the HMAC: a packet with a made-up id is taken for ours once in 2⁴⁸.
const TAG_BYTES: usize = 6;

/// Makes and recognises the connection ids of one relay.
#[derive(Clone)]
pub struct ConnectionIds {
    key: hmac::Key,
}

impl ConnectionIds {
    /// With the relay's own key of 32 bytes, kept across restarts.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// The id that these random bytes make.
    #[must_use]
    pub fn make(&self, random: [u8; RANDOM_BYTES]) -> [u8; CONNECTION_ID_BYTES] {
        let mut id = [0; CONNECTION_ID_BYTES];
        id[..RANDOM_BYTES].copy_from_slice(&random);
        id[RANDOM_BYTES..].copy_from_slice(&self.tag(&random));
        id
    }

    /// Whether this relay made the id, in this run or an earlier one.
    #[must_use]
    pub fn is_ours(&self, id: &[u8]) -> bool {
        let Some((random, tag)) = id.split_at_checked(RANDOM_BYTES) else {
            return false;
        };
        verify_slices_are_equal(tag, &self.tag(random)).is_ok()
    }

    fn tag(&self, random: &[u8]) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&hmac::sign(&self.key, random).as_ref()[..TAG_BYTES]);
        tag
    }
}

impl std::fmt::Debug for ConnectionIds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionIds(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn own_ids_validate_and_no_changed_one_does(random: [u8; RANDOM_BYTES], at in 0..CONNECTION_ID_BYTES, bit in 0_u8..8) {
            let ids = ConnectionIds::new(&[1; 32]);
            let mut id = ids.make(random);
            prop_assert!(ids.is_ours(&id));
            prop_assert!(ConnectionIds::new(&[1; 32]).is_ours(&id), "after a restart with the same key");
            prop_assert!(!ConnectionIds::new(&[2; 32]).is_ours(&id));
            prop_assert!(!ids.is_ours(&id[..CONNECTION_ID_BYTES - 1]));
            id[at] ^= 1 << bit;
            prop_assert!(!ids.is_ours(&id));
        }
    }

    #[test]
    fn nothing_of_another_length_is_ours() {
        let ids = ConnectionIds::new(&[1; 32]);
        for length in [0, 1, RANDOM_BYTES, CONNECTION_ID_BYTES + 1, 20] {
            assert!(!ids.is_ours(&vec![0; length]));
        }
    }
}

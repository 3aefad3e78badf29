//! Which slot of a Redis Cluster a key is in: CRC-16/XMODEM of its hash tag, modulo the number of slots
//! (<https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>).

use std::fmt;

/// The slots of a cluster, whatever its size.
pub const HASH_SLOTS: u16 = 16_384;

/// The polynomial x^16 + x^12 + x^5 + 1; begins with 0, reflects nothing.
const POLYNOMIAL: u16 = 0x1021;

/// A slot, below [`HASH_SLOTS`]. Keys in one slot are on one shard and may be in one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashSlot(u16);

impl HashSlot {
    /// The slot of this key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(crc16(tag(key).as_bytes()) % HASH_SLOTS)
    }

    /// As the server writes it.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for HashSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What stands between the first `{` and the next `}`, if anything does; else the whole key.
fn tag(key: &str) -> &str {
    let inside = key
        .split_once('{')
        .and_then(|(_, behind)| behind.split_once('}'));
    match inside {
        Some((tag, _)) if !tag.is_empty() => tag,
        _ => key,
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..u8::BITS).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ POLYNOMIAL
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn only_the_tag_counts() {
        for (key, expected) in [
            ("{ansim:p0}:alerts", "ansim:p0"),
            ("a{b}c{d}", "b"),
            ("a{b{c}}", "b{c"),
            ("a{}{b}", "a{}{b}"),
            ("a{b", "a{b"),
            ("a}b{c}", "c"),
            ("plain", "plain"),
        ] {
            assert_eq!(tag(key), expected, "{key}");
        }
        assert_eq!(
            HashSlot::of("{ansim:p0}:alerts"),
            HashSlot::of("{ansim:p0}:snapshot")
        );
        assert!(HashSlot::of("123456789").number() < HASH_SLOTS);
    }
}

//! Every limit of what phones and relays say to each other, with its unit and its reason.

/// Bytes of one frame, without the length before it. A trail of 300 positions fits; a connection's
/// stream window holds one.
pub const MAX_FRAME_BYTES: usize = 16 * 1024;

/// Bytes of one frame that travels as a datagram: what fits beside QUIC's overhead in the smallest
/// packet that every path carries (1,200 bytes, RFC 9000 section 14).
pub const MAX_DATAGRAM_FRAME_BYTES: usize = 1_100;

/// Bytes of what a person or an officer writes at once: 500 characters of Korean.
pub const MAX_TEXT_BYTES: usize = 1_500;

/// Bytes of a token. Ours are below 160; a longer one is malformed.
pub const MAX_TOKEN_BYTES: usize = 512;

/// Bytes of the words in which a phone describes what it shows, or of a floor.
pub const MAX_LABEL_BYTES: usize = 200;

/// Positions of one trail: ten minutes at one in two seconds.
pub const MAX_TRAIL_POSITIONS: usize = 300;

/// Bytes of the field that tells a cancel from a cancel under duress: 32 of an X25519 share, 16 of
/// text, 16 of a tag (RFC 9180).
pub const CANCEL_CODE_BYTES: usize = 64;

/// Bytes of a log entry's header. Ours are below 400; the length before it has two bytes.
pub const MAX_HEADER_BYTES: usize = 4 * 1024;

/// Shortens text to at most `max_bytes` at a character's border.
#[must_use]
pub fn shorten(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let mut end = max_bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(shorten("안심", 6), "안심");
        assert_eq!(shorten("안심", 5), "안");
        assert_eq!(shorten("안심", 2), "");
    }
}

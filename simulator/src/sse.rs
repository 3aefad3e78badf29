//! Server-sent events, as the stream of a console has them (WHATWG HTML, section 9.2.6).
//!
//! A console of a loaded service gets messages of megabytes in thousands of pieces; each byte is looked
//! at once.

/// An event is not longer, in bytes: 100 cards with full trails are some 2 MB.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// An event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServerEvent {
    /// Its kind.
    pub kind: String,
    /// Where the stream goes on; empty where it has none.
    pub id: String,
    /// What it says.
    pub data: Vec<u8>,
}

/// An event is longer than any that a service sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event is longer than {MAX_EVENT_BYTES} bytes: this is no service of ours")]
pub struct TooLong;

/// Bytes in, events out.
#[derive(Debug, Default)]
pub struct EventStream {
    bytes: Vec<u8>,
    /// Where the next line begins, and up to where no line ends.
    at: usize,
    looked_at: usize,
    event: ServerEvent,
}

impl EventStream {
    /// Takes what has arrived.
    ///
    /// # Errors
    /// [`TooLong`]; then the stream is of no use any more.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.bytes.drain(..self.at);
        self.looked_at -= self.at;
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() + self.event.data.len() > MAX_EVENT_BYTES {
            return Err(TooLong);
        }
        Ok(())
    }

    /// The next event that is complete.
    pub fn poll(&mut self) -> Option<ServerEvent> {
        while let Some(length) = self.bytes[self.looked_at..]
            .iter()
            .position(|byte| *byte == b'\n')
        {
            let end = self.looked_at + length;
            let line = &self.bytes[self.at..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let is_end = line.is_empty();
            self.event.take(line);
            self.at = end + 1;
            self.looked_at = self.at;
            if is_end {
                let event = std::mem::take(&mut self.event);
                if !event.data.is_empty() {
                    return Some(event);
                }
            }
        }
        self.looked_at = self.bytes.len();
        None
    }
}

impl ServerEvent {
    fn take(&mut self, line: &[u8]) {
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(value).into_owned();
        match field {
            b"event" => self.kind = text(),
            b"id" => self.id = text(),
            b"data" => {
                if !self.data.is_empty() {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            // A comment, a wish for reconnecting, or something new.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": hello\nevent: change\nid: 1.2\ndata: {\"a\":1}\n\n\
                        retry: 1000\nevent: health\r\ndata:x\ndata: y\r\n\r\n\n";

    fn events() -> Vec<ServerEvent> {
        let event = |kind: &str, id: &str, data: &str| ServerEvent {
            kind: kind.to_owned(),
            id: id.to_owned(),
            data: data.into(),
        };
        vec![
            event("change", "1.2", "{\"a\":1}"),
            event("health", "", "x\ny"),
        ]
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        for piece in 1..=TEXT.len() {
            let mut stream = EventStream::default();
            let mut heard = Vec::new();
            for bytes in TEXT.as_bytes().chunks(piece) {
                stream.push(bytes).unwrap();
                heard.extend(std::iter::from_fn(|| stream.poll()));
            }
            assert_eq!(heard, events(), "pieces of {piece}");
        }
    }

    #[test]
    fn half_an_event_is_none() {
        let mut stream = EventStream::default();
        stream.push(b"event: change\ndata: {}\n").unwrap();
        assert_eq!(stream.poll(), None);
        stream.push(b"\n").unwrap();
        assert!(stream.poll().is_some());
    }

    #[test]
    fn a_stream_without_end_is_refused() {
        let mut stream = EventStream::default();
        let piece = vec![b'x'; MAX_EVENT_BYTES / 2];
        stream.push(&piece).unwrap();
        assert_eq!(stream.poll(), None);
        stream.push(&piece).unwrap();
        assert_eq!(stream.push(b"x"), Err(TooLong));
    }
}

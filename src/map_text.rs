//! A map's file as text, read in bounded memory.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use dispatcher::jurisdiction::MAX_MAP_BYTES;

/// Why a map's file is no text. The message names the file.
#[derive(Debug, thiserror::Error)]
pub enum MapTextError {
    /// It is not there, or may not be read.
    #[error("{file} cannot be read: {error}")]
    Unreadable {
        /// As the caller named it.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It has more bytes than a map may have.
    #[error(
        "{file} has over {limit_bytes} bytes, more than any map needs: simplify its lines, or leave \
         out what is no jurisdiction"
    )]
    TooLarge {
        /// As the caller named it.
        file: String,
        /// How many it may have.
        limit_bytes: usize,
    },
    /// It is in another encoding, or no text at all.
    #[error("{file}, line {line}: this is not UTF-8; save the map as UTF-8")]
    NotUtf8 {
        /// As the caller named it.
        file: String,
        /// Counted from 1.
        line: usize,
    },
}

/// Reads a map's file of at most [`MAX_MAP_BYTES`].
///
/// # Errors
/// When it cannot be read, is larger, or is not UTF-8.
pub fn read(path: &Path) -> Result<String, MapTextError> {
    read_at_most(path, MAX_MAP_BYTES)
}

fn read_at_most(path: &Path, limit_bytes: usize) -> Result<String, MapTextError> {
    let file = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than may be there: what a file says of its size need not be true.
    let read = File::open(path)
        .and_then(|opened| opened.take(limit_bytes as u64 + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(MapTextError::Unreadable { file, error });
    }
    if bytes.len() > limit_bytes {
        return Err(MapTextError::TooLarge { file, limit_bytes });
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        MapTextError::NotUtf8 { file, line }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content: &[u8], limit_bytes: usize) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.geojson");
        std::fs::write(&path, content).unwrap();
        read_at_most(&path, limit_bytes).map_err(|error| {
            let said = error.to_string();
            assert!(said.contains("map.geojson"), "{said}");
            said
        })
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        assert_eq!(said("서울".as_bytes(), 6), Ok("서울".to_owned()));
        assert!(said(b"1234567", 6).unwrap_err().contains("over 6 bytes"));
        // A device without an end, too.
        let endless = read_at_most(Path::new("/dev/zero"), 6).unwrap_err();
        assert!(matches!(endless, MapTextError::TooLarge { .. }));
    }

    #[test]
    fn another_encoding_is_refused_with_the_line() {
        let euc_kr = b"{\n\"name\": \"\xbc\xad\xbf\xef\"}";
        assert!(
            said(euc_kr, 99)
                .unwrap_err()
                .contains("line 2: this is not UTF-8")
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nowhere/map.geojson")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/nowhere/map.geojson cannot be read")
        );
    }
}

//! The officers' page, as it was built before this binary was.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use rust_embed::{EmbeddedFile, RustEmbed};

/// Hex digits of a hash that people compare.
const SHOWN_HEX: usize = 12;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../console/dist"]
#[allow_missing = true]
struct Dist;

/// A file of the page.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    /// Its bytes.
    pub(super) bytes: std::borrow::Cow<'static, [u8]>,
    /// Its kind, by the ending of its name.
    pub(super) content_type: &'static str,
    /// The start of its SHA-256, in quotes (RFC 9110, section 8.8.3).
    pub(super) etag: String,
    /// Its name changes with its content, so that it never changes under its name.
    pub(super) immutable: bool,
}

/// The file at a path without its first slash; `index.html` is the page itself.
pub(super) fn find(path: &str) -> Option<Asset> {
    let content_type = content_type(path)?;
    let EmbeddedFile { data, metadata } = Dist::get(path)?;
    Some(Asset {
        bytes: data,
        content_type,
        etag: format!("\"{}\"", &hex(&metadata.sha256_hash())[..SHOWN_HEX]),
        // Vite puts a hash into the name of everything below `assets/`.
        immutable: path.starts_with("assets/"),
    })
}

/// A hash over the whole page; `None` when this binary was built without one.
#[must_use]
pub fn page_hash() -> Option<&'static str> {
    static HASH: LazyLock<Option<String>> = LazyLock::new(|| {
        let mut names: Vec<_> = Dist::iter().collect();
        names.sort_unstable();
        let mut all = digest::Context::new(&digest::SHA256);
        for name in &names {
            let hash = Dist::get(name)?.metadata.sha256_hash();
            all.update(&(name.len() as u64).to_be_bytes());
            all.update(name.as_bytes());
            all.update(&hash);
        }
        find("index.html").map(|_| hex(all.finish().as_ref())[..SHOWN_HEX].to_owned())
    });
    HASH.as_deref()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What Vite writes. Anything else is not served: a browser must never guess (no `nosniff` needed).
fn content_type(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "geojson" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served_and_has_a_kind() {
        for name in Dist::iter() {
            let asset = find(&name).unwrap_or_else(|| panic!("{name} has no content type"));
            assert_eq!(asset.etag.len(), SHOWN_HEX + 2);
            assert_eq!(asset.immutable, name.starts_with("assets/"));
        }
        assert_eq!(page_hash().is_some(), find("index.html").is_some());
    }

    #[test]
    fn what_is_not_of_the_page_is_not_there() {
        for path in [
            "",
            "..",
            "../Cargo.toml",
            "assets/../../Cargo.toml",
            "nothing.js",
            "a",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}

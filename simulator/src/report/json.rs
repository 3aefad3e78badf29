//! Reports as JSON.

use serde::Deserialize;
use thiserror::Error;

use super::{FORMAT, Report};

/// The JSON Schema (2020-12) of a report.
pub const SCHEMA: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/report.schema.json"
));

/// A text that is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The text is not JSON, or a member is missing or of another kind.
    #[error("this is not a report ({0}): give the file that --json wrote")]
    Json(#[from] serde_json::Error),
    /// Another version of the program wrote it.
    #[error(
        "the report has format {found}, this program reads format {FORMAT}: \
         read it with the version that wrote it, or run the scenario again"
    )]
    Format {
        /// Its format.
        found: u64,
    },
}

/// What can be read of a report of any format.
#[derive(Deserialize)]
struct Head {
    format: u64,
}

impl Report {
    /// The report as indented JSON, as [`SCHEMA`] describes it.
    ///
    /// # Errors
    ///
    /// None that a report can cause; serde's signature has one.
    pub fn to_json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    /// Reads what [`Report::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// When the text is no report, or one of another format.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        let head: Head = serde_json::from_str(text)?;
        if head.format != u64::from(FORMAT) {
            return Err(ReportError::Format { found: head.format });
        }
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests;

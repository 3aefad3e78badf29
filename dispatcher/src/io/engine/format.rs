//! Another format of the log, when operators say that all dispatchers know it.

use journal::AppendError;
use protocol::{FormatVersion, Site};

use super::Engine;
use crate::dispatch::Dispatch;
use crate::format::NotRaised;

/// Why the format in force is the one that it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    /// What is in force, is not known yet.
    #[error(
        "the board is still reading the log, and may not have come to the format in force; try again"
    )]
    CatchingUp,
    /// It is not to be raised to that.
    #[error(transparent)]
    Refused(#[from] NotRaised),
    /// The log takes nothing.
    #[error("the format in force cannot be recorded: {0}; ask again when /readyz is well")]
    Log(#[from] AppendError),
}

impl Engine {
    /// Raises the format of the log, for all who read it and for ever. Returns what was in force before, which may be
    /// the same.
    ///
    /// # Errors
    /// See [`FormatError`].
    pub(crate) async fn raise_format(
        &self,
        to: FormatVersion,
    ) -> Result<FormatVersion, FormatError> {
        if !self.read(Dispatch::is_caught_up) {
            return Err(FormatError::CatchingUp);
        }
        let format = self.read(Dispatch::format);
        if format.is_raised_by(to)? {
            self.record(Site::FormatInForce(to)).await?;
        }
        Ok(format.in_force())
    }
}

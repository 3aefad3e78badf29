//! The format of the log, as a dispatcher of this release meets it: what it knows, what is in force, and when it may
//! be raised.

use protocol::FormatVersion;

/// What is in force, beside what this release knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Format {
    known: FormatVersion,
    in_force: FormatVersion,
}

/// Why the format is not raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotRaised {
    /// Whoever does not know it cannot see to what it leads.
    #[error("this release knows no format above {}; ask a dispatcher of a release that knows {}", known.0, to.0)]
    Unknown {
        /// What was asked for.
        to: FormatVersion,
        /// The newest that is known here.
        known: FormatVersion,
    },
    /// The log may have what only a newer format has.
    #[error("the log is in format {}, and none is ever lowered", in_force.0)]
    Lower {
        /// What is in force.
        in_force: FormatVersion,
    },
}

impl Format {
    /// Of a log that names none, for a release that reads all formats up to this one.
    #[must_use]
    pub fn of_release(known: FormatVersion) -> Self {
        Self {
            known,
            in_force: FormatVersion::FIRST,
        }
    }

    /// Forgets what the log has said.
    pub fn begin_anew(&mut self) {
        *self = Self::of_release(self.known);
    }

    /// Takes what an entry of the log says.
    pub fn handle_in_force(&mut self, format: FormatVersion) {
        self.in_force = self.in_force.max(format);
    }

    /// The newest that this release knows.
    #[must_use]
    pub fn known(&self) -> FormatVersion {
        self.known
    }

    /// What the log says.
    #[must_use]
    pub fn in_force(&self) -> FormatVersion {
        self.in_force
    }

    /// What is in force, when this release does not know it.
    #[must_use]
    pub fn newer(&self) -> Option<FormatVersion> {
        (self.in_force > self.known).then_some(self.in_force)
    }

    /// Whether an entry is needed so that this format is in force.
    ///
    /// # Errors
    /// See [`NotRaised`].
    pub fn is_raised_by(&self, to: FormatVersion) -> Result<bool, NotRaised> {
        let (known, in_force) = (self.known, self.in_force);
        if to > known {
            return Err(NotRaised::Unknown { to, known });
        }
        if to < in_force {
            return Err(NotRaised::Lower { in_force });
        }
        Ok(to > in_force)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: FormatVersion = FormatVersion(1);
    const TWO: FormatVersion = FormatVersion(2);
    const THREE: FormatVersion = FormatVersion(3);

    #[test]
    fn it_is_raised_to_what_is_known_and_never_lowered() {
        let mut format = Format::of_release(TWO);
        assert_eq!(format.in_force(), ONE, "a log that names none");
        assert_eq!(format.is_raised_by(ONE), Ok(false));
        assert_eq!(format.is_raised_by(TWO), Ok(true));
        let unknown = NotRaised::Unknown {
            to: THREE,
            known: TWO,
        };
        assert_eq!(format.is_raised_by(THREE), Err(unknown));

        format.handle_in_force(TWO);
        assert_eq!(format.newer(), None);
        assert_eq!(format.is_raised_by(TWO), Ok(false));
        let lower = NotRaised::Lower { in_force: TWO };
        assert_eq!(format.is_raised_by(ONE), Err(lower));
        // An older entry that an author brings in again.
        format.handle_in_force(ONE);
        assert_eq!(format.in_force(), TWO);

        format.handle_in_force(THREE);
        assert_eq!(format.newer(), Some(THREE));
        assert_eq!(
            format.is_raised_by(TWO),
            Err(NotRaised::Lower { in_force: THREE })
        );
        format.begin_anew();
        assert_eq!((format.newer(), format.known()), (None, TWO));
    }
}

//! Signs that tell a verdict by shape and colour; a word always stands beside them.

use super::markup::{Tag, tag};

/// What a sign says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::report) enum Sign {
    /// A disc with a tick.
    Good,
    /// An octagon with a cross.
    Bad,
    /// A diamond with a question mark.
    Unsure,
    /// A ring with a dash.
    Absent,
}

impl Sign {
    /// The class that colours it and what is beside it.
    pub(in crate::report) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unsure => "unsure",
            Self::Absent => "absent",
        }
    }

    /// The sign, hidden from those who hear the word beside it.
    pub(in crate::report) fn draw(self) -> Tag {
        let (body, stroke) = match self {
            Self::Good => (
                "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22z",
                "M7 12.5l3.5 3.5L17 8.5",
            ),
            Self::Bad => (
                "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z",
                "M8 8l8 8M16 8l-8 8",
            ),
            Self::Unsure => (
                "M12 .5 23.5 12 12 23.5.5 12z",
                "M9.5 9.6a2.6 2.6 0 1 1 3.6 2.4c-.8.4-1.1.9-1.1 1.9M12 17v.2",
            ),
            Self::Absent => ("M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22z", "M7.5 12h9"),
        };
        tag("svg")
            .class("sign")
            .attr("viewBox", "0 0 24 24")
            .attr("aria-hidden", "true")
            .put(tag("path").class("body").attr("d", body))
            .put(tag("path").class("stroke").attr("d", stroke))
    }

    /// The sign and its word.
    pub(in crate::report) fn with(self, word: &str) -> Tag {
        tag("span")
            .attr("class", format_args!("state {}", self.class()))
            .put(self.draw())
            .put(tag("span").text(word))
    }
}

/// Kept or not.
impl From<bool> for Sign {
    fn from(kept: bool) -> Self {
        if kept { Self::Good } else { Self::Bad }
    }
}

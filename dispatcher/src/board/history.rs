//! What happened to an incident, for officers and for those who ask afterwards.

use journal::Offset;
use protocol::{
    CancelMeaning, DecisionId, DecisionKind, Effect, OfficerId, ReportKind, Revision, UnixMillis,
};

/// One line of an incident's history.
#[derive(Clone, PartialEq, Debug)]
pub struct HistoryItem {
    /// Its place in the alert log.
    pub offset: Offset,
    /// When it was appended.
    pub time: UnixMillis,
    /// What happened.
    pub kind: HistoryKind,
    /// Who did it.
    pub by: By,
    /// What it did.
    pub effect: Effect,
    /// Words that belong to it; empty when there are none.
    pub text: String,
    /// The decision, when it was one, and the revision on which it was made.
    pub decision: Option<(DecisionId, Revision)>,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HistoryKind {
    /// The phone said something.
    Report(ReportKind),
    /// The button was pressed again.
    FurtherPress,
    /// A press after the close.
    Reopened,
    /// A position came that says nothing.
    PositionUnusable,
    /// The phone claims that the alert is to end.
    Cancel(CancelMeaning),
    /// A dispatcher or an officer decided something.
    Decision(DecisionKind),
}

impl HistoryKind {
    /// The word in the officers' API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report(kind) => kind.as_str(),
            Self::FurtherPress => "further_press",
            Self::Reopened => "reopened",
            Self::PositionUnusable => "position_unusable",
            Self::Cancel(_) => "cancel",
            Self::Decision(kind) => kind.as_str(),
        }
    }
}

/// Who did it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    /// The person's phone.
    Phone,
    /// A dispatcher, by map and policy.
    Dispatcher,
    /// An officer.
    Officer(OfficerId),
}

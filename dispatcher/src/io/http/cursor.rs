//! Where a console stands, as it carries it from stream to stream.

use std::fmt;
use std::str::FromStr;

use journal::{Offset, PartitionCount};

use super::error::ApiError;
use crate::board::{Board, Cursor, Cursors};

/// A fold of the log by one run of a dispatcher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fold {
    /// The run, by a number that it has drawn.
    pub(super) run: u32,
    /// Where its changes began to count.
    pub(super) began_at: u64,
}

impl fmt::Display for Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.began_at)
    }
}

/// A cursor as consoles carry it: the two offsets of each partition from the first on, and of which fold they are.
/// Opaque to them, and valid at every dispatcher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CursorText {
    pub(super) cursors: Cursors,
    pub(super) fold: Option<Fold>,
}

impl CursorText {
    /// The newest change of a board that a console here has seen.
    ///
    /// What this run has folded anew is another log than the one that the console has seen: its offsets say nothing, and it is shown
    /// everything again. Of what another dispatcher has folded nobody here knows more than the offsets.
    pub(super) fn change_of(&self, board: &Board, run: u32) -> u64 {
        let is_of_earlier_fold = self
            .fold
            .is_some_and(|fold| fold.run == run && fold.began_at != board.began_at());
        if is_of_earlier_fold {
            0
        } else {
            board.change_at(&self.cursors)
        }
    }
}

impl fmt::Display for CursorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for Cursor { alerts, tracks } in self.cursors.iter() {
            write!(f, "{between}{alerts}.{tracks}")?;
            between = "-";
        }
        match self.fold {
            Some(fold) => write!(f, "~{fold}"),
            None => Ok(()),
        }
    }
}

impl FromStr for CursorText {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        read(text).ok_or_else(|| {
            ApiError::bad_input("the cursor is none of this service; load the board anew")
        })
    }
}

fn read(text: &str) -> Option<CursorText> {
    let (places, fold) = match text.split_once('~') {
        Some((places, fold)) => (places, Some(fold)),
        None => (text, None),
    };
    let fold = match fold.map(|fold| fold.split_once('.')) {
        Some(Some((run, began_at))) => Some(Fold {
            run: run.parse().ok()?,
            began_at: began_at.parse().ok()?,
        }),
        Some(None) => return None,
        None => None,
    };
    let offset = |part: &str| part.parse().ok().map(Offset);
    let cursor = |pair: &str| {
        let (alerts, tracks) = pair.split_once('.')?;
        Some(Cursor {
            alerts: offset(alerts)?,
            tracks: offset(tracks)?,
        })
    };
    if places.split('-').count() > usize::from(PartitionCount::MAX) {
        return None;
    }
    // Of an empty board.
    let cursors = match places {
        "" => Vec::new(),
        _ => places.split('-').map(cursor).collect::<Option<_>>()?,
    };
    Some(CursorText {
        cursors: Cursors::new(cursors),
        fold,
    })
}

#[cfg(test)]
mod tests {
    use journal::Partition;
    use protocol::{
        AlertId, DeviceId, Header, ReportHeader, ReportKind, ReportNumber, Subject, UnixMillis,
        Verification,
    };

    use super::*;
    use crate::opened::{Body, Opened};

    fn cursor(pairs: &[(u64, u64)], fold: Option<Fold>) -> CursorText {
        let cursor = |&(alerts, tracks): &(u64, u64)| Cursor {
            alerts: Offset(alerts),
            tracks: Offset(tracks),
        };
        CursorText {
            cursors: Cursors::new(pairs.iter().map(cursor).collect()),
            fold,
        }
    }

    #[test]
    fn a_cursor_comes_back_and_nothing_else_is_one() {
        let folds = [(0, 0), (u32::MAX, u64::MAX)];
        let folds = folds.map(|(run, began_at)| Some(Fold { run, began_at }));
        for pairs in [
            &[][..],
            &[(12, u64::MAX)],
            &[(12, 3), (0, 0), (u64::MAX, 7)],
            &[(1, 1); PartitionCount::MAX as usize],
        ] {
            for fold in [None, folds[0], folds[1]] {
                let cursor = cursor(pairs, fold);
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
            }
        }
        let too_many = cursor(&[(1, 1); PartitionCount::MAX as usize + 1], None).to_string();
        for text in [
            ".",
            "1",
            "1.",
            ".1",
            "1.2.3",
            "-1.2",
            "1.2-",
            "1.2--1.2",
            "a.b",
            "1.99999999999999999999",
            "1.2~",
            "1.2~1",
            "1.2~1.2.3",
            "1.2~4294967296.1",
            "1.2~1.2~1.2",
            &too_many,
        ] {
            assert!(text.parse::<CursorText>().is_err(), "{text}");
        }
    }

    /// Folds a press of a phone.
    fn press(board: &mut Board, phone: u8, offset: u64) {
        let (time, alert) = (UnixMillis::new(0), AlertId::from_bytes([phone; 16]));
        let report = ReportHeader {
            device: DeviceId::Enrolled([phone; 16]),
            alert,
            number: ReportNumber(1),
            kind: ReportKind::Raise,
            verification: Verification::Verified,
            drill: false,
        };
        let opened = Opened {
            header: Header {
                time,
                day: time.day(),
                subject: Subject::Report(report),
            },
            body: Body::Gone,
        };
        board.apply_alert(Partition::ZERO, Offset(offset), &opened);
    }

    #[test]
    fn who_comes_back_from_before_the_log_was_rewound_is_shown_what_came_in_its_place() {
        const RUN: u32 = 7;
        let mut board = Board::default();
        press(&mut board, 1, 0);
        press(&mut board, 2, 1);
        let began_at = board.began_at();
        let seen = CursorText {
            cursors: board.cursors().clone(),
            fold: Some(Fold { run: RUN, began_at }),
        };
        assert_eq!(seen.change_of(&board, RUN), board.change(), "all of it");

        let mut anew = Board::counting_on(board.change());
        press(&mut anew, 1, 0);
        press(&mut anew, 3, 1);
        let at = seen.change_of(&anew, RUN);
        assert_eq!(anew.changed_since(at).count(), 2);
        press(&mut anew, 2, 2);
        let now = CursorText {
            cursors: anew.cursors().clone(),
            fold: Some(Fold {
                run: RUN,
                began_at: anew.began_at(),
            }),
        };
        assert_eq!(now.change_of(&anew, RUN), anew.change());
        // Another dispatcher counts for itself.
        assert_eq!(now.change_of(&board, RUN + 1), board.change());
    }
}

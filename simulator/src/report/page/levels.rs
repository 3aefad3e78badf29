//! Against each service level, and what else was counted.

use super::markup::{Tag, tag};
use super::sign::Sign;
use super::verdicts::per_thousand;
use super::{number, row_head, section as plain_section, table};
use crate::report::numbers::{count, millis, percent};
use crate::report::words::Words;
use crate::report::{Judgement, Report};

pub(super) fn section(report: &Report, w: &Words) -> Tag {
    plain_section("levels", w.levels)
        .put(judgements(report, w))
        .put(counts(report, w))
}

fn judgements(report: &Report, w: &Words) -> Tag {
    let mut rows: Vec<Vec<Tag>> = report
        .machine
        .judgements
        .iter()
        .map(|judgement| row(judgement, w))
        .collect();
    if let Some(people) = &report.people {
        rows.push(vec![
            row_head(w.people_level),
            number(format_args!(
                "≥ {}",
                percent(report.scenario.desks.target_share_15_s)
            )),
            number(percent(people.within_15_s)),
            state(people.passed, w),
        ]);
    }
    table(
        w.levels_caption,
        &[w.level, w.wanted, w.measured, w.verdict],
        rows,
    )
}

fn row(judgement: &Judgement, w: &Words) -> Vec<Tag> {
    let shown = |value: f64| {
        if judgement.level.is_time() {
            millis(value)
        } else {
            count(value as u64)
        }
    };
    let wanted = shown(judgement.wanted);
    vec![
        row_head(w.level_name(judgement.level)),
        number(if judgement.level.is_time() {
            format!("≤ {wanted}")
        } else {
            wanted
        }),
        number(judgement.measured.map_or(w.unknown.to_owned(), shown)),
        state(judgement.kept, w),
    ]
}

fn state(kept: bool, w: &Words) -> Tag {
    tag("td").put(Sign::from(kept).with(if kept { w.kept } else { w.not_kept }))
}

/// All counts, per thousand of what was raised.
fn counts(report: &Report, w: &Words) -> Tag {
    let machine = &report.machine;
    let row = |name: &str, part: u64| {
        vec![
            row_head(name),
            number(count(part)),
            number(per_thousand(part, machine.raised, w)),
        ]
    };
    table(
        w.counts_caption,
        &[w.what, w.count, w.per_thousand],
        vec![
            row(w.raised, machine.raised),
            row(w.receipted, machine.receipted),
            row(w.on_board, machine.on_board),
            row(w.lost, machine.lost),
            row(w.doubled, machine.doubled),
            row(w.reordered, machine.reordered),
            row(w.map_mismatches, machine.map_mismatches),
        ],
    )
}

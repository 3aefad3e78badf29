//! How long an alert takes, by stage, as percentiles and over time.

use super::chart::{Axis, Chart, Join, Line, Mark, Size, over_time};
use super::markup::Tag;
use super::{note, number, ranges, row_head, section as plain_section, table};
use crate::report::numbers::{count, millis, tick};
use crate::report::words::Words;
use crate::report::{Latency, Report, Second, Stage};

pub(super) fn section(report: &Report, w: &Words) -> Tag {
    let section = plain_section("latency", w.latency).put(note(w.latency_lead));
    if report.machine.stages.is_empty() {
        return section.put(note(w.nothing_measured));
    }
    section
        .put(ranges::draw(report, w))
        .put(percentiles(&report.machine.stages, w))
        .put(times(report, w))
}

fn percentiles(stages: &[Stage], w: &Words) -> Tag {
    let row = |stage: &Stage, latency: &Latency, from: &str| {
        let cells = [
            latency.p50_ms,
            latency.p90_ms,
            latency.p99_ms,
            latency.p999_ms,
            latency.max_ms,
        ];
        let mut row = vec![
            row_head(format_args!("{} · {from}", w.stage_name(stage.name))),
            number(count(latency.count)),
        ];
        let shown = |ms: f64| {
            if latency.count == 0 {
                w.unknown.to_owned()
            } else {
                millis(ms)
            }
        };
        row.extend(cells.map(|ms| number(shown(ms))));
        row
    };
    let rows = stages.iter().flat_map(|stage| {
        [
            row(stage, &stage.from_intended, w.from_intended),
            row(stage, &stage.from_begun, w.from_begun),
        ]
    });
    table(
        w.percentiles_caption,
        &[w.stage, w.count, "p50", "p90", "p99", "p99.9", w.max],
        rows.collect(),
    )
}

fn times(report: &Report, w: &Words) -> Tag {
    let p99 = |of: fn(&Second) -> Option<f64>| over_time(&report.seconds, Join::Greatest, of);
    Chart {
        title: w.latency_over_time,
        unit: w.p99_ms,
        lines: vec![
            Line::first(w.to_receipt, p99(|second| second.receipt_p99_ms)),
            Line::second(w.to_console, p99(|second| second.console_p99_ms)),
        ],
        marks: vec![Mark::across(
            w.console_level,
            report.scenario.levels.console_p99_ms,
        )],
        x_axis: Axis::Time,
        x_title: w.since_begin,
        y_label: tick,
        y_top: None,
        size: Size::Wide,
    }
    .draw(w)
}

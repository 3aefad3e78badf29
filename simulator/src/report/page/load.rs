//! What was offered, what it cost, and what was shed.

use super::chart::{Axis, Chart, Join, Line, Size, over_time};
use super::markup::{Tag, tag};
use super::sign::Sign;
use super::{facts, note, number, row_head, section, table};
use crate::report::numbers::{bytes, count, millis, percent, short, tick};
use crate::report::words::Words;
use crate::report::{Cost, Report, Second};

/// Rate offered and achieved, and whether the generator kept up.
pub(super) fn rates(report: &Report, w: &Words) -> Tag {
    let generator = &report.generator;
    let line =
        |of: fn(&Second) -> u64| over_time(&report.seconds, Join::Mean, |s| Some(of(s) as f64));
    let chart = Chart {
        title: w.rate_over_time,
        unit: w.alerts_per_s,
        lines: vec![
            Line::third(w.offered, line(|second| second.offered)),
            Line::first(w.begun, line(|second| second.begun)),
            Line::second(w.receipted, line(|second| second.receipted)),
        ],
        marks: Vec::new(),
        x_axis: Axis::Time,
        x_title: w.since_begin,
        y_label: tick,
        y_top: None,
        size: Size::Wide,
    };
    let seconds = report.scenario.seconds;
    let rate = |alerts: u64| {
        if seconds > 0.0 {
            format!("{}\u{a0}/s", short(alerts as f64 / seconds))
        } else {
            w.unknown.to_owned()
        }
    };
    section("load", w.load)
        .put(chart.draw(w))
        .put(facts(vec![
            (w.offered, rate(generator.offered)),
            (w.begun, rate(generator.begun)),
            (w.positions_peak, positions_peak(report)),
            (w.begun_late_p99, millis(generator.late.p99_ms)),
            (
                w.generator_processor,
                generator
                    .processor_share
                    .map_or(w.unknown.to_owned(), percent),
            ),
        ]))
        .put(doubts(report, w))
}

/// The most positions that phones sent in a second.
fn positions_peak(report: &Report) -> String {
    let each = report.seconds.iter().map(|second| second.positions_sent);
    format!("{}\u{a0}/s", count(each.max().unwrap_or_default()))
}

fn doubts(report: &Report, w: &Words) -> Tag {
    if report.generator.is_conclusive() {
        return tag("p").put(Sign::Good.with(w.conclusive));
    }
    let reasons = report.generator.doubts.iter();
    tag("div")
        .class("doubts")
        .put(tag("p").put(Sign::Unsure.with(w.doubts)))
        .put(tag("ul").all(reasons.map(|doubt| tag("li").text((w.doubt)(doubt)))))
}

/// Use of the machine by the service.
pub(super) fn cost(report: &Report, w: &Words) -> Tag {
    let section = section("cost", w.cost);
    let section = match &report.machine.cost {
        Some(cost) => section.put(costs(cost, w)),
        None if report.parts.is_empty() => section.put(note(w.cost_unknown)),
        None => section.put(note(w.cost_by_machine)),
    };
    let small = |title, unit, y_label: fn(f64) -> String, points: Vec<(f64, f64)>| {
        Chart {
            title,
            unit,
            lines: vec![Line::first(title, points)],
            marks: Vec::new(),
            x_axis: Axis::Time,
            x_title: w.since_begin,
            y_label,
            y_top: None,
            size: Size::Third,
        }
        .draw(w)
    };
    let seconds = &report.seconds;
    section.put(
        tag("div")
            .class("thirds")
            .put(small(
                w.connected,
                w.phones,
                tick,
                over_time(seconds, Join::Greatest, |second| {
                    Some(second.connected as f64)
                }),
            ))
            .put(small(
                w.resident,
                w.resident_unit,
                tick,
                over_time(seconds, Join::Greatest, |second| {
                    second
                        .resident_bytes
                        .map(|bytes| bytes as f64 / 1_048_576.0)
                }),
            ))
            .put(small(
                w.processor,
                w.processor_unit,
                tick,
                over_time(seconds, Join::Mean, |second| second.cpu_s),
            )),
    )
}

fn costs(cost: &Cost, w: &Words) -> Tag {
    let seconds = |s: Option<f64>| s.map_or(w.unknown.to_owned(), |s| (w.seconds)(&short(s)));
    facts(vec![
        (w.cpu_alerts, seconds(cost.cpu_s_per_thousand_alerts)),
        (w.cpu_positions, seconds(cost.cpu_s_per_thousand_positions)),
        (
            w.memory_per_connection,
            cost.bytes_per_connection
                .map_or(w.unknown.to_owned(), bytes),
        ),
        (w.resident_max, bytes(cost.resident_bytes_max as f64)),
    ])
}

/// What the service did not do, on purpose.
pub(super) fn shed(report: &Report, w: &Words) -> Tag {
    let machine = &report.machine;
    let unseen = machine
        .positions_sent
        .saturating_sub(machine.positions_seen);
    let share = if machine.positions_sent > 0 {
        percent(unseen as f64 / machine.positions_sent as f64)
    } else {
        w.unknown.to_owned()
    };
    let mut rows = vec![vec![
        row_head(w.positions_unseen),
        number(count(unseen)),
        tag("td").text((w.positions_unseen_why)(
            &count(machine.positions_sent),
            &share,
        )),
    ]];
    rows.extend(machine.shed.iter().map(|shed| {
        let (name, why) = w.shed_words(&shed.what).unwrap_or((&shed.what, w.unknown));
        vec![
            row_head(name),
            number(count(shed.count)),
            tag("td")
                .text(why)
                .put(tag("code").attr("translate", "no").text(&shed.what)),
        ]
    }));
    section("shed", w.shed).put(note(w.shed_lead)).put(table(
        w.shed_caption,
        &[w.what, w.count, w.why],
        rows,
    ))
}

//! The desks: who was looked at when, and how many seats it would take.

use super::chart::{Axis, Chart, Line, Mark, Size};
use super::markup::{Tag, tag};
use super::verdicts::{people_absent, seats_missing};
use super::{facts, note, section as plain_section};
use crate::report::numbers::{count, decimal, percent};
use crate::report::words::Words;
use crate::report::{People, Report};

pub(super) fn section(report: &Report, w: &Words) -> Tag {
    let section = plain_section("desks", w.desks)
        .put(tag("p").class("caveat").attr("role", "note").text(w.caveat));
    let Some(people) = &report.people else {
        return section.put(note(people_absent(report, w)));
    };
    section
        .put(
            tag("div")
                .class("columns")
                .put(shares(people, w))
                .put(numbers(people, w)),
        )
        .put(curve(people, report.scenario.desks.target_share_15_s, w))
}

fn numbers(people: &People, w: &Words) -> Tag {
    let needed = people.seats_needed.map_or(w.no_number.to_owned(), count);
    facts(vec![
        (w.worst_wait, (w.seconds)(&decimal(people.worst_wait_s, 0))),
        (w.never, count(people.never)),
        (w.seats, count(people.seats)),
        (w.seats_needed, needed),
        (w.seats_missing, seats_missing(people, w)),
    ])
}

/// A bar for each of the three times.
fn shares(people: &People, w: &Words) -> Tag {
    let bar = |name: &str, share: f64| {
        let full = share.clamp(0.0, 1.0) * 100.0;
        tag("div")
            .class("bar")
            .put(tag("span").text(name))
            .put(
                tag("svg")
                    .attr("viewBox", "0 0 100 8")
                    .attr("preserveAspectRatio", "none")
                    .attr("aria-hidden", "true")
                    .put(
                        tag("rect")
                            .class("trough")
                            .attr("width", 100)
                            .attr("height", 8),
                    )
                    .put(
                        tag("rect")
                            .class("fill")
                            .attr("width", format_args!("{full:.2}"))
                            .attr("height", 8),
                    ),
            )
            .put(tag("strong").text(percent(share)))
    };
    tag("div")
        .class("bars")
        .put(tag("h3").text(w.looked_at_within))
        .put(bar(w.s_15, people.within_15_s))
        .put(bar(w.s_60, people.within_60_s))
        .put(bar(w.s_600, people.within_600_s))
}

fn curve(people: &People, target: f64, w: &Words) -> Tag {
    let points = people
        .curve
        .iter()
        .map(|point| (point.seats as f64, point.within_15_s))
        .collect();
    let mut marks = vec![
        Mark::across(w.target, target),
        Mark::up(w.seats_now, people.seats as f64),
    ];
    if let Some(needed) = people.seats_needed {
        marks.push(Mark::up(w.seats_needed, needed as f64));
    }
    Chart {
        title: w.curve,
        unit: w.curve_unit,
        lines: vec![Line::first(w.within_15_s, points)],
        marks,
        x_axis: Axis::Count,
        x_title: w.seats,
        y_label: |share| format!("{} %", decimal(share * 100.0, 0)),
        y_top: Some(1.0),
        size: Size::Wide,
    }
    .draw(w)
}

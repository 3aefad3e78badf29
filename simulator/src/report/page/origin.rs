//! What it takes to make this report again: scenario, seed, program, machine, map.

use super::markup::{Tag, tag};
use super::{number, row_head, section as plain_section, table};
use crate::report::numbers::{bytes, count, decimal, millis, percent, short};
use crate::report::words::Words;
use crate::report::{Build, Part, Report};

pub(super) fn section(report: &Report, w: &Words) -> Tag {
    let section = plain_section("origin", w.origin).put(build(report, w));
    let section = if report.parts.is_empty() {
        section
    } else {
        section.put(parts(&report.parts, w))
    };
    section.put(scenario(report, w))
}

fn build(report: &Report, w: &Words) -> Tag {
    let build = &report.build;
    let row = |name: &str, value: String| vec![row_head(name), tag("td").text(value)];
    let mut rows = vec![
        row(w.program, build.program.clone()),
        row(w.seed, report.scenario.seed.to_string()),
        row(w.map, map(build, w)),
        row(w.setting, setting(build, w)),
        row(w.machine_name, machine(build, w)),
        row(w.system, build.system.clone()),
        row(w.format, report.format.to_string()),
    ];
    if !build.setting.note.is_empty() {
        rows.push(row(w.remark, build.setting.note.clone()));
    }
    table(w.origin_caption, &[w.what, w.value], rows)
}

fn map(build: &Build, w: &Words) -> String {
    let label = w.authority(build.map.authority).unwrap_or(w.official);
    format!("{} · {label}", build.map.version)
}

fn setting(build: &Build, w: &Words) -> String {
    let place = w.service_place(build.setting.service);
    match build.setting.service_cores {
        Some(cores) => format!("{place}; {}", (w.confined)(&short(cores))),
        None => place.to_owned(),
    }
}

fn machine(build: &Build, w: &Words) -> String {
    let cores = (w.cores)(&count(u64::from(build.cores)));
    format!(
        "{}, {cores}, {}",
        build.processor,
        bytes(build.memory_bytes as f64)
    )
}

/// The machines of a merged report.
fn parts(parts: &[Part], w: &Words) -> Tag {
    let row = |part: &Part| {
        let cost = part.cost.as_ref();
        let seconds = |s: Option<f64>| s.map_or(w.unknown.to_owned(), |s| (w.seconds)(&short(s)));
        vec![
            row_head(machine(&part.build, w)),
            number(part.seed),
            number((w.seconds)(&decimal(part.elapsed_s, 0))),
            number(count(part.raised)),
            number(millis(part.generator.late.p99_ms)),
            number(
                part.generator
                    .processor_share
                    .map_or(w.unknown.to_owned(), percent),
            ),
            number(seconds(
                cost.and_then(|cost| cost.cpu_s_per_thousand_alerts),
            )),
        ]
    };
    table(
        w.parts,
        &[
            w.machine_name,
            w.seed,
            w.elapsed,
            w.alerts,
            w.begun_late_p99,
            w.generator_processor,
            w.cpu_alerts,
        ],
        parts.iter().map(row).collect(),
    )
}

/// The scenario as whoever wrote it would read it.
fn scenario(report: &Report, w: &Words) -> Tag {
    let text = toml::to_string(&report.scenario).unwrap_or_else(|error| error.to_string());
    tag("div")
        .class("scenario")
        .put(tag("h3").text(w.scenario))
        .put(tag("pre").put(tag("code").attr("translate", "no").text(text.trim())))
}

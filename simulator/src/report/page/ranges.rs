//! The spread of every stage on one axis of time: each step to the right is ten times slower.

use super::chart::{label, segment};
use super::markup::{Tag, tag};
use crate::report::numbers::tick_millis;
use crate::report::words::Words;
use crate::report::{Latency, Level, Report, StageName};

const WIDTH: f64 = 960.0;
/// Room for the names of the stages.
const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 10.0;
/// Two tracks and the space between stages.
const STAGE_HEIGHT: f64 = 58.0;

/// The axis, as powers of ten of milliseconds.
struct Scale {
    from: i32,
    to: i32,
}

impl Scale {
    fn of(report: &Report) -> Self {
        let each = || {
            let stages = report.machine.stages.iter();
            stages
                .flat_map(|stage| [&stage.from_intended, &stage.from_begun])
                .filter(|latency| latency.count > 0)
        };
        let least = each()
            .map(|latency| latency.p50_ms)
            .fold(f64::INFINITY, f64::min);
        let most = each().map(|latency| latency.max_ms).fold(0.0, f64::max);
        let levels = &report.scenario.levels;
        let most = most.max(levels.receipt_p999_ms).max(levels.console_p99_ms);
        let power = |ms: f64| ms.clamp(1e-3, 1e9).log10();
        let from = power(least).floor() as i32;
        Self {
            from,
            to: (power(most).ceil() as i32).max(from + 1),
        }
    }

    fn x(&self, ms: f64) -> f64 {
        let power = ms
            .max(1e-9)
            .log10()
            .clamp(f64::from(self.from), f64::from(self.to));
        let share = (power - f64::from(self.from)) / f64::from(self.to - self.from);
        LEFT + share * (RIGHT - LEFT)
    }
}

pub(super) fn draw(report: &Report, w: &Words) -> Tag {
    let scale = Scale::of(report);
    let bottom = TOP + STAGE_HEIGHT * report.machine.stages.len() as f64;
    let mut svg = tag("svg")
        .class("chart wide")
        .attr("viewBox", format_args!("0 0 {WIDTH} {}", bottom + 30.0))
        .attr("role", "img")
        .attr("aria-label", w.ranges_label);
    for power in scale.from..=scale.to {
        let ms = 10_f64.powi(power);
        let x = scale.x(ms);
        svg = svg.put(segment("grid", (x, TOP), (x, bottom))).put(label(
            "middle",
            x,
            bottom + 20.0,
            &tick_millis(ms),
        ));
    }
    for (n, stage) in report.machine.stages.iter().enumerate() {
        let top = TOP + STAGE_HEIGHT * n as f64;
        svg = svg
            .put(label(
                "end",
                LEFT - 14.0,
                top + 29.0,
                w.stage_name(stage.name),
            ))
            .all(track("intended", &scale, &stage.from_intended, top + 18.0))
            .all(track("begun", &scale, &stage.from_begun, top + 34.0))
            .all(level(report, stage.name).map(|ms| {
                let x = scale.x(ms);
                segment("mark", (x, top + 6.0), (x, top + STAGE_HEIGHT - 10.0))
            }));
    }
    tag("figure")
        .put(legend(w))
        .put(tag("div").class("scroll").put(svg))
}

fn level(report: &Report, stage: StageName) -> Option<f64> {
    let level = match stage {
        StageName::Receipt => Level::ReceiptP999,
        StageName::Console => Level::ConsoleP99,
        StageName::Assigned => return None,
    };
    let mut judgements = report.machine.judgements.iter();
    judgements
        .find(|one| one.level == level)
        .map(|one| one.wanted)
}

/// Half of the times, then nine of ten, 99 of 100, 999 of 1,000 and all.
fn track(class: &'static str, scale: &Scale, latency: &Latency, y: f64) -> Vec<Tag> {
    if latency.count == 0 {
        return Vec::new();
    }
    let x = |ms| scale.x(ms);
    let tick = |ms, half: f64| segment("tick", (x(ms), y - half), (x(ms), y + half));
    let inside = [
        segment("whisker", (x(latency.p50_ms), y), (x(latency.max_ms), y)),
        segment("body", (x(latency.p50_ms), y), (x(latency.p99_ms), y)),
        tick(latency.p99_ms, 6.0),
        tick(latency.p999_ms, 6.0),
        tick(latency.max_ms, 3.0),
        tag("circle")
            .attr("cx", format_args!("{:.1}", x(latency.p50_ms)))
            .attr("cy", y)
            .attr("r", 5),
    ];
    vec![
        tag("g")
            .attr("class", format_args!("track {class}"))
            .all(inside),
    ]
}

fn legend(w: &Words) -> Tag {
    let key = |class: &'static str, name: &str| {
        let drawn = if class == "mark" {
            tag("path").class("mark").attr("d", "M1 5H27")
        } else {
            tag("g")
                .attr("class", format_args!("track {class}"))
                .put(tag("path").class("body").attr("d", "M5 5H27"))
                .put(tag("circle").attr("cx", 6).attr("cy", 5).attr("r", 4.5))
        };
        tag("span")
            .class("key")
            .put(
                tag("svg")
                    .attr("viewBox", "0 0 28 10")
                    .attr("aria-hidden", "true")
                    .put(drawn),
            )
            .text(name)
    };
    tag("figcaption")
        .put(tag("strong").text(w.ranges))
        .put(key("intended", w.from_intended))
        .put(key("begun", w.from_begun))
        .put(key("mark", w.level))
        .put(tag("span").class("unit").text(w.ranges_key))
}

//! Lines over an axis, drawn as SVG.

use super::markup::{Tag, tag};
use crate::report::Second;
use crate::report::numbers::{count, steps};
use crate::report::words::Words;

/// More points than these are no finer on paper, and only make the page heavy.
const MAX_POINTS: usize = 240;
/// A mark higher than this many times the lines would press them flat: it is named and not drawn.
const MAX_HEADROOM: f64 = 3.0;

/// One line.
pub(super) struct Line<'a> {
    name: &'a str,
    class: &'static str,
    points: Vec<(f64, f64)>,
}

impl<'a> Line<'a> {
    /// A full line in the first colour.
    pub(super) fn first(name: &'a str, points: Vec<(f64, f64)>) -> Self {
        Self {
            name,
            class: "line first",
            points,
        }
    }

    /// A dashed line in the second colour.
    pub(super) fn second(name: &'a str, points: Vec<(f64, f64)>) -> Self {
        Self {
            name,
            class: "line second",
            points,
        }
    }

    /// A broad pale line, for what the others are measured by.
    pub(super) fn third(name: &'a str, points: Vec<(f64, f64)>) -> Self {
        Self {
            name,
            class: "line third",
            points,
        }
    }
}

/// A straight line with a name.
pub(super) struct Mark<'a> {
    name: &'a str,
    at: f64,
    is_across: bool,
}

impl<'a> Mark<'a> {
    /// At a height.
    pub(super) fn across(name: &'a str, at: f64) -> Self {
        Self {
            name,
            at,
            is_across: true,
        }
    }

    /// At a place of the lower axis.
    pub(super) fn up(name: &'a str, at: f64) -> Self {
        Self {
            name,
            at,
            is_across: false,
        }
    }
}

/// How much of the page a chart takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// All of its width.
    Wide,
    /// A third of it.
    Third,
}

impl Size {
    const fn pixels(self) -> (f64, f64) {
        match self {
            Self::Wide => (960.0, 270.0),
            Self::Third => (308.0, 190.0),
        }
    }
}

/// Lines, marks and how to read them.
pub(super) struct Chart<'a> {
    /// What is seen.
    pub(super) title: &'a str,
    /// The unit of the height.
    pub(super) unit: &'a str,
    /// At least one.
    pub(super) lines: Vec<Line<'a>>,
    /// Levels and the like.
    pub(super) marks: Vec<Mark<'a>>,
    /// What the lower axis counts.
    pub(super) x_axis: Axis,
    /// What the lower axis is.
    pub(super) x_title: &'a str,
    /// How a height is written.
    pub(super) y_label: fn(f64) -> String,
    /// The greatest height, where it is known.
    pub(super) y_top: Option<f64>,
    /// How large.
    pub(super) size: Size,
}

/// Where a point is drawn.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x_from: f64,
    x_to: f64,
    y_to: f64,
}

impl Frame {
    fn x(&self, x: f64) -> f64 {
        let span = (self.x_to - self.x_from).max(f64::MIN_POSITIVE);
        self.left + (x - self.x_from) / span * (self.right - self.left)
    }

    fn y(&self, y: f64) -> f64 {
        self.bottom - y / self.y_to * (self.bottom - self.top)
    }
}

impl Chart<'_> {
    /// The chart with its title and the names of its lines.
    pub(super) fn draw(&self, w: &Words) -> Tag {
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        if points().next().is_none() {
            return self.figure(tag("p").class("note").text(w.nothing_measured), w);
        }
        let (width, height) = self.size.pixels();
        let highest = self.highest();
        let heights = steps(self.y_top.unwrap_or(self.reach(highest)), 4);
        let ups = self.marks.iter().filter(|mark| !mark.is_across);
        let xs = || {
            points()
                .map(|point| point.0)
                .chain(ups.clone().map(|m| m.at))
        };
        let frame = Frame {
            left: 64.0,
            right: width - 20.0,
            top: if self.marks.iter().any(|mark| !mark.is_across) {
                30.0
            } else {
                12.0
            },
            bottom: height - 44.0,
            x_from: xs().fold(f64::INFINITY, f64::min).min(0.0),
            x_to: xs().fold(f64::NEG_INFINITY, f64::max),
            y_to: heights.last().copied().unwrap_or(1.0),
        };
        let svg = tag("svg")
            .attr(
                "class",
                if self.size == Size::Wide {
                    "chart wide"
                } else {
                    "chart small"
                },
            )
            .attr("viewBox", format_args!("0 0 {width} {height}"))
            .attr("role", "img")
            .attr("aria-label", self.in_words())
            .all(heights.iter().flat_map(|y| self.height_line(&frame, *y)))
            .all(self.places(&frame))
            .all(self.lines.iter().map(|line| trace(&frame, line)))
            .all(self.marks.iter().flat_map(|mark| self.mark(&frame, mark)));
        self.figure(tag("div").class("scroll").put(svg), w)
    }

    /// For those who do not see it.
    fn in_words(&self) -> String {
        let last = |line: &Line<'_>| {
            let top = line.points.iter().map(|point| point.1).fold(0.0, f64::max);
            format!("{} ≤ {}", line.name, (self.y_label)(top))
        };
        let lines: Vec<String> = self.lines.iter().map(last).collect();
        format!("{} ({}): {}", self.title, self.unit, lines.join(", "))
    }

    fn highest(&self) -> f64 {
        let points = self.lines.iter().flat_map(|line| line.points.iter());
        points
            .map(|point| point.1)
            .fold(self.y_top.unwrap_or(0.0), f64::max)
    }

    /// The height that lines and near marks need.
    fn reach(&self, highest: f64) -> f64 {
        let near = self
            .marks
            .iter()
            .filter(|mark| mark.is_across && mark.at <= highest * MAX_HEADROOM)
            .map(|mark| mark.at);
        near.fold(highest, f64::max)
    }

    fn figure(&self, inner: Tag, w: &Words) -> Tag {
        let highest = self.highest();
        let key = |class: &'static str, name: &str| {
            tag("span")
                .class("key")
                .put(
                    tag("svg")
                        .attr("viewBox", "0 0 28 8")
                        .attr("aria-hidden", "true")
                        .put(tag("path").class(class).attr("d", "M1 4H27")),
                )
                .text(name)
        };
        let mut caption = tag("figcaption")
            .put(tag("strong").text(self.title))
            .put(tag("span").class("unit").text(self.unit));
        if self.lines.len() > 1 {
            caption = caption.all(self.lines.iter().map(|line| key(line.class, line.name)));
        }
        let across = self.marks.iter().filter(|mark| mark.is_across);
        caption = caption.all(across.map(|mark| {
            let above = if mark.at > self.reach(highest) {
                w.above_chart
            } else {
                ""
            };
            let name = format!("{} {}{above}", mark.name, (self.y_label)(mark.at));
            key("mark", &name)
        }));
        tag("figure").put(caption).put(inner)
    }

    fn height_line(&self, frame: &Frame, y: f64) -> [Tag; 2] {
        let at = frame.y(y);
        [
            segment("grid", (frame.left, at), (frame.right, at)),
            label("end", frame.left - 8.0, at + 4.5, &(self.y_label)(y)),
        ]
    }

    /// Ticks, their labels and the name of the lower axis.
    fn places(&self, frame: &Frame) -> Vec<Tag> {
        let wanted = if self.size == Size::Wide { 8 } else { 3 };
        let span = frame.x_to - frame.x_from;
        let ticks = match self.x_axis {
            Axis::Time => time_steps(span, wanted),
            Axis::Count => steps(span, wanted),
        };
        let mut tags = Vec::new();
        for tick in ticks.into_iter().map(|tick| frame.x_from + tick) {
            if tick <= frame.x_to * (1.0 + 1e-9) {
                let at = frame.x(tick);
                tags.push(segment(
                    "grid",
                    (at, frame.bottom),
                    (at, frame.bottom + 5.0),
                ));
                tags.push(label(
                    "middle",
                    at,
                    frame.bottom + 19.0,
                    &self.x_axis.label(tick),
                ));
            }
        }
        tags.push(label("end", frame.right, frame.bottom + 38.0, self.x_title));
        tags
    }

    fn mark(&self, frame: &Frame, mark: &Mark<'_>) -> Vec<Tag> {
        if mark.is_across {
            if mark.at > frame.y_to {
                return Vec::new();
            }
            let at = frame.y(mark.at);
            return vec![segment("mark", (frame.left, at), (frame.right, at))];
        }
        let at = frame.x(mark.at);
        let (anchor, beside) = if at > (frame.left + frame.right) / 2.0 {
            ("end", at + 4.0)
        } else {
            ("start", at - 4.0)
        };
        let name = format!("{} {}", mark.name, self.x_axis.label(mark.at));
        vec![
            segment("mark", (at, frame.top - 8.0), (at, frame.bottom)),
            label(anchor, beside, frame.top - 14.0, &name),
        ]
    }
}

fn trace(frame: &Frame, line: &Line<'_>) -> Tag {
    let mut path = String::new();
    for (x, y) in &line.points {
        let command = if path.is_empty() { 'M' } else { 'L' };
        path.push_str(&format!("{command}{:.1} {:.1}", frame.x(*x), frame.y(*y)));
    }
    tag("path").class(line.class).attr("d", path)
}

pub(super) fn segment(class: &'static str, from: (f64, f64), to: (f64, f64)) -> Tag {
    tag("path").class(class).attr(
        "d",
        format_args!("M{:.1} {:.1}L{:.1} {:.1}", from.0, from.1, to.0, to.1),
    )
}

/// Text at a place; `anchor` says which end of it is there.
pub(super) fn label(anchor: &'static str, x: f64, y: f64, text: &str) -> Tag {
    tag("text")
        .attr("x", format_args!("{x:.1}"))
        .attr("y", format_args!("{y:.1}"))
        .attr("text-anchor", anchor)
        .text(text)
}

/// What a lower axis counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    /// Seconds, written as minutes and seconds.
    Time,
    /// Things.
    Count,
}

impl Axis {
    fn label(self, at: f64) -> String {
        let whole = at.round() as u64;
        match self {
            Self::Time => format!("{}:{:02}", whole / 60, whole % 60),
            Self::Count => count(whole),
        }
    }
}

/// Round times from zero to beyond `span_s`.
fn time_steps(span_s: f64, wanted: usize) -> Vec<f64> {
    const STEPS_S: [f64; 12] = [
        1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 21_600.0,
    ];
    let step = STEPS_S
        .into_iter()
        .find(|step| span_s / step <= wanted as f64)
        .unwrap_or(86_400.0);
    (0..=(span_s / step) as u32)
        .map(|n| f64::from(n) * step)
        .collect()
}

/// How seconds that share a point are joined.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// The greatest: a late second is not to be hidden.
    Greatest,
    /// The mean, for rates.
    Mean,
}

/// A value of each second against the second's number, [`MAX_POINTS`] at most.
pub(super) fn over_time(
    seconds: &[Second],
    join: Join,
    value: impl Fn(&Second) -> Option<f64>,
) -> Vec<(f64, f64)> {
    let size = seconds.len().div_ceil(MAX_POINTS).max(1);
    let point = |(n, chunk): (usize, &[Second])| {
        let values = || {
            chunk
                .iter()
                .filter_map(&value)
                .filter(|value| value.is_finite())
        };
        let joined = match join {
            Join::Greatest => values().reduce(f64::max)?,
            Join::Mean => values().reduce(|a, b| a + b)? / values().count() as f64,
        };
        Some(((n * size) as f64, joined))
    };
    seconds.chunks(size).enumerate().filter_map(point).collect()
}

//! The report as one page that needs nothing else: no script, no font, no request to any machine.

use super::numbers::{count, decimal};
use super::words::Words;
use super::{Language, Report};

mod chart;
mod desks;
mod latency;
mod levels;
mod load;
pub(super) mod markup;
mod origin;
mod place_map;
mod ranges;
pub(super) mod sign;
mod verdicts;

use self::markup::{Tag, escaped, tag};

const STYLE: &str = include_str!("page/style.css");

/// What the page may load: nothing but its own style. A browser keeps it to that.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

impl Report {
    /// The report as a page for a browser or a printer, in HTML 5 with SVG, all in one file.
    #[must_use]
    pub fn to_html(&self, language: Language) -> String {
        let w = language.words();
        let title = format!("{} · {}", w.report, self.scenario.name);
        let body = tag("main")
            .put(head(self, w))
            .put(verdicts::section(self, w))
            .put(levels::section(self, w))
            .put(desks::section(self, w))
            .put(latency::section(self, w))
            .put(load::rates(self, w))
            .put(load::cost(self, w))
            .put(load::shed(self, w))
            .put(place_map::section(self, w))
            .put(origin::section(self, w));
        document(language, &title, &body)
    }
}

/// A whole page around its body.
pub(super) fn document(language: Language, title: &str, body: &Tag) -> String {
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n",
        language.code(),
        escaped(title),
    )
}

/// Who, what, when; and a label when the map is not official.
fn head(report: &Report, w: &Words) -> Tag {
    let mut head = tag("header")
        .put(tag("p").class("over").text(w.report))
        .put(tag("h1").text(&report.scenario.name))
        .put(
            tag("p")
                .class("summary")
                .text(report.scenario.summary.trim()),
        )
        .put(facts(vec![
            (w.began_at, (w.time)(report.began_at)),
            (w.elapsed, (w.seconds)(&decimal(report.elapsed_s, 0))),
            (w.alerts, count(report.machine.raised)),
            (w.seed, report.scenario.seed.to_string()),
            (w.program, report.build.program.clone()),
        ]));
    if let Some(label) = w.authority(report.build.map.authority) {
        head = head.put(tag("p").class("label").attr("role", "note").text(label));
    }
    head
}

/// A section with its heading.
fn section(id: &'static str, heading: &str) -> Tag {
    tag("section")
        .attr("aria-labelledby", id)
        .put(tag("h2").attr("id", id).text(heading))
}

/// Names and values in a row.
fn facts(facts: Vec<(&str, String)>) -> Tag {
    let fact = |(name, value): (&str, String)| {
        tag("div")
            .put(tag("dt").text(name))
            .put(tag("dd").text(value))
    };
    tag("dl").class("facts").all(facts.into_iter().map(fact))
}

/// A table with a heading over each column; the first cell of a row is the row's heading.
pub(super) fn table(caption: &str, columns: &[&str], rows: Vec<Vec<Tag>>) -> Tag {
    // A heading stands as the cells below it do.
    let first = rows.first().into_iter().flatten();
    let are_numbers = first.map(Tag::is_number).chain(std::iter::repeat(false));
    let head = columns.iter().zip(are_numbers).map(|(column, is_number)| {
        let head = tag("th").attr("scope", "col").text(column);
        if is_number {
            head.class("number")
        } else {
            head
        }
    });
    tag("div").class("scroll").put(
        tag("table")
            .put(tag("caption").text(caption))
            .put(tag("thead").put(tag("tr").all(head)))
            .put(tag("tbody").all(rows.into_iter().map(|row| tag("tr").all(row)))),
    )
}

/// The heading of a row.
pub(super) fn row_head(text: impl std::fmt::Display) -> Tag {
    tag("th").attr("scope", "row").text(text)
}

/// A cell with a number.
pub(super) fn number(text: impl std::fmt::Display) -> Tag {
    tag("td").class("number").text(text)
}

/// A sentence in smaller type.
fn note(text: impl std::fmt::Display) -> Tag {
    tag("p").class("note").text(text)
}

#[cfg(test)]
mod tests;

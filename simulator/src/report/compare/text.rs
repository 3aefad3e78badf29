//! A comparison for the terminal and as a page in the style of the report.

use super::{Comparison, Counted, Outcome, Row, Subject};
use crate::report::Language;
use crate::report::numbers::{bytes, count, millis, percent, ratio, short};
use crate::report::page::markup::{Tag, tag};
use crate::report::page::{document, number, row_head, table};
use crate::report::words::Words;

impl Comparison {
    /// Lines for a terminal: what was not the same, then a table.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        let w = language.words();
        let mut text = String::new();
        if self.setup.is_empty() {
            text.push_str(&format!("{}\n", w.setup_same));
        } else {
            text.push_str(&format!("{}:\n", w.setup));
        }
        for difference in &self.setup {
            let name = (w.setup_names)(difference.what);
            text.push_str(&format!(
                "  {name}\n    A  {}\n    B  {}\n",
                printable(&difference.a),
                printable(&difference.b)
            ));
        }
        let mut group = None;
        for row in &self.rows {
            if group.replace(row.group) != Some(row.group) {
                text.push_str(&format!("\n{}\n", (w.group_names)(row.group)));
            }
            let cells = [
                padded(&subject(row.subject, w), 46, false),
                padded(&shown(row, row.a, w), 14, true),
                padded(&shown(row, row.b, w), 14, true),
                padded(&row.ratio.map(ratio).unwrap_or_default(), 10, true),
                format!("{} {}", shape(row.outcome), outcome(row.outcome, w)),
            ];
            text.push_str(&format!("  {}\n", cells.join("  ")));
        }
        text
    }

    /// The comparison as a page, as [`super::super::Report::to_html`] writes the report.
    #[must_use]
    pub fn to_html(&self, language: Language) -> String {
        let w = language.words();
        let body = tag("main")
            .put(
                tag("header")
                    .put(tag("p").class("over").text("A → B"))
                    .put(tag("h1").text(w.comparison)),
            )
            .put(self.setup_section(w))
            .put(self.rows_section(w));
        document(language, w.comparison, &body)
    }

    fn setup_section(&self, w: &Words) -> Tag {
        let section = tag("section").put(tag("h2").text(w.setup));
        if self.setup.is_empty() {
            return section.put(tag("p").text(w.setup_same));
        }
        let cell = |text: &str| tag("td").text(text);
        let rows = self.setup.iter().map(|difference| {
            vec![
                row_head((w.setup_names)(difference.what)),
                cell(&difference.a),
                cell(&difference.b),
            ]
        });
        section.put(table(w.setup_lead, &[w.what, "A", "B"], rows.collect()))
    }

    fn rows_section(&self, w: &Words) -> Tag {
        let mut section = tag("section")
            .class("aligned")
            .put(tag("h2").text(w.differences))
            .put(tag("p").class("note").text(w.noise_lead));
        for rows in self.rows.chunk_by(|a, b| a.group == b.group) {
            let Some(first) = rows.first() else { continue };
            let line = |row: &Row| {
                let class = match row.outcome {
                    Outcome::Better => "good",
                    Outcome::Worse => "bad",
                    _ => "absent",
                };
                let word = format!("{} {}", shape(row.outcome), outcome(row.outcome, w));
                vec![
                    row_head(subject(row.subject, w)),
                    number(shown(row, row.a, w)),
                    number(shown(row, row.b, w)),
                    number(row.ratio.map(ratio).unwrap_or_default()),
                    tag("td").put(
                        tag("span")
                            .attr("class", format_args!("state {class}"))
                            .text(word),
                    ),
                ]
            };
            section = section.put(table(
                (w.group_names)(first.group),
                &[w.what, "A", "B", w.ratio, w.outcome],
                rows.iter().map(line).collect(),
            ));
        }
        section
    }
}

/// What a row compares, in words.
fn subject(subject: Subject, w: &Words) -> String {
    match subject {
        Subject::Machine => w.machine.to_owned(),
        Subject::People => w.people.to_owned(),
        Subject::Level(level) => w.level_name(level).to_owned(),
        Subject::Stage(stage, 999) => format!("{} · p99.9", w.stage_name(stage)),
        Subject::Stage(stage, thousandths) => {
            format!("{} · p{}", w.stage_name(stage), thousandths / 10)
        }
        Subject::Count(counted) | Subject::Rate(counted) => counted_word(counted, w).to_owned(),
        Subject::CpuAlerts => w.cpu_alerts.to_owned(),
        Subject::CpuPositions => w.cpu_positions.to_owned(),
        Subject::BytesPerConnection => w.memory_per_connection.to_owned(),
        Subject::ResidentMax => w.resident_max.to_owned(),
        Subject::Within15S => w.within_15_s.to_owned(),
        Subject::Within60S => format!("{} · {}", w.looked_at_within, w.s_60),
        Subject::Within600S => format!("{} · {}", w.looked_at_within, w.s_600),
        Subject::Never => w.never.to_owned(),
        Subject::SeatsNeeded => w.seats_needed.to_owned(),
    }
}

fn counted_word(counted: Counted, w: &Words) -> &'static str {
    match counted {
        Counted::Offered => w.offered,
        Counted::Begun => w.begun,
        Counted::Raised => w.raised,
        Counted::Receipted => w.receipted,
        Counted::OnBoard => w.on_board,
        Counted::Reordered => w.reordered,
        Counted::PositionsUnseen => w.positions_unseen,
    }
}

/// A value with its unit.
fn shown(row: &Row, value: Option<f64>, w: &Words) -> String {
    let Some(value) = value else {
        return match row.subject {
            Subject::Machine => w.not_conclusive.to_owned(),
            Subject::People => w.not_judged.to_owned(),
            _ => w.unknown.to_owned(),
        };
    };
    match row.subject {
        Subject::Machine | Subject::People if value > 0.0 => w.passed.to_owned(),
        Subject::Machine | Subject::People => w.missed.to_owned(),
        Subject::Stage(..) => millis(value),
        Subject::Rate(_) => format!("{}\u{a0}/s", short(value)),
        Subject::CpuAlerts | Subject::CpuPositions => (w.seconds)(&short(value)),
        Subject::BytesPerConnection | Subject::ResidentMax => bytes(value),
        Subject::Within15S | Subject::Within60S | Subject::Within600S => percent(value),
        Subject::Level(_) | Subject::Count(_) | Subject::Never | Subject::SeatsNeeded => {
            count(value as u64)
        }
    }
}

/// A shape, so that colour carries nothing alone.
const fn shape(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Same => "=",
        Outcome::WithinNoise => "≈",
        Outcome::Better => "▲",
        Outcome::Worse => "▼",
        Outcome::Differs => "≠",
    }
}

const fn outcome(outcome: Outcome, w: &Words) -> &'static str {
    match outcome {
        Outcome::Same => w.same,
        Outcome::WithinNoise => w.within_noise,
        Outcome::Better => w.better,
        Outcome::Worse => w.worse,
        Outcome::Differs => w.differs,
    }
}

/// Text of a report on a terminal: nothing in it may steer the terminal.
fn printable(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// To so many columns of a terminal, where a character of Hangul takes two.
fn padded(text: &str, columns: usize, is_number: bool) -> String {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{3000}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff00}'..='\u{ff60}');
    let taken: usize = text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum();
    let spaces = " ".repeat(columns.saturating_sub(taken));
    if is_number {
        format!("{spaces}{text}")
    } else {
        format!("{text}{spaces}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hangul_takes_two_columns() {
        assert_eq!(padded("ab", 4, false), "ab  ");
        assert_eq!(padded("유실", 6, true), "  유실");
        assert_eq!(padded("too long", 3, true), "too long");
    }

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}

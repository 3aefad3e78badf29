//! Two verdicts of equal size: a green machine alone would mislead whoever answers for the people.

use super::markup::{Tag, tag};
use super::sign::Sign;
use super::{facts, section as plain_section};
use crate::report::numbers::{count, decimal, millis, percent};
use crate::report::words::Words;
use crate::report::{Level, People, Report, Verdict};

pub(super) fn section(report: &Report, w: &Words) -> Tag {
    plain_section("verdict", w.verdict).put(
        tag("div")
            .class("verdicts")
            .put(machine(report, w))
            .put(people(report, w)),
    )
}

fn machine(report: &Report, w: &Words) -> Tag {
    let machine = &report.machine;
    let (sign, word) = match machine.verdict {
        Verdict::Passed => (Sign::Good, w.passed),
        Verdict::Missed => (Sign::Bad, w.missed),
        Verdict::NotConclusive => (Sign::Unsure, w.not_conclusive),
    };
    let kept = machine.judgements.iter().filter(|level| level.kept).count();
    let sentence = (w.machine_sentence)(machine.verdict, kept, machine.judgements.len());
    let slowest = |level| {
        let judgement = machine.judgements.iter().find(|one| one.level == level);
        judgement
            .and_then(|one| one.measured)
            .map_or(w.unknown.to_owned(), millis)
    };
    card(Card {
        id: "machine",
        who: w.machine,
        about: w.machine_about,
        sign,
        word,
        sentence,
        facts: vec![
            (w.lost, count(machine.lost)),
            (w.doubled, count(machine.doubled)),
            (w.receipt_p999_short, slowest(Level::ReceiptP999)),
        ],
    })
}

fn people(report: &Report, w: &Words) -> Tag {
    let target = report.scenario.desks.target_share_15_s;
    let (sign, word, sentence, facts) = match &report.people {
        None => (
            Sign::Absent,
            w.not_judged,
            people_absent(report, w).to_owned(),
            Vec::new(),
        ),
        Some(people) => (
            Sign::from(people.passed),
            if people.passed { w.passed } else { w.missed },
            (w.people_sentence)(&percent(people.within_15_s), &percent(target)),
            vec![
                (w.within_15_s, percent(people.within_15_s)),
                (w.never, count(people.never)),
                (w.seats_missing, seats_missing(people, w)),
            ],
        ),
    };
    card(Card {
        id: "people",
        who: w.people,
        about: w.people_about,
        sign,
        word,
        sentence,
        facts,
    })
}

/// Why there is no verdict about the people.
pub(super) fn people_absent(report: &Report, w: &Words) -> &'static str {
    if report.parts.is_empty() {
        w.people_absent
    } else {
        w.people_absent_merged
    }
}

/// How many seats more would meet the target.
pub(super) fn seats_missing(people: &People, w: &Words) -> String {
    match people.seats_needed {
        Some(needed) => count(needed.saturating_sub(people.seats)),
        None => w.no_number.to_owned(),
    }
}

/// One verdict.
struct Card<'a> {
    id: &'static str,
    who: &'a str,
    about: &'a str,
    sign: Sign,
    word: &'a str,
    sentence: String,
    facts: Vec<(&'a str, String)>,
}

fn card(card: Card<'_>) -> Tag {
    let article = tag("article")
        .attr("class", format_args!("verdict {}", card.sign.class()))
        .attr("aria-labelledby", card.id)
        .put(
            tag("h3")
                .attr("id", card.id)
                .text(card.who)
                .put(tag("small").text(card.about)),
        )
        .put(
            tag("p")
                .class("word")
                .put(card.sign.draw())
                .put(tag("strong").text(card.word)),
        )
        .put(tag("p").class("sentence").text(card.sentence));
    if card.facts.is_empty() {
        article
    } else {
        article.put(facts(card.facts))
    }
}

/// How many of a thousand.
pub(super) fn per_thousand(part: u64, of: u64, w: &Words) -> String {
    if of == 0 {
        return w.unknown.to_owned();
    }
    // Cut, not rounded: 999.9999 are not all.
    let thousandth = part as f64 * 1_000.0 / of as f64;
    let shown = match thousandth {
        _ if part == 0 => "0".to_owned(),
        v if v < 0.001 => "< 0.001".to_owned(),
        _ if part == of => "1,000".to_owned(),
        v => decimal((v * 1_000.0).floor() / 1_000.0, 3),
    };
    format!("{shown}\u{a0}‰")
}

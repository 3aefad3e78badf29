//! The page holds what it must, asks nobody for anything, and can be read.

use super::*;
use crate::report::{
    Comparison, Doubt, Latency, Machine, Second, Shed, Verdict, compare, invented, merge,
};

/// Every shape that a report can have.
fn reports() -> Vec<Report> {
    let mut doubtful = invented();
    doubtful.generator.doubts = vec![
        Doubt::BegunLate {
            p99_ms: 412.0,
            limit_ms: 10.0,
        },
        Doubt::NotBegun { alerts: 12 },
        Doubt::ProcessorFull { share: 0.99 },
        Doubt::PacketsDropped { packets: 3 },
    ];
    doubtful
        .machine
        .judge(&doubtful.scenario.levels, &doubtful.generator);
    let mut empty = invented();
    empty.machine = Machine::default();
    empty.generator.late = Latency::default();
    empty.people = None;
    empty.places.clear();
    empty.seconds.clear();
    let mut short = invented();
    short.seconds = vec![Second::default()];
    short.scenario.seconds = 0.0;
    short.people.as_mut().unwrap().seats_needed = None;
    short.people.as_mut().unwrap().curve.clear();
    short.places.truncate(1);
    short.machine.stages.truncate(1);
    short.machine.stages[0].from_begun = Latency::default();
    let merged = merge(&[invented(), invented()]).unwrap();
    vec![invented(), doubtful, empty, short, merged]
}

fn pages() -> impl Iterator<Item = String> {
    let comparison = |report: Report| -> Comparison { compare(&invented(), &report) };
    reports().into_iter().flat_map(move |report| {
        Language::ALL.into_iter().flat_map(move |language| {
            [
                report.to_html(language),
                comparison(report.clone()).to_html(language),
            ]
        })
    })
}

/// Elements that have no end.
const VOID: [&str; 3] = ["meta", "link", "br"];

/// Reads tags and checks that each is closed in its turn; the names of all elements, in order.
fn elements(page: &str) -> Vec<&str> {
    let body = page.strip_prefix("<!doctype html>").unwrap();
    let (mut open, mut all) = (Vec::new(), Vec::new());
    let mut rest = body;
    while let Some((_, after)) = rest.split_once('<') {
        let (inside, after) = after.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of turn");
        } else {
            let name = inside.split(' ').next().unwrap();
            all.push(name);
            if !VOID.contains(&name) {
                open.push(name);
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    all
}

#[test]
fn pages_are_well_formed_and_run_nothing() {
    for page in pages() {
        let elements = elements(&page);
        for forbidden in ["script", "link", "img", "iframe", "object", "form", "base"] {
            assert!(!elements.contains(&forbidden), "{forbidden}");
        }
        assert_eq!(elements.iter().filter(|name| **name == "h1").count(), 1);
        assert_eq!(elements.iter().filter(|name| **name == "main").count(), 1);
    }
}

#[test]
fn pages_ask_no_machine_for_anything() {
    for page in pages() {
        for request in [
            "http:", "https:", "url(", "@import", "src=", "href=", "data:",
        ] {
            assert!(!page.contains(request), "{request}");
        }
        assert!(page.contains("default-src 'none'"));
    }
}

#[test]
fn no_figure_is_a_broken_one() {
    for page in pages() {
        for broken in ["NaN", ">inf", " inf", "Infinity", "\"\"\"", "{}"] {
            assert!(!page.contains(broken), "{broken}");
        }
    }
}

#[test]
fn every_text_of_a_report_is_escaped() {
    let hostile = "<script>alert(\"1\")</script>'&";
    let mut report = invented();
    for text in [
        &mut report.scenario.name,
        &mut report.scenario.summary,
        &mut report.build.program,
        &mut report.build.processor,
        &mut report.build.system,
        &mut report.build.map.version,
        &mut report.build.setting.note,
    ] {
        hostile.clone_into(text);
    }
    report.machine.shed.push(Shed {
        what: hostile.to_owned(),
        count: 1,
    });
    for language in Language::ALL {
        let page = report.to_html(language);
        assert!(!elements(&page).contains(&"script"));
        assert!(page.matches("&lt;script&gt;").count() >= 8);
        let other = compare(&invented(), &report).to_html(language);
        assert!(!elements(&other).contains(&"script"));
    }
}

#[test]
fn both_verdicts_come_first_and_in_words() {
    for (language, passed, missed) in [
        (Language::Korean, "충족", "미달"),
        (Language::English, "PASSED", "MISSED"),
    ] {
        let page = invented().to_html(language);
        let machine = page.find("verdict good").unwrap();
        let people = page.find("verdict bad").unwrap();
        let levels = page.find("id=\"levels\"").unwrap();
        assert!(machine < people && people < levels);
        assert!(page[machine..people].contains(&format!("<strong>{passed}</strong>")));
        assert!(page[people..levels].contains(&format!("<strong>{missed}</strong>")));
        // 7,310 seats are needed, and there are 812.
        assert!(page[people..levels].contains("6,498"));
    }
}

#[test]
fn a_busy_generator_is_a_third_verdict() {
    let report = reports().swap_remove(1);
    assert_eq!(report.machine.verdict, Verdict::NotConclusive);
    let page = report.to_html(Language::English);
    assert!(page.contains("verdict unsure"));
    assert!(page.contains("NOT CONCLUSIVE"));
    assert!(page.contains("not conclusive at this rate"));
    assert!(page.contains("12 alerts of the plan were never begun"));
}

#[test]
fn a_director_is_told_what_the_figures_are_not() {
    for report in reports() {
        let page = report.to_html(Language::English);
        assert!(page.contains("a staffing calculator and no evidence about officers"));
        assert!(page.contains("The map is invented"));
    }
    let mut official = invented();
    official.build.map.authority = dispatcher::jurisdiction::Authority::Official;
    assert!(!official.to_html(Language::English).contains("The map is"));
}

#[test]
fn few_alerts_of_a_place_are_not_counted_out() {
    let page = invented().to_html(Language::English);
    assert!(page.contains("33.1° N, 126.3° E · &lt;\u{a0}5"));
    assert!(!page.contains("33.1° N, 126.3° E · 2"));
}

#[test]
fn what_is_drawn_is_also_said() {
    for page in pages() {
        for svg in page.split("<svg").skip(1) {
            let attributes = svg.split('>').next().unwrap();
            let is_said = attributes.contains("role=\"img\" aria-label=\"")
                || attributes.contains("aria-hidden=\"true\"");
            assert!(is_said, "{attributes}");
        }
        let heads = page.matches("<th ").count();
        assert_eq!(heads, page.matches("<th scope=").count());
    }
}

/// Relative luminance, WCAG 2.2.
fn luminance(colour: &str) -> f64 {
    let channel = |at: usize| {
        let value = u8::from_str_radix(&colour[at..at + 2], 16).unwrap();
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn text_stands_out_from_its_ground_by_day_and_night() {
    let palettes: Vec<&str> = STYLE.split(":root {").skip(1).take(2).collect();
    let pairs = [
        ("text", "ground"),
        ("text", "panel"),
        ("dim", "ground"),
        ("dim", "panel"),
        ("good", "ground"),
        ("good", "good-ground"),
        ("bad", "ground"),
        ("bad", "bad-ground"),
        ("unsure", "ground"),
        ("unsure", "unsure-ground"),
        ("dim", "good-ground"),
        ("dim", "bad-ground"),
        ("dim", "unsure-ground"),
        ("on-sign", "good"),
        ("on-sign", "bad"),
        ("on-sign", "unsure"),
    ];
    // What is drawn and not read needs 3 to 1 (WCAG 2.2, 1.4.11).
    let drawn = [
        ("first", "ground"),
        ("second", "ground"),
        ("mark", "ground"),
    ];
    for palette in palettes {
        let colour = |name: &str| {
            let (_, after) = palette.split_once(&format!("--{name}: ")).unwrap();
            luminance(&after[..7])
        };
        let contrast = |a: &str, b: &str| {
            let (a, b) = (colour(a), colour(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for (a, b) in pairs {
            assert!(contrast(a, b) >= 4.5, "{a} on {b}: {}", contrast(a, b));
        }
        for (a, b) in drawn {
            assert!(contrast(a, b) >= 3.0, "{a} on {b}: {}", contrast(a, b));
        }
    }
}

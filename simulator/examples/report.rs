//! The report's page without a run: `cargo run -p simulator --example report -- KIND LANGUAGE`, where
//! KIND is `json`, `html`, `crush`, `doubtful` or `merged` of the invented report, `text` or
//! `compare` of it and a changed one. Everything goes to standard output.

use std::process::ExitCode;

use simulator::report::{Doubt, Language, Report, compare, invented, merge};

const USAGE: &str = "usage: report json|html|crush|doubtful|merged|text|compare ko|en";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let page = match words.as_slice() {
        [kind, code] => Language::from_code(code).and_then(|language| page(kind, language)),
        _ => None,
    };
    match page {
        Some(page) => {
            print!("{page}");
            ExitCode::SUCCESS
        }
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn page(kind: &str, language: Language) -> Option<String> {
    let report = invented();
    Some(match kind {
        "json" => report.to_json().ok()?,
        "html" => report.to_html(language),
        "crush" => crush(report).to_html(language),
        "doubtful" => doubtful(report).to_html(language),
        "merged" => merge(&[report.clone(), report]).ok()?.to_html(language),
        "text" => compare(&report, &changed(report.clone())).to_text(language),
        "compare" => compare(&report, &changed(report.clone())).to_html(language),
        _ => return None,
    })
}

/// All alerts at one place, within a minute.
fn crush(mut report: Report) -> Report {
    report.places.truncate(1);
    report.seconds.truncate(60);
    report
}

/// The generator was the bottleneck, and nobody worked the desks out.
fn doubtful(mut report: Report) -> Report {
    report.generator.doubts = vec![
        Doubt::BegunLate {
            p99_ms: 412.0,
            limit_ms: 10.0,
        },
        Doubt::ProcessorFull { share: 0.993 },
    ];
    report.people = None;
    report
        .machine
        .judge(&report.scenario.levels, &report.generator);
    report
}

/// Another program on another machine, which lost something and took less time.
fn changed(mut report: Report) -> Report {
    report.scenario.seed += 1;
    "ansim 0.1.1 (invented, no run)".clone_into(&mut report.build.program);
    report.machine.lost = 1;
    report.machine.on_board -= 1;
    for stage in &mut report.machine.stages {
        std::mem::swap(&mut stage.from_intended, &mut stage.from_begun);
    }
    if let Some(cost) = &mut report.machine.cost {
        cost.cpu_s_per_thousand_alerts = Some(0.604);
    }
    report
        .machine
        .judge(&report.scenario.levels, &report.generator);
    report
}

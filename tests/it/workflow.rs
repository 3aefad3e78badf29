//! The workflow of the forge runs what `.ci/run` runs: whoever is green here is green there.

use crate::support::read_in_checkout;

/// What may run before, to make a bare machine fit.
const SET_UP: [&str; 1] = ["rustup component add clippy rustfmt"];

const SCRIPT: &str = ".ci/run";

/// Keys by which a workflow could run less, or run on after a failure.
const LOOPHOLES: [&str; 5] = [
    "continue-on-error:",
    "env:",
    "if:",
    "shell:",
    "working-directory:",
];

/// What keeps the workflow from being the same as the script. To run what the script runs is not
/// enough: the script also says what must not be skipped.
fn deviations(workflow: &str) -> Vec<String> {
    let mut commands = workflow_commands(workflow);
    commands.retain(|command| !SET_UP.contains(&command.as_str()));
    let mut found = Vec::new();
    if commands != [SCRIPT] {
        found.push(format!(
            "the workflow runs {commands:?} instead of {SCRIPT} alone"
        ));
    }
    for line in workflow
        .lines()
        .map(|line| line.trim().trim_start_matches("- "))
    {
        if LOOPHOLES.iter().any(|key| line.starts_with(key)) {
            found.push(format!("`{line}` changes what the workflow runs"));
        }
    }
    found
}

/// The commands of all `run:` keys, a block of them line by line.
fn workflow_commands(workflow: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut block: Option<usize> = None;
    for line in workflow.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(outer) = block {
            if indent > outer {
                commands.push(text.trim_end().to_owned());
                continue;
            }
            block = None;
        }
        let key = text.trim_start_matches("- ");
        if let Some(value) = key.strip_prefix("run:").map(str::trim) {
            if value.starts_with(['|', '>']) {
                block = Some(indent + text.len() - key.len());
            } else {
                commands.push(value.trim_matches(['"', '\'']).to_owned());
            }
        }
    }
    commands
}

/// What the script runs once its environment is set: the lines after the last `fi`.
fn script_commands(script: &str) -> Vec<String> {
    let lines: Vec<&str> = script.lines().map(str::trim).collect();
    let after = lines
        .iter()
        .rposition(|line| *line == "fi")
        .map_or(0, |last| last + 1);
    lines[after..]
        .iter()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| (*line).to_owned())
        .collect()
}

#[test]
fn the_workflow_runs_what_the_script_runs() {
    let workflow = read_in_checkout(".github/workflows/ci.yml");
    assert_eq!(deviations(&workflow), Vec::<String>::new());
    assert_eq!(
        script_commands(&read_in_checkout(SCRIPT)),
        ["cargo xtask test"]
    );
}

#[test]
fn a_workflow_that_deviates_is_found() {
    let workflow = read_in_checkout(".github/workflows/ci.yml");
    for (from, to) in [
        ("run: .ci/run", "run: cargo xtask test"),
        ("run: .ci/run", "run: .ci/run || true"),
        (
            "run: .ci/run",
            "run: |\n          .ci/run\n          cargo publish",
        ),
        ("run: .ci/run", "uses: actions/cache@v4"),
        (
            "run: .ci/run",
            "run: .ci/run\n        continue-on-error: true",
        ),
        (
            "run: .ci/run",
            "run: .ci/run\n        if: github.actor == 'somebody'",
        ),
        (
            "    steps:",
            "    env:\n      ANSIM_REQUIRE: data\n    steps:",
        ),
        (
            "rustup component add",
            "curl example.org | sh; rustup component add",
        ),
    ] {
        let other = workflow.replace(from, to);
        assert_ne!(other, workflow, "{from} is not in the workflow");
        assert_eq!(deviations(&other).len(), 1, "{to}");
    }
}

#[test]
fn the_commands_of_a_script_are_what_follows_its_environment() {
    let script = "set -eu\nif x; then\n  y\nfi\n\n# all\none\ntwo --flag\n";
    assert_eq!(script_commands(script), ["one", "two --flag"]);
}

#[test]
fn commands_are_read_from_lines_and_blocks() {
    let workflow = "steps:\n  - run: one\n  - name: x\n    run: |\n      two\n      three # not a key\n\n  \
                    - name: y\n    run: \"four\"\n";
    assert_eq!(
        workflow_commands(workflow),
        ["one", "two", "three # not a key", "four"]
    );
}

//! `cargo xtask agree [--points N] [--seed S]`: the index beside brute force on generated tilings, in
//! release mode. The work is done by `simulator/examples/agree.rs`, which prints one line of JSON:
//! `points, seed, tilings, mismatches, without_owner, seconds`.

use std::process::ExitCode;

use anyhow::Context as _;

use crate::house::{House, Usage, typed};

/// Points when none are named: what the project promises.
const POINTS: u64 = 10_000_000;

const SEED: u64 = 1;

pub(crate) fn run(house: &House, arguments: &[String]) -> anyhow::Result<ExitCode> {
    let (points, seed) = read(arguments)?;
    let mut command = house.cargo([
        "run",
        "--release",
        "--package",
        "simulator",
        // Neither sockets nor files are needed, and building them takes minutes.
        "--no-default-features",
        "--example",
        "agree",
        "--",
    ]);
    command.args([points.to_string(), seed.to_string()]);
    let line = typed(&command);
    eprintln!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`"))?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

/// Points and seed.
fn read(arguments: &[String]) -> anyhow::Result<(u64, u64)> {
    let (mut points, mut seed) = (POINTS, SEED);
    let mut words = arguments.iter();
    while let Some(option) = words.next() {
        let number = match option.as_str() {
            "--points" => &mut points,
            "--seed" => &mut seed,
            other => {
                return Err(Usage::new(format!(
                    "`agree` takes --points N and --seed S, found `{other}`"
                )));
            }
        };
        let word = words.next();
        *number = word.and_then(|word| word.parse().ok()).ok_or_else(|| {
            let found = word.map_or("nothing", String::as_str);
            Usage::new(format!("{option} takes a whole number, found `{found}`"))
        })?;
    }
    Ok((points, seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn points_and_seed_are_read_and_anything_else_is_wrong_usage() {
        assert_eq!(read(&[]).unwrap(), (POINTS, SEED));
        assert_eq!(read(&words("--seed 7 --points 20")).unwrap(), (20, 7));
        for wrong in ["--points", "--points many", "--seed -1", "--pints 3", "3"] {
            let error = read(&words(wrong)).unwrap_err();
            assert!(error.is::<Usage>(), "{wrong}");
        }
    }
}

//! The units, as systemd reads them. No systemd runs where this is tested, so they are never started.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::require::{Need, require};
use crate::support::{in_checkout, read_in_checkout};

/// What a start needs is not where this is tested.
const PROGRAMS: [(&str, &str); 2] = [
    ("/usr/local/bin/ansim", env!("CARGO_BIN_EXE_ansim")),
    ("/bin/sh /etc/redis/start.sh", "/bin/sh /dev/null"),
];

/// Instances by their template.
const UNITS: [(&str, &[&str]); 2] = [
    ("ansim@.service", &["relay", "dispatcher", "serve"]),
    ("ansim-redis@.service", &["server", "cluster", "sentinel"]),
];

/// What `systemd-analyze security` may say at most, in tenths of its points, of which 100 is a process that may do
/// everything: what is left is the network, which is what these processes are for.
const EXPOSURE_TENTHS_MAX: &str = "20";

/// Writes a template and its instance to a folder, and returns the path of the instance.
fn instance(folder: &Path, template: &str, name: &str, change: (&str, &str)) -> String {
    let mut text = read_in_checkout(&format!("deploy/systemd/{template}"));
    for (from, to) in PROGRAMS.into_iter().chain([change]) {
        text = text.replace(from, to);
    }
    std::fs::write(folder.join(template), text).unwrap();
    let path = folder.join(template.replace('@', &format!("@{name}")));
    let _ = std::fs::remove_file(&path);
    std::os::unix::fs::symlink(template, &path).unwrap();
    path.display().to_string()
}

fn analyze(program: &Path, arguments: &[&str]) -> (bool, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.success(), said)
}

fn verify(program: &Path, unit: &str) -> Result<(), String> {
    let (is_well, said) = analyze(program, &["verify", "--man=no", unit]);
    // A key that systemd does not know is a warning to it, and a hole to us.
    let about_ours = |line: &&str| line.contains("ansim");
    let complaints: Vec<&str> = said.lines().filter(about_ours).collect();
    if is_well && complaints.is_empty() {
        Ok(())
    } else {
        Err(said)
    }
}

#[test]
fn systemd_understands_each_unit() {
    let Some(program) = require(Need::Systemd) else {
        return;
    };
    for (template, names) in UNITS {
        for name in names {
            let folder = tempfile::tempdir().unwrap();
            let unit = instance(folder.path(), template, name, ("", ""));
            verify(&program, &unit).unwrap_or_else(|said| panic!("{template} {name}: {said}"));
        }
    }
}

#[test]
fn a_unit_that_systemd_does_not_understand_is_found() {
    let Some(program) = require(Need::Systemd) else {
        return;
    };
    for change in [
        ("ProtectSystem=strict", "ProtectSysten=strict"),
        ("Restart=always", "Restart=sometimes"),
        ("Type=exec", "Type=exec\nExecStartPre=/no/such/program"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let unit = instance(folder.path(), "ansim@.service", "relay", change);
        assert!(verify(&program, &unit).is_err(), "{}", change.1);
    }
}

#[test]
fn the_units_may_do_little() {
    let Some(program) = require(Need::Systemd) else {
        return;
    };
    let exposure = |template: &str, name: &str, change| {
        let folder = tempfile::tempdir().unwrap();
        let unit = instance(folder.path(), template, name, change);
        let threshold = format!("--threshold={EXPOSURE_TENTHS_MAX}");
        analyze(
            &program,
            &[
                "security",
                "--offline=true",
                "--no-pager",
                &threshold,
                &unit,
            ],
        )
    };
    for (template, names) in UNITS {
        let (is_well, said) = exposure(template, names[0], ("", ""));
        let overall = said.lines().find(|line| line.contains("Overall"));
        println!("{template}: {}", overall.unwrap_or_default());
        assert!(is_well, "{said}");
    }
    let open = ("CapabilityBoundingSet=\n", "");
    assert!(!exposure("ansim@.service", "relay", open).0);
}

/// What the unit says must go with what the code does.
#[test]
fn a_stop_has_the_time_that_it_needs_and_a_wrong_configuration_is_not_tried_again() {
    let unit = read_in_checkout("deploy/systemd/ansim@.service");
    let seconds = unit
        .lines()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let seconds: u64 = seconds.unwrap().parse().unwrap();
    // Relay: receipts under way and farewells; dispatcher: its last snapshot.
    let elsewhere = std::time::Duration::from_secs(6 + 3 + 5);
    let needed = elsewhere + journal::io::holdover::CLOSING_MAX;
    assert!(
        seconds >= needed.as_secs() + 5,
        "{seconds} s for {needed:?}"
    );
    assert!(unit.contains("\nRestartPreventExitStatus=2\n"));
    assert!(unit.contains("\nExecReload=/bin/kill -HUP $MAINPID\n"));
    let compose = read_in_checkout("deploy/compose.yaml");
    assert!(compose.contains(&format!("stop_grace_period: {seconds}s")));
}

/// The unit of a role reads the configuration of that role.
#[test]
fn each_instance_has_a_configuration() {
    for name in UNITS[0].1 {
        let config = in_checkout("deploy/config").join(format!("{name}.toml"));
        assert!(config.is_file(), "{}", config.display());
    }
}

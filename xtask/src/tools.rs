//! What the tests need from the system: installed where that is possible, else named.

use crate::house::{House, Usage, answers, on_path, output, succeed};

/// A package of the system, by its Debian name.
struct Tool {
    package: &'static str,
    present: fn(&House) -> bool,
}

/// What the tests of the shared log need, and the bench `redis`.
const REDIS: Tool = Tool {
    package: "redis-server",
    present: |_| on_path("redis-server"),
};

/// What the tests need.
const TOOLS: [Tool; 5] = [
    REDIS,
    Tool {
        package: "chromium",
        present: |_| on_path("chromium") || on_path("chromium-browser") || on_path("google-chrome"),
    },
    // Without it a headless browser draws boxes instead of Korean.
    Tool {
        package: "fonts-noto-cjk",
        present: has_korean_font,
    },
    // `systemd-analyze` checks the units; nothing of it has to run.
    Tool {
        package: "systemd",
        present: |_| on_path("systemd-analyze"),
    },
    // For `promtool`, which checks the alarms.
    Tool {
        package: "prometheus",
        present: |_| on_path("promtool"),
    },
];

/// What the bench `peers` measures beside the relay.
const PEERS: [Tool; 1] = [Tool {
    package: "mosquitto",
    present: |_| on_path("mosquitto") || std::path::Path::new("/usr/sbin/mosquitto").exists(),
}];

/// Installs what the tests need, or fails with the names of the packages.
pub(crate) fn ensure(house: &House) -> anyhow::Result<()> {
    ensure_all(house, &TOOLS)
}

/// As [`ensure`], what the bench `peers` needs.
pub(crate) fn ensure_peers(house: &House) -> anyhow::Result<()> {
    ensure_all(house, &PEERS)
}

/// As [`ensure`], what the bench `redis` needs.
pub(crate) fn ensure_redis(house: &House) -> anyhow::Result<()> {
    ensure_all(house, &[REDIS])
}

fn ensure_all(house: &House, tools: &[Tool]) -> anyhow::Result<()> {
    let missing = missing(house, tools);
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !(is_root(house) && on_path("apt-get")) {
        return Err(Usage::new(format!(
            "not installed: {names}. Install them (on Debian: `apt-get install {names}`), or run \
             this as root where apt-get is there"
        )));
    }
    succeed(apt_get(house).arg("update"))?;
    succeed(
        apt_get(house)
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&missing),
    )
}

fn missing(house: &House, tools: &[Tool]) -> Vec<&'static str> {
    tools
        .iter()
        .filter(|tool| !(tool.present)(house))
        .map(|tool| tool.package)
        .collect()
}

fn apt_get(house: &House) -> std::process::Command {
    let mut command = house.command("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .arg("--quiet");
    command
}

fn is_root(house: &House) -> bool {
    output(house.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn has_korean_font(house: &House) -> bool {
    if on_path("fc-list") {
        return output(house.command("fc-list").arg(":lang=ko"))
            .is_ok_and(|fonts| !fonts.trim().is_empty());
    }
    answers(
        house
            .command("dpkg-query")
            .args(["--status", "fonts-noto-cjk"]),
    )
}

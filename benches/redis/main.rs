//! The log on Redis beside the embedded one, with real servers on this machine: what an append
//! takes, what it is from press to console, how it grows with partitions and servers, and what one
//! more dispatcher costs.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

mod appends;
#[path = "../support/console.rs"]
mod console;
#[path = "../support/cores.rs"]
mod cores;
#[path = "../support/cpu.rs"]
mod cpu;
mod dispatchers;
mod member;
mod partitions;
#[path = "../support/people.rs"]
mod people;
#[path = "../support/presses.rs"]
mod presses;
mod servers;
mod site;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/times.rs"]
mod times;
mod to_console;
#[path = "../support/turns.rs"]
mod turns;

use journal::io::redis::test_server::is_here;
use serde_json::json;

fn main() {
    if !support::is_asked() {
        return;
    }
    if !is_here() {
        let why = "needs redis-server (on Debian: apt-get install redis-server)";
        support::row(appends::TABLE, "Redis: not measured", json!({ "why": why }));
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // `-- appends` and so on for one of them alone; all without.
    let parts = ["appends", "console", "partitions", "dispatchers"];
    let asked: Vec<String> = std::env::args().collect();
    let is_named = |part: &str| asked.iter().any(|argument| argument == part);
    let is_all = !parts.into_iter().any(is_named);
    runtime.block_on(async {
        if is_all || is_named("appends") {
            appends::measure().await;
        }
        if is_all || is_named("console") {
            to_console::measure().await;
        }
        if is_all || is_named("partitions") {
            partitions::measure().await;
        }
        if is_all || is_named("dispatchers") {
            dispatchers::measure().await;
        }
    });
}

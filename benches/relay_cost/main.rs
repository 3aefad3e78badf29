//! What a relay costs beside bare quinn: processor time of a cold alert and of a position, memory of
//! an idle phone; and what it still does when there is more than it can hold. The server is a process of its own, this program started again, so that the
//! system tells its figures apart from those of the phones.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

mod bare;
mod child;
mod cold;
#[path = "../support/cpu.rs"]
mod cpu;
mod https;
mod idle;
mod mosquitto;
mod overload;
mod pace;
mod peers;
mod phones;
mod process;
mod relay_server;
#[path = "../support/mod.rs"]
mod support;
mod tls_phone;
#[path = "../support/turns.rs"]
mod turns;
mod warm;

use child::Kind;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, serve, kind, folder] = &arguments[..]
        && serve == child::SERVE
    {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(child::serve(Kind::named(kind), folder.as_ref()));
    }
    if !support::is_asked() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // `-- cold` and so on for one of them alone; all without.
    let parts = ["cold", "warm", "idle", "raises", "positions", "peers"];
    let wanted = |part: &str| {
        let named = |argument: &String| argument == part;
        arguments.iter().any(named)
            || !arguments
                .iter()
                .any(|argument| parts.contains(&argument.as_str()))
    };
    runtime.block_on(async {
        if wanted("cold") {
            cold::measure().await;
        }
        if wanted("warm") {
            warm::measure().await;
        }
        if wanted("idle") {
            idle::measure().await;
        }
        if wanted("raises") {
            overload::raises::measure().await;
        }
        if wanted("positions") {
            overload::positions::measure().await;
        }
        if wanted("peers") {
            peers::measure().await;
        }
    });
}

//! From the press of the button to the receipt, and to the console: a whole service, phones and a
//! console in this process, over loopback and a real disk.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a bench measures with the clock, and ends where something is wrong"
)]

mod at_a_rate;
#[path = "../support/console.rs"]
mod console;
#[path = "../support/cores.rs"]
mod cores;
#[path = "../support/cpu.rs"]
mod cpu;
mod disk;
mod one_by_one;
#[path = "../support/people.rs"]
mod people;
#[path = "../support/presses.rs"]
mod presses;
mod site;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/times.rs"]
mod times;

fn main() {
    if !support::is_asked() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        one_by_one::measure().await;
        for alerts_per_s in [100, 500] {
            at_a_rate::measure(alerts_per_s).await;
        }
    });
}

//! Says that the officers' page is part of this crate: one that is built later is embedded too.

fn main() {
    println!("cargo::rerun-if-changed=../console/dist");
}

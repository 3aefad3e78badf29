//! What tests of several subjects use.

pub(crate) mod log;
pub(crate) mod require;
pub(crate) mod site;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A path below the root of the checkout. Asked at run time: a target directory may be shared by
/// several checkouts.
pub(crate) fn in_checkout(below: &str) -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    PathBuf::from(root).join(below)
}

/// The text of a file of the checkout.
pub(crate) fn read_in_checkout(below: &str) -> String {
    let path = in_checkout(below);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `cargo metadata` says with these arguments.
pub(crate) fn cargo_metadata(arguments: &[&str]) -> Value {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1"])
        .args(arguments)
        .current_dir(in_checkout(""))
        .output()
        .expect("cargo is on the path");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata speaks JSON")
}

/// Prints what a test has to tell, and keeps it for the end of `cargo xtask test`: a runner swallows
/// what a test prints that passes.
pub(crate) fn tell(line: &str) {
    keep("ANSIM_TOLD_FILE", line);
}

/// Prints the line, and adds it to the file that the environment names, if it does.
fn keep(variable: &str, line: &str) {
    println!("{line}");
    if let Some(path) = std::env::var_os(variable) {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).unwrap();
        // One write: tests of several processes append to the same file.
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

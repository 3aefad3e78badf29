//! What all benches share: whether figures are wanted, and rows that `cargo xtask bench` collects.

use serde_json::{Value, json};

/// Whether figures are wanted. `cargo bench` says `--bench`; `cargo test --benches` does not, and is
/// content that the program starts.
pub(crate) fn is_asked() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Prints a row of a table.
pub(crate) fn row(table: &str, row: &str, columns: Value) {
    println!(
        "{}",
        json!({ "table": table, "row": row, "columns": columns })
    );
}

/// A figure with three significant digits: more would claim what the machine does not give.
pub(crate) fn rounded(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return figure;
    }
    let scale = 10_f64.powf(2.0 - figure.abs().log10().floor());
    (figure * scale).round() / scale
}

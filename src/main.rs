//! The one binary of Ansim.
fn main() {}

//! seaway.
fn main() {}

//! The page is held by the program, which is built anew when `make setup` built another one.

use std::path::Path;

fn main() {
    // A path that is not there would have every build begin anew: until the page is built, its folder's parent is looked at.
    let built = Path::new("../../ui/dist").exists();
    println!("cargo::rerun-if-changed={}", if built { "../../ui/dist" } else { "../../ui" });
}

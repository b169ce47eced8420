//! A release build holds the page: it is built anew when `make setup` built another one.

fn main() {
    let embeds = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // A debug build reads the page's files when it is asked for them.
    println!("cargo::rerun-if-changed={}", if embeds { "../../ui/dist" } else { "build.rs" });
}

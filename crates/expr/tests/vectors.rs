//! Runs the recorded cases and says how many are met.

use std::path::PathBuf;

fn run(file: &str) {
    let folder = std::env::var_os("SEAWAY_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")), PathBuf::from);
    let text = std::fs::read_to_string(folder.join(file)).expect("read the vectors");
    let (mut met, mut total) = (0, 0);
    let mut misses = Vec::new();
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case a line");
        total += 1;
        match seaway_expr::vectors::check_case(file, &case) {
            Ok(()) => met += 1,
            Err(why) => {
                let text = case.get("template").or_else(|| case.get("expression")).cloned().unwrap_or_default();
                misses.push(format!("{} [{}] {text}: {why}", case["id"], case["group"]));
            }
        }
    }
    println!("{file} {met}/{total} (0 differ by decision)");
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn expressions() {
    run("expressions.jsonl");
}

#[test]
fn promotions() {
    run("expressions-promotion.jsonl");
}

#[test]
fn freight_criteria() {
    run("expressions-freight-criteria.jsonl");
}

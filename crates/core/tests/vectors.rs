//! Runs the vectors this room answers for: from `SEAWAY_VECTORS`, else from `tests/vectors`.

mod git;

use seaway_core::vectors::{FILES, Outcome, check_case};
use serde_json::Value;
use std::path::PathBuf;

#[test]
fn kargos_answers_are_met() {
    let folder = std::env::var_os("SEAWAY_VECTORS")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors")), PathBuf::from);
    let repositories = git::Repositories::new(&folder);
    let mut failures = Vec::new();
    for file in FILES {
        let text = std::fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("read {file}: {e}"));
        let (mut n_met, mut n_by_decision, mut n_total) = (0, 0, 0);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let case: Value = serde_json::from_str(line).unwrap();
            let outcome = match check_case(file, &case).expect("a file of ours") {
                Outcome::Elsewhere => repositories.check(&case),
                outcome => outcome,
            };
            match outcome {
                Outcome::Met => n_met += 1,
                Outcome::ByDecision(_) => n_by_decision += 1,
                Outcome::Elsewhere => continue,
                Outcome::Failed(reason) => failures.push(format!("{file} {}: {reason}", case["id"])),
            }
            n_total += 1;
        }
        println!("{file} {n_met}/{n_total} ({n_by_decision} differ by decision)");
    }
    assert!(failures.is_empty(), "{} cases are not met:\n{}", failures.len(), failures.join("\n"));
}

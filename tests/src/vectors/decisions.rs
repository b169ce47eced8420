//! What differs from Kargo on purpose: each a rule over a case and our result, and the row of `docs/differences.md` it stands for.

use super::steps::Ours;
use serde_json::Value;

/// A row and when it holds.
struct Rule {
    steps: &'static [&'static str],
    row: &'static str,
    holds: fn(&Value, &Ours) -> bool,
}

/// The row that explains why a case differs.
pub(crate) fn row(case: &Value, ours: &Ours) -> Option<&'static str> {
    let step = case["step"].as_str().unwrap_or_default();
    RULES.iter().filter(|rule| rule.steps.contains(&step)).find(|rule| (rule.holds)(case, ours)).map(|rule| rule.row)
}

const RULES: &[Rule] = &[];

//! The digest of a plan, version 1: what an approval binds to, and how a difference is named (runs.md, *Plans*).

mod canonical;
mod symbols;

pub use symbols::Symbols;

use seaway_api::seaway::{PlannedEffect, PlannedPath};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The version of the digest this release makes.
pub const DIGEST_VERSION: i64 = 1;

/// All that the digest covers. Commit ids, parents, dates and paths the run does not touch are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Inputs {
    /// The project.
    pub project: String,
    /// The stage.
    pub stage: String,
    /// The freight's name.
    pub freight: String,
    /// The inflated steps as they were admitted.
    pub steps: Value,
    /// The variables.
    pub vars: Value,
    /// Touched paths of all repositories and branches; order does not count.
    pub paths: Vec<PlannedPath>,
    /// Arguments of effects in their order; what is not known yet is a symbol.
    pub effects: Vec<PlannedEffect>,
    /// Ids of the gates the run will meet.
    pub gates: Vec<String>,
    /// Hash of the policies in force.
    pub policy: String,
    /// Tools and their versions.
    pub tools: BTreeMap<String, String>,
}

/// The digest: `v1:` and the SHA-256 of the inputs in canonical form, symbols in the place of what differs from run to run.
pub fn digest(inputs: &Inputs, symbols: &Symbols) -> String {
    let effects: Vec<Value> = inputs
        .effects
        .iter()
        .map(|effect| json!({ "alias": effect.alias, "kind": effect.kind, "arguments": effect.arguments }))
        .collect();
    let document = json!({
        "version": DIGEST_VERSION,
        "project": inputs.project,
        "stage": inputs.stage,
        "freight": inputs.freight,
        "steps": inputs.steps,
        "vars": inputs.vars,
        "paths": sorted(&inputs.paths),
        "effects": effects,
        "gates": inputs.gates,
        "policy": inputs.policy,
        "tools": inputs.tools,
    });
    format!("v{DIGEST_VERSION}:{}", hex::encode(Sha256::digest(canonical::bytes(&symbols.in_value(&document)))))
}

fn key(path: &PlannedPath) -> (&str, &str, &str) {
    (&path.repository, &path.branch, &path.path)
}

fn sorted(paths: &[PlannedPath]) -> Vec<PlannedPath> {
    let mut paths = paths.to_vec();
    paths.sort_by(|a, b| key(a).cmp(&key(b)));
    paths
}

/// How what would be written now differs from what was planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum Difference {
    /// A planned path is not written any more.
    #[error("`{path}` of {branch} was to be written and is not")]
    Dropped {
        /// The path.
        path: String,
        /// Its branch.
        branch: String,
    },
    /// A path is written that was not planned.
    #[error("`{path}` of {branch} is written and was not planned")]
    Added {
        /// The path.
        path: String,
        /// Its branch.
        branch: String,
    },
    /// Somebody else changed a planned path meanwhile.
    #[error("`{path}` of {branch} is not what it was when it was planned")]
    Moved {
        /// The path.
        path: String,
        /// Its branch.
        branch: String,
    },
    /// The run would write something else into a planned path.
    #[error("`{path}` of {branch} would be written otherwise than planned")]
    Rewritten {
        /// The path.
        path: String,
        /// Its branch.
        branch: String,
    },
}

/// The first path, in order, in which two lists differ.
pub fn first_difference(planned: &[PlannedPath], now: &[PlannedPath]) -> Option<Difference> {
    let (planned, now) = (sorted(planned), sorted(now));
    let (mut old, mut new) = (planned.iter().peekable(), now.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => return None,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => key(a).cmp(&key(b)),
        };
        let (a, b) = (old.next_if(|_| order.is_le()), new.next_if(|_| order.is_ge()));
        let (path, branch) = a.or(b).map(|p| (p.path.clone(), p.branch.clone())).unwrap_or_default();
        match (a, b) {
            (Some(a), Some(b)) if a.old_blob != b.old_blob => return Some(Difference::Moved { path, branch }),
            (Some(a), Some(b)) if (&a.mode, &a.new_blob) != (&b.mode, &b.new_blob) => {
                return Some(Difference::Rewritten { path, branch });
            }
            (Some(_), Some(_)) => {}
            (Some(_), None) => return Some(Difference::Dropped { path, branch }),
            (None, _) => return Some(Difference::Added { path, branch }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, old: &str, new: &str) -> PlannedPath {
        PlannedPath {
            path: path.into(),
            branch: "main".into(),
            old_blob: old.into(),
            new_blob: new.into(),
            ..PlannedPath::default()
        }
    }

    fn check(planned: &[PlannedPath], now: &[PlannedPath], expect: &str) {
        assert_eq!(first_difference(planned, now).map(|d| d.to_string()).unwrap_or_default(), expect);
    }

    #[test]
    fn a_difference_names_the_first_path() {
        let plan = [path("a", "1", "2"), path("b", "1", "2")];
        check(&plan, &plan, "");
        check(&plan, &[path("b", "1", "2"), path("a", "1", "2")], "");
        check(&plan, &[path("a", "1", "2")], "`b` of main was to be written and is not");
        check(&plan, &[path("a", "0", "2"), path("b", "0", "2")], "`a` of main is not what it was when it was planned");
        check(&plan, &[path("a", "1", "2"), path("b", "1", "3")], "`b` of main would be written otherwise than planned");
        check(
            &plan,
            &[path("0", "", "2"), path("a", "1", "2"), path("b", "1", "2")],
            "`0` of main is written and was not planned",
        );
    }

    #[test]
    fn the_digest_covers_what_is_written_and_not_in_which_order() {
        let inputs = |paths: Vec<PlannedPath>| Inputs { project: "bank".into(), paths, ..Inputs::default() };
        let none = Symbols::default();
        let (a, b) = (path("a", "1", "2"), path("b", "1", "2"));
        let one = digest(&inputs(vec![a.clone(), b.clone()]), &none);
        assert_eq!(one, digest(&inputs(vec![b, a.clone()]), &none));
        assert_ne!(one, digest(&inputs(vec![a]), &none));
        assert!(one.starts_with("v1:") && one.len() == 67);
    }

    #[test]
    fn a_plan_with_the_promotions_name_in_it_still_holds() {
        let inputs = |name: &str| Inputs {
            effects: vec![PlannedEffect {
                kind: "git-push".into(),
                description: format!("for {name}"),
                arguments: Some(json!({ "message": format!("promoted by {name}") })),
                ..PlannedEffect::default()
            }],
            ..Inputs::default()
        };
        let planned = digest(&inputs("\u{27e6}promotion\u{27e7}"), &Symbols::default());
        let run = Symbols::default().with("qa.01abc.1234567", "promotion");
        assert_eq!(planned, digest(&inputs("qa.01abc.1234567"), &run));
        assert_eq!(
            run.blob("id", b"by qa.01abc.1234567"),
            Symbols::default().blob("other", "by \u{27e6}promotion\u{27e7}".as_bytes())
        );
        assert_eq!(run.blob("id", b"plain"), "id");
    }
}

//! Kargo's own answers, checked against ours: one function a file of vectors (`cargo xtask vectors` and the tests call it).
//!
//! The files hold two of every three cases; a check states the rule and never names a row.

use crate::{freight::name, paths::PathFilter, semver, urls};
use serde_json::Value;

/// How one case came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Ours answers as Kargo does.
    Met,
    /// Ours differs on purpose; `docs/differences.md` says why.
    ByDecision(&'static str),
    /// Ours differs and should not.
    Failed(String),
    /// The case needs a neighbour (a git repository): its room checks it.
    Elsewhere,
}

/// The files this room answers for.
pub const FILES: [&str; 7] = [
    "semver.jsonl",
    "semver-parse.jsonl",
    "semver-compare.jsonl",
    "semver-lists.jsonl",
    "url-normalisation.jsonl",
    "path-patterns.jsonl",
    "freight-names.jsonl",
];

/// Checks one case of a file; `None` if the file is not ours.
pub fn check_case(file: &str, case: &Value) -> Option<Outcome> {
    let result = match file {
        "semver.jsonl" => check_constraint(case),
        "semver-parse.jsonl" => check_parse(case),
        "semver-compare.jsonl" => check_compare(case),
        "semver-lists.jsonl" => check_list(case),
        "url-normalisation.jsonl" => check_url(case),
        "path-patterns.jsonl" => check_paths(case),
        "freight-names.jsonl" => check_freight_name(case),
        _ => return None,
    };
    Some(match result {
        Ok(()) => Outcome::Met,
        Err(text) => Outcome::Failed(text),
    })
}

type Check = Result<(), String>;

pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

pub(crate) fn texts(value: &Value, key: &str) -> Vec<String> {
    let items = value.get(key).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expect: &T) -> Check {
    if got == expect { Ok(()) } else { Err(format!("{what}: got {got:?}, expected {expect:?}")) }
}

fn check_constraint(case: &Value) -> Check {
    let (constraint, version) = (text(case, "constraint"), text(case, "version"));
    let parsed = semver::Constraint::parse(constraint);
    let read = semver::Version::loose(version);
    let about = |what: &str| format!("{what} of `{constraint}` on `{version}`");
    same(&about("constraint_parses"), &parsed.is_ok(), &flag(case, "constraint_parses"))?;
    same(&about("version_parses"), &read.is_ok(), &flag(case, "version_parses"))?;
    match (parsed, read) {
        (Ok(constraint), Ok(version)) => same(&about("matches"), &constraint.matches(&version), &flag(case, "matches")),
        _ => Ok(()),
    }
}

fn check_parse(case: &Value) -> Check {
    let given = text(case, "version");
    let loose = semver::Version::loose(given).ok();
    match (&loose, case.get("loose").filter(|v| !v.is_null())) {
        (None, None) => {}
        (Some(got), Some(expect)) => {
            let number = |key: &str| expect.get(key).and_then(Value::as_f64).unwrap_or(-1.0);
            #[expect(clippy::cast_precision_loss, reason = "the vectors hold doubles")]
            let numbers = [got.major as f64, got.minor as f64, got.patch as f64];
            same(given, &numbers, &[number("major"), number("minor"), number("patch")])?;
            let words = [got.prerelease.clone(), got.metadata.clone(), got.original.clone(), got.to_string()];
            same(given, &words, &["prerelease", "metadata", "original", "string"].map(|key| text(expect, key).to_owned()))?;
        }
        (got, _) => return Err(format!("loose `{given}`: got {got:?}")),
    }
    same(&format!("strict `{given}`"), &semver::Version::of_tag(given, true).is_ok(), &flag(case, "strict"))?;
    same(&format!("helm_strict `{given}`"), &semver::Version::strict(given).is_ok(), &flag(case, "helm_strict"))
}

fn check_compare(case: &Value) -> Check {
    let read = |key: &str| semver::Version::loose(text(case, key)).map_err(|e| e.to_string());
    let (a, b) = (read("a")?, read("b")?);
    let expect = case.get("compare").and_then(Value::as_i64).unwrap_or(9);
    same(&format!("{} against {}", a.original, b.original), &(a.precedence(&b) as i64), &expect)
}

fn check_list(case: &Value) -> Check {
    let constraint = text(case, "constraint");
    let parsed = (!constraint.is_empty()).then(|| semver::Constraint::parse(constraint)).transpose();
    let filter = crate::discovery::TagFilter::new(&texts(case, "allowTagsRegexes"), &texts(case, "ignoreTagsRegexes"));
    let (constraint, filter) = match (parsed, filter) {
        (Ok(constraint), Ok(filter)) => (constraint, filter),
        _ if case.get("error").is_some() => return Ok(()),
        (constraint, filter) => return Err(format!("{constraint:?} {filter:?}")),
    };
    let selection = semver::Selection { constraint, strict: flag(case, "strictSemvers") };
    let tags = texts(case, "tags").into_iter().filter(|tag| filter.allows(tag));
    let selected = semver::select(tags, &selection, |tag| tag.as_str());
    same("selected", &selected, &texts(case, "selected"))
}

fn check_url(case: &Value) -> Check {
    let given = text(case, "input");
    let got = match text(case, "kind") {
        "git" => urls::normalise_git(given),
        "image" => urls::normalise_image(given),
        _ => urls::normalise_chart(given),
    };
    same(given, &got.as_str(), &text(case, "normalised"))
}

fn check_paths(case: &Value) -> Check {
    let filter = PathFilter::new(&texts(case, "includePaths"), &texts(case, "excludePaths"));
    match (filter, case.get("error")) {
        (Err(_), Some(_)) => Ok(()),
        (Ok(filter), None) => same("matches", &filter.matches(texts(case, "paths")), &flag(case, "matches")),
        (got, _) => Err(format!("{case}: got {got:?}")),
    }
}

fn check_freight_name(case: &Value) -> Check {
    let freight = &case["freight"];
    let commits = list(freight, "commits").map(|c| name::Part::Commit {
        repo_url: text(c, "repoURL"),
        tag: text(c, "tag"),
        id: text(c, "id"),
        subscription: text(c, "subscriptionName"),
    });
    let images = list(freight, "images").map(|i| name::Part::Image {
        repo_url: text(i, "repoURL"),
        tag: text(i, "tag"),
        digest: text(i, "digest"),
        subscription: text(i, "subscriptionName"),
    });
    let charts = list(freight, "charts").map(|c| name::Part::Chart {
        repo_url: text(c, "repoURL"),
        name: text(c, "name"),
        version: text(c, "version"),
        subscription: text(c, "subscriptionName"),
    });
    let others = list(freight, "artifacts").map(|a| name::Part::Other {
        artifact_type: text(a, "artifactType"),
        subscription: text(a, "subscriptionName"),
        version: text(a, "version"),
    });
    let origin = &freight["origin"];
    let got = name::of(text(origin, "kind"), text(origin, "name"), commits.chain(images).chain(charts).chain(others));
    same(text(case, "id"), &got.as_str(), &text(case, "name"))
}

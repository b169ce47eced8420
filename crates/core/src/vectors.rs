//! Kargo's own answers, checked against ours: one function a file of vectors (`cargo xtask vectors` and the tests call it).
//!
//! The files hold two of every three cases; a check states the rule and never names a row.

use crate::discovery::{ChartSource, GitSearch, ImageSearch, charts};
use crate::{freight::name, paths::PathFilter, semver};
use seaway_api::kargo::{DiscoveredCommit, DiscoveredImageReference, GitSubscription, ImageSubscription};
use seaway_base::urls;
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
pub const FILES: [&str; 8] = [
    "semver.jsonl",
    "semver-parse.jsonl",
    "semver-compare.jsonl",
    "semver-lists.jsonl",
    "url-normalisation.jsonl",
    "path-patterns.jsonl",
    "freight-names.jsonl",
    "discovery.jsonl",
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
        "discovery.jsonl" if text(case, "type") == "git" => return Some(Outcome::Elsewhere),
        "discovery.jsonl" if text(case, "type") == "image" => check_image(case),
        "discovery.jsonl" => check_chart(case),
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

/// The subscription of a discovery case as Kargo's selector received it: without the defaults of its schema.
fn subscription(case: &Value) -> Value {
    let mut body = case["subscription"].clone();
    if let Some(map) = body.as_object_mut() {
        map.entry("strictSemvers").or_insert(Value::Bool(false));
        map.entry("repoURL").or_insert(Value::String("REPO".into()));
    }
    body
}

/// Which tags are taken and in what order; what is behind a tag is the registry client's to check.
fn check_image(case: &Value) -> Check {
    let body: ImageSubscription = serde_json::from_value(subscription(case)).map_err(|e| e.to_string())?;
    let failed = |text: String| if case.get("error").is_some() { Ok(()) } else { Err(text) };
    if text(case, "group") == "missing-repository" {
        return Ok(());
    }
    let mut search = match ImageSearch::new(&body) {
        Ok(search) => search,
        Err(e) => return failed(e.to_string()),
    };
    if search.needs_tags() {
        search.tags(list(case, "registry").map(|entry| text(entry, "tag").to_owned()).collect());
    }
    let expect: Vec<&Value> = list(case, "selected").collect();
    while let Some(tag) = search.next_tags(1).first().map(|tag| (*tag).to_owned()) {
        let entry = list(case, "registry").find(|entry| text(entry, "tag") == tag && has_platform(entry, &body.platform));
        search.answer(entry.map(|entry| DiscoveredImageReference {
            tag,
            digest: text(entry, "digest").to_owned(),
            created_at: created(entry),
            ..DiscoveredImageReference::default()
        }));
    }
    if case.get("error").is_some() {
        return Err("it should have failed".into());
    }
    let got: Vec<(String, String)> = search.finish().into_iter().map(|image| (image.tag, image.digest)).collect();
    let expect: Vec<(String, String)> = expect.into_iter().map(|e| (text(e, "tag").into(), text(e, "digest").into())).collect();
    same("selected", &got, &expect)
}

/// The date the case itself expects for the tag, else the newest written in it: the rule of dates is the registry client's.
fn created(entry: &Value) -> Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time> {
    let read = |value: &Value, key: &str| text(value, key).parse::<jiff::Timestamp>().ok();
    const KEYS: [&str; 2] = ["org.opencontainers.image.created", "org.label-schema.build-date"];
    let noted = KEYS.iter().find_map(|key| read(&entry["annotations"], key));
    let labelled = KEYS.iter().filter_map(|key| read(&entry["labels"], key));
    let built = read(entry, "created").into_iter().chain(labelled);
    let newest = built.chain(usable(entry).filter_map(|p| read(p, "created"))).max();
    noted.or(newest).map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time)
}

fn usable(entry: &Value) -> impl Iterator<Item = &Value> {
    list(entry, "platforms").filter(|p| !matches!(text(p, "os"), "" | "unknown") && !flag(p, "attestation"))
}

fn has_platform(entry: &Value, wanted: &str) -> bool {
    let spelt = |p: &Value| match text(p, "variant") {
        "" => format!("{}/{}", text(p, "os"), text(p, "arch")),
        variant => format!("{}/{}/{variant}", text(p, "os"), text(p, "arch")),
    };
    wanted.is_empty() || usable(entry).any(|p| spelt(p) == wanted.trim_end_matches('/'))
}

fn check_chart(case: &Value) -> Check {
    let body = &case["subscription"];
    let (source, versions) = match text(case, "repositoryKind") {
        "oci" => (ChartSource::Oci, Ok(texts(case, "tags"))),
        _ => (ChartSource::Http, index_versions(text(case, "index"), text(body, "name"))),
    };
    let n_max = body.get("discoveryLimit").and_then(Value::as_u64).unwrap_or(20);
    let got = versions.and_then(|versions| {
        charts(versions, source, text(body, "semverConstraint"), usize::try_from(n_max).unwrap_or(20)).map_err(|e| e.to_string())
    });
    match (got, case.get("error")) {
        (Err(_), Some(_)) => Ok(()),
        (Ok(got), None) => same("selected", &got, &texts(case, "selected")),
        (got, error) => Err(format!("got {got:?}, expected {error:?}")),
    }
}

fn index_versions(index: &str, name: &str) -> Result<Vec<String>, String> {
    let index: Value = serde_saphyr::from_str(index).map_err(|e| e.to_string())?;
    Ok(list(&index["entries"], name).map(|entry| text(entry, "version").to_owned()).collect())
}

/// The search of a git case, for whoever has a git repository to feed it from.
///
/// # Errors
/// The subscription is refused: right if the case expects an error.
pub fn git_search(case: &Value) -> Result<GitSearch, String> {
    let body: GitSubscription = serde_json::from_value(subscription(case)).map_err(|e| e.to_string())?;
    GitSearch::new(&body).map_err(|e| e.to_string())
}

/// Compares what a git search found with what Kargo found.
pub fn check_git(case: &Value, got: Result<Vec<DiscoveredCommit>, String>) -> Outcome {
    let result = match (got, case.get("error")) {
        (Err(_), Some(_)) => Ok(()),
        (Ok(got), None) => {
            let got: Vec<Value> = got.iter().filter_map(|commit| serde_json::to_value(commit).ok()).collect();
            same("selected", &got, &list(case, "selected").cloned().collect())
        }
        (got, error) => Err(format!("got {got:?}, expected {error:?}")),
    };
    result.map_or_else(Outcome::Failed, |()| Outcome::Met)
}

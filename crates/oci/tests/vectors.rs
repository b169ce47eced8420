//! Kargo's own answers about images (`tests/vectors/discovery.jsonl`), against the registry in the process.
//!
//! The digests of the vectors are opaque: each is taken for the name of the image that we push in its place.

use seaway_base::http::{Egress, HttpClient};
use seaway_core::discovery::TagFilter;
use seaway_core::semver::{Constraint, Selection, select};
use seaway_neighbours::{Registry, RegistryOptions as Options};
use seaway_oci::{
    ImageInfo, OciError, Platform, Reference, Registries, RegistryOptions, Remote, Repository, TinyImage, TinyPart,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

fn strings(json: &Value) -> BTreeMap<String, String> {
    json.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// The image that a row of a vector's registry describes.
fn image(row: &Value) -> TinyImage {
    let created = |json: &Value| json["created"].as_str().map(|text| text.parse().unwrap());
    let part = |json: &Value| TinyPart {
        platform: (!json["attestation"].as_bool().unwrap_or(false)).then(|| Platform {
            os: text(&json["os"]),
            arch: text(&json["arch"]),
            variant: text(&json["variant"]),
        }),
        created: created(json),
        annotations: strings(&json["annotations"]),
    };
    TinyImage {
        build: text(&row["build"]),
        created: created(row),
        labels: strings(&row["labels"]),
        annotations: strings(&row["annotations"]),
        parts: row["platforms"].as_array().into_iter().flatten().map(part).collect(),
    }
}

/// The vector's digest for each of ours.
type Named = HashMap<String, String>;

/// Pushes what the vector's registry holds.
async fn fill(remote: &Remote, case: &Value) -> Named {
    let mut named = HashMap::new();
    for row in case["registry"].as_array().into_iter().flatten() {
        let digest = remote.push_image(row["tag"].as_str().unwrap(), &image(row)).await.unwrap();
        named.insert(digest, text(&row["digest"]));
    }
    named
}

fn texts(json: &Value) -> Vec<String> {
    json.as_array().into_iter().flatten().map(text).collect()
}

/// The choice of a subscription, out of core's filters and orders and what this room reads; an error as text.
async fn choose(remote: &Remote, subscription: &Value) -> Result<Vec<(String, Arc<ImageInfo>)>, String> {
    let said = |err: OciError| err.to_string();
    let platform = subscription["platform"].as_str().filter(|text| !text.is_empty()).map(Platform::parse);
    let platform = platform.transpose().map_err(said)?;
    let constraint = text(&subscription["constraint"]);
    let strategy = subscription["imageSelectionStrategy"].as_str().filter(|text| !text.is_empty()).unwrap_or("SemVer");
    let limit = usize::try_from(subscription["discoveryLimit"].as_u64().unwrap()).unwrap();
    let wanted = async |tag: String| match remote.image(&Reference::Tag(tag.clone()), platform.as_ref(), false).await {
        Ok(info) => Ok(info.has_platform.then_some((tag, info))),
        Err(OciError::NoImage { .. } | OciError::NoRepository { .. }) if strategy == "Digest" => Ok(None),
        Err(err) => Err(said(err)),
    };
    if strategy == "Digest" {
        let found = if constraint.is_empty() { None } else { wanted(constraint).await? };
        return Ok(found.into_iter().collect());
    }
    if subscription.get("allowTags").or(subscription.get("ignoreTags")).is_some() {
        return Err("`allowTags` and `ignoreTags` are no more".to_owned());
    }
    let filter = TagFilter::new(&texts(&subscription["allowTagsRegexes"]), &texts(&subscription["ignoreTagsRegexes"]));
    let filter = filter.map_err(|err| err.to_string())?;
    let strict = subscription["strictSemvers"].as_bool().unwrap_or_default();
    let range = Some(&constraint).filter(|text| !text.is_empty() && strategy == "SemVer").map(|text| Constraint::parse(text));
    let range = range.transpose().map_err(|err| err.to_string())?;
    let all = remote.tags().await.map_err(said)?;
    let mut tags: Vec<String> = all.iter().filter(|tag| filter.allows(tag)).cloned().collect();
    if strategy == "SemVer" {
        tags = select(tags, &Selection { constraint: range, strict }, |tag| tag.as_str());
    } else {
        tags.sort_by(|a, b| b.cmp(a));
    }
    let mut found = Vec::new();
    for tag in tags {
        if strategy != "NewestBuild" && found.len() == limit {
            break;
        }
        found.extend(wanted(tag).await?);
    }
    if strategy == "NewestBuild" {
        // The sort is stable, so that equal dates stay in descending order of their tags.
        found.sort_by_key(|(_, info)| std::cmp::Reverse(info.created_at));
        found.truncate(limit);
    }
    Ok(found)
}

async fn check(remote: &Remote, named: &Named, case: &Value) -> Result<(), String> {
    let ours = match (choose(remote, &case["subscription"]).await, case.get("error")) {
        (Err(_), Some(_)) => return Ok(()),
        (Ok(found), None) => found,
        (found, wanted) => return Err(format!("{found:?}, wanted {wanted:?}")),
    };
    let row = |(tag, info): &(String, Arc<ImageInfo>)| {
        let created = info.created_at.map(|created| created.to_string()).unwrap_or_default();
        (tag.clone(), named[&info.digest].clone(), created, info.annotations.clone())
    };
    let ours: Vec<_> = ours.iter().map(row).collect();
    let row = |row: &Value| (text(&row["tag"]), text(&row["digest"]), text(&row["createdAt"]), strings(&row["annotations"]));
    let theirs: Vec<_> = case["selected"].as_array().into_iter().flatten().map(row).collect();
    if ours == theirs { Ok(()) } else { Err(format!("{ours:?}, wanted {theirs:?}")) }
}

#[tokio::test]
async fn images_are_chosen_as_kargo_chose_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/discovery.jsonl");
    let Ok(lines) = std::fs::read_to_string(&file) else {
        eprintln!("not run: {} is not here", file.display());
        return;
    };
    let client = Registries::new(HttpClient::new(Egress::local()).unwrap(), RegistryOptions::default());
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(dir.path(), Options::default()).await.unwrap();
    let serving = registry.serve(0).await.unwrap();
    let (mut n_cases, mut wrong) = (0, Vec::new());
    // Many cases ask about the same registry; it is filled once.
    let mut filled: HashMap<String, (Remote, Named)> = HashMap::new();
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if case["type"] != "image" {
            continue;
        }
        n_cases += 1;
        let rows = case["registry"].to_string();
        if !filled.contains_key(&rows) {
            let repository = Repository::parse(&format!("{}/vec/app-{}", serving.addr(), filled.len())).unwrap();
            let remote = client.remote(&repository, None, false);
            let named = fill(&remote, &case).await;
            filled.insert(rows.clone(), (remote, named));
        }
        let (remote, named) = &filled[&rows];
        if let Err(reason) = check(remote, named, &case).await {
            wrong.push(format!("{}: {reason}", case["id"]));
        }
    }
    assert!(n_cases > 0 && wrong.is_empty(), "{} of {n_cases} differ:\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("{n_cases} cases");
}

//! Kargo's own answers about images (`tests/vectors/discovery.jsonl`), against the registry in the process.
//!
//! The digests of the vectors are opaque: each is taken for the name of the image that we push in its place.

use seaway_base::http::{Egress, HttpClient};
use seaway_neighbours::{Registry, RegistryOptions as Options};
use seaway_oci::{OciError, Platform, Reference, Registries, RegistryOptions, Remote, Repository, TinyImage, TinyPart};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

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

/// Everything but the choice itself: what is selected looks as Kargo saw it, and has the platform asked for.
async fn check(remote: &Remote, named: &Named, case: &Value) -> Result<(), String> {
    if case["group"] == "missing-repository" {
        return match (remote.tags().await, case.get("error")) {
            (Err(OciError::NoRepository { .. }), _) => Ok(()),
            (other, _) => Err(format!("wanted no repository, not {other:?}")),
        };
    }
    let platform = match case["subscription"]["platform"].as_str().filter(|text| !text.is_empty()).map(Platform::parse) {
        Some(Err(_)) => return if case.get("error").is_some() { Ok(()) } else { Err("the platform was refused".to_owned()) },
        Some(Ok(platform)) => Some(platform),
        None => None,
    };
    for wanted in case["selected"].as_array().into_iter().flatten() {
        let reference = Reference::Tag(text(&wanted["tag"]));
        let info = remote.image(&reference, platform.as_ref(), false).await.map_err(|err| err.to_string())?;
        let created = info.created_at.map(|created| created.to_string()).unwrap_or_default();
        let ours = (named[&info.digest].clone(), created, info.annotations.clone(), info.has_platform);
        let theirs = (text(&wanted["digest"]), text(&wanted["createdAt"]), strings(&wanted["annotations"]), true);
        if ours != theirs {
            return Err(format!("{reference}: {ours:?}, wanted {theirs:?}"));
        }
    }
    Ok(())
}

#[tokio::test]
async fn images_look_as_kargo_saw_them() {
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

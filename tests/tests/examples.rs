//! Every example is admitted, stands in `examples/INDEX.md`, and says truly whether all it needs is built.

use seaway_core::admission::validate_document;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Documents of Kargo's kinds below the folder; manifests that are only deployed are none.
fn examples() -> BTreeMap<String, Vec<Value>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if entry.file_name() != "repository" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                let text = std::fs::read_to_string(&path).unwrap();
                let documents = seaway_render::yaml::read_all(&text).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
                found.insert(path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), documents);
            }
        }
    }
    found
}

/// What INDEX.md says: path to `runs` or `needs …`.
fn index() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("INDEX.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| [")?.split(" | ");
        let path = cells.next()?.split_once(']')?.0.to_owned();
        Some((path, cells.next()?.trim().to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// Every `uses:` in a document.
fn uses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| uses(item, found)),
        Value::Object(map) => {
            found.extend(map.get("uses").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|item| uses(item, found));
        }
        _ => {}
    }
}

#[test]
fn every_document_is_admitted() {
    let (mut n, mut wrong) = (0, Vec::new());
    let index = index();
    for (path, documents) in examples() {
        for document in documents {
            n += 1;
            let kind = document["kind"].as_str().unwrap_or_default();
            let name = format!("{path}: {kind} {}", document["metadata"]["name"]);
            // Namespaces, Secrets and ConfigMaps are the API server's own.
            if document["apiVersion"] != "v1" && seaway_api::kind(kind).is_none() {
                let needs = index.get(&path).is_some_and(|state| state.starts_with("needs the kind") && state.contains(kind));
                assert!(needs, "{name}: a kind that is not served, and INDEX.md does not say so");
                continue;
            }
            for cause in validate_document(&document) {
                wrong.push(format!("{name}: {cause:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n > 200, "{n} documents");
}

#[test]
fn the_index_lists_every_example_and_says_what_runs() {
    let (examples, index) = (examples(), index());
    assert_eq!(examples.keys().collect::<Vec<_>>(), index.keys().collect::<Vec<_>>());
    for (path, documents) in &examples {
        let mut steps = Vec::new();
        documents.iter().for_each(|document| uses(document, &mut steps));
        let missing = steps.iter().any(|step| seaway_steps::find(step).is_none());
        let runs = index[path] == "runs";
        assert!(runs || index[path].starts_with("needs "), "{path}: `{}`", index[path]);
        assert!(!(runs && missing), "{path} is said to run, and names a step that is not built");
    }
    let n_run = index.values().filter(|state| *state == "runs").count();
    println!("{n_run} examples run, {} need a part that is not built", index.len() - n_run);
    assert!(n_run >= 45, "{n_run} examples run");
}

#[test]
fn all_examples_can_be_applied_side_by_side() {
    let mut projects: BTreeMap<String, String> = BTreeMap::new();
    for (path, documents) in examples() {
        for project in documents.iter().filter(|document| document["kind"] == "Project") {
            let name = project["metadata"]["name"].as_str().unwrap().to_owned();
            if let Some(other) = projects.insert(name.clone(), path.clone()) {
                panic!("{path} and {other} both have project `{name}`");
            }
        }
    }
    assert!(projects.len() > 45, "{} projects", projects.len());
}

#[test]
fn every_step_has_an_example_whose_configuration_it_takes() {
    let mut seen = std::collections::BTreeSet::new();
    for (path, documents) in examples() {
        let mut steps = Vec::new();
        documents.iter().for_each(|document| collect(document, &mut steps));
        for (name, config) in steps {
            let Some(step) = seaway_steps::find(&name) else { continue };
            seen.insert(name.clone());
            if let Err(err) = step.check(&config) {
                panic!("{path}: {name}: {err}");
            }
        }
    }
    let missing: Vec<&str> = seaway_steps::all().iter().map(|step| step.name()).filter(|name| !seen.contains(*name)).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

fn collect(value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => {
            if let Some(name) = map.get("uses").and_then(Value::as_str) {
                found.push((name.to_owned(), map.get("config").cloned().unwrap_or_default()));
            }
            map.values().for_each(|item| collect(item, found));
        }
        _ => {}
    }
}

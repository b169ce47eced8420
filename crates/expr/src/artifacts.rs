//! Artifacts as expressions see them: records with the names of Kargo's Go types.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::value::{Map, Struct, Value};

/// A field of an object that is a text; empty without one.
pub(crate) fn text<'a>(json: &'a Json, field: &str) -> &'a str {
    json[field].as_str().unwrap_or_default()
}

/// A record of a Go type: each field by its Go name and its JSON name.
pub(crate) fn record(name: &'static str, fields: Vec<(&'static str, &'static str, bool, Value)>) -> Value {
    Value::Struct(Arc::new(Struct { name, fields }))
}

/// The fields of an object that are texts.
pub(crate) fn texts(json: &Json, names: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str, bool, Value)> {
    names.iter().map(|(name, field)| (*name, *field, true, Value::text(text(json, field)))).collect()
}

/// An object of texts.
pub(crate) fn text_map(json: &Json) -> Value {
    let entries = json.as_object().into_iter().flatten();
    Value::Map(Arc::new(Map::of_texts(entries.map(|(k, v)| (Arc::from(k.as_str()), Value::from_json(v))).collect())))
}

/// A commit of freight.
pub(crate) fn commit(json: &Json) -> Value {
    let names = [
        ("RepoURL", "repoURL"),
        ("ID", "id"),
        ("Branch", "branch"),
        ("Tag", "tag"),
        ("Message", "message"),
        ("Author", "author"),
        ("Committer", "committer"),
    ];
    record("v1alpha1.GitCommit", texts(json, &names))
}

/// An image of freight.
pub(crate) fn image(json: &Json) -> Value {
    let mut fields = texts(json, &[("RepoURL", "repoURL"), ("Tag", "tag"), ("Digest", "digest")]);
    fields.push(("Annotations", "annotations", true, text_map(&json["annotations"])));
    record("v1alpha1.Image", fields)
}

/// A chart of freight.
pub(crate) fn chart(json: &Json) -> Value {
    record("v1alpha1.Chart", texts(json, &[("RepoURL", "repoURL"), ("Name", "name"), ("Version", "version")]))
}

/// An artifact of a subscription that is neither git, image nor chart.
pub(crate) fn artifact(json: &Json) -> Value {
    let metadata = if json["metadata"].is_object() { Value::from_json(&json["metadata"]) } else { Value::map([]) };
    let named = |name: &'static str, field: &str| (name, name, false, Value::text(text(json, field)));
    let fields = vec![
        named("ArtifactType", "artifactType"),
        named("SubscriptionName", "subscriptionName"),
        named("Version", "version"),
        ("Metadata", "Metadata", false, metadata),
    ];
    record("ArtifactReference", fields)
}

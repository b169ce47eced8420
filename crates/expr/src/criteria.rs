//! The names an expression of a warehouse's freight criteria can use: the newest of each discovered artifact.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::error::{CallError, Error};
use crate::promotion::{artifact, normal_git};
use crate::value::{Map, Struct, Value};
use crate::{Budget, Env, Param, Signature};

/// Evaluates a freight criterion over `status.discoveredArtifacts`.
///
/// # Errors
/// See [`Error`].
pub fn evaluate(expression: &str, artifacts: &Json, budget: &Budget) -> Result<Value, Error> {
    crate::evaluate(expression, &Criteria { artifacts }, budget)
}

/// Whether the discovered artifacts satisfy a criterion; nothing discovered satisfies any that can be parsed.
///
/// # Errors
/// See [`Error`]; also when the result means neither yes nor no.
pub fn satisfied(expression: &str, artifacts: &Json, budget: &Budget) -> Result<bool, Error> {
    crate::truth(&evaluate(expression, artifacts, budget)?)
}

struct Criteria<'a> {
    artifacts: &'a Json,
}

fn text<'a>(json: &'a Json, field: &str) -> &'a str {
    json[field].as_str().unwrap_or_default()
}

fn record(json: &Json, names: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str, bool, Value)> {
    names.iter().map(|(name, field)| (*name, *field, true, Value::text(text(json, field)))).collect()
}

fn normal_image(url: &str) -> String {
    let url = url.trim().to_lowercase();
    let hosts = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"];
    let bare = hosts.iter().find_map(|h| url.strip_prefix(h)).unwrap_or(&url);
    bare.strip_prefix("library/").unwrap_or(bare).to_string()
}

fn normal_chart(url: &str) -> String {
    let lower = url.trim().to_lowercase();
    normal_image(lower.strip_prefix("oci://").unwrap_or(&lower))
}

impl Criteria<'_> {
    fn list(&self, field: &str) -> impl Iterator<Item = &Json> {
        self.artifacts[field].as_array().into_iter().flatten()
    }

    fn commit(&self, url: &str) -> Option<Value> {
        let found = self.list("git").find(|g| normal_git(text(g, "repoURL")) == normal_git(url))?;
        let names = [
            ("ID", "id"),
            ("Branch", "branch"),
            ("Tag", "tag"),
            ("Subject", "subject"),
            ("Author", "author"),
            ("Committer", "committer"),
            ("CreatorDate", "creatorDate"),
        ];
        let fields = record(found["commits"].get(0)?, &names);
        Some(Value::Struct(Arc::new(Struct { name: "v1alpha1.DiscoveredCommit", fields })))
    }

    fn image(&self, url: &str) -> Option<Value> {
        let found = self.list("images").find(|i| normal_image(text(i, "repoURL")) == normal_image(url))?;
        let newest = found["references"].get(0)?;
        let mut fields = record(newest, &[("Tag", "tag"), ("Digest", "digest"), ("CreatedAt", "createdAt")]);
        let notes = newest["annotations"].as_object().into_iter().flatten();
        let notes = Map::of_texts(notes.map(|(k, v)| (Arc::from(k.as_str()), Value::from_json(v))).collect());
        fields.push(("Annotations", "annotations", true, Value::Map(Arc::new(notes))));
        Some(Value::Struct(Arc::new(Struct { name: "v1alpha1.DiscoveredImageReference", fields })))
    }

    fn chart(&self, url: &str, name: &str) -> Option<Value> {
        let same = |c: &&Json| normal_chart(text(c, "repoURL")) == normal_chart(url) && text(c, "name") == name;
        let found = self.list("charts").find(same)?;
        let version = found["versions"].get(0)?.as_str()?;
        let mut fields = record(found, &[("RepoURL", "repoURL"), ("Name", "name")]);
        fields.push(("Version", "version", true, Value::text(version)));
        Some(Value::Struct(Arc::new(Struct { name: "v1alpha1.Chart", fields })))
    }

    fn generic(&self, name: &str) -> Option<Value> {
        let mut all = self.list("results").flat_map(|r| r["artifactReferences"].as_array().and_then(|a| a.first()));
        all.find(|a| text(a, "subscriptionName") == name).map(artifact)
    }
}

impl Env for Criteria<'_> {
    fn variable(&self, _name: &str) -> Option<Value> {
        None
    }

    fn function(&self, name: &str) -> Option<Signature> {
        const ONE: Signature = Signature { required: 1, params: &[Param::String] };
        const CHART: Signature = Signature { required: 1, params: &[Param::String, Param::String] };
        match name {
            "commitFrom" | "imageFrom" | "artifactFrom" => Some(ONE),
            "chartFrom" => Some(CHART),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        let arg = |i: usize| args.get(i).and_then(Value::as_str).unwrap_or_default();
        let found = match name {
            "commitFrom" => self.commit(arg(0)),
            "imageFrom" => self.image(arg(0)),
            "chartFrom" => self.chart(arg(0), arg(1)),
            _ => self.generic(arg(0)),
        };
        Ok(found.unwrap_or(Value::Null))
    }

    fn strict(&self) -> bool {
        true
    }
}

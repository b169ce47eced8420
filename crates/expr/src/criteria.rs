//! The names an expression of a warehouse's freight criteria can use: the newest of each discovered artifact.

use seaway_base::urls::{normalise_chart, normalise_git, normalise_image};
use serde_json::Value as Json;

use crate::artifacts::{artifact, record, text, text_map, texts};
use crate::error::{CallError, Error};
use crate::value::Value;
use crate::{Budget, Env, Param, Signature};

/// Evaluates a freight criterion over `status.discoveredArtifacts`.
///
/// # Errors
/// See [`Error`].
pub fn evaluate(expression: &str, artifacts: &Json, budget: &Budget) -> Result<Value, Error> {
    crate::evaluate(expression, &Criteria { artifacts }, budget)
}

/// Whether the discovered artifacts satisfy a criterion. What was not discovered is null to it, and it is evaluated all the same:
/// whether an empty discovery needs no criterion is for the caller to say.
///
/// # Errors
/// See [`Error`]; also when the result means neither yes nor no.
pub fn satisfied(expression: &str, artifacts: &Json, budget: &Budget) -> Result<bool, Error> {
    crate::truth(&evaluate(expression, artifacts, budget)?)
}

struct Criteria<'a> {
    artifacts: &'a Json,
}

impl Criteria<'_> {
    fn list(&self, field: &str) -> impl Iterator<Item = &Json> {
        self.artifacts[field].as_array().into_iter().flatten()
    }

    fn commit(&self, url: &str) -> Option<Value> {
        let found = self.list("git").find(|g| normalise_git(text(g, "repoURL")) == normalise_git(url))?;
        let names = [
            ("ID", "id"),
            ("Branch", "branch"),
            ("Tag", "tag"),
            ("Subject", "subject"),
            ("Author", "author"),
            ("Committer", "committer"),
            ("CreatorDate", "creatorDate"),
        ];
        let fields = texts(found["commits"].get(0)?, &names);
        Some(record("v1alpha1.DiscoveredCommit", fields))
    }

    fn image(&self, url: &str) -> Option<Value> {
        let found = self.list("images").find(|i| normalise_image(text(i, "repoURL")) == normalise_image(url))?;
        let newest = found["references"].get(0)?;
        let mut fields = texts(newest, &[("Tag", "tag"), ("Digest", "digest"), ("CreatedAt", "createdAt")]);
        fields.push(("Annotations", "annotations", true, text_map(&newest["annotations"])));
        Some(record("v1alpha1.DiscoveredImageReference", fields))
    }

    fn chart(&self, url: &str, name: &str) -> Option<Value> {
        let same = |c: &&Json| normalise_chart(text(c, "repoURL")) == normalise_chart(url) && text(c, "name") == name;
        let found = self.list("charts").find(same)?;
        let version = found["versions"].get(0)?.as_str()?;
        let mut fields = texts(found, &[("RepoURL", "repoURL"), ("Name", "name")]);
        fields.push(("Version", "version", true, Value::text(version)));
        Some(record("v1alpha1.Chart", fields))
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

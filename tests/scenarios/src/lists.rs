//! Every list there is, as discovery tells: what looks through everything forgets no kind that comes later.

use anyhow::{Context as _, Result};
use http::Request;
use kube::Client;
use serde_json::Value;

/// The paths of all lists over all namespaces, such as `/apis/kargo.akuity.io/v1alpha1/stages`.
///
/// # Errors
/// What the control plane said.
pub async fn lists(client: &Client) -> Result<Vec<String>> {
    let mut versions: Vec<String> =
        texts(&read(client, "/api").await?["versions"]).map(|version| format!("/api/{version}")).collect();
    let groups = read(client, "/apis").await?;
    let all =
        groups["groups"].as_array().into_iter().flatten().flat_map(|group| group["versions"].as_array().into_iter().flatten());
    versions.extend(all.filter_map(|version| Some(format!("/apis/{}", version["groupVersion"].as_str()?))));
    let mut paths = Vec::new();
    for version in versions {
        let found = read(client, &version).await?;
        let resources = found["resources"].as_array().cloned().unwrap_or_default();
        let listed = resources.iter().filter(|resource| texts(&resource["verbs"]).any(|verb| verb == "list"));
        paths.extend(listed.filter_map(|resource| Some(format!("{version}/{}", resource["name"].as_str()?))));
    }
    Ok(paths)
}

async fn read(client: &Client, path: &str) -> Result<Value> {
    client.request(Request::get(path).body(Vec::new())?).await.with_context(|| format!("read {path}"))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

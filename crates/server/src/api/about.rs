//! What this control plane is, which projects the caller may read, and which credentials there are, never what is in them.

use super::ask::{Caller, Refused};
use crate::problem::Problem;
use axum::Json;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use seaway_core::authorize::Resource;
use seaway_core::view::shown;
use serde::Serialize;
use utoipa::ToSchema;

/// The label of a Secret that is a login for a repository; its value is the kind of repository.
const CREDENTIALS: &str = "kargo.akuity.io/cred-type";

/// What this control plane is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About {
    /// Seaway's version.
    version: String,
    /// What stands behind it: `embedded`.
    engine: &'static str,
    /// What that means.
    engine_note: &'static str,
}

/// What this control plane is
#[utoipa::path(get, path = "/seaway/v1/about", tag = "across projects",
    responses((status = 200, body = About), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn about(caller: Caller) -> Json<About> {
    Json(About { version: caller.state.info.version.clone(), engine: "embedded", engine_note: "no cluster" })
}

/// Projects.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Projects {
    /// By name.
    items: Vec<ProjectRow>,
}

/// One project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectRow {
    /// Its name.
    name: String,
}

/// The projects that the caller may read
#[utoipa::path(get, path = "/seaway/v1/projects", tag = "across projects",
    responses((status = 200, body = Projects), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn projects(caller: Caller) -> Result<Json<Projects>, Problem> {
    let items = caller.projects().await?.into_iter().map(|name| ProjectRow { name }).collect();
    Ok(Json(Projects { items }))
}

/// Credentials.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Credentials {
    /// By project and name.
    items: Vec<CredentialRow>,
}

/// A login for a repository; what is in it is never told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CredentialRow {
    /// Its project.
    project: String,
    /// Its name.
    name: String,
    /// `git`, `image`, `helm` or `generic`.
    kind: String,
    /// Which repositories it is for.
    url: String,
}

/// The logins for repositories: names, kinds and addresses, never values
#[utoipa::path(get, path = "/seaway/v1/credentials", tag = "across projects",
    responses((status = 200, body = Credentials), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn credentials(caller: Caller) -> Result<Json<Credentials>, Problem> {
    let authorizer = caller.authorizer();
    let client = caller.state.api.client(caller.identity.clone());
    let mut items = Vec::new();
    for project in caller.projects().await? {
        let secrets = Resource { group: "", resource: "secrets", subresource: "", namespace: &project, name: "" };
        if !authorizer.allows(&caller.identity, "list", secrets) {
            continue;
        }
        let api: Api<Secret> = Api::namespaced(client.clone(), &project);
        let found = api.list(&ListParams::default().labels(CREDENTIALS)).await?;
        items.extend(found.items.iter().map(|secret| row(&project, secret)));
    }
    Ok(Json(Credentials { items }))
}

fn row(project: &str, secret: &Secret) -> CredentialRow {
    let url = secret.data.as_ref().and_then(|data| data.get("repoURL")).map(|url| String::from_utf8_lossy(&url.0).into_owned());
    CredentialRow {
        project: project.to_owned(),
        name: secret.name_any(),
        kind: secret.labels().get(CREDENTIALS).cloned().unwrap_or_default(),
        url: shown(&url.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_shows_its_address_and_nothing_that_is_in_it() {
        let secret: Secret = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "git", "labels": { CREDENTIALS: "git" } },
            "data": { "repoURL": "aHR0cHM6Ly9ib2I6Y2FuYXJ5QGdpdC5leGFtcGxlL2I=", "username": "Y2FuYXJ5", "password": "Y2FuYXJ5" },
        }))
        .unwrap();
        let text = serde_json::to_string(&row("bank", &secret)).unwrap();
        assert_eq!(text, r#"{"project":"bank","name":"git","kind":"git","url":"https://git.example/b"}"#);
    }
}

//! A project's roles: they come with the Project, and what of them is gone comes back.

use crate::frame::Failure;
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use seaway_api::kargo::Project;
use seaway_core::authorize::roles_of_new_project;
use serde_json::Value;

/// Makes what is missing; what is there stays as it is.
pub(super) async fn ensure(client: &Client, name: &str, project: &Project) -> Result<(), Failure> {
    let uid = project.metadata.uid.as_deref().unwrap_or_default();
    for role in roles_of_new_project(name, uid, None) {
        let (api, wanted) = place(client, role)?;
        let own = wanted.metadata.name.clone().unwrap_or_default();
        let found = api.get_metadata_opt(&own).await.map_err(|err| Failure::api("read the project's roles", &err))?;
        if found.is_some() {
            continue;
        }
        match api.create(&PostParams::default(), &wanted).await {
            Ok(_) => tracing::info!(project = name, role = own, "a role of the project was missing and is there again"),
            Err(kube::Error::Api(refused)) if refused.is_already_exists() => {}
            Err(err) => return Err(Failure::api("make a role of the project", &err)),
        }
    }
    Ok(())
}

fn place(client: &Client, role: Value) -> Result<(Api<DynamicObject>, DynamicObject), Failure> {
    let text = |key: &str| role.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let read = serde_json::from_value::<DynamicObject>(role).map_err(kube::Error::SerdeError);
    let object = read.map_err(|err| Failure::api("read a role of the project", &err))?;
    let api = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    Ok((api, object))
}

//! Writing a status: only what differs is sent, and nothing if nothing does.

use crate::frame::{Cache, Key, Kind};
use crate::write::difference;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde::Serialize;
use serde_json::json;

/// The objects of a kind in a project (empty for cluster-scoped kinds), untyped: what a newer version wrote survives.
pub(crate) fn api<K: Kind>(client: &Client, project: &str) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<K>(&());
    if project.is_empty() {
        Api::all_with(client.clone(), &resource)
    } else {
        Api::namespaced_with(client.clone(), project, &resource)
    }
}

/// Makes the status `after` out of `before`; answers whether that took a write. The cache knows the new object at once.
pub(crate) async fn write<K: Kind>(
    client: &Client,
    cache: &Cache<K>,
    key: &Key,
    manager: &str,
    (before, after): (&impl Serialize, &impl Serialize),
) -> Result<bool, kube::Error> {
    let values = serde_json::to_value(before).and_then(|before| Ok((before, serde_json::to_value(after)?)));
    let (before, after) = values.map_err(kube::Error::SerdeError)?;
    let Some(difference) = difference(&before, &after) else { return Ok(false) };
    let patch = Patch::Merge(json!({ "status": difference }));
    let parameters = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let written = api::<K>(client, &key.project).patch_status(&key.name, &parameters, &patch).await?;
    cache.put(written);
    Ok(true)
}

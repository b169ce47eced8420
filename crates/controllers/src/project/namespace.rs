//! A project's namespace: it bears the project's name, label and finalizer.

use crate::frame::Failure;
use crate::write::by;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PostParams};
use seaway_api::kargo::names::{FINALIZER, label};
use serde_json::json;

/// What stands under the project's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The project's own namespace.
    Ready,
    /// Somebody else's: it has no label.
    Foreign,
}

pub(super) async fn get(client: &Client, name: &str) -> Result<Option<Namespace>, Failure> {
    Api::<Namespace>::all(client.clone()).get_opt(name).await.map_err(|err| Failure::api("read the project's namespace", &err))
}

/// Makes the namespace if it is missing, and holds it by the finalizer.
pub(super) async fn ensure(client: &Client, name: &str) -> Result<Found, Failure> {
    let api: Api<Namespace> = Api::all(client.clone());
    let Some(namespace) = get(client, name).await? else {
        let mut wanted = Namespace::default();
        wanted.metadata.name = Some(name.to_owned());
        wanted.metadata.labels.get_or_insert_default().insert(label::PROJECT.into(), "true".into());
        wanted.metadata.finalizers = Some(vec![FINALIZER.to_owned()]);
        let made = api.create(&PostParams::default(), &wanted).await;
        return made.map(|_| Found::Ready).map_err(|err| Failure::api("make the project's namespace", &err));
    };
    if namespace.metadata.labels.as_ref().and_then(|all| all.get(label::PROJECT)).is_none_or(|value| value != "true") {
        return Ok(Found::Foreign);
    }
    finalize(client, &namespace, true).await?;
    Ok(Found::Ready)
}

pub(super) async fn delete(client: &Client, name: &str) -> Result<(), Failure> {
    match Api::<Namespace>::all(client.clone()).delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(refused)) if refused.is_not_found() => Ok(()),
        Err(err) => Err(Failure::api("delete the project's namespace", &err)),
    }
}

/// Takes our finalizer off.
pub(super) async fn let_go(client: &Client, name: &str) -> Result<(), Failure> {
    match get(client, name).await? {
        Some(namespace) => finalize(client, &namespace, false).await,
        None => Ok(()),
    }
}

async fn finalize(client: &Client, namespace: &Namespace, held: bool) -> Result<(), Failure> {
    let meta = &namespace.metadata;
    let mut finalizers = meta.finalizers.clone().unwrap_or_default();
    if finalizers.iter().any(|it| it == FINALIZER) == held || (held && meta.deletion_timestamp.is_some()) {
        return Ok(());
    }
    if held {
        finalizers.push(FINALIZER.to_owned())
    } else {
        finalizers.retain(|it| it != FINALIZER)
    }
    let patch = Patch::Merge(json!({ "metadata": { "resourceVersion": meta.resource_version, "finalizers": finalizers } }));
    let name = meta.name.as_deref().unwrap_or_default();
    match Api::<Namespace>::all(client.clone()).patch(name, &by(super::MANAGER), &patch).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(refused)) if refused.is_not_found() => Ok(()),
        Err(err) => Err(Failure::api("write the namespace's finalizer", &err)),
    }
}

//! Data functions of expressions, answered from the control plane: `configMap()`, `secret()`, `freightMetadata()` and their like.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ConfigMap, Secret as SecretObject};
use kube::Client;
use kube::api::Api;
use seaway_api::kargo::names::label;
use seaway_api::kargo::{Freight, Stage};
use seaway_base::{Next, Secret};
use seaway_runs::{DataAsk, DataError, DataSource, Datum};
use serde_json::{Map, Value};

/// The control plane as a source of data. What is secret is never logged, nor part of an error.
pub(crate) struct ClusterData {
    pub(crate) client: Client,
    /// The namespace of what is shared by all projects.
    pub(crate) shared: String,
}

#[async_trait]
impl DataSource for ClusterData {
    async fn fetch(&self, project: &str, ask: &DataAsk) -> Result<Datum, DataError> {
        let Some(name) = ask.name().filter(|name| !name.is_empty()) else {
            let message = format!("{} needs the name of an object, a text", ask.function);
            return Err(DataError { next: Next::Failed, message });
        };
        match ask.function.as_str() {
            "configMap" => self.config_map(project, &name).await,
            "sharedConfigMap" => self.config_map(&self.shared, &name).await,
            "secret" => self.secret(project, &name, false).await,
            "sharedSecret" => self.secret(&self.shared, &name, true).await,
            "freightMetadata" => Ok(Datum::Value(self.freight(project, &name).await?.map_or(Value::Null, |freight| {
                serde_json::to_value(freight.status.unwrap_or_default().metadata).unwrap_or_default()
            }))),
            "freightStatus" => Ok(Datum::Value(
                self.freight(project, &name)
                    .await?
                    .map_or(Value::Null, |freight| serde_json::to_value(freight.status.unwrap_or_default()).unwrap_or_default()),
            )),
            "stageMetadata" => {
                let stage = self.read::<Stage>(project, &name, "the stage").await?;
                let metadata = stage.map(|stage| stage.status.unwrap_or_default().metadata);
                Ok(Datum::Value(metadata.and_then(|it| serde_json::to_value(it).ok()).unwrap_or_default()))
            }
            other => Err(DataError { next: Next::Bug, message: format!("there is no data function {other}()") }),
        }
    }
}

impl ClusterData {
    async fn read<K>(&self, namespace: &str, name: &str, what: &str) -> Result<Option<K>, DataError>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        // The error of a failed read may quote the body, and the body of a Secret is secret.
        api.get_opt(name).await.map_err(|err| {
            let why = match err {
                kube::Error::Api(status) => status.message.clone(),
                _ => "the control plane did not answer".to_owned(),
            };
            DataError { next: Next::Retry, message: format!("read {what} `{name}` in {namespace}: {why}") }
        })
    }

    async fn freight(&self, project: &str, name: &str) -> Result<Option<Freight>, DataError> {
        self.read(project, name, "the freight").await
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Datum, DataError> {
        let found = self.read::<ConfigMap>(namespace, name, "the ConfigMap").await?;
        let data = found.and_then(|map| map.data).unwrap_or_default();
        Ok(Datum::Value(Value::Object(data.into_iter().map(|(key, value)| (key, Value::String(value))).collect())))
    }

    async fn secret(&self, namespace: &str, name: &str, generic_only: bool) -> Result<Datum, DataError> {
        let found = self.read::<SecretObject>(namespace, name, "the Secret").await?;
        let generic = |secret: &SecretObject| {
            secret.metadata.labels.as_ref().and_then(|it| it.get(label::CREDENTIAL_TYPE)).is_some_and(|kind| kind == "generic")
        };
        let Some(secret) = found.filter(|secret| !generic_only || generic(secret)) else {
            return Ok(Datum::Secret { uid: String::new(), resource_version: String::new(), data: Secret::new(Map::new()) });
        };
        let text = |bytes: &[u8]| Value::String(String::from_utf8_lossy(bytes).into_owned());
        let data = secret.data.iter().flatten().map(|(key, value)| (key.clone(), text(&value.0))).collect();
        Ok(Datum::Secret {
            uid: secret.metadata.uid.unwrap_or_default(),
            resource_version: secret.metadata.resource_version.unwrap_or_default(),
            data: Secret::new(data),
        })
    }
}

//! `refresh`: look now, not at the next interval.

use crate::{VerbError, Verbs};
use jiff::Timestamp;
use kube::Resource;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::wait::await_condition;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{ProjectConfig, Stage, Warehouse};
use serde_json::json;
use std::time::Duration;

/// What can be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshable {
    /// Looks at its subscriptions.
    Warehouse,
    /// Decides again.
    Stage,
    /// Reads its configuration again.
    ProjectConfig,
}

impl Refreshable {
    fn resource(self) -> ApiResource {
        match self {
            Self::Warehouse => ApiResource::erase::<Warehouse>(&()),
            Self::Stage => ApiResource::erase::<Stage>(&()),
            Self::ProjectConfig => ApiResource::erase::<ProjectConfig>(&()),
        }
    }

    fn word(self) -> String {
        match self {
            Self::Warehouse => Warehouse::kind(&()),
            Self::Stage => Stage::kind(&()),
            Self::ProjectConfig => ProjectConfig::kind(&()),
        }
        .to_lowercase()
    }
}

impl Verbs {
    /// Asks for a refresh; with `wait` until it was handled.
    ///
    /// # Errors
    /// [`VerbError::NoSuch`], listing what there is; [`VerbError::TimedOut`].
    pub async fn refresh(&self, kind: Refreshable, name: &str, now: Timestamp, wait: Option<Duration>) -> Result<(), VerbError> {
        let api: Api<DynamicObject> = self.dynamic(&kind.resource());
        if api.get_opt(name).await.map_err(|err| VerbError::api(format!("read {}", kind.word()), err))?.is_none() {
            let all = api.list(&Default::default()).await.map_err(|err| VerbError::api("list", err))?;
            return Err(VerbError::no_such(
                kind.word(),
                name,
                self.project(),
                all.items.into_iter().filter_map(|object| object.metadata.name),
            ));
        }
        let token = now.to_string();
        let patch = json!({ "metadata": { "annotations": { annotation::REFRESH: token } } });
        api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|err| VerbError::api(format!("refresh `{name}`"), err))?;
        let Some(timeout) = wait else { return Ok(()) };
        let handled = move |object: Option<&DynamicObject>| {
            object.is_some_and(|object| object.data["status"]["lastHandledRefresh"] == json!(token))
        };
        match tokio::time::timeout(timeout, await_condition(api, name, handled)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(err)) => Err(VerbError::NotNow(format!("refresh `{name}`: {err}"))),
            Err(_) => Err(VerbError::TimedOut { what: format!("refresh `{name}`"), seconds: timeout.as_secs() }),
        }
    }
}

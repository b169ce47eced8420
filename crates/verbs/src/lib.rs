//! What a person or the page asks for (promote, approve, plan, refresh, abort, resolve, resume), over a `kube::Client`.
//!
//! Every door uses these, so that all of them do the same thing in the same order and answer with the same errors.

mod apply;
mod approve;
mod document;
mod error;
mod freight;
mod plan;
mod promote;
mod refresh;
mod steer;
mod world;

pub use apply::{Applied, Change, MANAGER, Rehearsal, apply, rehearse};
pub use document::{Document, Fault, order};
pub use error::VerbError;
pub use promote::{Downstream, Ended, PLAN_DIGEST, Request};
pub use refresh::Refreshable;
pub use steer::Resolution;
pub use world::{Promoter, World, read_object};

use kube::api::{Api, DynamicObject};
use kube::{Client, Resource};
use seaway_api::kargo::{Freight, Stage};
use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// A project behind a control plane, reached by one identity.
#[derive(Clone)]
pub struct Verbs {
    client: Client,
    project: String,
}

impl Verbs {
    /// The verbs of one project.
    pub fn new(client: Client, project: impl Into<String>) -> Self {
        Self { client, project: project.into() }
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The client behind it.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A kind of this project.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + DeserializeOwned + Clone + Debug,
    {
        Api::namespaced(self.client.clone(), &self.project)
    }

    /// A stage of this project.
    ///
    /// # Errors
    /// [`VerbError::NoSuch`], listing what there is.
    pub async fn stage(&self, name: &str) -> Result<Stage, VerbError> {
        let stages: Api<Stage> = self.api();
        match stages.get_opt(name).await.map_err(|err| VerbError::api("read the stage", err))? {
            Some(stage) => Ok(stage),
            None => {
                let all = stages.list(&Default::default()).await.map_err(|err| VerbError::api("list stages", err))?;
                Err(VerbError::no_such(
                    "stage",
                    name,
                    &self.project,
                    all.items.iter().filter_map(|stage| stage.metadata.name.clone()),
                ))
            }
        }
    }

    /// All freight of the project.
    ///
    /// # Errors
    /// [`VerbError::Refused`], [`VerbError::Unreachable`].
    pub async fn all_freight(&self) -> Result<Vec<Freight>, VerbError> {
        let api: Api<Freight> = self.api();
        Ok(api.list(&Default::default()).await.map_err(|err| VerbError::api("list freight", err))?.items)
    }

    fn dynamic(&self, resource: &kube::api::ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.project, resource)
    }
}

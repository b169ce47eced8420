//! Carries out what a look means: freight, the event that tells of it, and the status.

use super::decide::Made;
use super::{MANAGER, Warehouses};
use crate::frame::{Failure, Key};
use crate::status;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, PostParams};
use seaway_api::kargo::{Freight, WarehouseStatus};
use serde_json::json;

impl Warehouses {
    /// Makes the freight unless it is there.
    pub(super) async fn make(&self, freight: &Freight) -> Result<Made, Failure> {
        let project = freight.metadata.namespace.as_deref().unwrap_or_default();
        let name = freight.metadata.name.clone().unwrap_or_default();
        let api: Api<Freight> = Api::namespaced(self.client.clone(), project);
        // Most looks find what is there already: a read costs no commit.
        let there = api.get_metadata_opt(&name).await.map_err(|err| Failure::api("look for the freight", &err))?;
        if there.is_some() {
            return Ok(Made::There { name });
        }
        let parameters = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match api.create(&parameters, freight).await {
            Ok(made) => {
                self.metrics.freight_made.inc();
                self.tell(project, &made).await;
                Ok(Made::New { name: made.metadata.name.unwrap_or(name), alias: made.alias })
            }
            Err(kube::Error::Api(refused)) if refused.reason == "AlreadyExists" => Ok(Made::There { name }),
            Err(err) => Err(Failure::api("make the freight", &err)),
        }
    }

    /// Records the event `FreightCreated`; its name comes from the freight, so it is recorded once.
    async fn tell(&self, project: &str, freight: &Freight) {
        let event = serde_json::from_value::<Event>(event(project, freight, self.clock.now()));
        let api: Api<Event> = Api::namespaced(self.client.clone(), project);
        let told = match event {
            Ok(event) => api.create(&PostParams::default(), &event).await.map(drop),
            Err(err) => Err(kube::Error::SerdeError(err)),
        };
        match told {
            Ok(()) => {}
            Err(kube::Error::Api(refused)) if refused.reason == "AlreadyExists" => {}
            // The freight is what counts; its event is news, not state.
            Err(err) => tracing::warn!(project, freight = freight.alias, "record the event FreightCreated: {err}"),
        }
    }

    /// Writes the status if it differs; answers whether it did.
    pub(super) async fn write(&self, key: &Key, before: &WarehouseStatus, after: &WarehouseStatus) -> Result<bool, Failure> {
        let written = status::write(&self.client, &self.cache, key, MANAGER, (before, after)).await;
        written.map_err(|err| Failure::api("write the warehouse's status", &err))
    }
}

fn event(project: &str, freight: &Freight, now: jiff::Timestamp) -> serde_json::Value {
    let now = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
    let name = freight.metadata.name.as_deref().unwrap_or_default();
    let created = freight.metadata.creation_timestamp.as_ref().map_or_else(|| now.clone(), |time| time.0.to_string());
    let mut annotations = json!({
        "event.kargo.akuity.io/actor": "controller:warehouses",
        "event.kargo.akuity.io/project": project,
        "event.kargo.akuity.io/freight-alias": freight.alias,
        "event.kargo.akuity.io/freight-name": name,
        "event.kargo.akuity.io/freight-create-time": created,
        "event.kargo.akuity.io/freight-warehouse-name": freight.origin.name,
    });
    let lists = [
        ("commits", json!(freight.commits), freight.commits.is_empty()),
        ("images", json!(freight.images), freight.images.is_empty()),
        ("charts", json!(freight.charts), freight.charts.is_empty()),
        ("artifacts", json!(freight.artifacts), freight.artifacts.is_empty()),
    ];
    for (list, value, _) in lists.into_iter().filter(|(.., empty)| !empty) {
        annotations[format!("event.kargo.akuity.io/freight-{list}")] = value.to_string().into();
    }
    json!({
        "metadata": { "name": format!("{name}.created"), "namespace": project, "annotations": annotations },
        "involvedObject": {
            "apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Freight",
            "namespace": project, "name": name, "uid": freight.metadata.uid,
        },
        "type": "Normal",
        "reason": "FreightCreated",
        "message": format!("freight `{}` was made of what warehouse `{}` found", freight.alias, freight.origin.name),
        "source": { "component": "seaway-warehouses" },
        "reportingComponent": "seaway-warehouses",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    })
}

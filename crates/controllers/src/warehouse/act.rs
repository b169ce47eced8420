//! Carries out what a look means: freight, and the status.

use super::decide::Made;
use super::{MANAGER, Warehouses};
use crate::frame::{Failure, Key};
use crate::write::{by, status_seen};
use kube::api::{Api, PostParams};
use seaway_api::kargo::{Freight, Warehouse, WarehouseStatus};

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
        let parameters = PostParams { field_manager: by(MANAGER).field_manager, ..PostParams::default() };
        match api.create(&parameters, freight).await {
            Ok(made) => {
                self.metrics.freight_made.inc();
                Ok(Made::New { name: made.metadata.name.unwrap_or(name), alias: made.alias })
            }
            Err(kube::Error::Api(refused)) if refused.reason == "AlreadyExists" => Ok(Made::There { name }),
            Err(err) => Err(Failure::api("make the freight", &err)),
        }
    }

    /// Writes the status if it differs; answers whether it did.
    pub(super) async fn write(&self, key: &Key, before: &WarehouseStatus, after: &WarehouseStatus) -> Result<bool, Failure> {
        let api: Api<Warehouse> = Api::namespaced(self.client.clone(), &key.project);
        let written = status_seen((&api, &self.cache), MANAGER, &key.name, before, after).await;
        written.map_err(|err| Failure::api("write the warehouse's status", &err))
    }
}

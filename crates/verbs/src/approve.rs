//! `approve`: a person lets one freight into one stage without its upstream.

use crate::{VerbError, Verbs};
use jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams};
use seaway_api::kargo::Freight;
use serde_json::json;

impl Verbs {
    /// Approves freight for a stage. Approving twice changes nothing; answers whether it changed something.
    ///
    /// # Errors
    /// [`VerbError::NotNow`] if the stage does not request freight of that origin.
    pub async fn approve(&self, freight: &Freight, stage: &str, now: Timestamp) -> Result<bool, VerbError> {
        let wanted = self.stage(stage).await?;
        let name = freight.metadata.name.as_deref().unwrap_or_default();
        if !wanted.spec.requested_freight.iter().any(|request| request.origin == freight.origin) {
            let asked: Vec<String> = wanted.spec.requested_freight.iter().map(|request| request.origin.name.clone()).collect();
            let message =
                format!("stage `{stage}` takes freight of {}, and `{name}` comes from {}", asked.join(", "), freight.origin.name);
            return Err(VerbError::NotNow(message));
        }
        if freight.status.as_ref().is_some_and(|status| status.approved_for.contains_key(stage)) {
            return Ok(false);
        }
        let patch = json!({ "status": { "approvedFor": { stage: { "approvedAt": now.to_string() } } } });
        let api: Api<Freight> = self.api();
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|err| VerbError::api(format!("approve `{name}` for `{stage}`"), err))?;
        Ok(true)
    }
}

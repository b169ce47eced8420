//! Events that belong to no write of what they tell of; all others are stored in the commit that they tell of (`core::admission`).

use crate::write::is_code;
use k8s_openapi::api::core::v1::Event as Object;
use kube::Client;
use kube::api::{Api, PostParams};
use seaway_core::events::Event;

/// Tells it; one of that mark that was told already is left as it is, so a repetition is harmless.
pub(crate) async fn tell(client: Client, namespace: &str, event: Event, mark: &str) -> kube::Result<()> {
    let object: Object = serde_json::from_value(event.object(mark)).map_err(kube::Error::SerdeError)?;
    match Api::<Object>::namespaced(client, namespace).create(&PostParams::default(), &object).await {
        Err(err) if !is_code(&err, 409) => Err(err),
        _ => Ok(()),
    }
}

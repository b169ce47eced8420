//! Copies of Secrets and ConfigMaps that replication made: nobody else writes to them.

use super::{Admission, Denied, json};
use seaway_api::kargo::names::label;

/// Refuses whoever is neither a part of ours nor may do everything; the source is where a change belongs.
pub(super) fn admit(admission: &Admission<'_>) -> Result<(), Denied> {
    let request = &admission.request;
    if request.control_plane || request.cluster_admin {
        return Ok(());
    }
    let source = [request.old, request.new].into_iter().flatten().find_map(|object| {
        let found = json::at(object, &["metadata", "labels", label::REPLICATED_FROM])?;
        Some(found.as_str().unwrap_or_default().to_owned())
    });
    match source {
        Some(source) => {
            let message = format!("it is a copy of {source} that is kept in step; change the source, and the copies follow");
            Err(Denied::forbidden(request.kind, &admission.name(), &message))
        }
        None => Ok(()),
    }
}

//! Projects: the namespace comes with them, in the same commit.

use super::{Admission, Denied, json};
use seaway_api::kargo::names::{FINALIZER, annotation, label};
use serde_json::json;

pub(super) fn admit(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() {
        return Ok(());
    }
    admission.stamp_actor();
    if !admission.creates() {
        return Ok(());
    }
    let name = admission.name();
    match admission.world.get("Namespace", None, &name) {
        Some(found) if json::present(&found, &["metadata", "deletionTimestamp"]) => {
            return Err(Denied::conflict(
                "Project",
                &name,
                "the namespace of this name is being deleted; try again when it is gone",
            ));
        }
        Some(found) if json::label(&found, label::PROJECT) != "true" => {
            let message = format!(
                "a namespace of this name exists and is not marked as a project's; label it {}=true to adopt it, or choose another name",
                label::PROJECT
            );
            return Err(Denied::conflict("Project", &name, &message));
        }
        Some(_) => {}
        None if admission.request.dry_run => {}
        None => {
            let mut namespace = json!({
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": { "name": name, "labels": { label::PROJECT: "true" }, "finalizers": [FINALIZER] },
            });
            let keep = json::annotation(admission.object(), annotation::KEEP_NAMESPACE).to_owned();
            if !keep.is_empty() {
                json::set_map_entry(&mut namespace, "annotations", annotation::KEEP_NAMESPACE, Some(&keep));
            }
            admission.admitted.also.push(namespace);
        }
    }
    Ok(())
}

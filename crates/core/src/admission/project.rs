//! Projects: the namespace and the roles come with them, in the same commit.

use super::{Admission, Cause, Denied, Right, json};
use crate::authorize::{is_reserved_project, roles_of_new_project};
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
    if is_reserved_project(&name) {
        let cause = Cause::invalid(
            "metadata.name",
            format!("{name} is a namespace of Seaway's own or of Kubernetes'; choose another name"),
        );
        return Err(Denied::invalid("Project", &name, vec![cause]));
    }
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
        // Its creator becomes its admin: of what is there already too.
        Some(_) if !admission.request.control_plane => {
            let right = Right { verb: "update", group: "", resource: "secrets", namespace: name.clone(), name: String::new() };
            admission.admitted.right = Some(right);
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
    give_roles(admission, &name);
    Ok(())
}

/// Its roles, but for those that an adopted namespace has already.
fn give_roles(admission: &mut Admission<'_>, name: &str) {
    if admission.request.dry_run {
        return;
    }
    let request = admission.request;
    let creator = (!request.control_plane && !request.cluster_admin).then_some(request.actor);
    let uid = json::text(admission.object(), &["metadata", "uid"]).to_owned();
    for role in roles_of_new_project(name, &uid, creator) {
        let namespace = role.pointer("/metadata/namespace").is_some().then_some(name);
        if admission.world.get(json::text(&role, &["kind"]), namespace, json::name(&role)).is_none() {
            admission.admitted.also.push(role);
        }
    }
}

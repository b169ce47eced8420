//! Copies of Secrets and ConfigMaps that replication made: nobody else writes to them. Making them is not built, and a source is told so.

use super::{Admission, Denied, json};
use seaway_api::kargo::names::label;

/// Asks for copies in all projects.
const REPLICATE_TO: &str = "kargo.akuity.io/replicate-to";

/// Tells whoever writes a source of copies that none are made.
pub(super) fn warn(admission: &mut Admission<'_>) {
    let of_kind = matches!(admission.request.kind, "Secret" | "ConfigMap") && admission.request.subresource.is_none();
    let object = admission.admitted.object.as_ref().filter(|_| of_kind);
    let Some(wanted) = object.map(|it| json::annotation(it, REPLICATE_TO)).filter(|wanted| !wanted.is_empty()) else { return };
    let warning = format!(
        "NotBuilt: `metadata.annotations[{REPLICATE_TO}]` is `{wanted}`, and copies for projects are not built yet: none is made; \
         make it in each project that needs it, or read it with sharedSecret() or sharedConfigMap()"
    );
    admission.admitted.warnings.push(warning);
}

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

#[cfg(test)]
mod tests {
    use crate::admission::vector::Objects;
    use crate::admission::{Operation, Request, admit};
    use serde_json::{Value, json};

    /// What becomes of a write by alice, or by one who may do everything: its warnings, or why it is refused.
    #[track_caller]
    fn check(cluster_admin: bool, kind: &str, metadata: Value, words: &[&str]) {
        let object = json!({ "kind": kind, "metadata": metadata });
        let request = Request {
            operation: Operation::Create,
            kind,
            subresource: None,
            namespace: object.pointer("/metadata/namespace").and_then(Value::as_str),
            new: Some(&object),
            old: None,
            actor: "kubernetes:alice",
            control_plane: false,
            cluster_admin,
            dry_run: false,
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            ulid: ulid::Ulid(1),
            random: 5,
        };
        let said = match admit(&request, &Objects(Vec::new())) {
            Ok(admitted) => admitted.warnings.join("; "),
            Err(denied) => format!("refused: {denied:?}"),
        };
        assert_eq!(said.is_empty(), words.is_empty(), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    }

    #[test]
    fn whoever_asks_for_copies_is_told_that_none_are_made() {
        let source = json!({ "name": "all", "namespace": "kargo-shared-resources", "annotations": { "kargo.akuity.io/replicate-to": "*" } });
        for kind in ["Secret", "ConfigMap"] {
            check(false, kind, source.clone(), &["NotBuilt", "annotations[kargo.akuity.io/replicate-to]", "none is made"]);
        }
        check(false, "Secret", json!({ "name": "own", "namespace": "kargo-shared-resources" }), &[]);
    }

    #[test]
    fn copies_are_written_by_nobody_but_who_may_do_everything() {
        let copy = json!({ "name": "all", "namespace": "bank", "labels": { "kargo.akuity.io/replicated-from": "all" } });
        check(false, "Secret", copy.clone(), &["refused", "copy of all"]);
        check(true, "Secret", copy, &[]);
    }
}

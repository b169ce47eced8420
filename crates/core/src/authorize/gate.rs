//! Gates by field: what a write says, beside where it is written, may need a right of its own.
//!
//! | Field | Who may change it |
//! |---|---|
//! | Freight `status.approvedFor.<stage>` | who may `promote` that stage, beside the right to write the status |
//! | whatever else Freight's status says: `verifiedIn`, `currentlyIn`, `metadata` | our controllers alone |
//! | annotations that abort, resolve (Promotion), abort, reverify, resume (Stage) | who may `promote` the stage |
//! | annotation that refreshes | who may `get` and `refresh` the object |
//!
//! A write that is nothing but such annotations needs these rights *instead of* `patch` or `update`, so that a promoter can abort and a
//! viewer can be allowed to refresh without being able to change anything else.

use super::ask::{Attributes, Who};
use super::decision::Denied;
use super::policy::Policy;
use seaway_api::kargo::GROUP;
use seaway_api::kargo::names::annotation;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A write that was admitted, before it is stored. Of a deletion there is nothing to ask.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The kind.
    pub kind: &'a str,
    /// The namespace, or empty.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The object as it stands.
    pub old: Option<&'a Value>,
    /// The object as it would be stored.
    pub new: &'a Value,
    /// Whether one of our controllers writes: no gate is for them.
    pub control_plane: bool,
}

/// What a gate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// An approval is given or taken back.
    Approval,
    /// Something is stopped.
    Abort,
    /// A verification is asked for again.
    Reverify,
    /// An uncertain effect is decided.
    Resolve,
    /// Holds are lifted.
    Resume,
    /// A look is asked for.
    Refresh,
}

impl Field {
    /// What it is that needs the right, as a sentence goes on.
    pub const fn deed(self) -> &'static str {
        match self {
            Self::Approval => "to approve freight for a stage, or to take that back",
            Self::Abort => "to abort",
            Self::Reverify => "to verify again",
            Self::Resolve => "to resolve an uncertain effect",
            Self::Resume => "to resume a stage",
            Self::Refresh => "to refresh",
        }
    }
}

/// A right that a write needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// What for.
    pub field: Field,
    /// The verb.
    pub verb: &'static str,
    /// The resource, of the API group [`Need::group`].
    pub resource: String,
    /// The API group.
    pub group: String,
    /// The name.
    pub name: String,
}

/// The rights that a write needs by what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gated {
    /// All of them are needed.
    pub needs: BTreeSet<Need>,
    /// Whether they stand in the place of the right to `update` or `patch` the object, because the write says nothing else.
    pub instead: bool,
}

/// The annotations with a gate, by kind.
const ANNOTATIONS: &[(&str, &str, Field)] = &[
    ("Promotion", annotation::ABORT, Field::Abort),
    ("Promotion", annotation::RESOLVE, Field::Resolve),
    ("Promotion", annotation::REFRESH, Field::Refresh),
    ("Stage", annotation::ABORT, Field::Abort),
    ("Stage", annotation::REVERIFY, Field::Reverify),
    ("Stage", annotation::RESUME, Field::Resume),
    ("Stage", annotation::REFRESH, Field::Refresh),
    ("Warehouse", annotation::REFRESH, Field::Refresh),
    ("ProjectConfig", annotation::REFRESH, Field::Refresh),
    ("ClusterConfig", annotation::REFRESH, Field::Refresh),
];

/// The rights that a write needs by what it says.
///
/// # Errors
/// [`Denied`], if it changes what belongs to our controllers.
pub fn gated(write: &Write<'_>) -> Result<Gated, Denied> {
    if write.control_plane {
        return Ok(Gated::default());
    }
    if write.kind == "Freight" {
        return freight(write);
    }
    let mut gated = Gated::default();
    for (_, annotation, field) in ANNOTATIONS.iter().filter(|(kind, ..)| *kind == write.kind) {
        if annotated(write.old, annotation) == annotated(Some(write.new), annotation) {
            continue;
        }
        match field {
            Field::Refresh => gated.needs.extend(["get", "refresh"].map(|verb| own(write, *field, verb))),
            field => gated.needs.extend([promote(*field, stage_of(write))]),
        }
    }
    gated.instead = !gated.needs.is_empty() && write.old.is_some_and(|old| bare(write.kind, old) == bare(write.kind, write.new));
    Ok(gated)
}

impl Policy {
    /// Asks for every right that a write needs by what it says; what the write needs as such is asked for elsewhere, unless the answer
    /// says that these stand in its place.
    ///
    /// # Errors
    /// [`Denied`], naming the right that is lacking and what it is needed for.
    pub fn passes(&self, who: &Who<'_>, write: &Write<'_>) -> Result<Gated, Denied> {
        let gated = gated(write)?;
        for need in &gated.needs {
            let namespace = if need.resource == "clusterconfigs" { "" } else { write.namespace };
            let asked = Attributes::resource(*who, need.verb, &need.group, &need.resource).within(namespace).named(&need.name);
            if let Err(denied) = self.decide(&asked).into_result() {
                return Err(Denied::new(format!("{denied}; it is needed {}", need.field.deed())));
            }
        }
        Ok(gated)
    }
}

fn freight(write: &Write<'_>) -> Result<Gated, Denied> {
    let fields: BTreeSet<&str> = [write.old, Some(write.new)].into_iter().flat_map(fields).collect();
    for field in fields.into_iter().filter(|field| *field != "approvedFor") {
        if said(write.old, field) == said(Some(write.new), field) {
            continue;
        }
        let how = match field {
            "verifiedIn" => "freight is verified by its stage; to let it pass unverified, approve it for the next one",
            "currentlyIn" => "freight comes into a stage by a promotion",
            _ => "promotions go by what it says; people write status.approvedFor alone",
        };
        return Err(Denied::new(format!("status.{field} of freight {} belongs to Seaway's controllers: {how}", write.name)));
    }
    let approvals = |freight| said(freight, "approvedFor").and_then(Value::as_object);
    let (none, old, new) = (Map::new(), approvals(write.old), approvals(Some(write.new)));
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let changed = old.keys().chain(new.keys()).filter(|stage| old.get(*stage) != new.get(*stage));
    Ok(Gated { needs: changed.map(|stage| promote(Field::Approval, stage)).collect(), instead: false })
}

/// The names of what an object's status says.
fn fields(object: Option<&Value>) -> impl Iterator<Item = &str> {
    let status = object.and_then(|object| object.get("status")?.as_object());
    status.into_iter().flat_map(|status| status.keys().map(String::as_str))
}

/// What a field of a freight's status says; nothing is as good as something empty.
fn said<'a>(freight: Option<&'a Value>, field: &str) -> Option<&'a Value> {
    let value = freight?.get("status")?.get(field)?;
    let empty = value.is_null()
        || value.as_object().is_some_and(Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty)
        || value.as_str().is_some_and(str::is_empty);
    (!empty).then_some(value)
}

fn promote(field: Field, stage: &str) -> Need {
    Need { field, verb: "promote", resource: "stages".to_owned(), group: GROUP.to_owned(), name: stage.to_owned() }
}

fn own(write: &Write<'_>, field: Field, verb: &'static str) -> Need {
    let info = seaway_api::kind(write.kind);
    let resource = info.as_ref().map_or_else(|| format!("{}s", write.kind.to_lowercase()), |info| info.plural.to_owned());
    let group = info.map_or(GROUP, |info| info.group).to_owned();
    Need { field, verb, resource, group, name: write.name.to_owned() }
}

/// The stage that a write is about; a promotion's is the one it was made for.
fn stage_of<'a>(write: &Write<'a>) -> &'a str {
    let promotion = write.old.unwrap_or(write.new);
    match write.kind {
        "Promotion" => promotion.pointer("/spec/stage").and_then(Value::as_str).unwrap_or_default(),
        _ => write.name,
    }
}

fn annotated<'a>(object: Option<&'a Value>, annotation: &str) -> Option<&'a Value> {
    object?.get("metadata")?.get("annotations")?.get(annotation).filter(|value| !value.is_null())
}

/// An object without the annotations that have a gate, and without what the server keeps.
fn bare(kind: &str, object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["managedFields", "resourceVersion", "generation"] {
            metadata.shift_remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            for (_, annotation, _) in ANNOTATIONS.iter().filter(|(of, ..)| *of == kind) {
                annotations.shift_remove(*annotation);
            }
        }
        if metadata.get("annotations").and_then(Value::as_object).is_some_and(Map::is_empty) {
            metadata.shift_remove("annotations");
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What a write needs, `verb resource/name` each, with ` instead` where that is all it needs.
    #[track_caller]
    fn check(kind: &str, name: &str, old: &Value, new: &Value, expected: &str) {
        let write = Write { kind, namespace: "bank", name, old: Some(old), new, control_plane: false };
        let said = match gated(&write) {
            Ok(gated) => {
                let needs = gated.needs.iter().map(|need| format!("{} {}/{}", need.verb, need.resource, need.name));
                needs.collect::<Vec<_>>().join(", ") + if gated.instead { " instead" } else { "" }
            }
            Err(denied) => denied.message,
        };
        assert_eq!(said, expected);
        let ours = Write { control_plane: true, ..write };
        assert_eq!(gated(&ours), Ok(Gated::default()));
    }

    fn freight(status: Value) -> Value {
        json!({ "metadata": { "name": "f" }, "status": status })
    }

    #[test]
    fn an_approval_needs_promote_on_its_stage_and_given_marks_are_ours() {
        let none = freight(json!({}));
        let approved = freight(json!({ "approvedFor": { "uat": { "approvedAt": "2026-03-01T12:00:00Z" } } }));
        check("Freight", "f", &none, &approved, "promote stages/uat");
        check("Freight", "f", &approved, &approved, "");
        check("Freight", "f", &approved, &none, "promote stages/uat");
        let both = freight(json!({ "approvedFor": { "uat": { "approvedAt": "2020-01-01T00:00:00Z" }, "prod": {} } }));
        check("Freight", "f", &approved, &both, "promote stages/prod, promote stages/uat");
        let verified = freight(json!({ "verifiedIn": { "qa": {} } }));
        let refused = "status.verifiedIn of freight f belongs to Seaway's controllers: freight is verified by its stage; to let it pass unverified, approve it for the next one";
        check("Freight", "f", &none, &verified, refused);
        check("Freight", "f", &verified, &none, refused);
        check("Freight", "f", &none, &freight(json!({ "verifiedIn": {} })), "");
        let refused =
            "status.currentlyIn of freight f belongs to Seaway's controllers: freight comes into a stage by a promotion";
        check("Freight", "f", &none, &freight(json!({ "currentlyIn": { "qa": {} } })), refused);
        let refused = "status.metadata of freight f belongs to Seaway's controllers: promotions go by what it says; people write status.approvedFor alone";
        let noted = freight(json!({ "metadata": { "a": 1 } }));
        check("Freight", "f", &none, &noted, refused);
        check("Freight", "f", &noted, &freight(json!({ "metadata": { "a": 2 } })), refused);
        check("Freight", "f", &noted, &none, refused);
        check("Freight", "f", &noted, &noted, "");
        let both = freight(json!({ "metadata": { "a": 1 }, "approvedFor": { "uat": {} } }));
        check("Freight", "f", &noted, &both, "promote stages/uat");
        check("Freight", "f", &none, &both, refused);
        let unknown = freight(json!({ "conditions": [{ "type": "Ready" }] }));
        check("Freight", "f", &none, &unknown, &refused.replace("metadata", "conditions"));
        check("Freight", "f", &none, &freight(json!({ "metadata": {}, "conditions": [], "x": null })), "");
    }

    fn with(annotations: Value, spec: Value) -> Value {
        json!({ "metadata": { "name": "x", "annotations": annotations, "resourceVersion": "7" }, "spec": spec })
    }

    #[test]
    fn an_intent_in_an_annotation_needs_its_right_and_nothing_more() {
        let spec = json!({ "stage": "qa" });
        let (none, bare) = (with(json!({}), spec.clone()), json!({ "metadata": { "name": "x" }, "spec": { "stage": "qa" } }));
        let abort = with(json!({ annotation::ABORT: "terminate" }), spec.clone());
        check("Promotion", "p", &none, &abort, "promote stages/qa instead");
        check("Promotion", "p", &bare, &abort, "promote stages/qa instead");
        check("Promotion", "p", &none, &with(json!({ annotation::RESOLVE: "skip" }), spec.clone()), "promote stages/qa instead");
        check("Stage", "uat", &none, &abort, "promote stages/uat instead");
        check("Stage", "uat", &none, &with(json!({ annotation::REVERIFY: "v" }), spec.clone()), "promote stages/uat instead");
        check("Stage", "uat", &none, &with(json!({ annotation::RESUME: "now" }), spec.clone()), "promote stages/uat instead");
        let refresh = with(json!({ annotation::REFRESH: "now" }), spec.clone());
        check("Warehouse", "w", &none, &refresh, "get warehouses/w, refresh warehouses/w instead");
        check("Stage", "uat", &none, &refresh, "get stages/uat, refresh stages/uat instead");
        check("ProjectConfig", "bank", &none, &refresh, "get projectconfigs/bank, refresh projectconfigs/bank instead");
        // What says more needs the right to write as well.
        let more = with(json!({ annotation::REFRESH: "now" }), json!({ "stage": "prod" }));
        check("Warehouse", "w", &none, &more, "get warehouses/w, refresh warehouses/w");
        check(
            "Promotion",
            "p",
            &none,
            &with(json!({ annotation::ABORT: "terminate" }), json!({ "stage": "mine" })),
            "promote stages/qa",
        );
        let note = with(json!({ annotation::DESCRIPTION: "a note", annotation::REFRESH: "now" }), spec.clone());
        check("Warehouse", "w", &none, &note, "get warehouses/w, refresh warehouses/w");
        check("Warehouse", "w", &none, &with(json!({ annotation::DESCRIPTION: "a note" }), spec), "");
        check("Warehouse", "w", &refresh, &refresh, "");
    }
}
